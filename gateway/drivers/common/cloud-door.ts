/**
 * A door whose controller decides by itself and is reached through its maker's cloud: released by a pulse that the controller ends, its state and
 * its log asked for. What differs from maker to maker is told by CloudDoorWays.
 */
import type { BoltState, DeviceId, DoorState } from "../../domain/access-point.ts";
import type { Instant, Millis, Monotonic } from "../../domain/instant.ts";
import type {
  CodeStore,
  CommandResult,
  Device,
  DeviceReport,
  DeviceStatus,
  Lock,
  ReportListener,
  Unsubscribe,
} from "../../ports/device.ts";
import type { DriverContext } from "../../ports/driver.ts";
import { DeviceBook } from "./device-book.ts";
import { Doubt } from "./doubt.ts";
import { type LoggedEntry, Openings } from "./openings.ts";
import type { TurnKind } from "./request-rate.ts";
import { isUnknownAccount, type WebAnswer } from "./web-answer.ts";
import { within } from "./within.ts";

/** Reads in a row that fail before the door counts as gone, and for so many polls at least: clouds have their hiccups, and want pauses. */
const missesMax = 3;
const missedPolls = 2;
/** A status that does not show what a command did by then will not. */
const settledMs: Millis = 5_000;
/** For the bolt to be seen back; a longer hold is not watched at the quick pace. */
const afterMs: Millis = 10_000;
const watchedHoldMsMax: Millis = 60_000;

export interface CloudDoorStatus {
  /** The cloud reaches the controller. */
  readonly isConnected: boolean;
  readonly bolt?: BoltState;
  readonly door?: DoorState;
  /** Nobody is let in, by command of an administrator. */
  readonly isLockedDown?: boolean;
}

export type OpenedAtLock = DeviceReport & { readonly type: "opened-at-lock" };

export interface CloudDoorEvent extends LoggedEntry {
  readonly opened: OpenedAtLock;
}

export interface CloudDoorPaces {
  readonly pollMs: Millis;
  /** After a command. */
  readonly pollBusyMs: Millis;
  readonly eventsMs: Millis;
  /** Of a request; of a command with its proof as well. */
  readonly deadlineMs: Millis;
}

/** None of them rejects; each settles when its signal fires. */
export interface CloudDoorWays<Question> {
  readonly paces: CloudDoorPaces;
  ask(question: Question, kind: TurnKind, signal: AbortSignal): Promise<WebAnswer>;
  readonly status: Question;
  /** undefined when it cannot be read. */
  readStatus(body: unknown): CloudDoorStatus | undefined;
  /** Whether a status shows what a command did. */
  readonly showsBolt: boolean;
  readonly pulse: Question;
  /** What its log calls a pulse of ours. */
  readonly pulseAction: number;
  readonly hold?: { begin(windowMs: Millis): Question; readonly end: Question };
  /** See Lock. */
  readonly noCodes?: string;
  /** What it keeps of whoever may open it; see Device. */
  codes?(door: CloudDoor<Question>): CodeStore;
  resultOf(answer: WebAnswer, to: "released" | "secured"): CommandResult;
  /** Of its last hour or so, newest first; or why there are none. */
  readEvents(signal: AbortSignal): Promise<readonly CloudDoorEvent[] | { readonly why: string }>;
  describe(answer: WebAnswer): string;
  /** See DeviceStatus. */
  attention(): string | undefined;
}

export class CloudDoor<Question> implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly codes?: CodeStore;
  readonly #ways: CloudDoorWays<Question>;
  readonly #clock: DriverContext["clock"];
  readonly #logger: DriverContext["logger"];
  readonly #book: DeviceBook;
  #stopped: AbortController | undefined;

  #doubt = new Doubt(settledMs);
  #misses = 0;
  #knownAt: Monotonic = Number.NEGATIVE_INFINITY;
  #isLockedDown = false;
  /** What the service says to the account's secrets; undefined: it takes them, or has not been heard. */
  #objection: string | undefined;
  #openings: Openings;
  #commandsUnderWay = 0;
  #commandedAt: Monotonic = Number.NEGATIVE_INFINITY;
  #busyUntil: Monotonic = Number.NEGATIVE_INFINITY;
  #pause = new AbortController();
  #eventsPause = new AbortController();
  readonly #watchers = new Set<(status: CloudDoorStatus, askedAt: Monotonic) => void>();

  constructor(id: DeviceId, { clock, logger }: Pick<DriverContext, "clock" | "logger">, ways: CloudDoorWays<Question>) {
    this.id = id;
    this.#ways = ways;
    this.#clock = clock;
    this.#logger = logger;
    this.#book = new DeviceBook({ clock, logger });
    this.#openings = new Openings(clock.wall());
    const { hold, noCodes } = ways;
    if (ways.codes) this.codes = ways.codes(this);
    this.lock = {
      relocks: "by-itself",
      release: (holdMs, signal) => this.#command("released", () => ways.pulse, holdMs, signal),
      secure: (signal) => (hold ? this.#command("secured", () => hold.end, 0, signal) : this.#secured(signal)),
      ...(hold && {
        hold: (windowMs, signal) => this.#command("released", () => hold.begin(windowMs), windowMs, signal),
      }),
      ...(noCodes !== undefined && { noCodes }),
      state: () => ({ ...this.#book.lockState(), ...(this.#doubt.isOpen && { bolt: "unknown" as const }) }),
    };
  }

  /** Aborted by stop(); undefined while it does not run. */
  get stopped(): AbortSignal | undefined {
    return this.#stopped?.signal;
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#stopped) return;
    this.#book.begin();
    this.#doubt = new Doubt(settledMs);
    this.#misses = 0;
    this.#isLockedDown = false;
    this.#objection = undefined;
    this.#openings = new Openings(this.#clock.wall());
    this.#busyUntil = Number.NEGATIVE_INFINITY;
    this.#stopped = new AbortController();
    void this.#watch(this.#stopped.signal);
    void this.#watchEvents(this.#stopped.signal);
  }

  /** Whoever waits for an answer is told "unknown". */
  async stop(): Promise<void> {
    this.#stopped?.abort();
    this.#stopped = undefined;
  }

  status(): DeviceStatus {
    const attention = this.#ways.attention() ?? this.#objection;
    return { ...this.#book.status(), ...(attention !== undefined && { attention }) };
  }

  subscribe(listener: ReportListener): Unsubscribe {
    return this.#book.subscribe(listener);
  }

  /** Asks now how the door stands, and takes it in. */
  async look(
    kind: TurnKind,
    signal: AbortSignal,
  ): Promise<{ readonly answer: WebAnswer; readonly status: CloudDoorStatus | undefined }> {
    const askedAt = this.#clock.monotonic();
    const answer = await this.#ways.ask(this.#ways.status, kind, signal);
    if (signal.aborted) return { answer, status: undefined };
    if (isUnknownAccount(answer)) this.#objection = this.#ways.describe(answer);
    else if (answer.kind === "answered") this.#objection = undefined;
    const status = answer.kind === "answered" && answer.status === 200 ? this.#ways.readStatus(answer.body) : undefined;
    if (status) await this.#know(status, askedAt);
    else await this.#missed(answer);
    return { answer, status };
  }

  /** The controller is told at once or not at all, so a door that counts as offline is tried all the same. */
  async #command(
    to: "released" | "secured",
    question: () => Question,
    holdMs: Millis,
    signal: AbortSignal,
  ): Promise<CommandResult> {
    const { stopped } = this;
    if (!stopped || signal.aborted) return "refused";
    const { ask, paces, readStatus, resultOf, describe, showsBolt } = this.#ways;
    return within(this.#clock, paces.deadlineMs, [signal, stopped], async (over) => {
      const before = this.#book.facts.bolt;
      this.#commandsUnderWay += 1;
      const answer = await ask(question(), "command", over).finally(() => {
        this.#commandsUnderWay -= 1;
      });
      const result = resultOf(answer, to);
      if (result !== "refused") this.#commanded(to, Math.min(holdMs, watchedHoldMsMax));
      if (result !== "accepted") {
        this.#logger.warn("command-not-taken", { to, result, why: describe(answer) });
        return result;
      }
      const told = answer.kind === "answered" ? readStatus(answer.body) : undefined;
      if (told?.bolt === to) await this.#know(told, this.#clock.monotonic());
      else if (!showsBolt || !(await this.#isProven(to, before, over))) return "accepted";
      return "confirmed";
    });
  }

  #commanded(to: "released" | "secured", watchMs: Millis): void {
    const now = this.#clock.monotonic();
    this.#commandedAt = now;
    if (to === "released") this.#openings.noteOwn(this.#ways.pulseAction, now);
    if (this.#ways.showsBolt) this.#doubt.raise(to, now);
    this.#hurry(watchMs + afterMs);
  }

  /** At once, whatever is being read, and so long at the quick pace. */
  #hurry(ms: Millis): void {
    this.#busyUntil = Math.max(this.#busyUntil, this.#clock.monotonic() + ms);
    this.#pause.abort();
  }

  /** A pulse ends by itself, and nothing ends it before: all that can be done is to look until it has. */
  async #secured(signal: AbortSignal): Promise<CommandResult> {
    const { stopped } = this;
    if (!stopped || signal.aborted) return "refused";
    return within(this.#clock, this.#ways.paces.deadlineMs, [signal, stopped], async (over) => {
      const { status } = await this.look("command", over);
      if (status?.bolt === "secured") return "confirmed";
      if (status?.bolt !== "released") return "refused";
      this.#hurry(afterMs);
      return (await this.#isProven("secured", "released", over)) ? "confirmed" : "refused";
    });
  }

  /** A bolt that stood there before proves something only once the old copy must be gone. False when nothing shows it in time. */
  async #isProven(to: BoltState, before: BoltState | undefined, over: AbortSignal): Promise<boolean> {
    const since = this.#clock.monotonic();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const watcher = ({ bolt }: CloudDoorStatus, askedAt: Monotonic) => {
      if (askedAt < since || bolt !== to) return;
      if (before !== to || (to === "secured" && askedAt - since >= settledMs)) resolve(true);
    };
    this.#watchers.add(watcher);
    return within(this.#clock, settledMs + 2 * this.#ways.paces.pollBusyMs, [over], (late) => {
      if (late.aborted) resolve(false);
      late.addEventListener("abort", () => resolve(false), { once: true });
      return promise;
    }).finally(() => this.#watchers.delete(watcher));
  }

  async #watch(stopped: AbortSignal): Promise<void> {
    const { pollMs, pollBusyMs } = this.#ways.paces;
    while (!stopped.aborted) {
      const before = this.#book.facts.bolt;
      this.#pause = new AbortController();
      const woken = AbortSignal.any([stopped, this.#pause.signal]);
      await this.look("other", woken);
      if (this.#book.facts.bolt !== before) this.#eventsPause.abort();
      const pauseMs = this.#clock.monotonic() < this.#busyUntil ? pollBusyMs : pollMs;
      await this.#clock.sleep(pauseMs, woken).catch(() => undefined);
    }
  }

  async #watchEvents(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      this.#eventsPause = new AbortController();
      const woken = AbortSignal.any([stopped, this.#eventsPause.signal]);
      await this.#tellOpenings(stopped);
      await this.#clock.sleep(this.#ways.paces.eventsMs, woken).catch(() => undefined);
    }
  }

  async #missed(answer: WebAnswer): Promise<void> {
    this.#misses += 1;
    this.#logger.warn("status-unread", { why: this.#ways.describe(answer), count: this.#misses });
    const isLong = this.#clock.monotonic() - this.#knownAt >= missedPolls * this.#ways.paces.pollMs;
    if (this.#misses >= missesMax && isLong && this.#book.link === "online") await this.#lost("status unread");
  }

  async #lost(why: string): Promise<void> {
    this.#logger.warn("device-lost", { why });
    await this.#book.gone();
  }

  async #know(status: CloudDoorStatus, askedAt: Monotonic): Promise<void> {
    this.#misses = 0;
    this.#knownAt = this.#clock.monotonic();
    const { isConnected, bolt, door, isLockedDown = false } = status;
    if (!isConnected) {
      // What the cloud still knows of its bolt is of before.
      if (this.#book.link !== "offline") await this.#lost("the cloud does not reach its controller");
      return;
    }
    if (isLockedDown !== this.#isLockedDown) this.#logger.warn(isLockedDown ? "lockdown-begun" : "lockdown-ended");
    this.#isLockedDown = isLockedDown;
    // What was asked before a command, or while it was on its way, tells of before.
    const isNews = this.#commandsUnderWay === 0 && askedAt >= this.#commandedAt;
    const isBoltTaken = bolt !== undefined && isNews && this.#doubt.takes(bolt, askedAt);
    const told = this.#book.come({ ...(isBoltTaken && { bolt }), ...(door !== undefined && { door }) });
    for (const watcher of this.#watchers) watcher(status, askedAt);
    await told;
  }

  async #tellOpenings(stopped: AbortSignal): Promise<void> {
    const events = await this.#ways.readEvents(stopped);
    if (stopped.aborted) return;
    if ("why" in events) return this.#logger.warn("events-unread", events);
    const now: Instant = this.#clock.wall();
    for (const event of this.#openings.newsOf(events, now)) {
      if (this.#openings.isOpening(event, this.#clock.monotonic())) {
        const { by } = event.opened;
        if (this.#openings.isLate(event))
          this.#logger.warn("opening-told-late", { by, at: new Date(event.date).toISOString() });
        else if (stopped.aborted || !(await this.#book.tell(event.opened))) return;
      }
      this.#openings.take(event);
    }
  }
}
