/** A Shelly relay of the second or a later generation that feeds a strike: HTTP on the LAN, and a timer of its own that ends each release. */
import type { BoltState, DeviceId } from "../../domain/access-point.ts";
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { CommandResult, Device, DeviceStatus, Lock, ReportListener, Unsubscribe } from "../../ports/device.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import { DeviceBook } from "../common/device-book.ts";
import { within } from "../common/within.ts";
import { type Options, parseOptions } from "./options.ts";
import { type Failure, Relay } from "./relay.ts";
import { ShellyRpc } from "./rpc.ts";
import type { SwitchStatus } from "./wire.ts";

/** How long a release may last; the relay's own timer ends it. */
const holdMs = { min: 100, max: 600_000 };
/** After that many questions in a row without an answer it is gone. */
const missesMax = 2;
/** Commands that wait for their turn or their answer. */
const commandsMax = 4;
const backoffMs = { least: 1_000, most: 60_000 };
/** It is asked so long after its timer should have ended. */
const marginMs: Millis = 200;

export const shelly: DriverFactory = {
  create: (id, options, context) => {
    const parsed = parseOptions(options);
    const rpc = new ShellyRpc({ host: parsed.host, port: parsed.port, password: context.secret("password") });
    return new Shelly(id, parsed, new Relay(rpc, parsed.id), context);
  },
};

/** What came of asking how it stands. "gave-way": a command was in more of a hurry. */
type Asked = "answered" | "gave-way" | Failure;

class Shelly implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly #options: Options;
  readonly #relay: Relay;
  readonly #context: DriverContext;
  readonly #book: DeviceBook;
  #running: { readonly stopped: AbortController; readonly ended: Promise<void> } | undefined;
  #errors = "";
  #misses = 0;
  /** What was logged last of why it does not answer. */
  #complaint = "";
  /** It was told to secure, said that it did, and is still released. */
  #isStuck = false;
  /** When the relay's timer ends the release we began. */
  #backAt: Monotonic | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #commands = 0;
  /** Ends the question under way. */
  #asking = new AbortController();
  /** Ends the pause between two questions. */
  #pausing = new AbortController();

  constructor(id: DeviceId, options: Options, relay: Relay, context: DriverContext) {
    this.id = id;
    this.#options = options;
    this.#relay = relay;
    this.#context = context;
    this.#book = new DeviceBook(context);
    this.lock = {
      relocks: "by-itself",
      release: (wanted, signal) => this.#release(wanted, signal),
      secure: (signal) => this.#command("secured", undefined, signal),
      // The relay begins its timer anew and leaves its contacts as they are.
      hold: (windowMs, signal) => this.#release(windowMs, signal),
      state: () => this.#book.lockState(),
    };
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running) return;
    this.#book.begin();
    this.#errors = "";
    this.#misses = 0;
    this.#complaint = "";
    this.#isStuck = false;
    this.#backAt = undefined;
    const stopped = new AbortController();
    this.#running = { stopped, ended: this.#keepAsking(stopped.signal) };
  }

  /** Whoever waits for an answer is told "unknown", or "refused" where nothing was sent. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stopped.abort();
    await running?.ended;
  }

  status(): DeviceStatus {
    return this.#book.status();
  }

  subscribe(listener: ReportListener): Unsubscribe {
    return this.#book.subscribe(listener);
  }

  #release(wanted: Millis, signal: AbortSignal): Promise<CommandResult> {
    return this.#command("released", Math.round(Math.min(Math.max(wanted, holdMs.min), holdMs.max)), signal);
  }

  /** "refused" where nothing was sent or it said no: nothing has moved. Sent also while it seems gone: somebody stands at the door. */
  async #command(to: "released" | "secured", forMs: Millis | undefined, signal: AbortSignal): Promise<CommandResult> {
    const stopped = this.#running?.stopped.signal;
    if (!stopped || signal.aborted || this.#commands >= commandsMax) return "refused";
    this.#commands += 1;
    this.#asking.abort();
    try {
      return await this.#withDeadline([signal, stopped], (until) => this.#inTurn(() => this.#switch(to, forMs, until)));
    } finally {
      this.#commands -= 1;
      this.#pausing.abort();
    }
  }

  async #switch(to: "released" | "secured", forMs: Millis | undefined, until: AbortSignal): Promise<CommandResult> {
    const { clock, logger } = this.#context;
    const failure = await this.#relay.set(this.#outputFor(to), forMs, until);
    if (failure) {
      logger.warn("command-failed", { to, outcome: failure.kind, why: failure.why });
      return failure.kind === "lost" ? "unknown" : "refused";
    }
    this.#backAt = forMs === undefined ? undefined : clock.monotonic() + forMs;
    const status = await this.#relay.status(until);
    if ("kind" in status) return "accepted";
    const isThere = this.#isReleased(status) === (to === "released");
    this.#isStuck = to === "secured" && !isThere;
    void this.#book.note(this.#boltOf(status));
    // A timer turns it round: wanted after a release, and after a securing it would release by itself.
    return isThere && status.hasTimer === (to === "released") ? "confirmed" : "accepted";
  }

  async #keepAsking(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const asked = await this.#inTurn(() => this.#ask(stopped));
      if (stopped.aborted || asked === "gave-way") continue;
      if (asked !== "answered") this.#miss(asked);
      this.#pausing = new AbortController();
      const signal = AbortSignal.any([stopped, this.#pausing.signal]);
      await this.#context.clock.sleep(this.#pauseMs(asked), signal).catch(() => undefined);
    }
  }

  #pauseMs(asked: "answered" | Failure): Millis {
    if (asked === "answered") {
      const { pollMs } = this.#options;
      const untilBack = (this.#backAt ?? 0) - this.#context.clock.monotonic();
      return untilBack > 0 ? Math.min(pollMs, untilBack + marginMs) : pollMs;
    }
    if (asked.kind === "not-let-in") return backoffMs.most;
    const most = Math.min(backoffMs.most, backoffMs.least * 2 ** Math.min(this.#misses - 1, 10));
    return (most * (1 + Math.random())) / 2;
  }

  async #ask(stopped: AbortSignal): Promise<Asked> {
    this.#asking = new AbortController();
    const gaveWay = this.#asking.signal;
    if (this.#commands > 0) return "gave-way";
    const failure = await this.#withDeadline([stopped, gaveWay], (until) => this.#learn(until, stopped));
    if (!failure) return "answered";
    return gaveWay.aborted ? "gave-way" : failure;
  }

  /** undefined when all is known. */
  async #learn(until: AbortSignal, stopped: AbortSignal): Promise<Failure | undefined> {
    const { contactInput, contactOn } = this.#options;
    const isNew = this.#book.link !== "online";
    let status = await this.#relay.status(until);
    if ("kind" in status) return status;
    const firmware = isNew ? await this.#relay.firmware(until) : undefined;
    if (isNew && this.#isReleased(status) && !status.hasTimer) {
      // Given up half-way it might yet arrive, and end the release of a command that came meanwhile: this does not give way.
      status = await this.#withDeadline([stopped], (soon) => this.#heal(soon));
      if ("kind" in status) return status;
    }
    const contact = contactInput === undefined ? undefined : await this.#relay.input(contactInput, until);
    if (contact && "kind" in contact) return contact;
    this.#come(firmware);
    const isOn = contact?.state ?? undefined;
    void this.#book.note({
      ...this.#boltOf(status),
      ...(isOn !== undefined && { door: isOn === (contactOn === "closed") ? "closed" : "open" }),
    });
    return undefined;
  }

  /** Released and without a timer when we come to it: nobody else would ever secure it. */
  async #heal(until: AbortSignal): Promise<SwitchStatus | Failure> {
    this.#context.logger.warn("relay-found-released", { hint: "It had no timer, so it is told to secure." });
    const failure = await this.#relay.set(this.#outputFor("secured"), undefined, until);
    if (failure) return failure;
    const status = await this.#relay.status(until);
    if (!("kind" in status)) this.#isStuck = this.#isReleased(status);
    return status;
  }

  #outputFor(bolt: "released" | "secured"): boolean {
    return (bolt === "released") === (this.#options.energised === "releases");
  }

  #isReleased({ output }: SwitchStatus): boolean {
    return output === this.#outputFor("released");
  }

  /** "jammed" also for a relay that does not do as it is told: its contacts are welded, or a guard of its own holds it. */
  #boltOf(status: SwitchStatus): { readonly bolt: BoltState } {
    const isReleased = this.#isReleased(status);
    if (!isReleased) this.#isStuck = false;
    this.#noteErrors([...status.errors, ...(this.#isStuck ? ["stays-released"] : [])].join(" "));
    if (status.errors.length > 0 || this.#isStuck) return { bolt: "jammed" };
    return { bolt: isReleased ? "released" : "secured" };
  }

  #noteErrors(errors: string): void {
    if (errors === this.#errors) return;
    this.#errors = errors;
    const { logger } = this.#context;
    if (errors) logger.error("relay-fault", { errors, hint: "Look at the relay, its load and its wiring." });
    else logger.info("relay-well");
  }

  #come(firmware: string | undefined): void {
    this.#misses = 0;
    this.#complaint = "";
    void this.#book.come({ ...(firmware !== undefined && { firmware }) });
  }

  /** One that has never spoken stays "unknown", unless it says that it will not. */
  #miss({ kind, why }: Failure): void {
    this.#misses += 1;
    const saysNo = kind === "not-let-in" || kind === "refused";
    if (why !== this.#complaint) {
      const { host, port } = this.#options;
      this.#complaint = why;
      this.#context.logger.warn(kind === "not-let-in" ? "password-refused" : "device-unreachable", { host, port, why });
    }
    const isGone = saysNo || (this.#book.link === "online" && this.#misses >= missesMax);
    if (isGone) void this.#book.gone();
  }

  /** One request at a time: it bears few, and answers to two could not be told apart in time. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(act);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #withDeadline<T>(signals: readonly AbortSignal[], act: (until: AbortSignal) => Promise<T>): Promise<T> {
    return within(this.#context.clock, this.#options.deadlineMs, signals, act);
  }
}
