/**
 * A relay on the wall that feeds a strike, with a timer of its own and an input for a door contact. Its verbs are physical acts; how it
 * talks is its link's business (links/shelly.ts).
 */
import type { Clock } from "../gateway/ports/clock.ts";

type Unsubscribe = () => void;

export interface RelayTimer {
  /** Wall time, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
}

export interface SimRelayOptions {
  readonly id: string;
  readonly clock: Clock;
}

export class SimRelay {
  readonly id: string;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  /** Its own setting: whatever switches it on, without a timer it switches off after so long. */
  autoOffMs: number | undefined;
  #powered = true;
  #output = false;
  #welded = false;
  #hot = false;
  #contact = false;
  #timer: (RelayTimer & { readonly stop: AbortController }) | undefined;

  /** Begins with power, switched off, the door contact open. */
  constructor({ id, clock }: SimRelayOptions) {
    this.id = id;
    this.#clock = clock;
  }

  /** Its contacts are closed: the strike has current. */
  get output(): boolean {
    return this.#output;
  }

  get powered(): boolean {
    return this.#powered;
  }

  /** Its own temperature guard has switched it off and holds it off. */
  get hot(): boolean {
    return this.#hot;
  }

  /** The door contact at its input. */
  get contact(): boolean {
    return this.#contact;
  }

  /** The timer that will turn the output round; undefined when none runs. */
  timer(): RelayTimer | undefined {
    return this.#timer && { startedAt: this.#timer.startedAt, durationMs: this.#timer.durationMs };
  }

  /** Called after anything of the above has changed. */
  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * By command or by the button on it. Ends the timer that ran; with `toggleAfterMs` a new one begins, which turns the output round when
   * it ends. Returns whether it was on. Without power, or too hot to switch on, nothing happens.
   */
  set(on: boolean, toggleAfterMs?: number): boolean {
    const wasOn = this.#output;
    if (!this.#powered || (on && this.#hot)) return wasOn;
    this.#endTimer();
    this.#move(on);
    const timerMs = toggleAfterMs ?? (on ? this.autoOffMs : undefined);
    if (timerMs !== undefined) this.#beginTimer(!on, timerMs);
    this.#changed();
    return wasOn;
  }

  /** Someone opens or closes what the contact watches. */
  setContact(closed: boolean): void {
    if (this.#contact === closed) return;
    this.#contact = closed;
    this.#changed();
  }

  /** Its contacts melt together, or stick: the output stays as it is, whatever is commanded. */
  weld(): void {
    this.#welded = true;
  }

  unweld(): void {
    this.#welded = false;
  }

  /** Its temperature guard switches it off, and it refuses to switch on. */
  overheat(): void {
    this.#hot = true;
    this.#endTimer();
    this.#move(false);
    this.#changed();
  }

  coolDown(): void {
    this.#hot = false;
    this.#changed();
  }

  /** The coil drops; the timer is forgotten. */
  cutPower(): void {
    if (!this.#powered) return;
    this.#powered = false;
    this.#endTimer();
    this.#move(false);
    this.#changed();
  }

  /** Comes up switched off (`initial_state` off). */
  restorePower(): void {
    if (this.#powered) return;
    this.#powered = true;
    this.#changed();
  }

  #move(on: boolean): void {
    if (!this.#welded) this.#output = on;
  }

  #beginTimer(thenOn: boolean, durationMs: number): void {
    const stop = new AbortController();
    this.#timer = { startedAt: this.#clock.wall(), durationMs, stop };
    this.#clock.sleep(durationMs, stop.signal).then(
      () => {
        if (stop.signal.aborted) return;
        this.#timer = undefined;
        this.#move(thenOn);
        this.#changed();
      },
      () => undefined,
    );
  }

  #endTimer(): void {
    this.#timer?.stop.abort();
    this.#timer = undefined;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
