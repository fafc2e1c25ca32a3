/** For drivers on real sockets: pauses and gaps are over almost at once, and the one deadline under test passes only when it is told to. */
import { setTimeout as pause } from "node:timers/promises";
import type { Clock } from "../../gateway/ports/clock.ts";

export class ToldClock implements Clock {
  readonly #deadlineMs: number;
  readonly #hastened: number;
  readonly #deadlines = new Set<() => void>();
  #ahead = 0;
  /** The longest sleep that was asked for, of those that are no deadlines. May be set back. */
  longestMs = 0;

  /** Sleeps of exactly `deadlineMs` end by passDeadline(); all others so many times faster than they say. */
  constructor(deadlineMs: number, hastened = 50) {
    this.#deadlineMs = deadlineMs;
    this.#hastened = hastened;
  }

  wall(): number {
    return Date.now() + this.#ahead;
  }

  monotonic(): number {
    return performance.now() + this.#ahead;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms !== this.#deadlineMs) {
      this.longestMs = Math.max(this.longestMs, ms);
      return pause(ms / this.#hastened, undefined, signal && { signal });
    }
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const pass = () => {
        this.#deadlines.delete(pass);
        resolve();
      };
      this.#deadlines.add(pass);
      signal?.addEventListener("abort", () => {
        this.#deadlines.delete(pass);
        reject(signal.reason);
      });
    });
  }

  /** Deadlines that are waited for now. */
  get waiting(): number {
    return this.#deadlines.size;
  }

  passDeadline(): void {
    this.#ahead += this.#deadlineMs;
    for (const pass of [...this.#deadlines]) pass();
  }
}
