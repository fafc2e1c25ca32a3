/** Time as the gateway is given it. Only system-clock.ts asks the system; simulations bring their own. */
import type { ClockFix, ClockInterval, ClockTrust } from "../domain/clock-interval.ts";
import type { Instant, Millis, Monotonic } from "../domain/instant.ts";

export interface Clock {
  /** Wall time. Can jump either way; never used for a decision without a bound (domain/clock-interval.ts). */
  wall(): Instant;
  /** Never goes back; only good for durations. */
  monotonic(): Monotonic;
  /** Resolves after `ms`; rejects with the signal's reason when it fires first. */
  sleep(ms: Millis, signal?: AbortSignal): Promise<void>;
}

/** What the gateway believes of the time, and how fresh its records are. */
export interface SiteTime {
  interval(): ClockInterval;
  trust(): ClockTrust;
  /** Since the request of the last complete poll; null: never, or nobody can tell after a restart. */
  sinceSyncMs(): Millis | null;
}

/** The same, for whoever learns the time and completes polls. */
export interface TimeSetter extends SiteTime {
  /** A server told the time. */
  believe(fix: ClockFix): void;
  /**
   * The time by a server's word, where what was written down is later and no server has ever borne that out: then it was this
   * machine's own clock that was wrong. undefined: nothing of the kind.
   */
  timeToSetBackTo(): Instant | undefined;
  /** A poll asked at `askedAt` has brought the whole set. */
  noteSync(askedAt: Monotonic): void;
}
