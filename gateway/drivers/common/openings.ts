/**
 * Which entries of a log that a maker's cloud keeps are news: none of those that stood there when we started, each of the others once, and
 * not what we did ourselves. Entries may come late and out of order, because the lock hands them in when it finds the time. Their dates are the lock's.
 */
import type { Instant, Millis, Monotonic } from "../../domain/instant.ts";

/** One entry of the log, as far as it matters here. */
export interface LoggedEntry {
  readonly id: string;
  readonly date: Instant;
  /** What was done, as the maker names it. */
  readonly action: number;
  /** It opened the door. */
  readonly isOpening: boolean;
  /** By a program or a page of the cloud, as we are one. */
  readonly isThroughWeb: boolean;
}

/** Ids that are remembered; twice as many as one answer has brought where that is more. */
const knownMin = 400;
/** Told later than that, it would look as if somebody opened now. */
const lateMs: Millis = 600_000;
/** Our own command is in the log by then. */
const ownLifeMs: Millis = 600_000;
const ownMax = 32;

export class Openings {
  readonly #startedAt: Instant;
  #since: Instant | undefined;
  readonly #known = new Set<string>();
  #knownMax = knownMin;
  #own: { readonly action: number; readonly at: Monotonic }[] = [];
  /** Of the last news. What was in time once is so as long as it has not been told. */
  #inTime: ReadonlySet<string> = new Set();

  constructor(startedAt: Instant) {
    this.#startedAt = startedAt;
  }

  /** We have told the lock to do that. */
  noteOwn(action: number, at: Monotonic): void {
    this.#own = [...this.#own, { action, at }].slice(-ownMax);
  }

  /** Oldest first. The first log that is read is where the news begins. */
  newsOf<Entry extends LoggedEntry>(entries: readonly Entry[], now: Instant): readonly Entry[] {
    this.#knownMax = Math.max(this.#knownMax, 2 * entries.length);
    const since = this.#since;
    if (since === undefined) {
      // A lock whose clock was once in the future is heard all the same.
      this.#since = Math.min(now, Math.max(this.#startedAt, ...entries.map(({ date }) => date)));
      for (const entry of entries) this.#know(entry);
      return [];
    }
    const news = entries.filter(({ id, date }) => date >= since && !this.#known.has(id)).toReversed();
    const inTime = news.filter(({ id, date }) => this.#inTime.has(id) || now - date <= lateMs);
    this.#inTime = new Set(inTime.map(({ id }) => id));
    return news;
  }

  /** Of an entry of the last news: it was handed in so late that it must not be told as what happens now. */
  isLate({ id }: LoggedEntry): boolean {
    return !this.#inTime.has(id);
  }

  /** Whether someone else opened there, whom nobody asked us about. */
  isOpening(entry: LoggedEntry, now: Monotonic): boolean {
    this.#own = this.#own.filter(({ at }) => now - at < ownLifeMs);
    const own = entry.isThroughWeb ? this.#own.findIndex(({ action }) => action === entry.action) : -1;
    if (own >= 0) this.#own.splice(own, 1);
    return own < 0 && entry.isOpening;
  }

  /** It has been told, or need not be. */
  take(entry: LoggedEntry): void {
    this.#know(entry);
  }

  #know({ id }: LoggedEntry): void {
    this.#known.add(id);
    if (this.#known.size > this.#knownMax) {
      const [oldest] = this.#known;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
  }
}
