/**
 * A lock with a motor on the inside of a door, joined by radio (Z-Wave) to a Ring Alarm's hub. Its verbs are physical acts; how it is
 * reached from outside is its link's business (links/ring.ts). It has no door sensor, and no code in it is anybody's but Ring's.
 */
import type { Clock } from "../gateway/ports/clock.ts";

type Unsubscribe = () => void;

/** What it says of its bolt; "unknown" until its motor has once been at an end. */
export type RingBolt = "locked" | "unlocked" | "jammed" | "unknown";

/** What it tells the hub, in Ring's words. */
export interface RingLockReport {
  readonly locked: RingBolt;
  /** 0 to 100. */
  readonly batteryLevel: number;
  readonly batteryStatus: "full" | "ok" | "low" | "none";
  readonly tamperStatus: "ok" | "tamper";
}

export interface SimRingLockOptions {
  readonly zid: string;
  readonly name: string;
  readonly clock: Clock;
  /** "lock" or "lock.…": some models have a type of their own. */
  readonly deviceType?: string;
  /** How long the motor takes from one end to the other. */
  readonly motorMs?: number;
}

const fullPercent = 95;
const lowPercent = 20;

export class SimRingLock {
  readonly zid: string;
  readonly name: string;
  readonly deviceType: string;
  readonly #clock: Clock;
  readonly #motorMs: number;
  readonly #listeners = new Set<() => void>();
  #boltOut = true;
  #jammed = false;
  #said: RingBolt = "locked";
  #batteryPercent = 100;
  #isCoverOpen = false;
  #hasRadio = true;
  /** Ends what the motor does. */
  #motion = new AbortController();

  /** Begins locked, full, shut and within reach. */
  constructor({ zid, name, clock, deviceType = "lock", motorMs = 1_500 }: SimRingLockOptions) {
    this.zid = zid;
    this.name = name;
    this.deviceType = deviceType;
    this.#clock = clock;
    this.#motorMs = motorMs;
  }

  /** Called after anything in report() or `inReach` has changed. */
  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Where the bolt really is, whatever the lock says. */
  get bolt(): "out" | "back" {
    return this.#boltOut ? "out" : "back";
  }

  /** Whether the hub hears it: its radio works and it has power. */
  get inReach(): boolean {
    return this.#hasRadio && this.#batteryPercent > 0;
  }

  report(): RingLockReport {
    const percent = this.#batteryPercent;
    return {
      locked: this.#said,
      batteryLevel: percent,
      batteryStatus: percent >= fullPercent ? "full" : percent > lowPercent ? "ok" : percent > 0 ? "low" : "none",
      tamperStatus: this.#isCoverOpen ? "tamper" : "ok",
    };
  }

  /** By the thumb turn inside, or the key. A jammed bolt stays; an empty lock does not notice. */
  turnThumb(to: "locked" | "unlocked"): void {
    if (this.#jammed) return;
    this.#endMotion();
    this.#boltOut = to === "locked";
    if (this.#batteryPercent > 0) this.#say(to);
  }

  /** Something holds the bolt where it is. Noticed when the motor next has to move it. */
  jam(): void {
    this.#jammed = true;
  }

  /** The way is free. The lock goes on saying that it is jammed until somebody moves it. */
  unjam(): void {
    this.#jammed = false;
  }

  /** `toPercent`: 0 to 100. At 0 it goes dark, and the bolt stays where it is; anything more is new batteries. */
  drainBattery(toPercent: number): void {
    if (!Number.isInteger(toPercent) || toPercent < 0 || toPercent > 100)
      throw new RangeError(`a battery holds 0 to 100 percent, not ${toPercent}`);
    if (toPercent === 0) this.#endMotion();
    if (this.#batteryPercent === 0 && toPercent > 0) this.#said = "unknown";
    this.#batteryPercent = toPercent;
    this.#changed();
  }

  /** Its cover is taken off. */
  openCover(): void {
    this.#isCoverOpen = true;
    this.#changed();
  }

  closeCover(): void {
    this.#isCoverOpen = false;
    this.#changed();
  }

  /** Something metal stands between it and the hub. */
  leaveReach(): void {
    this.#hasRadio = false;
    this.#changed();
  }

  comeIntoReach(): void {
    this.#hasRadio = true;
    this.#changed();
  }

  /** A command by radio; out of reach nothing happens. A motor that turns the other way is turned round. */
  obey(command: "lock" | "unlock"): void {
    if (!this.inReach) return;
    this.#endMotion();
    const stop = this.#motion.signal;
    this.#clock.sleep(this.#motorMs, stop).then(
      () => {
        if (!stop.aborted) this.#arrive(command);
      },
      () => undefined,
    );
  }

  #arrive(command: "lock" | "unlock"): void {
    const out = command === "lock";
    const isStuck = this.#jammed && this.#boltOut !== out;
    if (!isStuck) this.#boltOut = out;
    this.#say(isStuck ? "jammed" : out ? "locked" : "unlocked");
  }

  #say(said: RingBolt): void {
    this.#said = said;
    this.#changed();
  }

  #endMotion(): void {
    this.#motion.abort();
    this.#motion = new AbortController();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
