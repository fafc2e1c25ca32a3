/** The newest events of the journal, as pages and scripts show them. */
import type { EntryEvent } from "../domain/entry-event.ts";
import type { Journal } from "../ports/journal.ts";

/** Newest first; at most `limit`, only what is on the disk. */
export async function recentEvents(journal: Journal, limit: number): Promise<EntryEvent[]> {
  const first = Math.max(1, journal.durableSeq - limit + 1);
  const batch = await journal.eventsFrom(first, { maxEvents: limit, maxBytes: Number.POSITIVE_INFINITY });
  return (batch?.lines ?? []).map((line) => JSON.parse(line) as EntryEvent).reverse();
}

/** For whoever has not signed in. */
export function withoutScan(event: EntryEvent): EntryEvent {
  if (!("scan" in event)) return event;
  const { scan: _, ...rest } = event;
  return rest as EntryEvent;
}
