/**
 * Which entries of the lock's log are news: none of those that stood there when we started, each of the others once, and not what we
 * did ourselves. Entries may come late and out of order, because the lock hands them in when it finds the time.
 */
import type { Instant, Millis, Monotonic } from "../../domain/instant.ts";
import type { LogEntry } from "./wire.ts";

/** Ids that are remembered; several times what one answer brings. */
const knownMax = 400;
/** Our own command is in the log by then. */
const ownLifeMs: Millis = 600_000;
const ownMax = 32;

export class Openings {
  #since: Instant | undefined;
  readonly #known = new Set<string>();
  #own: { readonly action: number; readonly at: Monotonic }[] = [];

  /** We have told the lock to do that. */
  noteOwn(action: number, at: Monotonic): void {
    this.#own = [...this.#own, { action, at }].slice(-ownMax);
  }

  /** Oldest first. The first log that is read is where the news begins. */
  newsOf(entries: readonly LogEntry[]): readonly LogEntry[] {
    const since = this.#since;
    if (since === undefined) {
      this.#since = Math.max(Number.NEGATIVE_INFINITY, ...entries.map(({ date }) => date));
      for (const entry of entries) this.#know(entry);
      return [];
    }
    return entries.filter(({ id, date }) => date >= since && !this.#known.has(id)).toReversed();
  }

  /** Whether someone else opened there, whom nobody asked us about. */
  isOpening(entry: LogEntry, now: Monotonic): boolean {
    this.#own = this.#own.filter(({ at }) => now - at < ownLifeMs);
    const own = entry.isThroughWeb ? this.#own.findIndex(({ action }) => action === entry.action) : -1;
    if (own >= 0) this.#own.splice(own, 1);
    return own < 0 && entry.isOpening;
  }

  /** It has been told, or need not be. */
  take(entry: LogEntry): void {
    this.#know(entry);
  }

  #know({ id }: LogEntry): void {
    this.#known.add(id);
    if (this.#known.size > knownMax) {
      const [oldest] = this.#known;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
  }
}
