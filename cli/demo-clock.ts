/** The demo's time: the machine's, and ahead of it by as much as visitors have leapt. Only programs that a demo starts are given it. */
import { z } from "zod";
import type { Clock } from "../gateway/ports/clock.ts";
import { systemClock } from "../gateway/system-clock.ts";

/** To a program that a demo has started and, once it is so late there, back. */
export const timeWord = z.strictObject({ aheadMs: z.number().int().nonnegative() });

/**
 * Who sleeps no longer than this sleeps on through a leap: a deadline of what is under way, or a sign of life that is waited for, and
 * both go by real time whatever the hour. Longer sleeps are until something is due. No deadline of the product's is longer.
 */
const steadyMs = 120_000;

export class DemoClock implements Clock {
  #aheadMs: number;
  #leapt = new AbortController();

  constructor(aheadMs: number) {
    this.#aheadMs = aheadMs;
  }

  /** Of the machine's clock. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  wall(): number {
    return systemClock.wall() + this.#aheadMs;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#aheadMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!(ms > steadyMs)) return systemClock.sleep(ms, signal);
    const due = this.monotonic() + ms;
    for (let left = ms; left > 0; left = due - this.monotonic()) {
      const woken = AbortSignal.any([this.#leapt.signal, ...(signal ? [signal] : [])]);
      await systemClock.sleep(left, woken).catch((error: unknown) => {
        if (signal?.aborted) throw error;
      });
    }
  }

  /** Back it does not go. */
  leapTo(aheadMs: number): void {
    if (aheadMs <= this.#aheadMs) return;
    this.#aheadMs = aheadMs;
    const leapt = this.#leapt;
    this.#leapt = new AbortController();
    leapt.abort();
  }
}
