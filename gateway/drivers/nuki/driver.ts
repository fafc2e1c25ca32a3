/** A Nuki lock through Nuki Web: its state and log are asked for, commands and codes are handed to the maker's cloud, which tells the lock. */
import type { BoltState, DeviceId, DoorState } from "../../domain/access-point.ts";
import type { Instant, Millis, Monotonic } from "../../domain/instant.ts";
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
import type { SecretString } from "../../wire/secret.ts";
import { type Answer, describe, resultOf } from "./answer.ts";
import { NukiCodes } from "./codes.ts";
import { Doubt } from "./doubt.ts";
import { Openings } from "./openings.ts";
import { type Options, parseOptions, parseToken } from "./options.ts";
import { Proof } from "./proof.ts";
import { act, readLog, readSmartlock } from "./through-library.ts";
import { type AskOptions, accountOf, gaveWay, type Send, type WebAccount } from "./web-account.ts";
import { actions, type LockStatus, type LogEntry, readLogEntries, readStatus } from "./wire.ts";
import { within } from "./within.ts";

/** Reads in a row that fail before the lock counts as gone: the cloud has its hiccups. */
const missesMax = 3;
/** For a motor on its way, and for the bolt to be seen back after the hold time. */
const motorMs: Millis = 15_000;
/** A hold longer than that is not watched at the quick pace. */
const watchedHoldMsMax: Millis = 60_000;
const logEntriesMax = 50;

export const nuki: DriverFactory = {
  create: (id, options, context) => new Nuki(id, parseOptions(options), parseToken(context.secret("token")), context),
};

interface Facts {
  readonly bolt?: BoltState;
  readonly door?: DoorState;
  readonly battery?: number;
  readonly tamper?: boolean;
}

interface Told extends Facts {
  readonly link?: "online" | "offline";
}

class Nuki implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly codes: NukiCodes;
  readonly #options: Options;
  readonly #context: DriverContext;
  readonly #account: WebAccount;
  readonly #listeners = new Set<ReportListener>();
  #stopped: AbortController | undefined;

  #link: DeviceStatus["link"] = "unknown";
  #since: Instant;
  /** As the lock said last; its bolt counts only without a doubt. */
  #facts: Facts = {};
  #doubt = new Doubt();
  /** What the listeners have taken of these. */
  #told: Told = {};
  #misses = 0;
  #keypadBatteryIsLow = false;
  #openings: Openings;
  #logReadAt: Monotonic = Number.NEGATIVE_INFINITY;
  #busyUntil: Monotonic = Number.NEGATIVE_INFINITY;
  #pause = new AbortController();
  readonly #watchers = new Set<(status: LockStatus, askedAt: Monotonic) => void>();

  constructor(id: DeviceId, options: Options, token: SecretString, context: DriverContext) {
    this.id = id;
    this.#options = options;
    this.#context = context;
    this.#since = context.clock.wall();
    this.#openings = new Openings(this.#since);
    this.#account = accountOf(context.clock, options.url, token);
    this.codes = new NukiCodes(options, this.#account, context.clock, () => this.#stopped?.signal);
    this.lock = {
      relocks: options.autoLock ? "by-itself" : "when-told",
      release: (holdMs, signal) =>
        this.#command(options.unlatch ? actions.unlatch : actions.unlock, Math.min(holdMs, watchedHoldMsMax), signal),
      secure: (signal) => this.#command(actions.lock, 0, signal),
      state: () => ({
        bolt: (!this.#doubt.isOpen && this.#facts.bolt) || "unknown",
        basis: this.#facts.bolt ? "reported" : "assumed",
      }),
    };
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#stopped) return;
    this.#become("unknown");
    this.#facts = {};
    this.#doubt = new Doubt();
    this.#told = {};
    this.#misses = 0;
    this.#openings = new Openings(this.#since);
    this.#logReadAt = Number.NEGATIVE_INFINITY;
    this.#busyUntil = Number.NEGATIVE_INFINITY;
    this.codes.forget();
    this.#stopped = new AbortController();
    void this.#watch(this.#stopped.signal);
  }

  /** Whoever waits for an answer is told "unknown". */
  async stop(): Promise<void> {
    this.#stopped?.abort();
    this.#stopped = undefined;
  }

  status(): DeviceStatus {
    const { bolt, ...facts } = this.#facts;
    return { link: this.#link, since: this.#since, ...facts };
  }

  subscribe(listener: ReportListener): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #command(action: number, holdMs: Millis, signal: AbortSignal): Promise<CommandResult> {
    const { clock, logger } = this.#context;
    const stopped = this.#stopped?.signal;
    if (!stopped || signal.aborted) return "refused";
    return within(clock, this.#options.deadlineMs, [signal, stopped], async (over) => {
      // A lock without a line would be told later, when nobody stands at the door any more.
      if (this.#link !== "online") await this.#readStatus("command", over);
      if (this.#link !== "online") return "refused";
      const before = this.#facts.bolt;
      const answer = await this.#ask(act(this.#options.smartlockId, action), "command", over);
      const result = resultOf(answer);
      if (result !== "refused") {
        const now = clock.monotonic();
        this.#busyUntil = Math.max(this.#busyUntil, now + holdMs + motorMs);
        this.#doubt.raise(action === actions.lock ? "secured" : "released", now);
        if (action !== actions.lock) this.#openings.noteOwn(action, now);
        this.#pause.abort();
      }
      if (result !== "accepted") {
        logger.warn("command-not-taken", { action, result, why: describe(answer) });
        return result;
      }
      return (await this.#isProven(new Proof(action, before), over)) ? "confirmed" : "accepted";
    });
  }

  /** False when `over` fires first. */
  async #isProven(proof: Proof, over: AbortSignal): Promise<boolean> {
    const since = this.#context.clock.monotonic();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const watcher = (status: LockStatus, askedAt: Monotonic) => {
      // Requests take turns, so whatever is answered from now on was sent after the command.
      if (proof.shows(status, askedAt - since)) resolve(true);
    };
    const onOver = () => resolve(false);
    this.#watchers.add(watcher);
    over.addEventListener("abort", onOver, { once: true });
    if (over.aborted) onOver();
    try {
      return await promise;
    } finally {
      this.#watchers.delete(watcher);
      over.removeEventListener("abort", onOver);
    }
  }

  async #watch(stopped: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const { pollMs, pollBusyMs } = this.#options;
    while (!stopped.aborted) {
      const before = this.#facts.bolt;
      await this.#readStatus("read", stopped);
      await this.#tellFacts(stopped);
      if (this.#facts.bolt !== before || clock.monotonic() - this.#logReadAt >= pollMs) await this.#readLog(stopped);
      this.#pause = new AbortController();
      const pauseMs = clock.monotonic() < this.#busyUntil ? pollBusyMs : pollMs;
      await clock.sleep(pauseMs, AbortSignal.any([stopped, this.#pause.signal])).catch(() => undefined);
    }
  }

  async #readStatus(kind: AskOptions["kind"], signal: AbortSignal): Promise<void> {
    const askedAt = this.#context.clock.monotonic();
    const answer = await this.#ask(readSmartlock(this.#options.smartlockId), kind, signal);
    if (signal.aborted || answer === gaveWay) return;
    const status = answer.kind === "answered" && answer.status === 200 ? readStatus(answer.body) : undefined;
    if (!status) return this.#missed(answer);
    this.#misses = 0;
    if (status.serverState !== 0) {
      // What the cloud still knows of its bolt is of before.
      if (this.#link !== "offline") this.#lost(`server state ${status.serverState}`);
      return;
    }
    if (this.#link !== "online") this.#become("online");
    this.#know(status, askedAt);
    for (const watcher of this.#watchers) watcher(status, askedAt);
  }

  #missed(answer: Answer): void {
    this.#misses += 1;
    this.#context.logger.warn("status-unread", { why: describe(answer), count: this.#misses });
    if (this.#misses >= missesMax && this.#link === "online") this.#lost("status unread");
  }

  #lost(why: string): void {
    this.#context.logger.warn("device-lost", { why });
    this.#become("offline");
  }

  #know({ bolt, door, tamper, battery, isKeypadBatteryLow }: LockStatus, askedAt: Monotonic): void {
    const isBoltTaken = this.#doubt.takes(bolt, askedAt);
    this.#facts = {
      ...this.#facts,
      ...(isBoltTaken && bolt !== "moving" && { bolt }),
      ...(door !== undefined && { door }),
      ...(tamper !== undefined && { tamper }),
      ...(battery !== undefined && { battery }),
    };
    if (isKeypadBatteryLow && !this.#keypadBatteryIsLow) this.#context.logger.warn("keypad-battery-low");
    this.#keypadBatteryIsLow = isKeypadBatteryLow;
  }

  async #readLog(stopped: AbortSignal): Promise<void> {
    const { clock, logger } = this.#context;
    this.#logReadAt = clock.monotonic();
    const answer = await this.#ask(readLog(this.#options.smartlockId, logEntriesMax), "read", stopped);
    if (stopped.aborted || answer === gaveWay) return;
    const entries = answer.kind === "answered" && answer.status === 200 ? readLogEntries(answer.body) : undefined;
    if (!entries) return logger.warn("log-unread", { why: describe(answer) });
    const news = this.#openings.newsOf(entries, clock.wall());
    if (news.length === logEntriesMax) logger.warn("log-too-long", { entries: logEntriesMax });
    for (const entry of news) {
      if (this.#openings.isOpening(entry, clock.monotonic())) {
        const isLate = this.#openings.isLate(entry);
        if (isLate) logger.warn("opening-told-late", { by: entry.by, at: new Date(entry.date).toISOString() });
        else if (!(await this.#tell(this.#openingOf(entry), stopped))) return;
      }
      this.#openings.take(entry);
    }
  }

  #openingOf({ by, authId }: LogEntry): DeviceReport {
    const code = authId === undefined ? undefined : this.codes.refOf(authId);
    if (by !== "code" && code === undefined) return { type: "opened-at-lock", by };
    // An older lock does not say that its keypad did it, only by which code.
    const ref = code ?? authId;
    return { type: "opened-at-lock", by: "code", ...(ref !== undefined && { code: ref }) };
  }

  /** What changed since it was told last. What is not taken is told again after the next read. */
  async #tellFacts(stopped: AbortSignal): Promise<void> {
    const told = this.#told;
    const known: Told = { ...this.#facts, ...(this.#link !== "unknown" && { link: this.#link }) };
    for (const fact of ["link", "bolt", "door", "tamper", "battery"] as const) {
      // That nobody meddles with it is no news at first.
      if (known[fact] === told[fact] || (fact === "tamper" && !known.tamper && !told.tamper)) continue;
      const report = reportOf(fact, known);
      if (report && (await this.#tell(report, stopped))) this.#told = { ...this.#told, [fact]: known[fact] };
    }
  }

  /** False when it was not taken. */
  async #tell(report: DeviceReport, stopped: AbortSignal): Promise<boolean> {
    if (stopped.aborted) return false;
    try {
      await Promise.all([...this.#listeners].map((listener) => listener(report)));
      return true;
    } catch (error) {
      this.#context.logger.error("report-lost", { type: report.type, error: error as Error });
      return false;
    }
  }

  #ask(send: Send, kind: AskOptions["kind"], signal: AbortSignal): Promise<Answer> {
    return this.#account.ask(send, { kind, deadlineMs: this.#options.deadlineMs, signal });
  }

  #become(link: DeviceStatus["link"]): void {
    this.#link = link;
    this.#since = this.#context.clock.wall();
  }
}

function reportOf(fact: keyof Told, { link, bolt, door, tamper, battery }: Told): DeviceReport | undefined {
  switch (fact) {
    case "link":
      return link && { type: "presence", state: link };
    case "bolt":
      return bolt && { type: "bolt", state: bolt };
    case "door":
      return door && { type: "door", state: door };
    case "tamper":
      return tamper === undefined ? undefined : { type: "tamper", active: tamper };
    case "battery":
      return battery === undefined ? undefined : { type: "battery", percent: battery };
  }
}
