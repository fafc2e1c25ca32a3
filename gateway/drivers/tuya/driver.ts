/** A lock that speaks Tuya's LAN protocol, by itself or behind a gateway, as its profile says. Its codes alone are kept through the maker's cloud. */
import type { BoltState, DeviceId } from "../../domain/access-point.ts";
import type { Monotonic } from "../../domain/instant.ts";
import type {
  CodeStore,
  CommandResult,
  Device,
  DeviceStatus,
  Lock,
  ReportListener,
  Unsubscribe,
} from "../../ports/device.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import { DeviceBook } from "../common/device-book.ts";
import { accountOf } from "./cloud/account.ts";
import { TuyaCodes } from "./cloud/codes.ts";
import { baseUrlOf } from "./cloud/options.ts";
import type { Dps } from "./library.ts";
import { joinLine, type Line, type LineUser } from "./line.ts";
import { type Keys, type Options, parseOptions, readKeys } from "./options.ts";
import { type Meaning, readDps } from "./read-dps.ts";
import { type KeyAnswer, readKeyAnswer, unlockWithKey } from "./remote-key.ts";

export const tuya: DriverFactory = {
  create: (id, options, context) => {
    const parsed = parseOptions(options);
    return new TuyaLock(id, parsed, readKeys(context, parsed), context);
  },
};

/** Reports that the gateway has not taken yet; a lock that tells more is cut off, and connected anew. */
const reportsMax = 64;

/** What one report says, to who waits for the outcome of a command. */
type Watcher = (meaning: Meaning, keyAnswer: KeyAnswer | undefined) => void;

class TuyaLock implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly codes?: CodeStore;
  readonly #options: Options;
  readonly #keys: Keys;
  readonly #context: DriverContext;
  readonly #book: DeviceBook;
  readonly #watchers = new Set<Watcher>();
  #running: { readonly stopped: AbortController; readonly line: Line; readonly leave: () => void } | undefined;
  /** Until then someone's request at the lock can be approved. */
  #requestUntil: Monotonic = Number.NEGATIVE_INFINITY;
  readonly #user: LineUser;

  constructor(id: DeviceId, options: Options, keys: Keys, context: DriverContext) {
    this.id = id;
    this.#options = options;
    this.#keys = keys;
    this.#context = context;
    this.#book = new DeviceBook(context);
    const { bolt, door, battery } = options.profile;
    this.#user = {
      cid: options.cid,
      dps: [bolt, door, battery].flatMap((each) => each?.dp ?? []),
      heard: (dps, isPush) => this.#hear(dps, isPush),
      down: () => this.#lost(),
    };
    this.lock = {
      relocks: options.profile.relocks,
      // How long it stays released is the lock's own affair, or the gateway's, which then tells it to secure itself.
      release: (_holdMs, signal) => this.#release(signal),
      secure: (signal) => this.#secure(signal),
      state: () => this.#book.lockState(),
    };
    const codes = this.#codesInCloud();
    if (codes) this.codes = codes;
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running) return;
    const { clock, logger } = this.#context;
    const { line, leave } = joinLine({ ...this.#options, localKey: this.#keys.localKey, clock, logger }, this.#user);
    this.#book.begin();
    this.#requestUntil = Number.NEGATIVE_INFINITY;
    this.#running = { stopped: new AbortController(), line, leave };
  }

  async stop(): Promise<void> {
    this.#running?.stopped.abort();
    this.#running?.leave();
    this.#running = undefined;
  }

  status(): DeviceStatus {
    return this.#book.status();
  }

  subscribe(listener: ReportListener): Unsubscribe {
    return this.#book.subscribe(listener);
  }

  #codesInCloud(): CodeStore | undefined {
    const { cloud, deviceId, profile } = this.#options;
    const { accessSecret } = this.#keys;
    if (!cloud || !accessSecret || !profile.codes) return undefined;
    const { clock, logger } = this.#context;
    return new TuyaCodes({
      ...cloud,
      deviceId: cloud.deviceId ?? deviceId,
      length: profile.codes.length,
      accessSecret,
      account: accountOf(clock, { baseUrl: baseUrlOf(cloud), clientId: cloud.clientId, accessSecret }),
      logger,
      stopped: () => this.#running?.stopped.signal,
    });
  }

  async #release(signal: AbortSignal): Promise<CommandResult> {
    const { unlock } = this.#options.profile;
    switch (unlock.by) {
      case "write":
        return this.#command({ [unlock.dp]: unlock.value }, "released", signal);
      case "approval":
        // Without a request the lock takes the approval and does nothing.
        if (this.#context.clock.monotonic() >= this.#requestUntil) return "refused";
        return this.#command({ [unlock.dp]: true }, "released", signal);
      case "remote-key": {
        const { remoteKey } = this.#keys;
        if (!remoteKey) return "refused";
        return this.#command({ [unlock.dp]: unlockWithKey(remoteKey, unlock.member) }, "released", signal);
      }
    }
  }

  async #secure(signal: AbortSignal): Promise<CommandResult> {
    const { lock } = this.#options.profile;
    return lock ? this.#command({ [lock.dp]: lock.value }, "secured", signal) : "refused";
  }

  /** "refused" where nothing was sent, or the lock said no. Never sent again. */
  async #command(dps: Dps, target: BoltState, signal: AbortSignal): Promise<CommandResult> {
    const running = this.#running;
    if (!running || signal.aborted) return "refused";
    const { deadlineMs, commandGapMs, profile } = this.#options;
    const settled = new AbortController();
    const until = AbortSignal.any([signal, running.stopped.signal, settled.signal]);
    const over = new AbortController();
    const timeUp = this.#context.clock.sleep(deadlineMs, until).catch(() => undefined);
    void timeUp.then(() => over.abort());
    try {
      const sent = await running.line.write(this.#user, dps, commandGapMs, over.signal);
      if (!sent) return "refused";
      const before = this.#book.facts.bolt;
      // Where it is now only the lock can say; what it said before must not pass for "secured" when the line breaks.
      if (target === "released") this.#book.forgetBolt();
      const canBeProved =
        profile.bolt !== undefined || (profile.unlock.by === "approval" && profile.unlock.opened !== undefined);
      const outcome = this.#watch(target);
      void sent.answered.then((answer) => {
        if (answer === "refused") outcome.settle("refused");
        if (answer === "lost") outcome.settle();
        if (answer !== "taken") return;
        outcome.taken();
        if (!canBeProved) outcome.settle();
        // What stands already where it should be is not reported again.
        else if (before === target) void running.line.query(this.#user);
      });
      void timeUp.then(() => outcome.settle());
      const result = await outcome.result;
      outcome.end();
      // Nobody repeats it; what came of it is read instead.
      if (result === "unknown" || (before && !this.#book.facts.bolt)) void running.line.query(this.#user);
      sent.end(result !== "unknown");
      return result;
    } finally {
      settled.abort();
    }
  }

  #watch(target: BoltState) {
    const { promise: result, resolve } = Promise.withResolvers<CommandResult>();
    let isTaken = false;
    const watcher: Watcher = (meaning, keyAnswer) => {
      if (meaning.bolt === target || (target === "released" && meaning.commandOpened)) resolve("confirmed");
      if (target !== "released") return;
      if (keyAnswer === "taken") isTaken = true;
      if (keyAnswer === "refused") {
        this.#context.logger.warn("remote-key-refused", {
          hint: "Check the secret remoteKey and whether it is double-locked.",
        });
        resolve("refused");
      }
      if (keyAnswer === "unknown") resolve("unknown");
    };
    this.#watchers.add(watcher);
    return {
      result,
      taken: () => {
        isTaken = true;
      },
      /** Without a result of its own: what is known so far. */
      settle: (to?: CommandResult) => resolve(to ?? (isTaken ? "accepted" : "unknown")),
      end: () => this.#watchers.delete(watcher),
    };
  }

  #hear(dps: Readonly<Record<string, unknown>>, isPush: boolean): void {
    const { profile } = this.#options;
    const meaning = readDps(profile, dps, isPush);
    if (meaning.requestSeconds !== undefined)
      this.#requestUntil = this.#context.clock.monotonic() + meaning.requestSeconds * 1_000;
    const { bolt, door, battery, tamper, opened } = meaning;
    void this.#book.come({
      ...(bolt && { bolt }),
      ...(door && { door }),
      ...(battery !== undefined && { battery }),
      ...(tamper && { tamper }),
    });
    for (const by of opened) void this.#book.tell({ type: "opened-at-lock", by });
    this.#bound();
    const { unlock } = profile;
    const keyAnswer = unlock.by === "remote-key" && isPush ? readKeyAnswer(dps[unlock.dp], unlock.member) : undefined;
    for (const watcher of [...this.#watchers]) watcher(meaning, keyAnswer);
  }

  #lost(): void {
    this.#requestUntil = Number.NEGATIVE_INFINITY;
    void this.#book.gone();
  }

  #bound(): void {
    const { untaken } = this.#book;
    if (untaken <= reportsMax) return;
    this.#context.logger.warn("reports-flood", { untaken });
    this.#running?.line.hangUp();
  }
}
