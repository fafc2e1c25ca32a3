/**
 * A Ring Intercom: a box in the handset of a house's own intercom, which presses the button for the street door. It knows nothing of the
 * door; what it does is a pulse. Its verbs are physical acts; how it is reached is its link's business (links/ring.ts).
 */
import type { Clock } from "../gateway/ports/clock.ts";

type Unsubscribe = () => void;

export interface SimRingIntercomOptions {
  readonly id: number;
  readonly name: string;
  readonly clock: Clock;
  readonly kind?: "intercom_handset_audio" | "intercom_handset_video";
  /** How long the house's strike hums after a pulse. */
  readonly strikeMs?: number;
}

export class SimRingIntercom {
  readonly id: number;
  readonly name: string;
  readonly kind: "intercom_handset_audio" | "intercom_handset_video";
  readonly #clock: Clock;
  readonly #strikeMs: number;
  readonly #listeners = new Set<() => void>();
  #hasWifi = true;
  #batteryPercent = 100;
  #pulses = 0;
  #released = false;
  #hum = new AbortController();

  constructor({ id, name, clock, kind = "intercom_handset_audio", strikeMs = 3_000 }: SimRingIntercomOptions) {
    this.id = id;
    this.name = name;
    this.kind = kind;
    this.#clock = clock;
    this.#strikeMs = strikeMs;
  }

  /** Called after anything here has changed. */
  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get strike(): "released" | "secured" {
    return this.#released ? "released" : "secured";
  }

  /** How often it has pressed the button. */
  get pulses(): number {
    return this.#pulses;
  }

  get batteryPercent(): number {
    return this.#batteryPercent;
  }

  get online(): boolean {
    return this.#hasWifi && this.#batteryPercent > 0;
  }

  /** `toPercent`: 0 to 100; at 0 it is gone. */
  drainBattery(toPercent: number): void {
    if (!Number.isInteger(toPercent) || toPercent < 0 || toPercent > 100)
      throw new RangeError(`a battery holds 0 to 100 percent, not ${toPercent}`);
    this.#batteryPercent = toPercent;
    this.#changed();
  }

  loseWifi(): void {
    this.#hasWifi = false;
    this.#changed();
  }

  findWifi(): void {
    this.#hasWifi = true;
    this.#changed();
  }

  /** Presses the button for the street door; a second press while the strike hums begins its time anew. */
  pressDoorButton(): void {
    this.#hum.abort();
    this.#hum = new AbortController();
    const stop = this.#hum.signal;
    this.#pulses += 1;
    this.#released = true;
    this.#changed();
    this.#clock.sleep(this.#strikeMs, stop).then(
      () => {
        if (stop.aborted) return;
        this.#released = false;
        this.#changed();
      },
      () => undefined,
    );
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
