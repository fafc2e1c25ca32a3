/** A relay board on a serial port that feeds a strike. It has no timer: the gateway ends each release, and a guard beside it when it cannot. */
import type { DeviceId } from "../../domain/access-point.ts";
import type { Millis } from "../../domain/instant.ts";
import type { CommandResult, Device, DeviceStatus, Lock, ReportListener, Unsubscribe } from "../../ports/device.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import { DeviceBook } from "../common/device-book.ts";
import { SerialLine } from "../common/serial-line.ts";
import type { Tty } from "../common/tty.ts";
import { within } from "../common/within.ts";
import { type Options, parseOptions } from "./options.ts";
import { PulseGuard } from "./pulse-guard.ts";
import { StatusAnswer } from "./status-answer.ts";
import { statusQuestion, switchFrame } from "./wire.ts";

export const serialRelay: DriverFactory = {
  create: (id, options, context) => new SerialRelay(id, parseOptions(options), context),
};

/** How long a release may last. */
const holdMs = { min: 100, max: 600_000 };
/** The guard leaves the gateway so long to end a pulse itself. */
const guardMarginMs: Millis = 1_000;
/** What secures is sent twice: a frame may be lost, and nobody answers. */
const againMs: Millis = 100;
/** Commands that wait for their turn or their answer. */
const commandsMax = 4;
/** After that many questions in a row without an answer it is gone. */
const missesMax = 2;

class SerialRelay implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly #options: Options;
  readonly #context: DriverContext;
  readonly #book: DeviceBook;
  readonly #line: SerialLine;
  readonly #answer: StatusAnswer;
  #guard: PulseGuard | undefined;
  #stopped = new AbortController();
  /** What it was told last; undefined: nothing since the port was opened. */
  #told: "released" | "secured" | undefined;
  /** Fires when the pulse under way is nobody's any more, or a newer one has begun. */
  #pulse = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();
  #commands = 0;
  #misses = 0;
  /** It was told to secure, and is still released. */
  #isStuck = false;

  constructor(id: DeviceId, options: Options, context: DriverContext) {
    this.id = id;
    this.#options = options;
    this.#context = context;
    this.#book = new DeviceBook(context);
    this.#answer = new StatusAnswer(options.channels);
    this.#line = new SerialLine({ path: options.port, baudRate: options.baudRate }, context, {
      onOpen: (tty, lost) => this.#open(tty, lost),
      onBytes: (bytes) => this.#answer.take(bytes),
      onLost: () => this.#lose(),
    });
    const bounded = (wanted: Millis) => Math.round(Math.min(Math.max(wanted, holdMs.min), holdMs.max));
    this.lock = {
      // By the guard where not by us.
      relocks: "by-itself",
      release: (wanted, signal) => this.#command("released", bounded(wanted), signal),
      secure: (signal) => this.#command("secured", 0, signal),
      // On once more is no movement, and the time begins anew.
      hold: (windowMs, signal) => this.#command("released", bounded(windowMs), signal),
      state: () => this.#state(),
    };
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#line.isStarted) return;
    this.#stopped = new AbortController();
    this.#book.begin();
    this.#told = undefined;
    this.#misses = 0;
    this.#isStuck = false;
    this.#line.start();
  }

  /** A strike that is released is secured. Whoever waits for an answer is told "unknown", or "refused" where nothing was sent. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#pulse.abort();
    await this.#turn;
    const guard = this.#takeGuard();
    await guard?.stop(this.#context.clock);
    await this.#line.stop();
  }

  status(): DeviceStatus {
    const attention = this.#line.complaint;
    return { ...this.#book.status(), ...(attention !== undefined && { attention }) };
  }

  subscribe(listener: ReportListener): Unsubscribe {
    return this.#book.subscribe(listener);
  }

  #state(): ReturnType<Lock["state"]> {
    if (this.#options.status === "bytes") return this.#book.lockState();
    return { bolt: this.#told ?? "unknown", basis: "assumed" };
  }

  /** First of all it is secured: a gateway before this one may have died while it was released. */
  async #open(tty: Tty, lost: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const secures = this.#frameFor("secured");
    tty.write(secures);
    const guard = await PulseGuard.start(tty.fd, secures);
    this.#guard = guard;
    void guard.ended.then(() => this.#guard === guard && this.#line.renew("the guard of its pulses has ended"));
    try {
      await clock.sleep(againMs, lost);
      tty.write(secures);
    } catch (error) {
      await this.#takeGuard()?.stop(clock);
      throw error;
    }
    this.#told = "secured";
    if (this.#options.status === "bytes") void this.#keepAsking(lost);
    else void this.#book.come();
  }

  #lose(): void {
    this.#pulse.abort();
    this.#told = undefined;
    this.#book.forgetBolt();
    // The strike is no longer in anybody's hand; if the port is there after all, this secures it.
    void this.#takeGuard()?.stop(this.#context.clock);
    void this.#book.gone();
  }

  #takeGuard(): PulseGuard | undefined {
    const guard = this.#guard;
    this.#guard = undefined;
    return guard;
  }

  /** "refused": nothing was sent. */
  async #command(to: "released" | "secured", forMs: Millis, signal: AbortSignal): Promise<CommandResult> {
    if (signal.aborted || !this.#line.isStarted || this.#commands >= commandsMax) return "refused";
    this.#commands += 1;
    const signals = [signal, this.#stopped.signal];
    try {
      return await within(this.#context.clock, this.#options.deadlineMs, signals, (until) =>
        this.#inTurn(() => this.#switch(to, forMs, until)),
      );
    } finally {
      this.#commands -= 1;
    }
  }

  async #switch(to: "released" | "secured", forMs: Millis, until: AbortSignal): Promise<CommandResult> {
    if (until.aborted || !this.#guard) return "refused";
    this.#pulse.abort();
    this.#pulse = new AbortController();
    const { signal: ended } = this.#pulse;
    // Before the strike moves: from then on it ends, whatever becomes of us.
    if (to === "released") this.#guard.arm(forMs + guardMarginMs);
    const sent = this.#line.write(this.#frameFor(to));
    if (sent !== "taken") return sent === "untaken" ? "refused" : "unknown";
    this.#told = to;
    if (to === "released") this.#isStuck = false;
    void (to === "released" ? this.#endPulse(forMs, ended) : this.#secureAgain(ended));
    if (this.#options.status === "none") return "accepted";
    const bolt = await this.#ask(until);
    if (bolt === undefined) return "unknown";
    this.#note(bolt, to === "secured");
    return bolt === to ? "confirmed" : "accepted";
  }

  async #endPulse(afterMs: Millis, ended: AbortSignal): Promise<void> {
    await this.#context.clock.sleep(afterMs, ended).catch(() => undefined);
    if (ended.aborted) return;
    if (this.#line.write(this.#frameFor("secured")) === "taken") this.#told = "secured";
    await this.#secureAgain(ended);
    if (!ended.aborted && this.#options.status === "bytes") await this.#inTurn(() => this.#look(ended, true));
  }

  async #secureAgain(ended: AbortSignal): Promise<void> {
    await this.#context.clock.sleep(againMs, ended).catch(() => undefined);
    if (ended.aborted) return;
    this.#line.write(this.#frameFor("secured"));
    this.#guard?.disarm();
  }

  async #keepAsking(lost: AbortSignal): Promise<void> {
    for (let isFresh = true; !lost.aborted; isFresh = false) {
      await this.#inTurn(() => this.#look(lost, isFresh));
      await this.#context.clock.sleep(this.#options.pollMs, lost).catch(() => undefined);
    }
  }

  /** `isFresh`: it was told to secure just now. */
  async #look(lost: AbortSignal, isFresh = false): Promise<void> {
    if (this.#commands > 0 || lost.aborted) return;
    const signals = [lost, this.#stopped.signal];
    const bolt = await within(this.#context.clock, this.#options.deadlineMs, signals, (until) => this.#ask(until));
    if (bolt !== undefined) this.#note(bolt, isFresh);
    else if (!lost.aborted) {
      this.#misses += 1;
      if (this.#misses === missesMax) void this.#book.gone();
    }
  }

  /** "jammed" for one that does not do as it is told: its contacts are welded. */
  #note(bolt: "released" | "secured", wasToldToSecure: boolean): void {
    this.#misses = 0;
    this.#isStuck = bolt === "released" && (wasToldToSecure || this.#isStuck);
    void this.#book.come({ bolt: this.#isStuck ? "jammed" : bolt });
  }

  /** undefined: it did not answer. */
  async #ask(until: AbortSignal): Promise<"released" | "secured" | undefined> {
    const answered = this.#answer.next(until);
    if (this.#line.write(statusQuestion) !== "taken") return undefined;
    const relays = await answered;
    if (!relays) return undefined;
    const isOn = relays[this.#options.channel - 1];
    return isOn === (this.#options.energised === "releases") ? "released" : "secured";
  }

  #frameFor(bolt: "released" | "secured"): Buffer {
    return switchFrame(this.#options.channel, (bolt === "released") === (this.#options.energised === "releases"));
  }

  /** One at a time: answers to two questions could not be told apart. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(act);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}
