/** A code that is held in view is sent again and again: it is presented once. */
import type { Millis, Monotonic } from "../../domain/instant.ts";

/** Codes remembered at a time; the one seen longest ago makes room. */
const keptMax = 16;

export class Repeats {
  readonly #quietMs: Millis;
  /** Code → when it was seen last; the oldest first. */
  readonly #seen = new Map<string, Monotonic>();

  /** `quietMs`: for so long a code must have been out of sight to be presented again. */
  constructor(quietMs: Millis) {
    this.#quietMs = quietMs;
  }

  /** Whether the code was in view until now. Seeing it makes that so. */
  isRepeat(code: string, now: Monotonic): boolean {
    const before = this.#seen.get(code);
    this.#seen.delete(code);
    for (const [other, at] of this.#seen)
      if (now - at >= this.#quietMs || this.#seen.size >= keptMax) this.#seen.delete(other);
      else break;
    this.#seen.set(code, now);
    return before !== undefined && now - before < this.#quietMs;
  }
}
