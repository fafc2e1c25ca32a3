/**
 * A Nuki as the thing on the door: motor, bolt, door sensor, battery, keypad. Its verbs are physical acts; the numbers it speaks of itself
 * are the maker's, shared by all its interfaces. How it talks is its link's business (links/nuki-*.ts).
 */
import type { Clock } from "../gateway/ports/clock.ts";
import { SimNukiKeypad } from "./sim-nuki-keypad.ts";

type Unsubscribe = () => void;

export const nukiState = {
  uncalibrated: 0,
  locked: 1,
  unlocking: 2,
  unlocked: 3,
  locking: 4,
  unlatched: 5,
  unlockedLockNGo: 6,
  unlatching: 7,
  calibration: 252,
  bootRun: 253,
  motorBlocked: 254,
} as const;
export const nukiAction = { unlock: 1, lock: 2, unlatch: 3, lockNGo: 4, lockNGoUnlatch: 5, fullLock: 6 } as const;
/** 255 is what the maker's log shows for the keypad: developer.nuki.io thread 15578. */
export const nukiTrigger = {
  system: 0,
  manual: 1,
  button: 2,
  automatic: 3,
  autoLock: 6,
  mqtt: 172,
  keypad: 255,
} as const;
export const nukiDoor = { unavailable: 0, closed: 2, open: 3 } as const;
const doorLogAction = { opened: 240, closed: 241 };
/** How an entry of the log ended. 224: wrong code at the keypad. */
export const nukiOutcome = { success: 0, motorBlocked: 1, busy: 4, wrongCode: 224 } as const;
const source = { default: 0, keypadCode: 1 };

/** What came of a command; the rest its state shows. */
export type NukiObedience = "begun" | "busy" | "uncalibrated" | "dark";

/** What the lock says of itself. */
export interface NukiReport {
  readonly state: number;
  readonly trigger: number;
  readonly lastAction: number;
  readonly doorState: number;
  readonly batteryCharge: number;
  readonly batteryCritical: boolean;
  readonly keypadPaired: boolean;
  readonly keypadBatteryCritical: boolean;
}

/** One line of the lock's own log. */
export interface NukiLogLine {
  readonly action: number;
  readonly trigger: number;
  /** See nukiOutcome. */
  readonly state: number;
  /** Who it was, as the lock names him; empty for a hand or the door. */
  readonly name: string;
  /** The code's number on the lock, where one was used. */
  readonly authId?: number;
  readonly source: number;
  /** Wall time in milliseconds since 1970. */
  readonly date: number;
}

export interface SimNukiOptions {
  /** The maker's `smartlockId`. */
  readonly id: number;
  readonly name: string;
  readonly clock: Clock;
  /** How long the motor takes from one end to the other. */
  readonly motorMs?: number;
  /** How long it holds the latch back. */
  readonly unlatchMs?: number;
  /** How long lock'n'go waits before it locks. */
  readonly lockNGoMs?: number;
  /** Locks itself so long after it was unlocked; without it stays as it is. */
  readonly autoLockMs?: number;
  readonly hasDoorSensor?: boolean;
  /** Of the keypad's list: 200 on a 3.0 and later, 100 on a 2.0. */
  readonly codesMax?: number;
  /** IANA name of the zone of its wall clock. */
  readonly zone?: string;
}

interface Cause {
  readonly trigger: number;
  readonly name: string;
  readonly authId?: number;
  readonly source?: number;
}

const bootMs = 3_000;
const calibrationMs = 20_000;
const criticalPercent = 20;

export class SimNuki {
  readonly id: number;
  readonly name: string;
  readonly #clock: Clock;
  readonly #options: Required<Pick<SimNukiOptions, "motorMs" | "unlatchMs" | "lockNGoMs" | "hasDoorSensor">> &
    SimNukiOptions;
  readonly #changeListeners = new Set<() => void>();
  readonly #logListeners = new Set<(line: NukiLogLine) => void>();
  #keypad: SimNukiKeypad | undefined;
  #powered = true;
  #boltOut = true;
  #doorOpen = false;
  #jammed = false;
  #batteryPercent = 100;
  #state: number = nukiState.locked;
  #trigger: number = nukiTrigger.system;
  #lastAction: number = nukiAction.lock;
  /** Ends what the motor does, or waits to do. */
  #motion = new AbortController();

  /** Begins with power and a keypad, locked, the door shut. */
  constructor(options: SimNukiOptions) {
    this.id = options.id;
    this.name = options.name;
    this.#clock = options.clock;
    this.#options = { motorMs: 1_500, unlatchMs: 3_000, lockNGoMs: 20_000, hasDoorSensor: true, ...options };
    this.pairKeypad();
  }

  /** Called after anything in report() has changed. */
  onChange(listener: () => void): Unsubscribe {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onLog(listener: (line: NukiLogLine) => void): Unsubscribe {
    this.#logListeners.add(listener);
    return () => this.#logListeners.delete(listener);
  }

  /** IANA name of the zone that its wall clock shows. */
  get zone(): string {
    return this.#options.zone ?? "UTC";
  }

  /** Its motor is under way, or will not do anything else now. */
  get isMoving(): boolean {
    return moving.has(this.#state);
  }

  get powered(): boolean {
    return this.#powered;
  }

  get bolt(): "out" | "back" {
    return this.#boltOut ? "out" : "back";
  }

  get door(): "open" | "closed" {
    return this.#doorOpen ? "open" : "closed";
  }

  /** undefined while none is paired. */
  get keypad(): SimNukiKeypad | undefined {
    return this.#keypad;
  }

  report(): NukiReport {
    return {
      state: this.#state,
      trigger: this.#trigger,
      lastAction: this.#lastAction,
      doorState: this.#doorState(),
      batteryCharge: this.#batteryPercent,
      batteryCritical: this.#batteryPercent <= criticalPercent,
      keypadPaired: this.#keypad !== undefined,
      keypadBatteryCritical: this.#keypad?.batteryCritical ?? false,
    };
  }

  /** Types six digits and confirms. True when the lock takes them, and unlocks. */
  enterCode(digits: string): boolean {
    if (!this.#powered || !this.#keypad) return false;
    const code = this.#keypad.use(digits);
    const cause = { trigger: nukiTrigger.keypad, source: source.keypadCode };
    if (code) this.#move(nukiAction.unlock, { ...cause, name: code.name, authId: code.authId });
    else this.#log(nukiAction.unlock, { ...cause, name: "" }, nukiOutcome.wrongCode);
    return code !== undefined;
  }

  /** By the knob inside. Unpowered or uncalibrated it is not noticed; a jammed bolt stays. */
  turnKnob(to: "locked" | "unlocked"): void {
    if (this.#jammed) return;
    const notices = this.#powered && this.#state !== nukiState.uncalibrated;
    this.#endMotion();
    this.#boltOut = to === "locked";
    if (!notices) return;
    this.#begin(to === "locked" ? nukiAction.lock : nukiAction.unlock, byHand);
    this.#log(this.#lastAction, byHand, nukiOutcome.success);
    this.#rest();
  }

  /** The button on it: the other way round than it is. */
  pressButton(): void {
    const action = this.#boltOut ? nukiAction.unlock : nukiAction.lock;
    this.#move(action, { trigger: nukiTrigger.button, name: "" });
  }

  /** True when it is open afterwards: it has a handle outside, and gives way while the bolt is back. */
  pushDoor(): boolean {
    if (!this.#boltOut && !this.#doorOpen) this.#moveDoor(true);
    return this.#doorOpen;
  }

  /** True when it is shut afterwards: a bolt that is out meets the frame. */
  closeDoor(): boolean {
    if (this.#doorOpen && !this.#boltOut) this.#moveDoor(false);
    return !this.#doorOpen;
  }

  /** Something holds the bolt where it is. Noticed when the motor next has to move it. */
  jam(): void {
    this.#jammed = true;
  }

  /** The way is free. The lock goes on saying that its motor is blocked until somebody moves it. */
  unjam(): void {
    this.#jammed = false;
  }

  /** `toPercent`: 0 to 100. At 0 it goes dark; anything more is new batteries. */
  drainBattery(toPercent: number): void {
    if (!Number.isInteger(toPercent) || toPercent < 0 || toPercent > 100)
      throw new RangeError(`a battery holds 0 to 100 percent, not ${toPercent}`);
    const wasEmpty = this.#batteryPercent === 0;
    this.#batteryPercent = toPercent;
    this.#changed();
    if (toPercent === 0) this.cutPower();
    else if (wasEmpty) this.restorePower();
  }

  /** The keypad's own batteries are nearly empty. */
  drainKeypad(): void {
    if (this.#keypad) this.#keypad.batteryCritical = true;
    this.#changed();
  }

  /** The batteries are taken out: the bolt stays where it is. */
  cutPower(): void {
    if (!this.#powered) return;
    this.#endMotion();
    this.#powered = false;
    this.#changed();
  }

  /** New batteries where they were empty; it finds out where its bolt is before it does anything. */
  restorePower(): void {
    if (this.#powered) return;
    this.#powered = true;
    if (this.#batteryPercent === 0) this.#batteryPercent = 100;
    this.#keepBusy(nukiState.bootRun, bootMs);
  }

  /** Its codes go with it. */
  removeKeypad(): void {
    this.#keypad = undefined;
    this.#changed();
  }

  /** A new one, with an empty list. */
  pairKeypad(): void {
    const { clock, codesMax, zone } = this.#options;
    this.#keypad = new SimNukiKeypad({
      clock,
      ...(codesMax !== undefined && { capacity: codesMax }),
      ...(zone !== undefined && { zone }),
    });
    this.#changed();
  }

  /** It was taken off and put on again: it does not know where its ends are, and its motor obeys nobody. */
  loseCalibration(): void {
    this.#endMotion();
    this.#enter(nukiState.uncalibrated);
  }

  /** Drives to both ends and stays locked. */
  calibrate(): void {
    if (!this.#powered) return;
    this.#endMotion();
    this.#boltOut = true;
    this.#keepBusy(nukiState.calibration, calibrationMs);
  }

  /** A command of the maker's app, beside it or over its line, or by MQTT. While its motor runs it is busy. */
  obey(action: number, name: string, trigger: number = nukiTrigger.system): NukiObedience {
    return this.#move(action, { trigger, name });
  }

  #move(action: number, cause: Cause): NukiObedience {
    if (!this.#powered) return "dark";
    if (moving.has(this.#state)) {
      this.#log(action, cause, nukiOutcome.busy);
      return "busy";
    }
    if (this.#state === nukiState.uncalibrated) return "uncalibrated";
    this.#endMotion();
    this.#begin(action, cause);
    const stop = this.#motion.signal;
    this.#carryOut(action, cause, stop).catch((error: unknown) => {
      if (!stop.aborted) throw error;
    });
    return "begun";
  }

  async #carryOut(action: number, cause: Cause, stop: AbortSignal): Promise<void> {
    const { motorMs, unlatchMs, lockNGoMs } = this.#options;
    const isLock = action === nukiAction.lock || action === nukiAction.fullLock;
    const unlatches = action === nukiAction.unlatch || action === nukiAction.lockNGoUnlatch;
    this.#enter(isLock ? nukiState.locking : unlatches ? nukiState.unlatching : nukiState.unlocking);
    await this.#wait(motorMs, stop);
    if (this.#jammed) {
      this.#log(action, cause, nukiOutcome.motorBlocked);
      return this.#enter(nukiState.motorBlocked);
    }
    this.#boltOut = isLock;
    this.#log(action, cause, nukiOutcome.success);
    if (unlatches) {
      this.#enter(nukiState.unlatched);
      await this.#wait(unlatchMs, stop);
    }
    if (action === nukiAction.lockNGo || action === nukiAction.lockNGoUnlatch) {
      this.#enter(nukiState.unlockedLockNGo);
      await this.#wait(lockNGoMs, stop);
      return this.#lockByItself(nukiTrigger.automatic);
    }
    this.#rest();
  }

  #lockByItself(trigger: number): void {
    this.#move(nukiAction.lock, { trigger, name: "" });
  }

  /** Where the bolt stands is what it says now; unlocked, its auto-lock begins to count. */
  #rest(): void {
    const { autoLockMs } = this.#options;
    this.#enter(this.#boltOut ? nukiState.locked : nukiState.unlocked);
    if (this.#boltOut || autoLockMs === undefined) return;
    const stop = this.#motion.signal;
    this.#wait(autoLockMs, stop).then(
      () => this.#lockByItself(nukiTrigger.autoLock),
      () => undefined,
    );
  }

  #begin(action: number, { trigger }: Cause): void {
    this.#lastAction = action;
    this.#trigger = trigger;
  }

  /** Its motor is its own for so long; then it rests. */
  #keepBusy(state: number, ms: number): void {
    this.#enter(state);
    this.#wait(ms, this.#motion.signal).then(
      () => this.#rest(),
      () => undefined,
    );
  }

  /** Rejects once `stop` has fired, also where it did so in the moment in which the time was over. */
  async #wait(ms: number, stop: AbortSignal): Promise<void> {
    await this.#clock.sleep(ms, stop);
    stop.throwIfAborted();
  }

  #endMotion(): void {
    this.#motion.abort();
    this.#motion = new AbortController();
  }

  #moveDoor(open: boolean): void {
    this.#doorOpen = open;
    if (!this.#powered || !this.#options.hasDoorSensor) return;
    this.#log(open ? doorLogAction.opened : doorLogAction.closed, byHand, nukiOutcome.success);
    this.#changed();
  }

  #doorState(): number {
    if (!this.#options.hasDoorSensor) return nukiDoor.unavailable;
    return this.#doorOpen ? nukiDoor.open : nukiDoor.closed;
  }

  #enter(state: number): void {
    this.#state = state;
    this.#changed();
  }

  #log(action: number, { trigger, name, authId, source: from = source.default }: Cause, state: number): void {
    const date = this.#clock.wall();
    const line = { action, trigger, state, name, source: from, date, ...(authId !== undefined && { authId }) };
    for (const listener of this.#logListeners) listener(line);
  }

  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }
}

const byHand: Cause = { trigger: nukiTrigger.manual, name: "" };
const moving: ReadonlySet<number> = new Set([
  nukiState.unlocking,
  nukiState.locking,
  nukiState.unlatching,
  nukiState.calibration,
  nukiState.bootRun,
]);
