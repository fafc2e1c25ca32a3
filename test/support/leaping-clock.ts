/** For whole programs on real sockets: real time, which leaps ahead where it is told to. Whoever sleeps into a leap wakes at once. */
import { setTimeout as pause } from "node:timers/promises";
import type { Clock } from "../../gateway/ports/clock.ts";

/** As much as requests on loopback need to be answered before their deadlines pass. */
const stepMs = 500;
const restMs = 25;
/** A machine that is busy with other things comes back from a rest late: then requests need longer too. */
const restsMax = 20;

export class LeapingClock implements Clock {
  readonly #offset: number;
  readonly #sleepers = new Map<() => void, number>();
  #ahead = 0;

  /** Its wall shows `start` now. */
  constructor(start: number) {
    this.#offset = start - performance.now();
  }

  wall(): number {
    return Math.floor(this.#offset + this.monotonic());
  }

  monotonic(): number {
    return performance.now() + this.#ahead;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.#sleepers.delete(wake);
      };
      const wake = () => {
        end();
        resolve();
      };
      const abort = () => {
        end();
        reject(signal?.reason);
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener("abort", abort, { once: true });
      this.#sleepers.set(wake, this.monotonic() + ms);
    });
  }

  leap(ms: number): void {
    this.#ahead += ms;
    const now = this.monotonic();
    for (const [wake, at] of [...this.#sleepers]) if (at <= now) wake();
  }

  /** To an instant of its wall. */
  leapTo(instant: number): void {
    const ms = instant - this.wall();
    if (ms < 0) throw new RangeError("time does not go back");
    this.leap(ms);
  }

  /** Time goes by quickly, with room for what is done meanwhile, until it holds. Fails after so much of it. */
  async passUntil(what: string, holds: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
    const end = this.monotonic() + withinMs;
    while (!(await holds())) {
      if (this.monotonic() > end) throw new Error(`${withinMs / 1_000} s went by in vain until ${what}`);
      await rest();
      this.leap(Math.min(stepMs, Math.max(0, end - this.monotonic())));
    }
  }
}

async function rest(): Promise<void> {
  for (let nth = 0; nth < restsMax; nth += 1) {
    const begun = performance.now();
    await pause(restMs);
    if (performance.now() - begun < 1.5 * restMs) return;
  }
}
