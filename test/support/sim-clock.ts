/** Time that moves only when told. Sleepers wake in the order of their time, then of their coming. */
import type { Clock } from "../../gateway/ports/clock.ts";

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

export class SimClock implements Clock {
  /** What a wall clock on the machine shows beside the true time; tests bend it. */
  wallOffset: number;
  #now = 0;
  #order = 0;
  readonly #start: number;
  readonly #sleepers: Sleeper[] = [];

  /** `start`: the true time at monotonic 0, in milliseconds since 1970. */
  constructor(start: number) {
    this.#start = start;
    this.wallOffset = 0;
  }

  /** The true time. */
  get time(): number {
    return this.#start + this.#now;
  }

  wall(): number {
    return Math.floor(this.time + this.wallOffset);
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = {
        at: this.#now + Math.max(0, ms),
        order: this.#order++,
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        const index = this.#sleepers.indexOf(sleeper);
        if (index >= 0) this.#sleepers.splice(index, 1);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** Calls back after `ms`; for the simulation's own events. */
  after(ms: number, call: () => void): void {
    this.#sleepers.push({ at: this.#now + ms, order: this.#order++, wake: call });
  }

  /** When the next sleeper wakes, in monotonic milliseconds; undefined when none sleeps. */
  get nextAt(): number | undefined {
    return this.#next()?.at;
  }

  /** Moves to the next sleeper and wakes it, or to `until` when none wakes before; true when one woke. */
  step(until: number): boolean {
    const next = this.#next();
    if (!next || next.at > until) {
      this.#now = Math.max(this.#now, until);
      return false;
    }
    this.#sleepers.splice(this.#sleepers.indexOf(next), 1);
    this.#now = Math.max(this.#now, next.at);
    next.wake();
    return true;
  }

  #next(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (!first || sleeper.at < first.at || (sleeper.at === first.at && sleeper.order < first.order)) first = sleeper;
    }
    return first;
  }
}
