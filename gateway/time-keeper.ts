/** Keeps the newest fix of the clock and the moment of the last complete poll. */
import {
  type ClockFix,
  type ClockInterval,
  type ClockTrust,
  combine,
  contradicts,
  fixFromSystem,
  intervalAt,
  trustOf,
} from "./domain/clock-interval.ts";
import type { Instant, Millis, Monotonic } from "./domain/instant.ts";
import type { Clock, TimeSetter } from "./ports/clock.ts";

/** For so long a server may take a leap of its clock back. */
const leapDoubtedMs: Millis = 24 * 3_600_000;

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
  /** From when on a server's word bears out what is written down; undefined: none has told the time since the start. */
  #borneOutFrom: Monotonic | undefined;
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
    const contradicted = this.#fix !== undefined && contradicts(this.#fix, fix);
    // The first one may come while the server is wrong: what it says far beyond all that was borne out is no better than a leap.
    const isFirst = this.#borneOutFrom === undefined;
    const leaps = contradicted || (isFirst && fix.earliest - this.#remembered().borneOutAt > leapDoubtedMs);
    this.#fix = combine(this.#fix, fix);
    this.#borneOutFrom = leaps ? fix.mono + leapDoubtedMs : (this.#borneOutFrom ?? fix.mono);
  }

  get isBorneOut(): boolean {
    return this.trust() !== "unset" && this.#clock.monotonic() >= (this.#borneOutFrom ?? Number.POSITIVE_INFINITY);
  }

  timeToSetBackTo(): Instant | undefined {
    if (this.#borneOutFrom === undefined || this.trust() !== "unset") return undefined;
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
