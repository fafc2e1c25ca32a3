/** What a source of bookings is asked in one reading: all that it has, or only what it has sent word of; and what is missing, by itself. */
import type { CloudParts } from "./cloud-parts.ts";
import { goneTimes } from "./domain/reconcile-bookings.ts";
import type { BookingSource, Reading, SourceBooking } from "./sources/booking-source.ts";
import type { SourceResult, SourceRow } from "./store/booking-sources.ts";
import { openOfSource } from "./store/bookings.ts";
import type { HookMessageRow } from "./store/hook-messages.ts";
import { takeBookings } from "./take-bookings.ts";

/** What came of a reading, and what the source's row says of it. */
export interface Outcome {
  readonly result: SourceResult;
  readonly mark?: string | null;
  readonly emptySince?: number | null;
}

/** Bookings that are asked for one by one in one reading; the rest waits for the next. */
const askedMax = 50;

type AskOne = NonNullable<BookingSource["readOne"]>;

export async function askWhole(
  parts: CloudParts,
  row: SourceRow,
  source: BookingSource,
  signal: AbortSignal,
): Promise<Outcome> {
  const read = await source.readAll(signal, row.mark);
  if (source.readOne && read) return askMissing(parts, row, read, source.readOne, signal);
  return takeList(parts, row, read);
}

/** `words`: of which bookings; what the words said of them is not looked at. */
export async function askAbout(
  parts: CloudParts,
  row: SourceRow,
  readOne: AskOne,
  words: readonly HookMessageRow[],
  signal: AbortSignal,
): Promise<Outcome> {
  const bookings: SourceBooking[] = [];
  const gone = new Set<string>();
  for (const externalId of new Set(words.map((one) => one.externalId))) {
    const found = await readOne(externalId, signal);
    bookings.push(...found);
    if (found.length === 0) gone.add(externalId);
  }
  const reading = { bookings, alsoThere: [], gone, timesMin: goneTimes.asked, isPushed: true };
  return { result: await takeBookings(parts, row, reading) };
}

async function askMissing(
  parts: CloudParts,
  row: SourceRow,
  { bookings, isPartial = false }: Reading,
  readOne: AskOne,
  signal: AbortSignal,
): Promise<Outcome> {
  const { store, clock } = parts;
  const names = new Set(bookings.map(({ externalId }) => externalId));
  const open = await store.transaction((tx) => openOfSource(tx, row.siteId, row.id, clock.wall()));
  const missing = isPartial ? [] : open.filter(({ externalId }) => !names.has(externalId));
  const gone = new Set<string>();
  const alone: SourceBooking[] = [];
  for (const { externalId } of missing.slice(0, askedMax)) {
    const found = (await readOne(externalId, signal)).find((one) => one.externalId === externalId);
    if (found) alone.push(found);
    else gone.add(externalId);
  }
  const all = { bookings: [...bookings, ...alone], alsoThere: [], gone, timesMin: goneTimes.asked };
  return { result: await takeBookings(parts, row, { ...all, isPushed: isPartial }) };
}

/** `read` undefined: nothing has changed, so what was missing is so still. */
async function takeList(parts: CloudParts, row: SourceRow, read: Reading | undefined): Promise<Outcome> {
  const { store, clock } = parts;
  const now = clock.wall();
  const timesMin = goneTimes.listed;
  if (!read) {
    const open = await store.transaction((tx) => openOfSource(tx, row.siteId, row.id, now));
    const missed = open.filter(({ missedTimes }) => missedTimes !== null);
    const gone = new Set(missed.map(({ externalId }) => externalId));
    return { result: await takeBookings(parts, row, { bookings: [], alsoThere: [], gone, timesMin }) };
  }
  const { bookings, alsoThere = [], mark } = read;
  const isEmpty = bookings.length + alsoThere.length === 0;
  const result = await takeBookings(parts, row, { bookings, alsoThere, gone: "not-told", timesMin });
  const isAllTaken = !("failed" in result) && !isEmpty && result.unknownPlaces.length === 0;
  return { result, mark: (isAllTaken && mark) || null, emptySince: isEmpty ? (row.emptySince ?? now) : null };
}
