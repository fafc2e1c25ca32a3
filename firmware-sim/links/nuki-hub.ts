/**
 * Nuki Hub, the ESP32 that stands between a simulated Nuki (Bluetooth) and the site's broker. It has power of its own, tries again over
 * Bluetooth by itself, tells codes only as the lock's list was when it read it, and after a reconnect says nothing that has not changed: it
 * trusts the broker to have kept the rest. Facts: devices.md §7.2 and the hub's source, technyon/nuki_hub.
 */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Logger } from "../../gateway/ports/logger.ts";
import type { Faults } from "../faults.ts";
import { type NukiLogLine, nukiOutcome, type SimNuki } from "../sim-nuki.ts";
import type { StoredNukiCode } from "../sim-nuki-keypad.ts";
import { type BrokerAt, type HeardCommand, MqttSession } from "./mqtt-session.ts";
import { type KeypadAction, readKeypadAction, updated } from "./nuki-hub-action.ts";
import {
  actionAsked,
  actionWord,
  batteryJson,
  codesJson,
  doorWord,
  flag,
  logJson,
  outcomeWord,
  stateJson,
  stateWord,
} from "./nuki-hub-words.ts";

export interface NukiHubOptions {
  readonly lock: SimNuki;
  readonly broker: BrokerAt;
  readonly login: { readonly username: string; readonly password: string };
  /** "nukihub" when left out. */
  readonly base?: string;
  /** Its host name, which is its client id too. */
  readonly hostname?: string;
  readonly settings?: Partial<NukiHubSettings>;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keepaliveSeconds?: number;
}

/** What its own web page sets; may change at any time. Times in milliseconds. */
export interface NukiHubSettings {
  /** The lock's security PIN is stored on it and right. */
  hasPin: boolean;
  /** "Add, modify and delete keypad codes". */
  controlsKeypad: boolean;
  /** "Publish keypad entries information". */
  publishesList: boolean;
  /** "Also publish keypad codes". */
  publishesCodes: boolean;
  /** "Allow checking if keypad codes are valid". */
  checksCodes: boolean;
  /** "Publish authorization log". */
  publishesLog: boolean;
  /** Lock actions that may be carried out, by their numbers; others are "denied". */
  actions: readonly number[];
  /** The list it reads and tells is no longer than this. */
  entriesMax: number;
  /** How often it tries again over Bluetooth. */
  retries: number;
  bleMs: number;
  /** From the reading of the list until it tells it. */
  listMs: number;
  /** So long after it has connected it ignores lock actions without a word. */
  deafMs: number;
  /** From a change of the lock until it tells it. */
  reportMs: number;
}

/** What goes wrong with one exchange over Bluetooth. "lost-answer": the lock does it, and the hub takes it for a time-out. */
export type BleFault = "time-out" | "failure" | "lost-answer";

type BleResult = "success" | "failed" | "timeOut";

const usual: NukiHubSettings = {
  ...{ hasPin: true, controlsKeypad: true, publishesList: true, publishesCodes: false, checksCodes: false },
  ...{ publishesLog: true, actions: [1, 2, 3, 4, 5, 6], entriesMax: 10, retries: 3 },
  ...{ bleMs: 500, listMs: 5_000, deafMs: 6_000, reportMs: 0 },
};
/** At each connection it writes these values on its own command topics, and again when it has carried one out. */
const cleared: Readonly<Record<string, string>> = {
  "lock/action": "--",
  "lock/keypad/actionJson": "--",
  "lock/query/lockstate": "0",
  "lock/query/keypad": "0",
  "lock/query/battery": "0",
  "lock/configuration/action": "--",
};
const answers: ReadonlySet<string> = new Set(["", "--", "ack", "unknown_action", "denied", "error"]);
const waitingMax = 16;
const commandsKept = 1_000;

export class NukiHubLink {
  readonly settings: NukiHubSettings;
  /** What has arrived, in order; of very many the last. */
  readonly heard: HeardCommand[] = [];
  readonly #options: NukiHubOptions;
  readonly #base: string;
  readonly #session: MqttSession;
  #unwatch: (() => void)[] = [];
  #running = new AbortController();
  #said = new Map<string, string>();
  #connectedAt = Number.NEGATIVE_INFINITY;
  #outcome: number = nukiOutcome.success;
  #author = { id: 0, name: "" };
  #logIndex = 0;
  /** The ids in the list it told last. */
  #known: readonly number[] = [];
  #lists = 0;
  #fault: { readonly kind: BleFault; left: number } | undefined;
  /** One exchange over Bluetooth after the other. */
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: NukiHubOptions) {
    const { broker, login, faults, clock, logger, hostname = "nukihub", keepaliveSeconds } = options;
    this.#options = options;
    this.#base = options.base ?? "nukihub";
    this.settings = { ...usual, ...options.settings };
    this.#session = new MqttSession({
      ...{ broker, login, faults, clock, clientId: hostname },
      will: { topic: this.#topic("maintenance/mqttConnectionState"), payload: "offline", retain: true },
      needsAll: false,
      subscribes: () => [...Object.keys(cleared), "maintenance/reset"].map((name) => this.#topic(name)),
      powered: () => true,
      onPower: () => () => undefined,
      greet: () => this.#greet(),
      hear: (command) => this.#hear(command),
      logger: logger.child({ device: this.#base }),
      ...(keepaliveSeconds !== undefined && { keepaliveSeconds }),
    });
  }

  get connected(): boolean {
    return this.#session.connected;
  }

  /** It starts anew: what it knew of the lock it reads again. */
  start(): void {
    const { lock } = this.#options;
    if (this.#unwatch.length > 0) return;
    this.#running = new AbortController();
    this.#said = new Map();
    this.#known = [];
    this.#unwatch = [lock.onChange(() => this.#report()), lock.onLog((line) => this.#note(line))];
    this.#session.start();
  }

  /** Its power is gone; the lock works on. */
  async stop(): Promise<void> {
    for (const unwatch of this.#unwatch.splice(0)) unwatch();
    this.#running.abort();
    await this.#session.stop();
  }

  breakOff(): void {
    this.#session.breakOff();
  }

  /** The line ends so that the broker says no last will, and comes back. */
  leaveWithoutWill(): void {
    this.#session.leaveWithoutWill();
  }

  /** So the next `times` exchanges with the lock end. */
  failBluetooth(kind: BleFault, times = 1): void {
    this.#fault = { kind, left: times };
  }

  #topic(name: string): string {
    return `${this.#base}/${name}`;
  }

  #say(name: string, payload: string, retain = true): void {
    this.#session.publish(this.#topic(name), payload, { retain, isReply: name.includes("ommandResult") });
  }

  /** As #say(), once: the broker has it. */
  #sayNew(name: string, payload: string): void {
    if (this.#said.get(name) === payload || !this.#session.connected) return;
    this.#said.set(name, payload);
    this.#say(name, payload);
  }

  #greet(): void {
    const isFirst = this.#said.size === 0;
    this.#connectedAt = this.#options.clock.monotonic();
    for (const [name, value] of Object.entries(cleared)) this.#say(name, value);
    this.#say("maintenance/mqttConnectionState", "online");
    if (!isFirst) return;
    this.#tellState();
    this.#inTurn(() => this.#readList());
  }

  #hear(command: HeardCommand): void {
    this.heard.push(command);
    if (this.heard.length > commandsKept) this.heard.shift();
    const { topic, payload } = command;
    const name = topic.slice(this.#base.length + 1);
    if (name === "lock/action") this.#act(payload);
    else if (name === "lock/keypad/actionJson" && !answers.has(payload)) this.#inTurn(() => this.#changeCodes(payload));
    else if (name.startsWith("lock/query/") && payload === "1") {
      this.#say(name, "0");
      if (name === "lock/query/keypad") this.#inTurn(() => this.#readList());
      else this.#inTurn(() => this.#readState());
    }
  }

  #act(payload: string): void {
    const { lock, clock } = this.#options;
    if (clock.monotonic() - this.#connectedAt < this.settings.deafMs || answers.has(payload)) return;
    const action = actionAsked(payload);
    const isAllowed = action !== undefined && this.settings.actions.includes(action);
    this.#say("lock/action", action === undefined ? "unknown_action" : isAllowed ? "ack" : "denied", false);
    if (!isAllowed) return;
    this.#inTurn(async () => {
      await this.#exchange(
        () => (lock.obey(action, "Nuki Hub") === "begun" ? "success" : "failed"),
        (result) => this.#say("lock/commandResult", result),
      );
    });
  }

  async #changeCodes(payload: string): Promise<void> {
    const result = this.#objection() ?? (await this.#carryOut(payload));
    this.#say("lock/keypad/commandResultJson", result);
    this.#say("lock/keypad/actionJson", cleared["lock/keypad/actionJson"]!);
  }

  #objection(): string | undefined {
    if (!this.settings.hasPin) return "noValidPinSet";
    if (!this.settings.controlsKeypad) return "keypadControlDisabled";
    return this.#options.lock.keypad ? undefined : "keypadNotAvailable";
  }

  async #carryOut(payload: string): Promise<string> {
    const { lock } = this.#options;
    const action = readKeypadAction(payload, this.#known, lock.zone);
    if (action.kind === "wrong") return action.why;
    if (action.kind === "check") return this.#check(action);
    if (action.kind === "update") {
      // it reads the list anew, to keep what was not said
      if ((await this.#exchange(() => "success")) !== "success") return "failedToRetrieveExistingKeypadEntry";
      await this.#wait(this.settings.listMs);
      if (!this.#code(action.codeId)) return "failedToRetrieveExistingKeypadEntry";
    }
    const result = await this.#exchange(() => this.#write(action));
    this.#inTurn(() => this.#readList());
    return result;
  }

  #check({ codeId, code }: { readonly codeId: number; readonly code: number }): string {
    if (!this.settings.checksCodes) return "checkingKeypadCodesDisabled";
    return this.#code(codeId)?.code === code ? "codeValid" : "codeInvalid";
  }

  #write(action: KeypadAction): BleResult {
    const { keypad } = this.#options.lock;
    if (!keypad) return "failed";
    switch (action.kind) {
      case "add": {
        const { name = "", code = 0, allowed } = action.wish;
        return keypad.add({ name, code, enabled: true, allowed }) === "done" ? "success" : "failed";
      }
      case "update": {
        const stands = this.#code(action.codeId);
        return stands && keypad.change(action.codeId, updated(stands, action.wish)) === "done" ? "success" : "failed";
      }
      case "delete":
        return keypad.remove(action.codeId) === "done" ? "success" : "failed";
      default:
        return "failed";
    }
  }

  /** Over Bluetooth, and again when it fails; `onTry` hears of each. */
  async #exchange(act: () => BleResult, onTry: (result: BleResult) => void = () => undefined): Promise<BleResult> {
    const { lock } = this.#options;
    for (let left = this.settings.retries; ; left -= 1) {
      await this.#wait(this.settings.bleMs);
      const fault = this.#nextFault();
      const reaches = lock.powered && fault !== "time-out" && fault !== "failure";
      const done = reaches ? act() : fault === "failure" ? "failed" : "timeOut";
      const result = reaches && fault === "lost-answer" ? "timeOut" : done;
      onTry(result);
      if (result === "success" || left === 0) return result;
    }
  }

  #nextFault(): BleFault | undefined {
    if (!this.#fault || this.#fault.left <= 0) return undefined;
    this.#fault.left -= 1;
    return this.#fault.kind;
  }

  /** The list as it is now is told a while later; a list that was read meanwhile takes its place. */
  async #readList(): Promise<void> {
    const { lock } = this.#options;
    if (!this.settings.publishesList || !this.settings.hasPin) return;
    let read: readonly StoredNukiCode[] = [];
    const result = await this.#exchange(() => {
      const codes = lock.keypad?.codes() ?? [];
      read = codes.toSorted((one, other) => one.authId - other.authId).slice(0, this.settings.entriesMax);
      return "success";
    });
    if (result !== "success") return;
    this.#lists += 1;
    const number = this.#lists;
    this.#later(this.settings.listMs, () => {
      if (this.#lists !== number) return;
      this.#known = read.map(({ authId }) => authId);
      this.#say("lock/keypad/json", codesJson(read, lock.zone, this.settings.publishesCodes));
    });
  }

  async #readState(): Promise<void> {
    if ((await this.#exchange(() => "success")) !== "success") return;
    this.#said = new Map();
    this.#tellState();
  }

  #report(): void {
    const { reportMs } = this.settings;
    if (!this.#options.lock.powered) return; // it cannot be asked
    if (reportMs === 0) this.#tellState();
    else this.#later(reportMs, () => this.#tellState());
  }

  #tellState(): void {
    const report = this.#options.lock.report();
    this.#sayNew("lock/state", stateWord(report.state));
    this.#sayNew("lock/lastLockAction", actionWord(report.lastAction));
    this.#sayNew("lock/completionStatus", outcomeWord(this.#outcome));
    this.#sayNew("lock/doorSensorState", doorWord(report.doorState));
    this.#sayNew("lock/battery/level", String(report.batteryCharge));
    this.#sayNew("lock/battery/critical", flag(report.batteryCritical));
    this.#sayNew("lock/battery/basicJson", batteryJson(report));
    this.#sayNew("lock/json", stateJson(report, this.#outcome, this.#author));
  }

  #note(line: NukiLogLine): void {
    const { lock } = this.#options;
    this.#logIndex += 1;
    if (line.state !== nukiOutcome.wrongCode) this.#outcome = line.state;
    if (!this.settings.publishesLog || !this.settings.hasPin) return;
    this.#author = { id: line.authId ?? 0, name: line.name };
    this.#say("lock/rollingLog", logJson(line, this.#logIndex, lock.zone));
    this.#sayNew("lock/authorizationId", String(this.#author.id));
    this.#sayNew("lock/authorizationName", this.#author.name);
  }

  #code(codeId: number): StoredNukiCode | undefined {
    return this.#options.lock.keypad?.codes().find(({ authId }) => authId === codeId);
  }

  /** What finds no place any more is lost. */
  #inTurn(work: () => Promise<void>): void {
    if (this.#waiting >= waitingMax) return;
    this.#waiting += 1;
    const { signal } = this.#running;
    this.#turn = this.#turn
      .then(work)
      .catch(unlessOver(signal))
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  #later(ms: number, work: () => void): void {
    const { signal } = this.#running;
    this.#wait(ms).then(work).catch(unlessOver(signal));
  }

  /** Rejects when its power goes. */
  #wait(ms: number): Promise<void> {
    return this.#options.clock.sleep(ms, this.#running.signal);
  }
}

/** What was under way when its power went is nobody's fault. */
function unlessOver(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
