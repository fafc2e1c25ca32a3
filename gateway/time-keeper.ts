/** Keeps the newest fix of the clock and the moment of the last complete poll. */
import {
  type ClockFix,
  type ClockInterval,
  type ClockTrust,
  combine,
  fixFromSystem,
  intervalAt,
  trustOf,
} from "./domain/clock-interval.ts";
import type { Instant, Millis, Monotonic } from "./domain/instant.ts";
import type { Clock, TimeSetter } from "./ports/clock.ts";

/** What the records remember of time across restarts. */
export interface RememberedTime {
  readonly highWater: Instant;
  /** The highest time written down that a server's word had borne out. */
  readonly borneOutAt: Instant;
  readonly syncedAt: Instant | null;
}

export class TimeKeeper implements TimeSetter {
  readonly #clock: Clock;
  #remembered: () => RememberedTime = () => ({ highWater: 0, borneOutAt: 0, syncedAt: null });
  #fix: ClockFix | undefined;
  /** A server has told the time since the start. */
  #serverSpoke = false;
  #syncedAt: Monotonic | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From here on it knows what the records remember. */
  remember(remembered: () => RememberedTime): void {
    this.#remembered = remembered;
  }

  /** Takes the system's clock for right within `withinMs`, unless it is behind a time already written down. */
  believeSystem(withinMs: Millis): void {
    const wall = this.#clock.wall();
    if (wall + withinMs < this.#remembered().highWater) return;
    this.#fix = fixFromSystem(wall, withinMs, this.#clock.monotonic());
  }

  believe(fix: ClockFix): void {
    this.#fix = combine(this.#fix, fix);
    this.#serverSpoke = true;
  }

  get isBorneOut(): boolean {
    return this.#serverSpoke && this.trust() !== "unset";
  }

  timeToSetBackTo(): Instant | undefined {
    if (!this.#serverSpoke || this.trust() !== "unset") return undefined;
    const { earliest, latest } = intervalAt(this.#fix, this.#remembered().borneOutAt, this.#clock.monotonic());
    return Number.isFinite(latest) ? earliest : undefined;
  }

  noteSync(askedAt: Monotonic): void {
    this.#syncedAt = askedAt;
  }

  interval(): ClockInterval {
    return intervalAt(this.#fix, this.#remembered().highWater, this.#clock.monotonic());
  }

  trust(): ClockTrust {
    return trustOf(this.#fix, this.#remembered().highWater, this.#clock.monotonic());
  }

  sinceSyncMs(): Millis | null {
    if (this.#syncedAt !== undefined) return this.#clock.monotonic() - this.#syncedAt;
    const { syncedAt } = this.#remembered();
    const { latest } = this.interval();
    return syncedAt === null || latest === Number.POSITIVE_INFINITY ? null : Math.max(0, latest - syncedAt);
  }

  /** When the last complete poll was asked, as wall time, to be written down; null: never. */
  syncedAtWall(): Instant | null {
    const since = this.sinceSyncMs();
    return since === null ? null : Math.floor(this.interval().earliest - since);
  }
}
