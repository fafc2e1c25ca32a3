/**
 * A simulated Nuki at the site's broker by its maker's own MQTT API: numbers as text below `nuki/<ID>/`, everything about itself retained,
 * `connected` false as its last will. A command is answered by `commandResponse`, one at a time; 0 says that it was taken, its state what came
 * of it. Keypad codes cannot be reached this way.
 */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Logger } from "../../gateway/ports/logger.ts";
import type { Faults } from "../faults.ts";
import {
  type NukiLogLine,
  type NukiObedience,
  nukiAction,
  nukiOutcome,
  nukiState,
  nukiTrigger,
  type SimNuki,
} from "../sim-nuki.ts";
import { type HeardCommand, MqttSession } from "./mqtt-session.ts";

export interface NukiMqttOptions {
  readonly lock: SimNuki;
  readonly broker: { readonly host: string; readonly port: number };
  readonly login: { readonly username: string; readonly password: string };
  /** Its firmware's own choice; "Nuki_" and its ID when left out. */
  readonly clientId?: string;
  readonly manners?: Partial<NukiMqttManners>;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keepaliveSeconds?: number;
}

/** How this firmware behaves; may change at any time. Times in milliseconds. */
export interface NukiMqttManners {
  /** Locking and unlocking over MQTT is allowed in the maker's app; else it only reports. Holds from the next connection on. */
  obeys: boolean;
  /** When it answers a command: once it has taken it, or once the motor has come to rest. */
  answers: "accepted" | "done";
  answerMs: number;
  /** From a change until it says so. */
  reportMs: number;
  /** Each lockActionEvent comes twice. */
  doublesEvents: boolean;
  /** After it has connected it says first what it had said last, and what is true only after `reportMs`. */
  beginsStale: boolean;
  /** Tells Home Assistant of itself at each connection. */
  announces: boolean;
}

/** BLE error codes, as commandResponse gives them. */
export const nukiError = { badParameter: 0x23, motorBlocked: 0x42, busy: 0x45, notCalibrated: 0x47 } as const;

const usual: NukiMqttManners = {
  obeys: true,
  answers: "accepted",
  answerMs: 300,
  reportMs: 0,
  doublesEvents: false,
  beginsStale: false,
  announces: false,
};
const commandsKept = 1_000;
const errorOf: Readonly<Record<NukiObedience, number>> = {
  begun: 0,
  busy: nukiError.busy,
  uncalibrated: nukiError.notCalibrated,
  dark: nukiError.busy, // nobody hears it
};
/** From here on the log tells of doors and of the keypad itself. */
const firstForeignAction = 200;

/** The maker's ID of a lock: its number at Nuki Web without the kind of device in front. */
export function nukiId(smartlockId: number): string {
  return (smartlockId % 2 ** 32).toString(16).toUpperCase();
}

export class NukiMqttLink {
  readonly manners: NukiMqttManners;
  /** What has arrived, in order; of very many the last. */
  readonly heard: HeardCommand[] = [];
  readonly #options: NukiMqttOptions;
  readonly #base: string;
  readonly #session: MqttSession;
  /** What was said last of itself, by the end of its topic. */
  #said = new Map<string, string>();
  #unwatch: (() => void)[] = [];
  #isAnswering = false;

  constructor(options: NukiMqttOptions) {
    const { lock, broker, login, faults, clock, logger, keepaliveSeconds } = options;
    const id = nukiId(lock.id);
    this.#options = options;
    this.#base = `nuki/${id}`;
    this.manners = { ...usual, ...options.manners };
    this.#session = new MqttSession({
      ...{ broker, login, faults, clock },
      clientId: options.clientId ?? `Nuki_${id}`,
      will: { topic: `${this.#base}/connected`, payload: "false", retain: true },
      needsAll: false,
      subscribes: () => (this.manners.obeys ? ["lockAction", "lock", "unlock"].map((name) => this.#topic(name)) : []),
      powered: () => lock.powered,
      onPower: (listener) => lock.onChange(listener),
      greet: () => this.#greet(),
      hear: (command) => this.#hear(command),
      logger: logger.child({ device: id }),
      ...(keepaliveSeconds !== undefined && { keepaliveSeconds }),
    });
  }

  get connected(): boolean {
    return this.#session.connected;
  }

  start(): void {
    const { lock } = this.#options;
    if (this.#unwatch.length > 0) return;
    this.#unwatch = [lock.onChange(() => this.#report()), lock.onLog((line) => this.#tell(line))];
    this.#session.start();
  }

  /** Its power is gone, as far as the broker can tell. */
  async stop(): Promise<void> {
    for (const unwatch of this.#unwatch.splice(0)) unwatch();
    await this.#session.stop();
  }

  /** The line breaks off and comes back. */
  breakOff(): void {
    this.#session.breakOff();
  }

  /** The line ends so that the broker says no last will, and comes back. */
  leaveWithoutWill(): void {
    this.#session.leaveWithoutWill();
  }

  #topic(name: string): string {
    return `${this.#base}/${name}`;
  }

  #greet(): void {
    const stale = this.#said;
    const isStale = this.manners.beginsStale && stale.size > 0;
    this.#said = new Map();
    this.#session.publish(this.#topic("connected"), "true", { retain: true });
    if (this.manners.announces) this.#announce();
    if (isStale) this.#sayNew(stale);
    else this.#sayNew(this.#facts());
    if (isStale) this.#report();
  }

  #report(): void {
    const { clock } = this.#options;
    const { reportMs } = this.manners;
    const facts = this.#facts();
    if (reportMs === 0) this.#sayNew(facts);
    else void clock.sleep(reportMs).then(() => this.#sayNew(facts));
  }

  #facts(): Map<string, string> {
    const { lock } = this.#options;
    const report = lock.report();
    return new Map(
      Object.entries({
        name: lock.name,
        firmware: "4.5.7",
        deviceType: 4,
        mode: 2,
        state: report.state,
        batteryCritical: report.batteryCritical,
        batteryChargeState: report.batteryCharge,
        batteryCharging: false,
        ...(report.keypadPaired && { keypadBatteryCritical: report.keypadBatteryCritical }),
        doorsensorState: report.doorState,
        doorsensorBatteryCritical: false,
      }).map(([name, value]) => [name, String(value)]),
    );
  }

  #sayNew(facts: ReadonlyMap<string, string>): void {
    if (!this.#session.connected) return;
    for (const [name, value] of facts) {
      if (this.#said.get(name) === value) continue;
      this.#said.set(name, value);
      this.#session.publish(this.#topic(name), value, { retain: true });
    }
  }

  /** Attempts alone: of a wrong code nobody hears. */
  #tell({ action, trigger, state, authId = 0, source }: NukiLogLine): void {
    if (action >= firstForeignAction || state === nukiOutcome.wrongCode || state === nukiOutcome.busy) return;
    const by = trigger === nukiTrigger.keypad ? nukiTrigger.system : trigger;
    const event = [action, by, 0, authId, source].join(",");
    for (let time = 0; time < (this.manners.doublesEvents ? 2 : 1); time += 1)
      this.#session.publish(this.#topic("lockActionEvent"), event);
  }

  #hear(command: HeardCommand): void {
    this.heard.push(command);
    if (this.heard.length > commandsKept) this.heard.shift();
    const action = actionOf(command.topic.slice(this.#base.length + 1), command.payload);
    if (action === undefined) return;
    const error = this.#obey(action);
    if (error === 0) void this.#answerInTime();
    else this.#answer(error);
  }

  /** 0 when it does. */
  #obey(action: number | "none"): number {
    if (action === "none") return nukiError.badParameter;
    if (this.#isAnswering) return nukiError.busy;
    return errorOf[this.#options.lock.obey(action, "MQTT", nukiTrigger.mqtt)];
  }

  async #answerInTime(): Promise<void> {
    const { lock, clock } = this.#options;
    this.#isAnswering = true;
    if (this.manners.answers === "done") await this.#rest();
    await clock.sleep(this.manners.answerMs);
    this.#isAnswering = false;
    const isBlocked = this.manners.answers === "done" && lock.report().state === nukiState.motorBlocked;
    this.#answer(isBlocked ? nukiError.motorBlocked : 0);
  }

  #rest(): Promise<void> {
    const { lock } = this.#options;
    return new Promise((resolve) => {
      const check = () => {
        if (lock.isMoving) return;
        unwatch();
        resolve();
      };
      const unwatch = lock.onChange(check);
      check();
    });
  }

  #answer(code: number): void {
    this.#session.publish(this.#topic("commandResponse"), String(code), { isReply: true });
  }

  #announce(): void {
    const id = nukiId(this.#options.lock.id);
    for (const [component, name] of [
      ["lock", "smartlock"],
      ["sensor", "battery"],
      ["binary_sensor", "battery_critical"],
      ["binary_sensor", "door_sensor"],
    ] as const)
      this.#session.publish(
        `homeassistant/${component}/NUKI_${id}_${name}/config`,
        JSON.stringify({ unique_id: `NUKI_${id}_${name}`, state_topic: this.#topic("state") }),
        { retain: true },
      );
  }
}

/** "none": it asks for nothing that there is; undefined: it asks for nothing. */
function actionOf(name: string, payload: string): number | "none" | undefined {
  if (name === "lock" || name === "unlock") return payload === "true" ? nukiAction[name] : undefined;
  const action = /^\d$/.test(payload) ? Number(payload) : 0;
  return Object.values<number>(nukiAction).includes(action) ? action : "none";
}
