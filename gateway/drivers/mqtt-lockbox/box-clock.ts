/**
 * How a box's own clock (milliseconds since its start) stands to ours. Every message says "at least so late is it at the box", every
 * answer to a command "at most so late was it when we asked"; between the two lies the truth. Commands use the earlier time, so
 * that they rather expire too soon; a press counts as old as it can be, by an answer or else by the hello that came before it.
 */
import { driftPpm } from "../../domain/clock-interval.ts";
import type { Millis, Monotonic } from "../../domain/instant.ts";

interface Bound {
  readonly offset: Millis;
  readonly at: Monotonic;
}

export class BoxClock {
  #least: Bound | undefined;
  #most: Bound | undefined;

  /** A message that was written at `up` on the box's clock is here. One that is later than an answer allows is no time at all. */
  heard(up: Millis, now: Monotonic): void {
    const offset = up - now;
    if (this.#most && offset > this.#most.offset + drift(this.#most, now)) return;
    if (!this.#least || offset >= this.#least.offset - drift(this.#least, now)) this.#least = { offset, at: now };
  }

  /** A message was written at `up` in answer to what we sent at `asked`. */
  answered(up: Millis, asked: Monotonic, now: Monotonic): void {
    const offset = up - asked;
    if (!this.#most || offset <= this.#most.offset + drift(this.#most, now)) this.#most = { offset, at: now };
    // what was heard before and is later than this answer allows was no time either
    if (this.#least && this.#least.offset > this.#most.offset + drift(this.#most, now))
      this.#least = { offset: up - now, at: now };
  }

  /** The earliest that the box's clock can show at `mono`; undefined until the box has spoken. */
  earliestUp(mono: Monotonic): Millis | undefined {
    return this.#least && mono + this.#least.offset - drift(this.#least, mono);
  }

  /** When the box's clock showed `up`, on ours: the earlier end where an answer bounds it, else as its messages suggest. */
  when(up: Millis, now: Monotonic): Monotonic | undefined {
    if (this.#most) return Math.min(now, up - this.#most.offset - drift(this.#most, now));
    return this.#least && Math.min(now, up - this.#least.offset);
  }
}

function drift({ at }: Bound, now: Monotonic): Millis {
  return (Math.max(0, now - at) * driftPpm) / 1_000_000;
}
