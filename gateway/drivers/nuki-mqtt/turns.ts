/** One command or change at a time: a Nuki has one motor and one radio, and its answers do not say to what they are. */
import type { Millis } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import { within } from "../common/within.ts";

export interface Turn {
  /** From now on it only waits for proof: whoever has waited long enough may call this, and goes next. */
  onWanted: (() => void) | undefined;
  leave(): void;
}

interface Held extends Turn {
  readonly over: Promise<void>;
}

export class Turns {
  readonly #clock: Clock;
  #held: Held | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** undefined when it did not come within `patienceMs`, or before the signal fired. */
  async take(patienceMs: Millis, signal: AbortSignal): Promise<Turn | undefined> {
    const endsAt = this.#clock.monotonic() + patienceMs;
    while (this.#held) {
      const held = this.#held;
      const leftMs = endsAt - this.#clock.monotonic();
      if (leftMs <= 0) {
        held.onWanted?.();
        if (this.#held === held) return undefined;
        continue;
      }
      await within(this.#clock, leftMs, [signal], (over) => Promise.race([held.over, fired(over)]));
      if (signal.aborted) return undefined;
    }
    if (signal.aborted) return undefined;
    return this.#begin();
  }

  #begin(): Turn {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const turn: Held = {
      over,
      onWanted: undefined,
      leave: () => {
        if (this.#held === turn) this.#held = undefined;
        resolve();
      },
    };
    this.#held = turn;
    return turn;
  }
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
