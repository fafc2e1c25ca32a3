/**
 * A lockbox as a thing: keypad, bolt, door, battery, tamper switch. Its verbs are physical acts. It obeys signed commands once and locks
 * itself when its window is over. How it talks is its link's business (links/mqtt-lockbox.ts).
 */
import type { Clock } from "../gateway/ports/clock.ts";
import { type LockboxCommand, type LockboxMessage, type LockboxUplink, openCommand } from "../gateway/wire/lockbox.ts";

export type Bolt = LockboxMessage<"state">["bolt"];
export type Door = LockboxMessage<"state">["door"];
export type ReplyResult = LockboxMessage<"reply">["result"];
/** "no-answer": nobody said anything within `answerMs` of the last key. */
export type Verdict = "granted" | "denied" | "locked-out" | "no-answer";

/** One message to the gateway. */
export type Uplink = {
  readonly [T in LockboxUplink]: { readonly name: T; readonly message: LockboxMessage<T> };
}[LockboxUplink];

/** What a person in front of the box sees. */
export interface LockboxView {
  readonly powered: boolean;
  readonly bolt: Bolt;
  readonly door: Door;
  readonly batteryPercent: number;
  readonly tamper: boolean;
  /** Something blocks the bolt. */
  readonly jammed: boolean;
  /** Empty while the box has no power. */
  readonly display: string;
  /** How often it beeped with the text on the display. */
  readonly beeps: number;
  /** `at`: milliseconds since 1970. */
  readonly lastVerdict: { readonly verdict: Verdict; readonly at: number } | null;
}

export interface SimLockboxOptions {
  /** Its device id. */
  readonly id: string;
  /** 32 bytes, shared with the gateway. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  /** The number of its first start. A box that comes back in a new process goes on counting, or its messages look like repeats. */
  readonly firstBoot?: number;
}

type Unsubscribe = () => void;

export const firmwareVersion = "sim-1.0";
/** A press that nobody has answered for so long is over; the person tries again. */
export const answerMs = 5_000;
/** Commands whose ids are remembered. Only an id that has expired is forgotten; with no room left the box refuses. */
export const rememberedMax = 64;
const displayMs = 3_000;
const idleText = "Enter code";

const verdictTexts: Record<Verdict, { readonly text: string; readonly beeps: number }> = {
  granted: { text: "Welcome", beeps: 1 },
  denied: { text: "Wrong code", beeps: 3 },
  "locked-out": { text: "Locked out", beeps: 5 },
  "no-answer": { text: "No answer", beeps: 2 },
};

export class SimLockbox {
  readonly id: string;
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  readonly #uplinkListeners = new Set<(uplink: Uplink) => void>();
  readonly #changeListeners = new Set<() => void>();

  // What lasts without power.
  #boot: number;
  #retracted = false;
  #door: Door = "closed";
  #batteryPercent = 100;
  #tamper = false;
  #blocked = false;
  #heartbeatMs = 300_000;
  #batteryMs = 6 * 3_600_000;

  // What does not.
  /** Ends with the power: every timer of a boot hangs on it. */
  #power: AbortController | undefined;
  #bootedAt = 0;
  #seq = 0;
  #reportTimers = new AbortController();
  #window = new AbortController();
  #windowOpen = false;
  /** The motor tried to move the bolt against the jam. */
  #stuck = false;
  /** Command id → the last moment on this boot's clock at which the command is valid. */
  readonly #remembered = new Map<string, number>();
  #display = "";
  #beeps = 0;
  #displayTimer = new AbortController();
  #waiting: AbortController | undefined;
  #lastVerdict: LockboxView["lastVerdict"] = null;

  /** Begins with power, as after putting the batteries in. */
  constructor({ id, key, clock, firstBoot = 1 }: SimLockboxOptions) {
    this.id = id;
    this.#key = key;
    this.#clock = clock;
    this.#boot = firstBoot - 1;
    this.restorePower();
  }

  onUplink(listener: (uplink: Uplink) => void): Unsubscribe {
    this.#uplinkListeners.add(listener);
    return () => this.#uplinkListeners.delete(listener);
  }

  /** Called after anything in view() has changed. */
  onChange(listener: () => void): Unsubscribe {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  get powered(): boolean {
    return this.#power !== undefined;
  }

  view(): LockboxView {
    return {
      powered: this.powered,
      bolt: this.#bolt(),
      door: this.#door,
      batteryPercent: this.#batteryPercent,
      tamper: this.#tamper,
      jammed: this.#blocked,
      display: this.#display,
      beeps: this.#beeps,
      lastVerdict: this.#lastVerdict,
    };
  }

  /** Presses the keys, then enter. 1 to 64 characters; a dark keypad does nothing. */
  enterPin(digits: string): void {
    if (digits.length < 1 || digits.length > 64)
      throw new RangeError(`a PIN has 1 to 64 digits, not ${digits.length}; nothing was entered at ${this.id}`);
    if (!this.powered) return;
    this.#show("Checking…", 0, answerMs + displayMs);
    this.#waiting?.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    this.#after(answerMs, waiting.signal, () => this.#say("no-answer"));
    this.#send({ name: "attempt", message: { ...this.#stamp(), kind: "pin", value: digits } });
  }

  /** True when the door is open afterwards: it gives way only while the bolt is back. */
  pushDoor(): boolean {
    if (this.#retracted) this.#moveDoor("open");
    return this.#door === "open";
  }

  /** Its latch falls in, whatever the bolt does. */
  closeDoor(): void {
    this.#moveDoor("closed");
  }

  /** Something gets in the bolt's way: it stays where it is. Noticed when the bolt next has to move. */
  jam(): void {
    if (this.#blocked) return;
    this.#blocked = true;
    this.#changed();
  }

  /** The way is free: the bolt goes where it should be. */
  unjam(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#change(() => {
      this.#stuck = false;
      this.#retracted = this.#windowOpen;
    });
    this.#changed();
  }

  /** Fail-secure: without power a spring pushes the bolt out, unless it is jammed. */
  cutPower(): void {
    if (!this.#power) return;
    this.#power.abort();
    this.#power = undefined;
    this.#waiting = undefined;
    this.#windowOpen = false;
    if (!this.#blocked) this.#retracted = false;
    this.#display = "";
    this.#beeps = 0;
    this.#changed();
  }

  /** A new boot with a clock from zero. Empty batteries are replaced. */
  restorePower(): void {
    if (this.#power) return;
    this.#power = new AbortController();
    this.#boot += 1;
    this.#bootedAt = this.#clock.monotonic();
    this.#seq = 0;
    this.#remembered.clear();
    if (this.#batteryPercent === 0) this.#batteryPercent = 100;
    this.#stuck = this.#blocked && this.#retracted;
    this.#display = idleText;
    this.#reportRegularly();
    this.#changed();
  }

  /** By force: the bolt is no obstacle, the tamper switch is. */
  pryOpen(): void {
    this.#setTamper(true);
    this.#moveDoor("open");
  }

  mend(): void {
    this.#moveDoor("closed");
    this.#setTamper(false);
  }

  /** `toPercent`: 0 to 100. At 0 the box goes dark. */
  drainBattery(toPercent: number): void {
    if (!Number.isInteger(toPercent) || toPercent < 0 || toPercent > 100)
      throw new RangeError(`a battery holds 0 to 100 percent, not ${toPercent}`);
    if (toPercent === this.#batteryPercent) return;
    const wasEmpty = this.#batteryPercent === 0;
    this.#batteryPercent = toPercent;
    this.#send({ name: "battery", message: { ...this.#stamp(), percent: toPercent } });
    if (toPercent === 0) this.cutPower();
    else if (wasEmpty) this.restorePower();
    this.#changed();
  }

  /** What it says once it is connected, in this order. */
  greet(): readonly Uplink[] {
    if (!this.powered) return [];
    return [
      {
        name: "presence",
        message: { online: true, boot: this.#boot, up: this.#up(), firmware: firmwareVersion },
      },
      { name: "state", message: { ...this.#stamp(), bolt: this.#bolt(), door: this.#door } },
      { name: "battery", message: { ...this.#stamp(), percent: this.#batteryPercent } },
    ];
  }

  /** A payload of its command topic. What is not signed for this box is not answered. */
  receive(payload: string): void {
    if (!this.powered) return;
    const command = openCommand(payload, this.id, this.#key);
    if (!command) return;
    const result = this.#obey(command);
    this.#send({
      name: "reply",
      message: { ...this.#stamp(), id: command.id, result, bolt: this.#bolt(), door: this.#door },
    });
  }

  #obey(command: LockboxCommand): ReplyResult {
    const up = this.#up();
    if (command.boot !== this.#boot) return "expired";
    if (this.#remembered.has(command.id)) return "repeated";
    if (up > command.notAfterUp) return "expired";
    if (!this.#makeRoom(up)) return "refused";
    this.#remembered.set(command.id, command.notAfterUp);
    switch (command.action) {
      case "release":
        return this.#release(command.holdMs);
      case "secure":
        this.#secure();
        return this.#stuck ? "refused" : "done";
      case "identify":
        this.#show("I am here", 3, displayMs);
        return "done";
      case "feedback":
        this.#say(command.outcome);
        return "done";
      case "configure":
        this.#heartbeatMs = command.heartbeatMs ?? this.#heartbeatMs;
        this.#batteryMs = command.batteryMs ?? this.#batteryMs;
        this.#reportRegularly();
        return "done";
    }
  }

  #makeRoom(up: number): boolean {
    for (const [id, notAfterUp] of this.#remembered) if (up > notAfterUp) this.#remembered.delete(id);
    return this.#remembered.size < rememberedMax;
  }

  #release(holdMs: number): ReplyResult {
    if (this.#blocked && !this.#retracted) {
      this.#change(() => {
        this.#stuck = true;
      });
      return "refused";
    }
    const isProlonged = this.#windowOpen && this.#waiting === undefined;
    this.#window.abort();
    this.#window = new AbortController();
    this.#windowOpen = true;
    this.#after(holdMs, this.#window.signal, () => this.#secure());
    this.#change(() => {
      this.#stuck = false;
      this.#retracted = true;
    });
    // Who holds the box open tells it so again and again; there is nobody at the door to beep for.
    if (!isProlonged) this.#say("granted");
    return "done";
  }

  #secure(): void {
    this.#window.abort();
    this.#windowOpen = false;
    this.#change(() => {
      if (!this.#blocked) this.#retracted = false;
      else if (this.#retracted) this.#stuck = true;
    });
  }

  #bolt(): Bolt {
    if (this.#stuck) return "jammed";
    return this.#retracted ? "released" : "secured";
  }

  #moveDoor(to: Door): void {
    this.#change(() => {
      this.#door = to;
    });
  }

  #setTamper(active: boolean): void {
    if (this.#tamper === active) return;
    this.#tamper = active;
    this.#send({ name: "tamper", message: { ...this.#stamp(), active } });
    this.#changed();
  }

  /** Reports the state when `move` has changed it. */
  #change(move: () => void): void {
    const before = { bolt: this.#bolt(), door: this.#door };
    move();
    const after = { bolt: this.#bolt(), door: this.#door };
    if (before.bolt === after.bolt && before.door === after.door) return;
    this.#send({ name: "state", message: { ...this.#stamp(), ...after } });
    this.#changed();
  }

  #say(verdict: Verdict): void {
    this.#waiting?.abort();
    this.#waiting = undefined;
    this.#lastVerdict = { verdict, at: this.#clock.wall() };
    const { text, beeps } = verdictTexts[verdict];
    this.#show(text, beeps, displayMs);
  }

  #show(text: string, beeps: number, forMs: number): void {
    this.#displayTimer.abort();
    this.#displayTimer = new AbortController();
    this.#display = text;
    this.#beeps = beeps;
    this.#after(forMs, this.#displayTimer.signal, () => {
      this.#display = idleText;
      this.#beeps = 0;
      this.#changed();
    });
    this.#changed();
  }

  #reportRegularly(): void {
    this.#reportTimers.abort();
    this.#reportTimers = new AbortController();
    const every = (ms: number, report: () => void) =>
      this.#after(ms, this.#reportTimers.signal, () => {
        report();
        every(ms, report);
      });
    every(this.#heartbeatMs, () => this.#send({ name: "heartbeat", message: { boot: this.#boot, up: this.#up() } }));
    every(this.#batteryMs, () =>
      this.#send({ name: "battery", message: { ...this.#stamp(), percent: this.#batteryPercent } }),
    );
  }

  /** Runs `act` after `ms` unless `signal` fires or the power goes. */
  #after(ms: number, signal: AbortSignal, act: () => void): void {
    if (!this.#power) return;
    const until = AbortSignal.any([signal, this.#power.signal]);
    this.#clock.sleep(ms, until).then(
      () => {
        if (!until.aborted) act();
      },
      () => undefined,
    );
  }

  #stamp(): { boot: number; seq: number; up: number } {
    return { boot: this.#boot, seq: ++this.#seq, up: this.#up() };
  }

  #up(): number {
    return Math.floor(this.#clock.monotonic() - this.#bootedAt);
  }

  #send(uplink: Uplink): void {
    if (!this.powered) return;
    for (const listener of this.#uplinkListeners) listener(uplink);
  }

  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }
}
