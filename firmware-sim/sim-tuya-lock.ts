/**
 * A lock as Tuya's makers build them: all it knows and can do is a set of numbered data points (DPs), and which number means what depends
 * on its family. Its verbs are physical acts. How it talks is its link's business (links/tuya.ts). Numbers as in make-all/tuya-local's
 * device files (mid 2026).
 */
import type { Clock } from "../gateway/ports/clock.ts";
import { SimTuyaPasswords } from "./sim-tuya-passwords.ts";
import {
  type RemoteKey,
  type RemoteKeyUse,
  readRemoteKey,
  readRemoteKeyUse,
  remoteKeyAnswer,
  remoteKeyStatus,
} from "./tuya-remote-key.ts";

type Unsubscribe = () => void;

export type DpValue = boolean | number | string;
/** By the number of the data point, as text. */
export type Dps = Readonly<Record<string, DpValue>>;

/**
 * "residential": Wi-Fi door lock that opens from afar only while somebody has rung · "bluetooth": lock behind a gateway, with a remote
 * key · "access-control": keypad or board that switches a strike.
 */
export type TuyaFamily = "residential" | "bluetooth" | "access-control";
export type TuyaWay =
  | "fingerprint"
  | "password"
  | "temporary-password"
  | "dynamic-password"
  | "offline-password"
  | "card"
  | "face"
  | "key";

/** What a family calls its data points; what it lacks is absent. */
interface Numbers {
  readonly ways: Partial<Record<TuyaWay, string>>;
  readonly alarm: string;
  readonly doorbell: string;
  readonly request?: string;
  readonly approve?: string;
  readonly battery?: string;
  readonly batteryState?: string;
  readonly duress?: string;
  readonly lock?: string;
  readonly motor?: string;
  readonly setKey?: string;
  readonly useKey?: string;
  readonly autoLock?: string;
  readonly autoLockSeconds?: string;
  readonly door?: string;
  readonly exit?: string;
}

const numbersOf: Readonly<Record<TuyaFamily, Numbers>> = {
  residential: {
    ways: {
      fingerprint: "1",
      password: "2",
      "temporary-password": "3",
      "dynamic-password": "4",
      card: "5",
      face: "6",
      key: "7",
    },
    alarm: "8",
    request: "9",
    approve: "10",
    battery: "12",
    duress: "16",
    doorbell: "19",
  },
  bluetooth: {
    ways: {
      fingerprint: "12",
      password: "13",
      "dynamic-password": "14",
      card: "15",
      key: "16",
      "temporary-password": "55",
      "offline-password": "67",
    },
    alarm: "21",
    doorbell: "24",
    battery: "8",
    batteryState: "9",
    autoLock: "33",
    autoLockSeconds: "36",
    lock: "46",
    motor: "47",
    setKey: "60",
    useKey: "61",
  },
  "access-control": {
    ways: { fingerprint: "10", password: "11", card: "12", "temporary-password": "16", "offline-password": "17" },
    alarm: "23",
    doorbell: "24",
    setKey: "8",
    useKey: "9",
    autoLock: "30",
    autoLockSeconds: "31",
    door: "34",
    exit: "36",
  },
};

/** A plain switch for the bolt, which some models have under a number of their own. */
export interface BoltSwitch {
  readonly command: string;
  /** Where the bolt is told; may be the same. */
  readonly state: string;
  readonly trueIs: "released" | "secured";
}

export interface SimTuyaLockOptions {
  readonly family: TuyaFamily;
  readonly clock: Clock;
  /** What the motor's data point means when true. */
  readonly motorTrueIs?: "released" | "secured";
  /** By default an access-control board has one under 104, true when secured; other families have none. */
  readonly boltSwitch?: BoltSwitch;
  /** The remote key that was chosen when it was paired. */
  readonly remoteKey?: RemoteKey;
  /** Some models take no remote key over the LAN. */
  readonly keyIsWritable?: boolean;
  /** 1 to 1800; how long it stays released by itself. */
  readonly autoLockSeconds?: number;
  /** How many temporary passwords it keeps. */
  readonly passwordsMax?: number;
  /** How long they are; by default 6 digits on a Bluetooth lock and 7 on others. */
  readonly passwordDigits?: number;
}

/** What came of a write: whether each of its data points was one it takes, and what it tells because of it. */
export interface WriteOutcome {
  readonly isTaken: boolean;
  readonly told: Dps;
}

export interface TuyaLockView {
  readonly bolt: "released" | "secured" | "jammed";
  readonly door: "open" | "closed";
  readonly batteryPercent: number;
}

/** Seconds after the bell during which it can be opened from afar. */
const requestSeconds = 30;
const lowBatteryPercent = 10;

export class SimTuyaLock {
  readonly family: TuyaFamily;
  readonly passwords: SimTuyaPasswords;
  readonly passwordDigits: number;
  readonly #numbers: Numbers;
  readonly #clock: Clock;
  readonly #motorTrueIs: "released" | "secured";
  readonly #boltSwitch: BoltSwitch | undefined;
  readonly #keyIsWritable: boolean;
  readonly #listeners = new Set<(told: Record<string, unknown>) => void>();
  readonly #openingListeners = new Set<(way: TuyaWay, hardwareId: number) => void>();
  readonly #dps: Record<string, DpValue> = {};
  #told: Record<string, DpValue> | undefined;
  #released = false;
  #stuck = false;
  #isBlocked = false;
  #isUncoupled = false;
  #isDoubleLocked = false;
  #door: "open" | "closed" = "closed";
  #battery = 100;
  #remoteKey: RemoteKey | undefined;
  #autoLockSeconds: number;
  #usesLeft = Number.POSITIVE_INFINITY;
  #autoLock = new AbortController();
  #request = new AbortController();

  constructor(options: SimTuyaLockOptions) {
    const { family, clock, motorTrueIs = "released", autoLockSeconds = 5 } = options;
    this.family = family;
    this.passwords = new SimTuyaPasswords(clock, options.passwordsMax ?? 20);
    this.passwordDigits = options.passwordDigits ?? (family === "bluetooth" ? 6 : 7);
    this.#numbers = numbersOf[family];
    this.#clock = clock;
    this.#motorTrueIs = motorTrueIs;
    this.#boltSwitch =
      options.boltSwitch ??
      (family === "access-control" ? { command: "104", state: "104", trueIs: "secured" } : undefined);
    this.#keyIsWritable = options.keyIsWritable ?? true;
    if (options.remoteKey) this.#setKey(options.remoteKey);
    this.#dps = { ...this.#boltDps(), ...this.#doorDps(), ...this.#batteryDps() };
    const { request, autoLock, autoLockSeconds: delay } = this.#numbers;
    if (request) this.#dps[request] = 0;
    if (autoLock) this.#dps[autoLock] = true;
    this.#autoLockSeconds = autoLockSeconds;
    if (delay) this.#dps[delay] = autoLockSeconds;
  }

  /** All it would tell if asked. */
  dps(): Dps {
    return { ...this.#dps };
  }

  view(): TuyaLockView {
    return {
      bolt: this.#stuck ? "jammed" : this.#released ? "released" : "secured",
      door: this.#door,
      batteryPercent: this.#battery,
    };
  }

  /** What it tells by itself: not because of a write. */
  onReport(listener: (told: Record<string, unknown>) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A command from afar. */
  write(dps: Readonly<Record<string, unknown>>): WriteOutcome {
    let isTaken = true;
    const told = this.#telling(() => {
      for (const [dp, value] of Object.entries(dps)) if (!this.#take(dp, value)) isTaken = false;
    });
    return { isTaken, told };
  }

  /** Somebody turns the thumb inside, or the key. */
  turnThumb(to: "released" | "secured"): void {
    this.#act(() => this.#moveBolt(to));
  }

  /** A finger, a card or digits it knows under that number, 0 to 999. Throws where the family has no such reader. */
  useCode(way: TuyaWay, hardwareId: number): void {
    const dp = this.#numbers.ways[way];
    if (dp === undefined) throw new RangeError(`this lock has no reader for a ${way}`);
    this.#act(() => {
      this.#set(dp, hardwareId);
      this.#release();
    });
    for (const listener of this.#openingListeners) listener(way, hardwareId);
  }

  /** Somebody types digits and confirms. True when they are a temporary password that opens now. */
  enterPassword(digits: string): boolean {
    const number = this.passwords.use(digits);
    if (number !== undefined) this.useCode("temporary-password", number);
    return number !== undefined;
  }

  /** It tells its maker's cloud who has opened it, and how. */
  onOpening(listener: (way: TuyaWay, hardwareId: number) => void): Unsubscribe {
    this.#openingListeners.add(listener);
    return () => this.#openingListeners.delete(listener);
  }

  /** Its maker's cloud tells it to open or to lock. False where its family cannot, nobody has rung, or something is in its way. */
  operateFromCloud(to: "released" | "secured"): boolean {
    const { request } = this.#numbers;
    let hasMoved = false;
    this.#act(() => {
      if (to === "secured") hasMoved = request === undefined && this.#moveBolt("secured", true);
      else if (request === undefined) hasMoved = !this.#isDoubleLocked && this.#release();
      else if (this.#dps[request] !== 0) {
        this.#request.abort();
        this.#set(request, 0);
        hasMoved = this.#release();
      }
    });
    return hasMoved;
  }

  /** The bell; where the family has one, it is also the request to be let in from afar. */
  ring(): void {
    const { doorbell, request } = this.#numbers;
    this.#act(() => {
      this.#set(doorbell, true);
      if (request === undefined) return;
      this.#request.abort();
      this.#request = new AbortController();
      this.#countDown(request, requestSeconds, this.#request.signal);
    });
  }

  /** The exit button of a board. */
  pressExit(): void {
    const { exit } = this.#numbers;
    if (exit === undefined) throw new RangeError("this lock has no exit button");
    this.#act(() => {
      this.#set(exit, true);
      this.#release();
    });
  }

  /** Something gets in the bolt's way. Noticed when it next has to move. */
  jam(): void {
    this.#isBlocked = true;
  }

  unjam(): void {
    this.#isBlocked = false;
    this.#act(() => {
      this.#stuck = false;
      this.#tellBolt();
    });
  }

  /** The motor turns, says that it did, and moves nothing. */
  uncoupleMotor(): void {
    this.#isUncoupled = true;
  }

  coupleMotor(): void {
    this.#isUncoupled = false;
  }

  /** Bolted from inside: no remote key opens it. */
  doubleLock(on: boolean): void {
    this.#isDoubleLocked = on;
  }

  /** True when the door is open afterwards. */
  pushDoor(): boolean {
    if (this.#released) this.#moveDoor("open");
    return this.#door === "open";
  }

  closeDoor(): void {
    this.#moveDoor("closed");
  }

  /** 0 to 100. At 0 its motor moves nothing. */
  drainBattery(toPercent: number): void {
    this.#battery = toPercent;
    this.#act(() => {
      for (const [dp, value] of Object.entries(this.#batteryDps())) this.#set(dp, value);
      if (toPercent <= lowBatteryPercent) this.#set(this.#numbers.alarm, "low_battery");
    });
  }

  /** By force. */
  pry(): void {
    this.#act(() => this.#set(this.#numbers.alarm, "pry"));
  }

  /** The wrong finger, too often the wrong digits, a finger under duress where the family knows one. */
  alarm(kind: "wrong_finger" | "wrong_password" | "wrong_card" | "unclosed_time" | "duress"): void {
    const { alarm, duress } = this.#numbers;
    this.#act(() => (kind === "duress" && duress ? this.#set(duress, true) : this.#set(alarm, kind)));
  }

  /** Tells data points nobody has described, of whatever type, as vendors do. */
  tellOdd(dps: Record<string, unknown>): void {
    for (const listener of this.#listeners) listener(dps);
  }

  #take(dp: string, value: unknown): boolean {
    const { approve, request, lock, setKey, useKey, autoLock, autoLockSeconds } = this.#numbers;
    if (dp === this.#boltSwitch?.command && typeof value === "boolean") {
      const isReleased = value === (this.#boltSwitch.trueIs === "released");
      if (isReleased) this.#release();
      else this.#moveBolt("secured", true);
      return true;
    }
    if (dp === approve && value === true) {
      if (request === undefined || this.#dps[request] === 0) return true; // too late or never asked: of no use
      this.#request.abort();
      this.#set(request, 0);
      this.#set(approve, true);
      this.#release();
      return true;
    }
    if (dp === lock && value === true) {
      this.#moveBolt("secured", true);
      this.#set(lock, true);
      return true;
    }
    if (dp === setKey && typeof value === "string") {
      const key = readRemoteKey(value);
      if (!key || !this.#keyIsWritable) return false;
      this.#setKey(key);
      return true;
    }
    if (dp === useKey && typeof value === "string") {
      const use = readRemoteKeyUse(value);
      if (!use) return false;
      this.#set(useKey, remoteKeyAnswer(this.#useKey(use), use.member));
      return true;
    }
    if (dp === autoLock && typeof value === "boolean") {
      this.#set(autoLock, value);
      return true;
    }
    if (dp === autoLockSeconds && typeof value === "number" && value >= 1 && value <= 1_800) {
      this.#autoLockSeconds = value;
      this.#set(autoLockSeconds, value);
      return true;
    }
    return false;
  }

  #setKey(key: RemoteKey): void {
    this.#remoteKey = key;
    this.#usesLeft = key.uses === 0 ? Number.POSITIVE_INFINITY : key.uses;
  }

  #useKey({ action, member, key }: RemoteKeyUse): number {
    const known = this.#remoteKey;
    if (!known || known.key !== key || known.member !== member || this.#usesLeft <= 0) return remoteKeyStatus.wrongKey;
    const seconds = this.#clock.wall() / 1_000;
    if (seconds < known.from || seconds >= known.until) return remoteKeyStatus.outsideHours;
    if (action === "unlock" && this.#isDoubleLocked) return remoteKeyStatus.doubleLocked;
    this.#usesLeft -= 1;
    const hasMoved = action === "unlock" ? this.#release() : this.#moveBolt("secured", true);
    return hasMoved ? remoteKeyStatus.ok : remoteKeyStatus.failed;
  }

  /** By its motor, with its own timer. */
  #release(): boolean {
    const hasMoved = this.#moveBolt("released", true);
    this.#autoLock.abort();
    this.#autoLock = new AbortController();
    const { autoLock } = this.#numbers;
    if (hasMoved && (autoLock === undefined || this.#dps[autoLock] === true))
      this.#after(this.#autoLockSeconds * 1_000, this.#autoLock.signal, () =>
        this.#act(() => this.#moveBolt("secured", true)),
      );
    return hasMoved;
  }

  /** False when its battery is empty, or something is in its way; that is an alarm. An uncoupled motor believes that it moved. */
  #moveBolt(to: "released" | "secured", byMotor = false): boolean {
    if (byMotor && this.#battery === 0) return false;
    if (byMotor && this.#isUncoupled) return true;
    const isThere = this.#released === (to === "released");
    if (this.#isBlocked && !isThere) {
      this.#stuck = true;
      this.#set(this.#numbers.alarm, to === "secured" ? "tongue_not_out" : "tongue_bad");
      return false;
    }
    this.#released = to === "released";
    this.#stuck = false;
    if (!isThere) this.#tellBolt();
    return true;
  }

  #tellBolt(): void {
    for (const [dp, value] of Object.entries(this.#boltDps())) this.#set(dp, value);
  }

  #boltDps(): Dps {
    const { motor } = this.#numbers;
    const said = (trueIs: "released" | "secured") => this.#released === (trueIs === "released");
    return {
      ...(motor !== undefined && { [motor]: said(this.#motorTrueIs) }),
      ...(this.#boltSwitch && { [this.#boltSwitch.state]: said(this.#boltSwitch.trueIs) }),
    };
  }

  #moveDoor(to: "open" | "closed"): void {
    if (this.#door === to) return;
    this.#door = to;
    this.#act(() => {
      for (const [dp, value] of Object.entries(this.#doorDps())) this.#set(dp, value);
    });
  }

  #doorDps(): Dps {
    const { door } = this.#numbers;
    return door === undefined ? {} : { [door]: this.#door === "open" };
  }

  #batteryDps(): Dps {
    const { battery, batteryState } = this.#numbers;
    const percent = this.#battery;
    const state = percent > 50 ? "high" : percent > 20 ? "medium" : percent > 0 ? "low" : "poweroff";
    return {
      ...(battery !== undefined && { [battery]: percent }),
      ...(batteryState !== undefined && { [batteryState]: state }),
    };
  }

  #countDown(dp: string, seconds: number, signal: AbortSignal): void {
    this.#act(() => this.#set(dp, seconds));
    if (seconds > 0) this.#after(1_000, signal, () => this.#countDown(dp, seconds - 1, signal));
  }

  #after(ms: number, signal: AbortSignal, act: () => void): void {
    this.#clock.sleep(ms, signal).then(
      () => {
        if (!signal.aborted) act();
      },
      () => undefined,
    );
  }

  #set(dp: string, value: DpValue): void {
    this.#dps[dp] = value;
    if (this.#told) this.#told[dp] = value;
  }

  /** What an act changes is told together, once. */
  #act(act: () => void): void {
    if (this.#told) {
      act();
      return;
    }
    const told = this.#telling(act);
    if (Object.keys(told).length === 0) return;
    for (const listener of this.#listeners) listener(told);
  }

  #telling(act: () => void): Dps {
    const told: Record<string, DpValue> = {};
    this.#told = told;
    try {
      act();
    } finally {
      this.#told = undefined;
    }
    return told;
  }
}
