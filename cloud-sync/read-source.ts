/** Reads sources of bookings when their time has come, each by one of several replicas. */
import { randomInt } from "node:crypto";
import type { Millis } from "../gateway/domain/instant.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { goneTimes } from "./domain/reconcile-bookings.ts";
import { isStale } from "./domain/stay-alarms.ts";
import { type BookingSource, type SourceBooking, SourceError } from "./sources/booking-source.ts";
import { openKind } from "./sources/source-kinds.ts";
import { endCauses, raiseAlarm } from "./stay-alarms.ts";
import {
  letGo,
  nextReadAt,
  type SourceResult,
  type SourceRow,
  sourceKey,
  takeDue,
  takeNow,
} from "./store/booking-sources.ts";
import { openOfSource } from "./store/bookings.ts";
import { readSite } from "./store/sites.ts";
import { takeBookings } from "./take-bookings.ts";
import { withinDeadline } from "./within-deadline.ts";

const readWithinMs: Millis = 5 * 60_000;
const leaseMs: Millis = 2 * readWithinMs;
const minuteMs: Millis = 60_000;
/** A source that could not be read is asked again sooner. */
const againMs: Millis = 10 * minuteMs;
/** Bookings that are asked for one by one in one reading; the rest waits for the next. */
const askedMax = 50;

/** Reads the one that has been due for longest; false: none is. */
export async function readDueSource(parts: CloudParts): Promise<boolean> {
  const { store, clock } = parts;
  const row = await store.transaction((tx) => takeDue(tx, clock.wall(), leaseMs));
  if (!row) return false;
  await readTaken(parts, row);
  return true;
}

/** Now, rather than when its turn comes. false: somebody is reading it. */
export async function readSourceNow(parts: CloudParts, row: SourceRow): Promise<boolean> {
  const { store, clock } = parts;
  const taken = await store.transaction((tx) => takeNow(tx, row, clock.wall(), leaseMs));
  if (taken) await readTaken(parts, taken);
  return taken !== undefined;
}

/** How long until the next is due; undefined: there is none. */
export async function untilNextReading({ store, clock }: CloudParts): Promise<Millis | undefined> {
  const next = await nextReadAt(store.db);
  return next === undefined ? undefined : Math.max(0, next - clock.wall());
}

/** Rejects with a SourceError when its key cannot be read. */
export async function openSource(parts: CloudParts, row: SourceRow): Promise<BookingSource> {
  const { store, siteKeys } = parts;
  const key = sourceKey(row, await siteKeys.seal(store.db, row.siteId));
  if (!key) throw new SourceError("its key cannot be read here any more: give it again", { retry: false });
  const zone = (await readSite(store.db, row.siteId))?.zone ?? "UTC";
  return openKind(parts, row.kind, { key, zone, options: JSON.parse(row.options) });
}

async function readTaken(parts: CloudParts, row: SourceRow): Promise<void> {
  const { store, clock, logger, stopping } = parts;
  const facts = { site: row.siteId, source: row.id };
  const { result, ...next } = await withinDeadline(parts, readWithinMs, (signal) => readInto(parts, row, signal)).catch(
    (error: Error): Outcome => {
      const isKnown = error instanceof SourceError;
      if (!stopping.aborted)
        logger[isKnown ? "warn" : "error"]("booking-source-failed", {
          ...facts,
          ...(isKnown ? { why: error.message } : { error }),
        });
      return { result: { failed: isKnown ? error.message : "it could not be read in time" } };
    },
  );
  const now = clock.wall();
  const isGood = !("failed" in result);
  const pauseMs = isGood ? row.everyMinutes * minuteMs : Math.min(againMs, row.everyMinutes * minuteMs);
  // Not all at the same minute of the hour.
  const nextAt = now + pauseMs + randomInt(Math.ceil(pauseMs / 10));
  const told = { ranAt: now, result: JSON.stringify(result), ...next, ...(isGood && { goodAt: now }) };
  await store.transaction(async (tx) => {
    await letGo(tx, row, nextAt, told);
    const [site, source] = [row.siteId, row.id];
    if (isGood) await endCauses(tx, { site, source, kinds: ["source-stale"] }, now);
    else if (isStale(row.goodAt ?? row.createdAt, row.everyMinutes, now))
      await raiseAlarm(tx, { site, source, kind: "source-stale", detail: { goodAt: row.goodAt } }, now);
  });
  if (isGood) logger.info("booking-source-read", { ...facts, ...result, unknownPlaces: result.unknownPlaces.length });
}

interface Outcome {
  readonly result: SourceResult;
  readonly mark?: string | null;
  readonly emptySince?: number | null;
}

async function readInto(parts: CloudParts, row: SourceRow, signal: AbortSignal): Promise<Outcome> {
  const { store, clock } = parts;
  const source = await openSource(parts, row);
  const began = clock.wall();
  const read = await source.readAll(signal, row.mark);
  const open = await store.transaction((tx) => openOfSource(tx, row.siteId, row.id, began));
  const timesMin = source.readOne ? goneTimes.asked : goneTimes.listed;
  if (!read) {
    const missed = open.filter(({ missedTimes }) => missedTimes !== null);
    const gone = new Set(missed.map(({ externalId }) => externalId));
    return { result: await takeBookings(parts, row, { bookings: [], alsoThere: [], gone, timesMin }) };
  }
  const { bookings, alsoThere = [], mark } = read;
  if (!source.readOne) {
    const isEmpty = bookings.length + alsoThere.length === 0;
    const result = await takeBookings(parts, row, { bookings, alsoThere, gone: "not-told", timesMin });
    const isAllTaken = !("failed" in result) && !isEmpty && result.unknownPlaces.length === 0;
    return { result, mark: (isAllTaken && mark) || null, emptySince: isEmpty ? (row.emptySince ?? began) : null };
  }
  const names = new Set(bookings.map(({ externalId }) => externalId));
  const gone = new Set<string>();
  const alone: SourceBooking[] = [];
  const missing = open.filter(({ externalId }) => !names.has(externalId));
  for (const { externalId } of missing.slice(0, askedMax)) {
    const one = await source.readOne(externalId, signal);
    if (one) alone.push(one);
    else gone.add(externalId);
  }
  const all = { bookings: [...bookings, ...alone], alsoThere, gone, timesMin };
  return { result: await takeBookings(parts, row, all) };
}
