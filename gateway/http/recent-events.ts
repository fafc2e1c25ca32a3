/** The newest events of the journal, as pages and scripts show them. */
import type { EntryEvent } from "../domain/entry-event.ts";
import type { Journal } from "../ports/journal.ts";

/** Newest first; at most `limit`, only what is on the disk. */
export async function recentEvents(journal: Journal, limit: number): Promise<EntryEvent[]> {
  const first = Math.max(1, journal.durableSeq - limit + 1);
  const batch = await journal.eventsFrom(first, { maxEvents: limit, maxBytes: Number.POSITIVE_INFINITY });
  return (batch?.lines ?? []).map((line) => JSON.parse(line) as EntryEvent).reverse();
}
