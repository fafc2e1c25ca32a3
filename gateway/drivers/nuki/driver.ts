/** A Nuki lock through Nuki Web: its state and log are asked for, commands and codes are handed to the maker's cloud, which tells the lock. */
import type { DeviceId } from "../../domain/access-point.ts";
import type { Millis, Monotonic } from "../../domain/instant.ts";
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
import { DeviceBook } from "../common/device-book.ts";
import { Doubt } from "../common/doubt.ts";
import { actions } from "../common/nuki.ts";
import { Openings } from "../common/openings.ts";
import { resultOf, type WebAnswer } from "../common/web-answer.ts";
import { within } from "../common/within.ts";
import { describe } from "./answer.ts";
import { NukiCodes } from "./codes.ts";
import { type Options, parseOptions, parseToken } from "./options.ts";
import { Proof, settledMs } from "./proof.ts";
import { act, readLog, readSmartlock } from "./through-library.ts";
import { type AskOptions, accountOf, gaveWay, type Send, type WebAccount } from "./web-account.ts";
import { type LockStatus, type LogEntry, readLogEntries, readStatus } from "./wire.ts";

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

class Nuki implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly codes: NukiCodes;
  readonly #options: Options;
  readonly #context: DriverContext;
  readonly #account: WebAccount;
  /** As the lock said last; its bolt counts only without a doubt. */
  readonly #book: DeviceBook;
  #stopped: AbortController | undefined;

  #doubt = new Doubt(settledMs);
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
    this.#book = new DeviceBook(context);
    this.#openings = new Openings(context.clock.wall());
    this.#account = accountOf(context.clock, options.url, token);
    this.codes = new NukiCodes(options, this.#account, context.clock, () => this.#stopped?.signal);
    this.lock = {
      relocks: options.autoLock ? "by-itself" : "when-told",
      release: (holdMs, signal) =>
        this.#command(options.unlatch ? actions.unlatch : actions.unlock, Math.min(holdMs, watchedHoldMsMax), signal),
      secure: (signal) => this.#command(actions.lock, 0, signal),
      state: () => ({ ...this.#book.lockState(), ...(this.#doubt.isOpen && { bolt: "unknown" as const }) }),
    };
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#stopped) return;
    this.#book.begin();
    this.#doubt = new Doubt(settledMs);
    this.#misses = 0;
    this.#openings = new Openings(this.#context.clock.wall());
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
    return this.#book.status();
  }

  subscribe(listener: ReportListener): Unsubscribe {
    return this.#book.subscribe(listener);
  }

  async #command(action: number, holdMs: Millis, signal: AbortSignal): Promise<CommandResult> {
    const { clock, logger } = this.#context;
    const stopped = this.#stopped?.signal;
    if (!stopped || signal.aborted) return "refused";
    return within(clock, this.#options.deadlineMs, [signal, stopped], async (over) => {
      // A lock without a line would be told later, when nobody stands at the door any more.
      if (this.#book.link !== "online") await this.#readStatus("command", over);
      if (this.#book.link !== "online") return "refused";
      const before = this.#book.facts.bolt;
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
      const before = this.#book.facts.bolt;
      await this.#readStatus("read", stopped);
      if (this.#book.facts.bolt !== before || clock.monotonic() - this.#logReadAt >= pollMs)
        await this.#readLog(stopped);
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
      if (this.#book.link !== "offline") await this.#lost(`server state ${status.serverState}`);
      return;
    }
    await this.#know(status, askedAt);
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

  async #know(status: LockStatus, askedAt: Monotonic): Promise<void> {
    const { bolt, door, tamper, battery, isKeypadBatteryLow } = status;
    const isBoltTaken = this.#doubt.takes(bolt, askedAt);
    const told = this.#book.come({
      ...(isBoltTaken && bolt !== "moving" && { bolt }),
      ...(door !== undefined && { door }),
      ...(tamper !== undefined && { tamper }),
      ...(battery !== undefined && { battery }),
    });
    for (const watcher of this.#watchers) watcher(status, askedAt);
    if (isKeypadBatteryLow && !this.#keypadBatteryIsLow) this.#context.logger.warn("keypad-battery-low");
    this.#keypadBatteryIsLow = isKeypadBatteryLow;
    await told;
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
        else if (stopped.aborted || !(await this.#book.tell(this.#openingOf(entry)))) return;
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

  #ask(send: Send, kind: AskOptions["kind"], signal: AbortSignal): Promise<WebAnswer> {
    return this.#account.ask(send, { kind, deadlineMs: this.#options.deadlineMs, signal });
  }
}
