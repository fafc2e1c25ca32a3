/** Takes over what a source of bookings has told, as far as domain/reconcile-bookings.ts lets it. */
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import { daysOf, guestOf, toKnown } from "./booking-facts.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { type BookingName, recognise } from "./domain/recognise-bookings.ts";
import {
  emptyForMs,
  isBlockOf,
  isGone,
  missedAgain,
  reconcile,
  type StayElsewhere,
  type ToldBooking,
} from "./domain/reconcile-bookings.ts";
import { stayMoments } from "./domain/stay-planner.ts";
import type { SourceBooking } from "./sources/booking-source.ts";
import { forgetMarks, placesOf, type SourceResult, type SourceRow } from "./store/booking-sources.ts";
import { type BookingRow, openOfSource, staysElsewhere, staysWake, writeBooking } from "./store/bookings.ts";
import { listProperties, type Property } from "./store/properties.ts";
import { readSite, type SiteRow } from "./store/sites.ts";
import type { Transaction } from "./store/store.ts";
import { writeStep } from "./write-bookings.ts";

export interface TakenReading {
  readonly bookings: readonly SourceBooking[];
  readonly alsoThere: readonly string[];
  /** External ids of what is not there any more; "not-told": whatever is not told. */
  readonly gone: ReadonlySet<string> | "not-told";
  /** So often it must not have been there before it is off. */
  readonly timesMin: number;
  /** It comes booking by booking: many at once are many in an hour. */
  readonly isPushed?: boolean | undefined;
}

const placesToldMax = 20;
const pushedWithinMs: Millis = 60 * 60_000;

/** In one transaction, so that nobody sees half of what was told. */
export async function takeBookings(parts: CloudParts, row: SourceRow, reading: TakenReading): Promise<SourceResult> {
  const { store, clock } = parts;
  return store.transaction(async (tx) => {
    const now = clock.wall();
    const site = await readSite(tx, row.siteId);
    const properties = new Map((await listProperties(tx, [row.siteId])).map((one) => [one.id, one]));
    const open = await openOfSource(tx, row.siteId, row.id, now);
    const known = recognise(open.flatMap(recognisable), reading.bookings);
    const bookings = reading.bookings.map((one) => ({
      ...one,
      externalId: known.get(one)?.externalId ?? one.externalId,
    }));
    const { told, unknownPlaces } = placed(bookings, row, site, properties);
    const stays = await withoutBlocks(tx, row, told, open, now);
    const off = await missedNow(tx, row, { ...reading, bookings }, open, now);
    const offBefore = reading.isPushed ? cancelledSince(open, now - pushedWithinMs) : 0;
    const steps = reconcile(open.flatMap(toKnown), [...stays, ...off], now, offBefore);
    const names = new Map(bookings.map((one) => [one.externalId, one]));
    for (const step of steps) await writeStep(tx, step, { row, open, names, now });
    await noteNames(tx, open, names);
    if (steps.length > 0) tx.touch(staysWake);
    const count = (kind: (typeof steps)[number]["do"]) => steps.filter((step) => step.do === kind).length;
    // What another calendar blocks may be what has come here.
    if (count("add") > 0) await forgetMarks(tx, row);
    const counts = { added: count("add"), changed: count("change"), held: count("hold") };
    return { read: bookings.length, ...counts, unknownPlaces };
  });
}

function cancelledSince(open: readonly BookingRow[], since: Instant): number {
  return open.filter(({ status, changedAt }) => status === "cancelled" && changedAt > since).length;
}

function recognisable(row: BookingRow) {
  const days = daysOf(row);
  const { externalId, sourceCode: code, sourceUid: uid, status } = row;
  const isOff = status === "cancelled" || status === "completed";
  return days ? [{ externalId, code, uid, days, guest: guestOf(row), mayBeBlock: row.mayBeBlock, isOff }] : [];
}

interface Placed extends ToldBooking {
  readonly mayBeBlock: boolean;
}

/** Those whose property is known; of a booking of several rooms of one property, one. */
function placed(
  bookings: readonly SourceBooking[],
  row: SourceRow,
  site: SiteRow | undefined,
  properties: ReadonlyMap<string, Property>,
): { readonly told: readonly Placed[]; readonly unknownPlaces: readonly string[] } {
  const places = placesOf(row);
  const unknown = new Set<string>();
  const told = new Map<string, Placed>();
  for (const { externalId, places: named, status, days, guest, group, mayBeBlock = false } of bookings) {
    const property = named.map((one) => properties.get(places[one] ?? "")).find((one) => one !== undefined);
    if (!property && named[0] !== undefined && unknown.size < placesToldMax) unknown.add(named[0]);
    if (!property || !site || status === undefined || days.arrival >= days.departure) continue;
    const moments = stayMoments(days, property.rules, site.zone);
    const once = JSON.stringify([group ?? externalId, property.id]);
    if (!told.has(once))
      told.set(once, { externalId, status, property: property.id, days, guest, moments, mayBeBlock });
  }
  return { told: [...told.values()], unknownPlaces: [...unknown] };
}

/** A stay that another calendar tells of is here none: one that was taken for a stay is off. */
async function withoutBlocks(
  tx: Transaction,
  row: SourceRow,
  told: readonly Placed[],
  open: readonly BookingRow[],
  now: Instant,
): Promise<readonly ToldBooking[]> {
  if (!told.some(({ mayBeBlock }) => mayBeBlock)) return told;
  // Also those that have left: closed days that began with theirs go on being closed.
  const since = Math.min(now, ...told.flatMap(({ mayBeBlock, moments }) => (mayBeBlock ? [moments.from] : [])));
  const elsewhere = (await staysElsewhere(tx, row.siteId, row.id, since)).flatMap((one): StayElsewhere[] => {
    const days = daysOf(one);
    const { propertyId: property, mayBeBlock, createdAt } = one;
    return days ? [{ property, days, mayBeBlock, createdAt }] : [];
  });
  return told.flatMap((one): ToldBooking[] => {
    const known = open.find(({ externalId }) => externalId === one.externalId);
    if (!one.mayBeBlock || !isBlockOf({ ...one, createdAt: known?.createdAt }, elsewhere)) return [one];
    return known ? [{ ...one, status: "cancelled" }] : [];
  });
}

/** Notes what was not there, and answers those that have been gone for long enough, as cancelled. */
async function missedNow(
  tx: Transaction,
  { emptySince }: SourceRow,
  { bookings, alsoThere, gone, timesMin }: TakenReading,
  open: readonly BookingRow[],
  now: Instant,
): Promise<ToldBooking[]> {
  const off = (one: BookingRow, doubt: "missing" | "empty") =>
    toKnown(one).map((known): ToldBooking => ({ ...known, status: "cancelled", doubt }));
  if (gone === "not-told" && bookings.length + alsoThere.length === 0)
    return emptySince !== null && now - emptySince >= emptyForMs ? open.flatMap((one) => off(one, "empty")) : [];
  const there = new Set(bookings.map(({ externalId }) => externalId));
  const names = new Set(alsoThere);
  const isGoneNow = ({ externalId, sourceUid }: BookingRow) =>
    gone === "not-told" ? !there.has(externalId) && !names.has(sourceUid ?? "") : gone.has(externalId);
  const found: ToldBooking[] = [];
  for (const one of open) {
    const { missedTimes: times, missedSince: since } = one;
    const before = times === null || since === null ? null : { times, since };
    if (isGoneNow(one)) {
      const missed = missedAgain(before, now);
      await writeBooking(tx, one, { missedTimes: missed.times, missedSince: missed.since });
      if (isGone(missed, timesMin, now)) found.push(...off(one, "missing"));
    } else if (before) await writeBooking(tx, one, { missedTimes: null, missedSince: null });
  }
  return found;
}

/** A platform that has renewed a UID is known by the new one from now on; what it has left out is kept. */
async function noteNames(
  tx: Transaction,
  open: readonly BookingRow[],
  names: ReadonlyMap<string, BookingName>,
): Promise<void> {
  for (const row of open) {
    const told = names.get(row.externalId);
    const { sourceCode, sourceUid } = row;
    const after = { sourceCode: told?.code ?? sourceCode, sourceUid: told?.uid ?? sourceUid };
    if (after.sourceCode !== sourceCode || after.sourceUid !== sourceUid) await writeBooking(tx, row, after);
  }
}
