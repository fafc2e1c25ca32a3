/**
 * Keeps the codes inside the locks equal to the grants (domain/plan-codes.ts), one lock beside the other, one step at a time in each. What is
 * about to be changed is on the disk before the lock hears of it, so a crash on the way leaves nothing that nobody knows of.
 */
import type { DeviceId } from "../domain/access-point.ts";
import { type CodeTrail, codeLabel } from "../domain/code-trail.ts";
import type { CredentialId } from "../domain/credential.ts";
import type { Millis, Monotonic } from "../domain/instant.ts";
import type { StoredCode } from "../domain/lock-code.ts";
import {
  type CodeStep,
  type CodesInLock,
  changeKey,
  type MissingCode,
  newsIn,
  planCodes,
  type WantedCode,
} from "../domain/plan-codes.ts";
import { GatewayError } from "../errors.ts";
import type { CodeStore, CommandResult } from "../ports/device.ts";
import { note, type SiteParts } from "./site-parts.ts";
import { kindOf, WantedCodes } from "./wanted-codes.ts";

/** Longer than any driver's own deadline; one that hangs all the same keeps neither its lock's codes nor the stop waiting. */
const callMs: Millis = 120_000;
/** Between two requests to one lock: radios and batteries want it so. A maker's cloud bears what its account bears, which its driver keeps to. */
const gapMs: Millis = 2_000;
const pauseMs = { first: 60_000, longest: 30 * 60_000 };
/** Until a maker's cloud that was looked at in vain is looked at again, where nothing is due. */
const cloudGlanceMs: Millis = 5 * 60_000;
/** So many failures in a row are told; from then on it is tried at the longest pause. */
const stuckAfter = 3;
/** A code that is not there when it is wanted is told after this. */
const lateMs: Millis = 15 * 60_000;
/** Without any news it is looked again after this: clocks are set. */
const lookEveryMs: Millis = 5 * 60_000;

/** "refused": that change alone, which rests by itself · "in-vain": it was not done, or nobody knows, and the lock is to be left in peace. */
type Outcome = "done" | "refused" | "in-vain";

/** Until the gateway stops. */
export async function keepCodes(site: SiteParts): Promise<void> {
  const wanted = new WantedCodes(site);
  const locks = [...site.devices.values()];
  await Promise.all(locks.map(({ id, codes }) => codes && new CodeKeeper(site, id, codes, wanted).keep()));
}

class CodeKeeper {
  readonly #site: SiteParts;
  readonly #lock: DeviceId;
  readonly #codes: CodeStore;
  readonly #wanted: WantedCodes;
  #reading: CodesInLock["reading"];
  /** At its first reading since the start nothing was known of what it had put there before. */
  #isWithoutPast: boolean | undefined;
  #failures = 0;
  #notBefore: Monotonic = Number.NEGATIVE_INFINITY;
  #noGlanceBefore: Monotonic = Number.NEGATIVE_INFINITY;
  /** Changes that do not show, by changeKey: each waits longer than the time before, and its neighbours do not. */
  readonly #tries = new Map<string, { readonly count: number; readonly notBefore: Monotonic }>();
  readonly #lateSince = new Map<CredentialId, Monotonic>();
  #onlineAt: Monotonic = Number.NEGATIVE_INFINITY;
  /** Why the code of each credential is missing, as it was told: once, until it is there or no longer wanted. */
  readonly #told = new Map<CredentialId, MissingCode["why"]>();

  constructor(site: SiteParts, lock: DeviceId, codes: CodeStore, wanted: WantedCodes) {
    this.#site = site;
    this.#lock = lock;
    this.#codes = codes;
    this.#wanted = wanted;
  }

  async keep(): Promise<void> {
    const { clock, stopping, logger, news, lineBack, devices } = this.#site;
    // A lock that comes back is tried at once, because some sleep most of the time.
    const leave = devices.get(this.#lock)?.subscribe(async (report) => {
      if (report.type !== "presence" || report.state !== "online") return;
      this.#waitNoLonger();
      news.tell();
    });
    let line = lineBack.signal;
    let account = this.#account();
    while (!stopping.aborted) {
      if (line.aborted) {
        // A lock on the LAN says nothing when the way to its maker's cloud is there again.
        line = lineBack.signal;
        this.#waitNoLonger();
      }
      const accountNow = this.#account();
      if (accountNow !== account) {
        // With another key the maker may answer otherwise.
        account = accountNow;
        this.#waitNoLonger();
      }
      const woken = AbortSignal.any([stopping, news.signal, line]);
      const waitMs = await this.#look().catch((error: Error) => {
        if (!stopping.aborted) logger.error("codes-not-kept", { device: this.#lock, error });
        return lookEveryMs;
      });
      await clock.sleep(Math.min(waitMs, lookEveryMs), woken).catch(() => undefined);
    }
    leave?.();
  }

  /** What its maker's account is as the cloud brought it; another text after each change. */
  #account(): string | undefined {
    const { records, drivers } = this.#site;
    const row = records.integration(drivers.get(this.#lock) ?? "");
    return row && `${row.enabled} ${row.sealed}`;
  }

  /** Something tried in vain is tried at once. */
  #waitNoLonger(): void {
    const now = this.#site.clock.monotonic();
    this.#notBefore = now;
    this.#noGlanceBefore = now;
    this.#onlineAt = now;
    for (const [key, { count }] of this.#tries) this.#tries.set(key, { count, notBefore: now });
  }

  /** Does the one thing that is due; answers when to look again. */
  async #look(): Promise<Millis> {
    const { records, clock, time } = this.#site;
    // What the records do not name is unwanted only when they are whole, and nothing begins or ends by a clock that is not set.
    if (!records.isWhole || time.trust() === "unset") return lookEveryMs;
    const state = this.#state();
    const { step, lookAt, missing, late } = planCodes(state);
    const unexplained = late.filter(({ credential }) => !missing.some(({ code }) => code.credential === credential));
    await this.#tell([...missing, ...this.#tooLate(unexplained)], state);
    const untilLookMs = lookAt === undefined ? lookEveryMs : Math.max(1, lookAt - state.now.earliest);
    if (!step) return untilLookMs;
    if (step.do === "read" && step.isGlance) return Math.min(untilLookMs, await this.#glance(state));
    const waitMs = this.#notBefore - clock.monotonic();
    if (waitMs > 0) return waitMs;
    const begun = clock.monotonic();
    if (step.do !== "read") await this.#count(changeKey(step));
    await this.#pace(await this.#take(step, state), begun);
    return Math.max(1, this.#notBefore - clock.monotonic());
  }

  /** In vain it is tried again later, and told to nobody: nothing is known to be wrong. Answers when the next one may be. */
  async #glance(state: CodesInLock): Promise<Millis> {
    const { clock } = this.#site;
    const notBefore = Math.max(this.#notBefore, this.#noGlanceBefore);
    if (notBefore > clock.monotonic()) return notBefore - clock.monotonic();
    const begun = clock.monotonic();
    const isDone = await this.#read(state);
    this.#notBefore = clock.monotonic() + this.#gapMs;
    if (!isDone && this.#onlineAt < begun) {
      const isCloud = this.#codes.constraints.keptBy === "cloud";
      this.#noGlanceBefore = clock.monotonic() + (isCloud ? cloudGlanceMs : pauseMs.longest);
    }
    return this.#gapMs;
  }

  get #gapMs(): Millis {
    return this.#codes.constraints.keptBy === "cloud" ? 0 : gapMs;
  }

  #state(): CodesInLock {
    const { records, time, clock } = this.#site;
    const { constraints } = this.#codes;
    const { earliest, latest } = time.interval();
    const resting = [...this.#tries].filter(([, { notBefore }]) => notBefore > clock.monotonic());
    return {
      constraints,
      wanted: this.#wanted.of(this.#lock, constraints, time.interval()),
      trails: records.codes.trailsOf(this.#lock),
      reading: this.#reading,
      resting: new Set(resting.map(([key]) => key)),
      now: { earliest: Math.round(earliest), latest: Math.round(latest) },
    };
  }

  async #take(step: CodeStep, state: CodesInLock): Promise<Outcome> {
    switch (step.do) {
      case "read":
        return (await this.#read(state)) ? "done" : "in-vain";
      case "set": {
        const { code, ref, window } = step;
        const { grant, credential, index } = code;
        const trail = { grant, credential, change: "set", index, window, ...(ref !== undefined && { ref }) } as const;
        return this.#change(trail, async (signal) => {
          // A revocation, or its end, may have arrived while it was written down.
          const { wanted, now } = this.#state();
          const isWanted =
            now.latest < code.until &&
            this.#wanted.mayBeSent(code, this.#lock, state.trails) &&
            wanted.some((one) => one.credential === credential && one.index === index);
          const digits = isWanted && this.#wanted.digitsOf(code);
          if (!digits) return "refused";
          const place = { ...(ref !== undefined && { ref }), ...(window && { window }) };
          const holder = this.#wanted.holderOf(code);
          const whose = this.#codes.constraints.keeps === "accounts" && holder !== undefined ? { holder } : {};
          return this.#codes.set({ label: codeLabel(credential), digits, ...place, ...whose }, signal);
        });
      }
      case "clear": {
        const { ref, credential } = step;
        const known =
          state.trails.find((trail) => trail.credential === credential) ??
          state.wanted.find((code) => code.credential === credential);
        const clear = (signal: AbortSignal) => this.#codes.clear(ref, signal);
        if (known) {
          const { grant, index } = known;
          const window = "window" in known ? known.window : null;
          return this.#change({ grant, credential: known.credential, change: "clear", index, window, ref }, clear);
        }
        // It bears our name, and nothing here tells whose it was: put there before the records were lost.
        this.#site.logger.warn("nameless-code-cleared", { device: this.#lock, ref });
        this.#reading = undefined;
        return this.#outcomeOf(await this.#asked(clear));
      }
    }
  }

  async #read({ now, trails }: CodesInLock): Promise<boolean> {
    const { journal, logger, seal, stopping } = this.#site;
    let codes: readonly StoredCode[];
    try {
      const kind = kindOf(this.#codes.constraints);
      codes = await this.#bounded((signal) => this.#codes.list((digits) => seal.index(kind, digits), signal));
    } catch (error) {
      if (!stopping.aborted) logger.warn("codes-unread", { device: this.#lock, error: error as Error });
      return false;
    }
    const reading = { at: now.earliest, codes };
    this.#isWithoutPast ??= trails.length === 0;
    this.#reading = reading;
    for (const key of this.#tries.keys())
      if (key.startsWith("clear at ") && !codes.some(({ ref }) => key === `clear at ${ref}`)) this.#tries.delete(key);
    const written = newsIn({ ...this.#state(), reading }).map((trail) => {
      const { grant, credential, change, index, window, ref, state } = trail;
      if ((change === "set") === (state === "present")) this.#tries.delete(`${change} ${credential}`);
      return journal.recordEvent({
        type: "code-read",
        device: this.#lock,
        state: state === "absent" ? "absent" : "present",
        ...{ grant, credential, change, index, window, ...(ref !== undefined && { ref }) },
      });
    });
    await Promise.all(written.map(({ durable }) => durable));
    this.#askAbout(codes);
    return true;
  }

  /** Accounts bear no names: without its past the gateway cannot tell those that it left there from anybody's. */
  #askAbout(codes: readonly StoredCode[]): void {
    const { records, attentions } = this.#site;
    if (!this.#isWithoutPast || this.#codes.constraints.keeps !== "accounts") return;
    const known = new Set(records.codes.trailsOf(this.#lock).map(({ ref }) => ref));
    const strange = codes.filter(({ ref }) => !known.has(ref)).length;
    if (strange === 0) attentions.delete(this.#lock);
    else
      attentions.set(
        this.#lock,
        `${strange} of those who may open it at its maker are explained by nothing that this gateway knows: if its card is new or its journal was lost, take away there whose time is over`,
      );
  }

  async #change(
    sent: Pick<CodeTrail, "grant" | "credential" | "change" | "index" | "window" | "ref">,
    ask: (signal: AbortSignal) => Promise<CommandResult>,
  ): Promise<Outcome> {
    const { journal, logger } = this.#site;
    const { grant, credential, change } = sent;
    await journal.recordEvent({ type: "code-sent", device: this.#lock, ...sent }).durable;
    const answer = await this.#asked(ask);
    // A "confirmed" is read back as well: no maker's word is proof.
    const result = answer === "confirmed" ? "accepted" : answer;
    await journal.recordEvent({ type: "code-answered", device: this.#lock, grant, credential, result }).durable;
    logger.info("code-changed", { device: this.#lock, grant, credential, change, result });
    return this.#outcomeOf(answer);
  }

  /** A maker's cloud that refuses one change takes others, such as the cancellations of others' codes; of a lock nobody knows. */
  #outcomeOf(result: CommandResult): Outcome {
    if (isTaken(result)) return "done";
    return result === "refused" && this.#codes.constraints.keptBy === "cloud" ? "refused" : "in-vain";
  }

  async #asked(ask: (signal: AbortSignal) => Promise<CommandResult>): Promise<CommandResult> {
    const { logger } = this.#site;
    try {
      return await this.#bounded(ask);
    } catch (error) {
      logger.warn("code-change-failed", { device: this.#lock, error: error as Error });
      return "unknown";
    }
  }

  async #bounded<Answer>(ask: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    const { clock, stopping } = this.#site;
    const settled = new AbortController();
    const late = clock.sleep(callMs, AbortSignal.any([stopping, settled.signal])).then(() => {
      throw new GatewayError("device-unreachable", `${this.#lock} did not answer within ${callMs / 1_000} s`);
    });
    try {
      return await Promise.race([ask(AbortSignal.any([stopping, settled.signal])), late]);
    } finally {
      settled.abort();
      await late.catch(() => undefined);
    }
  }

  /** A change is about to be tried; what was told about it is told once. */
  async #count(key: string): Promise<void> {
    const count = (this.#tries.get(key)?.count ?? 0) + 1;
    const pause = Math.min(pauseMs.first * 2 ** (count - 1), pauseMs.longest);
    this.#tries.set(key, { count, notBefore: this.#site.clock.monotonic() + pause });
    if (count !== stuckAfter + 1) return;
    this.#site.logger.error("codes-stuck", { device: this.#lock, failures: stuckAfter });
    await note(this.#site, { type: "codes-stuck", device: this.#lock, failures: stuckAfter });
  }

  /** Those that were not there for a while although it is their time. */
  #tooLate(late: readonly WantedCode[]): MissingCode[] {
    const now = this.#site.clock.monotonic();
    const ids = new Set(late.map(({ credential }) => credential));
    for (const id of this.#lateSince.keys()) if (!ids.has(id)) this.#lateSince.delete(id);
    return late.flatMap((code) =>
      now - this.#lateSince.getOrInsert(code.credential, now) >= lateMs ? [{ code, why: "late" as const }] : [],
    );
  }

  /** After a failure the lock is left in peace, longer each time; it is never given up. */
  async #pace(outcome: Outcome, begun: Monotonic): Promise<void> {
    const { clock } = this.#site;
    if (outcome === "refused") {
      this.#notBefore = clock.monotonic() + this.#gapMs;
      return;
    }
    const isDone = outcome === "done";
    this.#failures = isDone ? 0 : this.#failures + 1;
    const pause = this.#failures >= stuckAfter ? pauseMs.longest : pauseMs.first * 2 ** (this.#failures - 1);
    this.#notBefore = clock.monotonic() + (isDone || this.#onlineAt >= begun ? this.#gapMs : pause);
    if (this.#failures !== stuckAfter) return;
    this.#site.logger.error("codes-stuck", { device: this.#lock, failures: this.#failures });
    await note(this.#site, { type: "codes-stuck", device: this.#lock, failures: this.#failures });
  }

  async #tell(missing: readonly MissingCode[], { wanted, trails }: CodesInLock): Promise<void> {
    const isThere = new Set(trails.flatMap(({ credential, state }) => (state === "present" ? [credential] : [])));
    const isMissing = new Set(missing.map(({ code }) => code.credential));
    const isWanted = new Set(wanted.map(({ credential }) => credential));
    for (const credential of this.#told.keys())
      if ((isThere.has(credential) && !isMissing.has(credential)) || !isWanted.has(credential))
        this.#told.delete(credential);
    for (const { code, why } of missing) {
      const { grant, credential } = code;
      if (this.#told.get(credential) === why) continue;
      this.#told.set(credential, why);
      this.#site.logger.warn("code-missing", { device: this.#lock, grant, why });
      await note(this.#site, { type: "code-missing", device: this.#lock, grant, credential, why });
    }
  }
}

function isTaken(result: CommandResult): boolean {
  return result === "accepted" || result === "confirmed";
}
