/** A Nuki on the site's own broker, without any cloud: by the lock's own MQTT, or through a Nuki Hub, which keeps its keypad codes as well. */
import type { DeviceId } from "../../domain/access-point.ts";
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { CommandResult, Device, DeviceStatus, Lock, ReportListener, Unsubscribe } from "../../ports/device.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import type { MqttDialect } from "../../ports/mqtt-link.ts";
import { DeviceBook } from "../common/device-book.ts";
import { Doubt } from "../common/doubt.ts";
import { actions, lowBattery, type MotorState } from "../common/nuki.ts";
import { within } from "../common/within.ts";
import { HubCodes } from "./codes.ts";
import { type Answer, Command } from "./command.ts";
import { hubSpeech } from "./hub.ts";
import { officialSpeech } from "./official.ts";
import { type Options, parseOptions } from "./options.ts";
import type { Heard, Opened, Speech } from "./speech.ts";
import { ToldOnce } from "./told-once.ts";
import { Turns } from "./turns.ts";

/** How long a command waits for the one before it, or for a hub that has just connected; later it would open for nobody. */
const patienceMs: Millis = 5_000;
/** What a lock says first after it has connected may be what it knew before. */
const settledMs: Millis = 5_000;
/** An answer is that late at the latest. */
const strayMs: Millis = 60_000;
/** Our own command is in the lock's log by then. */
const ownMs: Millis = 60_000;
/** Told later than that, it would look as if somebody opened now. */
const lateMs: Millis = 600_000;

export const nukiMqtt: DriverFactory = {
  create: (id, options, context) => new NukiMqtt(id, parseOptions(options), context),
};

class NukiMqtt implements Device {
  readonly id: DeviceId;
  readonly mqtt: MqttDialect;
  readonly lock: Lock;
  readonly codes?: HubCodes;
  readonly #options: Options;
  readonly #context: DriverContext;
  readonly #speech: Speech;
  readonly #book: DeviceBook;
  readonly #turns: Turns;
  #running: { readonly stopped: AbortController; readonly leave: Unsubscribe } | undefined;

  #command: Command | undefined;
  #doubt = new Doubt(settledMs);
  /** The answer to a command that nobody waits for any more may still come until then. */
  #strayUntil: Monotonic = Number.NEGATIVE_INFINITY;
  #deafUntil: Monotonic = Number.NEGATIVE_INFINITY;
  /** What it says of itself until then it may say of before. */
  #greetsUntil: Monotonic = Number.NEGATIVE_INFINITY;
  #opened: ToldOnce;
  /** What we have told the lock to do, for its log to be told from others'. */
  #own: { readonly action: number; readonly at: Monotonic } | undefined;
  #tellsCharge = false;
  readonly #low = new Set<string>();
  #unreadable = 0;

  constructor(id: DeviceId, options: Options, context: DriverContext) {
    this.id = id;
    this.#options = options;
    this.#context = context;
    this.#speech = options.hub ? hubSpeech(options.hub) : officialSpeech(options.id ?? "");
    this.mqtt = this.#speech.dialect;
    this.#book = new DeviceBook(context);
    this.#turns = new Turns(context.clock);
    this.#opened = new ToldOnce(context.clock, this.#speech.repeatMs);
    this.lock = {
      relocks: options.autoLock ? "by-itself" : "when-told",
      release: (_holdMs, signal) => this.#obey(options.unlatch ? actions.unlatch : actions.unlock, signal),
      secure: (signal) => this.#obey(actions.lock, signal),
      state: () => ({ ...this.#book.lockState(), ...(this.#doubt.isOpen && { bolt: "unknown" as const }) }),
    };
    if (options.hub)
      this.codes = new HubCodes(options.hub, context, {
        say: (name, payload) => this.#say(name, payload),
        stopped: () => this.#running?.stopped.signal,
        turns: this.#turns,
      });
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running) return;
    const { mqtt, clock } = this.#context;
    this.#book.begin();
    this.#doubt = new Doubt(settledMs);
    this.#opened = new ToldOnce(clock, this.#speech.repeatMs);
    this.#own = undefined;
    this.#tellsCharge = false;
    this.#low.clear();
    this.codes?.forget();
    // Whoever is connected already may have come a moment ago.
    this.#deafUntil = clock.monotonic() + this.#speech.deafMs;
    const leaving = [
      mqtt.onMessage((topic, payload) => this.#hear(topic, payload)),
      mqtt.onSubscribed((topic) => this.#subscribed(topic)),
      mqtt.onConnection((connected) => this.#connected(connected)),
    ];
    this.#running = { stopped: new AbortController(), leave: () => leaving.forEach((leave) => void leave()) };
  }

  /** Whoever waits for an answer is told "unknown", or "accepted" where there was one. */
  async stop(): Promise<void> {
    this.#running?.leave();
    this.#running?.stopped.abort();
    this.#running = undefined;
  }

  status(): DeviceStatus {
    return this.#book.status();
  }

  subscribe(listener: ReportListener): Unsubscribe {
    return this.#book.subscribe(listener);
  }

  /** "refused" where nothing was sent: the lock has certainly not moved. */
  async #obey(action: number, signal: AbortSignal): Promise<CommandResult> {
    const { clock } = this.#context;
    const stopped = this.#running?.stopped.signal;
    if (!stopped || signal.aborted) return "refused";
    const isOver = AbortSignal.any([signal, stopped]);
    const deafMs = this.#deafUntil - clock.monotonic();
    if (deafMs > patienceMs) return this.#notSent(action, "it has just connected and hears no commands yet");
    if (deafMs > 0) await clock.sleep(deafMs, isOver).catch(() => undefined);
    const turn = isOver.aborted ? undefined : await this.#turns.take(patienceMs, isOver);
    if (!turn) return this.#notSent(action, "it was busy with what it was told before");
    const command = new Command(action, clock.monotonic() < this.#strayUntil);
    this.#command = command;
    try {
      return await within(clock, this.#options.deadlineMs, [isOver], (over) => this.#send(command, turn, over));
    } finally {
      if (this.#command === command) this.#command = undefined;
      turn.leave();
    }
  }

  async #send(command: Command, turn: Awaited<ReturnType<Turns["take"]>>, over: AbortSignal): Promise<CommandResult> {
    const { action } = command;
    const { clock } = this.#context;
    const before = this.#doubt;
    this.#doubt = new Doubt(settledMs);
    this.#doubt.raise(action === actions.lock ? "secured" : "released", clock.monotonic());
    const own = { action, at: clock.monotonic() };
    this.#own = own;
    const { name, payload } = this.#speech.command(action);
    const late = new AbortController();
    const isSent = await this.#say(name, payload, action === actions.lock ? undefined : late.signal);
    const onOver = () => command.over();
    over.addEventListener("abort", onOver, { once: true });
    if (over.aborted) onOver();
    if (turn)
      turn.onWanted = () => {
        if (!command.isTaken) return;
        command.over();
        turn.leave();
      };
    const result = isSent ? await command.result : "refused";
    over.removeEventListener("abort", onOver);
    if (result === "refused") {
      if (this.#doubt.isOpen) this.#doubt = before;
      if (this.#own === own) this.#own = undefined;
    }
    if (!isSent) return this.#notSent(action, "it is not connected, or does not listen to commands");
    if (result === "unknown" && !command.isTaken) {
      this.#strayUntil = clock.monotonic() + strayMs;
      // It may wait on a line that is dead for now, and would open to whoever stands there when that comes back.
      late.abort(new Error("nobody waits for the door any more"));
    }
    return result;
  }

  #notSent(action: number, why: string): "refused" {
    this.#context.logger.warn("command-not-sent", { action, why });
    return "refused";
  }

  async #say(name: string, payload: string, late?: AbortSignal): Promise<boolean> {
    return this.#running !== undefined && this.#context.mqtt.publish(`${this.mqtt.base}/${name}`, payload, late);
  }

  #connected(isConnected: boolean): void {
    this.#begunAnew();
    if (!isConnected) void this.#book.gone();
  }

  /** A newer connection that takes an older one's place is told by this alone. */
  #subscribed(topic: string): void {
    const name = topic.slice(this.mqtt.base.length + 1);
    if (name === this.#speech.command(actions.lock).name) this.#begunAnew();
    for (const question of this.#speech.questions)
      if (question.name === name) void this.#say(question.name, question.payload);
  }

  /** What it says from now on, it may say of before: that proves no command. */
  #begunAnew(): void {
    const now = this.#context.clock.monotonic();
    this.#deafUntil = now + this.#speech.deafMs;
    this.#greetsUntil = now + settledMs;
    this.#command?.over();
    this.codes?.lost();
    if (this.#doubt.isOpen) this.#doubt.raise("released", now);
  }

  /** Resolves when every listener has what the message reports. What cannot be read is acknowledged: it would only come again. */
  async #hear(topic: string, payload: string): Promise<void> {
    const name = topic.slice(this.mqtt.base.length + 1);
    const heard = this.#speech.read(name, payload);
    if (!heard) {
      this.#unreadable += 1;
      this.#context.logger.warn("message-unreadable", { topic, count: this.#unreadable });
      return;
    }
    const isGone = heard.some((one) => one.is === "link" && !one.online);
    const taken = await Promise.all([
      isGone ? this.#book.gone() : this.#book.come(),
      ...heard.map((one) => this.#take(one)),
    ]);
    if (taken.includes(false)) throw new Error(`what ${this.id} said on ${name} was not taken`);
  }

  /** False when a listener did not take it. */
  async #take(heard: Heard): Promise<boolean> {
    switch (heard.is) {
      case "link":
        return true;
      case "motor":
        return this.#moved(heard);
      case "answer":
        return this.#answered(heard);
      case "facts":
        this.#tellsCharge ||= heard.facts.battery !== undefined;
        return this.#book.note(heard.facts);
      case "low-battery":
        return this.#noteLow(heard.of, heard.isLow);
      case "opened":
        return this.#opened.tell(heard.key, () => this.#tellOpened(heard));
      case "codes":
      case "codes-answer":
        this.codes?.hear(heard.is, heard.payload);
        return true;
    }
  }

  async #moved(motor: MotorState): Promise<boolean> {
    const now = this.#context.clock.monotonic();
    const isTaken = this.#doubt.takes(motor.bolt, now);
    const told = isTaken && motor.bolt !== "moving" ? this.#book.note({ bolt: motor.bolt }) : true;
    this.#command?.moved(motor, now < this.#greetsUntil);
    return told;
  }

  #answered(answer: Answer): boolean {
    if (answer.answer !== "taken")
      this.#context.logger.warn("command-not-taken", { result: answer.answer, why: answer.why });
    if (this.#command) this.#command.answered(answer);
    else this.#strayUntil = Number.NEGATIVE_INFINITY;
    return true;
  }

  async #noteLow(of: "lock" | "keypad" | "door-sensor", isLow: boolean): Promise<boolean> {
    if (of === "lock") return isLow && !this.#tellsCharge ? this.#book.note({ battery: lowBattery }) : true;
    if (isLow && !this.#low.has(of)) this.#context.logger.warn("accessory-battery-low", { of });
    if (isLow) this.#low.add(of);
    else this.#low.delete(of);
    return true;
  }

  async #tellOpened({ by, code, byProgram, at }: Opened): Promise<boolean> {
    const { clock, logger } = this.#context;
    const own = this.#own;
    if (byProgram && own?.action === byProgram.action && clock.monotonic() - own.at < ownMs) {
      this.#own = undefined;
      return true;
    }
    const now = clock.wall();
    if (at && !at.some((time) => Math.abs(now - time) <= lateMs)) {
      logger.warn("opening-told-late", { by });
      return true;
    }
    return this.#book.tell({ type: "opened-at-lock", by, ...(code !== undefined && { code }) });
  }
}
