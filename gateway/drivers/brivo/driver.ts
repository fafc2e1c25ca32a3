/** A door of Brivo Access: its panel decides by what the maker's cloud told it; commands, codes and what is known of it go through that cloud. */
import type { DeviceId } from "../../domain/access-point.ts";
import type { Instant, Millis, Monotonic } from "../../domain/instant.ts";
import { GatewayError } from "../../errors.ts";
import type {
  CommandResult,
  Device,
  DeviceReport,
  DeviceStatus,
  Lock,
  ReportListener,
  Unsubscribe,
} from "../../ports/device.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import { DeviceBook } from "../common/device-book.ts";
import { Doubt } from "../common/doubt.ts";
import { Openings } from "../common/openings.ts";
import { resultOf, type WebAnswer } from "../common/web-answer.ts";
import { within } from "../common/within.ts";
import { type AskOptions, accountOf, type BrivoAccount, type Question } from "./account.ts";
import { describe, unread } from "./answer.ts";
import { BrivoCodes } from "./codes.ts";
import { endHold, eventsMax, holdUntil, pulse, readDoor, readEventsSince } from "./door.ts";
import { type Options, parseOptions, parseSecrets, type Secrets } from "./options.ts";
import { adminPulse, type DoorEvent, type DoorStatus, readEvents, readStatus } from "./wire.ts";

/** Reads in a row that fail before the door counts as gone: the cloud has its hiccups. */
const missesMax = 3;
/** A status that does not show what a command did by then will not. */
const settledMs: Millis = 5_000;
/** For the bolt to be seen back; a longer hold is not watched at the quick pace. */
const afterMs: Millis = 10_000;
const watchedHoldMsMax: Millis = 60_000;
/** An event that is older when it comes is not told as one of now, so older ones need not be read. */
const eventsMs: Millis = 3_600_000;

export const brivo: DriverFactory = {
  create: (id, options, context) => {
    const parsed = parseOptions(options);
    return new Brivo(id, parsed, parseSecrets(parsed, context), context);
  },
};

class Brivo implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly codes?: BrivoCodes;
  readonly #options: Options;
  readonly #context: DriverContext;
  readonly #account: BrivoAccount;
  readonly #book: DeviceBook;
  #stopped: AbortController | undefined;

  #hasGroup = false;
  #doubt = new Doubt(settledMs);
  #misses = 0;
  #openings: Openings;
  #commandsUnderWay = 0;
  #commandedAt: Monotonic = Number.NEGATIVE_INFINITY;
  #busyUntil: Monotonic = Number.NEGATIVE_INFINITY;
  #eventsReadAt: Monotonic = Number.NEGATIVE_INFINITY;
  #pause = new AbortController();
  readonly #watchers = new Set<(status: DoorStatus, askedAt: Monotonic) => void>();

  constructor(id: DeviceId, options: Options, secrets: Secrets, context: DriverContext) {
    const { clock } = context;
    this.id = id;
    this.#options = options;
    this.#context = context;
    this.#book = new DeviceBook(context);
    this.#openings = new Openings(clock.wall());
    this.#account = accountOf(clock, options, secrets);
    const stopped = () => this.#stopped?.signal;
    const isConnected = (signal: AbortSignal) => this.#isConnected(signal);
    if (options.groupId !== undefined)
      this.codes = new BrivoCodes({
        group: options.groupId,
        ...{ options, account: this.#account, clock, stopped, isConnected },
      });
    const { accessPointId, override } = options;
    this.lock = {
      relocks: "by-itself",
      release: (holdMs, signal) => this.#command("released", () => pulse(accessPointId), holdMs, signal),
      secure: (signal) =>
        override === "off" ? this.#secured(signal) : this.#command("secured", () => endHold(accessPointId), 0, signal),
      ...(override !== "off" && {
        hold: (windowMs, signal) =>
          this.#command(
            "released",
            () => holdUntil(accessPointId, override, clock.wall() + windowMs),
            windowMs,
            signal,
          ),
      }),
      state: () => ({ ...this.#book.lockState(), ...(this.#doubt.isOpen && { bolt: "unknown" as const }) }),
    };
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#stopped) return;
    const { groupId } = this.#options;
    this.#hasGroup = groupId !== undefined && this.#account.claim(groupId, this.id);
    this.#book.begin();
    this.#doubt = new Doubt(settledMs);
    this.#misses = 0;
    this.#openings = new Openings(this.#context.clock.wall());
    this.#eventsReadAt = Number.NEGATIVE_INFINITY;
    this.#busyUntil = Number.NEGATIVE_INFINITY;
    this.codes?.forget();
    this.#stopped = new AbortController();
    void this.#watch(this.#stopped.signal);
  }

  /** Whoever waits for an answer is told "unknown". */
  async stop(): Promise<void> {
    this.#stopped?.abort();
    this.#stopped = undefined;
    if (this.#options.groupId !== undefined) this.#account.leave(this.#options.groupId, this.id);
  }

  status(): DeviceStatus {
    return this.#book.status();
  }

  subscribe(listener: ReportListener): Unsubscribe {
    return this.#book.subscribe(listener);
  }

  /** The panel is told at once or not at all (412), so a door that counts as offline is tried all the same. */
  async #command(
    to: "released" | "secured",
    question: () => Question,
    holdMs: Millis,
    signal: AbortSignal,
  ): Promise<CommandResult> {
    const { clock, logger } = this.#context;
    const stopped = this.#stopped?.signal;
    if (!stopped || signal.aborted) return "refused";
    return within(clock, this.#options.deadlineMs, [signal, stopped], async (over) => {
      const before = { bolt: this.#book.facts.bolt };
      this.#commandsUnderWay += 1;
      const answer = await this.#ask(question(), "command", over).finally(() => {
        this.#commandsUnderWay -= 1;
      });
      // There was nothing to be ended.
      const isNothing = to === "secured" && answer.kind === "answered" && answer.status === 412;
      const result = isNothing ? "accepted" : resultOf(answer);
      if (result !== "refused") this.#commanded(to, Math.min(holdMs, watchedHoldMsMax));
      if (result !== "accepted") {
        logger.warn("command-not-taken", { to, result, why: describe(answer) });
        return result;
      }
      const told = answer.kind === "answered" ? readStatus(answer.body) : undefined;
      if (told?.bolt === to) await this.#know(told, clock.monotonic());
      else if (!this.#options.liveStatus || !(await this.#isProven(to, before.bolt, over))) return "accepted";
      return "confirmed";
    });
  }

  #commanded(to: "released" | "secured", watchMs: Millis): void {
    const now = this.#context.clock.monotonic();
    this.#commandedAt = now;
    if (to === "released") this.#openings.noteOwn(adminPulse, now);
    if (this.#options.liveStatus) this.#doubt.raise(to, now);
    this.#look(watchMs + afterMs);
  }

  /** At once, whatever is being read, and so long at the quick pace. */
  #look(ms: Millis): void {
    this.#busyUntil = Math.max(this.#busyUntil, this.#context.clock.monotonic() + ms);
    this.#pause.abort();
  }

  /** A pulse ends by itself, and nothing ends it before: all that can be done is to look until it has. */
  async #secured(signal: AbortSignal): Promise<CommandResult> {
    const stopped = this.#stopped?.signal;
    if (!stopped || signal.aborted) return "refused";
    return within(this.#context.clock, this.#options.deadlineMs, [signal, stopped], async (over) => {
      const { status } = await this.#readStatus("command", over);
      if (status?.bolt === "secured") return "confirmed";
      if (status?.bolt !== "released") return "refused";
      this.#look(afterMs);
      return (await this.#isProven("secured", "released", over)) ? "confirmed" : "refused";
    });
  }

  /** A bolt that stood there before proves something only once the old copy must be gone. False when nothing shows it in time. */
  async #isProven(to: DoorStatus["bolt"], before: string | undefined, over: AbortSignal): Promise<boolean> {
    const { clock } = this.#context;
    const since = clock.monotonic();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const watcher = ({ bolt }: DoorStatus, askedAt: Monotonic) => {
      if (askedAt < since || bolt !== to) return;
      if (before !== to || (to === "secured" && askedAt - since >= settledMs)) resolve(true);
    };
    this.#watchers.add(watcher);
    const { pollBusyMs } = this.#options;
    return within(clock, settledMs + 2 * pollBusyMs, [over], (late) => {
      if (late.aborted) resolve(false);
      late.addEventListener("abort", () => resolve(false), { once: true });
      return promise;
    }).finally(() => this.#watchers.delete(watcher));
  }

  async #watch(stopped: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const { pollMs, pollBusyMs } = this.#options;
    while (!stopped.aborted) {
      const before = this.#book.facts.bolt;
      this.#pause = new AbortController();
      const woken = AbortSignal.any([stopped, this.#pause.signal]);
      await this.#readStatus("other", woken);
      if (this.#book.facts.bolt !== before || clock.monotonic() - this.#eventsReadAt >= pollMs)
        await this.#readEvents(woken);
      const pauseMs = clock.monotonic() < this.#busyUntil ? pollBusyMs : pollMs;
      await clock.sleep(pauseMs, woken).catch(() => undefined);
    }
  }

  async #isConnected(signal: AbortSignal): Promise<boolean> {
    const { groupId, accessPointId, liveStatus } = this.#options;
    if (!this.#hasGroup)
      throw new GatewayError("device-refused", `groupId ${groupId} is another door's, too: each needs one of its own`);
    const { answer, status } = await this.#readStatus("other", signal);
    if (!status) throw unread(answer, `the status of door ${accessPointId}`);
    return !liveStatus || status.bolt !== undefined;
  }

  async #readStatus(
    kind: AskOptions["kind"],
    signal: AbortSignal,
  ): Promise<{ readonly answer: WebAnswer; readonly status: DoorStatus | undefined }> {
    const askedAt = this.#context.clock.monotonic();
    const answer = await this.#ask(readDoor(this.#options.accessPointId), kind, signal);
    const status = answer.kind === "answered" && answer.status === 200 ? readStatus(answer.body) : undefined;
    if (signal.aborted) return { answer, status: undefined };
    if (!status) await this.#missed(answer);
    else await this.#know(status, askedAt);
    return { answer, status };
  }

  async #missed(answer: WebAnswer): Promise<void> {
    this.#misses += 1;
    this.#context.logger.warn("status-unread", { why: describe(answer), count: this.#misses });
    if (this.#misses >= missesMax && this.#book.link === "online") await this.#lost("status unread");
  }

  async #lost(why: string): Promise<void> {
    this.#context.logger.warn("device-lost", { why });
    await this.#book.gone();
  }

  async #know(status: DoorStatus, askedAt: Monotonic): Promise<void> {
    this.#misses = 0;
    const { bolt } = status;
    if (!this.#options.liveStatus) {
      await this.#book.come();
      return;
    }
    if (bolt === undefined) {
      if (this.#book.link !== "offline") await this.#lost("the panel is not connected");
      return;
    }
    // What was asked before a command, or while it was on its way, tells of before.
    const isNews = this.#commandsUnderWay === 0 && askedAt >= this.#commandedAt && this.#doubt.takes(bolt, askedAt);
    const told = this.#book.come(isNews ? { bolt } : {});
    for (const watcher of this.#watchers) watcher(status, askedAt);
    await told;
  }

  async #readEvents(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#context;
    const { accessPointId } = this.#options;
    const askedAt = clock.monotonic();
    const since: Instant = clock.wall() - eventsMs;
    const answer = await this.#ask(readEventsSince(accessPointId, since), "other", signal);
    if (signal.aborted) return;
    this.#eventsReadAt = askedAt;
    const events =
      answer.kind === "answered" && answer.status === 200 ? readEvents(answer.body, accessPointId) : undefined;
    if (!events) return logger.warn("events-unread", { why: describe(answer) });
    const news = this.#openings.newsOf(events, clock.wall());
    if (news.length === eventsMax) logger.warn("events-too-many", { events: eventsMax });
    for (const event of news) {
      if (this.#openings.isOpening(event, clock.monotonic())) {
        const report = this.#openingOf(event);
        if (this.#openings.isLate(event))
          logger.warn("opening-told-late", { by: report.by, at: new Date(event.date).toISOString() });
        else if (signal.aborted || !(await this.#book.tell(report))) return;
      }
      this.#openings.take(event);
    }
  }

  #openingOf({ action, actor, credentialType = "" }: DoorEvent): DeviceReport & { type: "opened-at-lock" } {
    if (action === adminPulse) return { type: "opened-at-lock", by: "app" };
    const code = actor === undefined ? undefined : this.codes?.refOf(actor);
    if (code !== undefined) return { type: "opened-at-lock", by: "code", code };
    if (/pin/i.test(credentialType)) return { type: "opened-at-lock", by: "code" };
    return { type: "opened-at-lock", by: /mobile|pass|phone/i.test(credentialType) ? "app" : "card" };
  }

  #ask(question: Question, kind: AskOptions["kind"], signal: AbortSignal): Promise<WebAnswer> {
    return this.#account.ask(question, { kind, deadlineMs: this.#options.deadlineMs, signal });
  }
}
