/** How much someone may do: `burst` at once, then `perSecond`. Tells how long the next one has to wait; keeps two numbers and no timer. */
import type { Millis, Monotonic } from "../domain/instant.ts";

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export class Allowance {
  readonly #intervalMs: Millis;
  readonly #slackMs: Millis;
  /** When the account would be even if nothing more were taken. */
  #even: Monotonic = Number.NEGATIVE_INFINITY;

  constructor({ perSecond, burst }: Rate) {
    this.#intervalMs = 1000 / perSecond;
    this.#slackMs = (burst - 1) * this.#intervalMs;
  }

  /** Takes one; how long it has to wait, 0 when it need not. What waits is taken too: the next one waits longer. */
  take(now: Monotonic): Millis {
    const start = Math.max(this.#even, now);
    this.#even = start + this.#intervalMs;
    return Math.max(0, start - this.#slackMs - now);
  }

  /** Takes one if it need not wait; false: none was taken, so who keeps asking does not wait the longer. */
  takeNow(now: Monotonic): boolean {
    const isFree = Math.max(this.#even, now) - this.#slackMs <= now;
    if (isFree) this.take(now);
    return isFree;
  }
}
