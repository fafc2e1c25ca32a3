/** Reads a source of bookings and takes over what it tells, as far as domain/reconcile-bookings.ts lets it. */
import { randomInt } from "node:crypto";
import type { Validity } from "../gateway/domain/grant.ts";
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import { bookingFacts, guestColumns, guestOf } from "./booking-facts.ts";
import type { CloudParts } from "./cloud-parts.ts";
import {
  type BookingState,
  type BookingStep,
  isGone,
  type KnownBooking,
  missedAgain,
  reconcile,
  type ToldBooking,
} from "./domain/reconcile-bookings.ts";
import { isStale } from "./domain/stay-alarms.ts";
import { stayMoments } from "./domain/stay-planner.ts";
import { newId } from "./ids.ts";
import { type BookingSource, type SourceBooking, SourceError } from "./sources/booking-source.ts";
import { lodgify } from "./sources/lodgify.ts";
import { endCauses, raiseAlarm } from "./stay-alarms.ts";
import { recordAudit } from "./store/audit-trail.ts";
import {
  letGo,
  nextReadAt,
  type SourceResult,
  type SourceRow,
  sourceKey,
  takeDue,
  takeNow,
} from "./store/booking-sources.ts";
import {
  type BookingRow,
  insertBooking,
  lockBySource,
  openOfSource,
  staysWake,
  writeBooking,
} from "./store/bookings.ts";
import { listProperties, type Property } from "./store/properties.ts";
import { readSite, type SiteRow } from "./store/sites.ts";
import type { Transaction } from "./store/store.ts";
import { withinDeadline } from "./within-deadline.ts";

const readWithinMs: Millis = 5 * 60_000;
const leaseMs: Millis = 2 * readWithinMs;
const minuteMs: Millis = 60_000;
/** A source that could not be read is asked again sooner. */
const againMs: Millis = 10 * minuteMs;
/** Bookings that are asked for one by one in one reading; the rest waits for the next. */
const askedMax = 50;
const placesToldMax = 20;

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
export async function openSource(
  { store, siteKeys, clock, lodgifyUrl }: CloudParts,
  row: SourceRow,
): Promise<BookingSource> {
  const key = sourceKey(row, await siteKeys.seal(store.db, row.siteId));
  if (!key) throw new SourceError("its key cannot be read here any more: give it again", { retry: false });
  return lodgify({ key, apiUrl: lodgifyUrl, rest: (ms, signal) => clock.sleep(ms, signal) });
}

async function readTaken(parts: CloudParts, row: SourceRow): Promise<void> {
  const { store, clock, logger, stopping } = parts;
  const facts = { site: row.siteId, source: row.id };
  const result = await withinDeadline(parts, readWithinMs, (signal) => readInto(parts, row, signal)).catch(
    (error: Error): SourceResult => {
      const isKnown = error instanceof SourceError;
      if (!stopping.aborted)
        logger[isKnown ? "warn" : "error"]("booking-source-failed", {
          ...facts,
          ...(isKnown ? { why: error.message } : { error }),
        });
      return { failed: isKnown ? error.message : "it could not be read in time" };
    },
  );
  const now = clock.wall();
  const isGood = !("failed" in result);
  const pauseMs = isGood ? row.everyMinutes * minuteMs : Math.min(againMs, row.everyMinutes * minuteMs);
  // Not all at the same minute of the hour.
  const nextAt = now + pauseMs + randomInt(Math.ceil(pauseMs / 10));
  const told = { ranAt: now, result: JSON.stringify(result), ...(isGood && { goodAt: now }) };
  await store.transaction(async (tx) => {
    await letGo(tx, row, nextAt, told);
    const [site, source] = [row.siteId, row.id];
    if (isGood) await endCauses(tx, { site, source, kinds: ["source-stale"] }, now);
    else if (isStale(row.goodAt ?? row.createdAt, row.everyMinutes, now))
      await raiseAlarm(tx, { site, source, kind: "source-stale", detail: { goodAt: row.goodAt } }, now);
  });
  if (isGood) logger.info("booking-source-read", { ...facts, ...result, unknownPlaces: result.unknownPlaces.length });
}

async function readInto(parts: CloudParts, row: SourceRow, signal: AbortSignal): Promise<SourceResult> {
  const { store, clock } = parts;
  const source = await openSource(parts, row);
  const began = clock.wall();
  const read = await source.readAll(signal);
  const open = await store.transaction((tx) => openOfSource(tx, row.siteId, row.id, began));
  const names = new Set(read.map(({ externalId }) => externalId));
  const gone = new Set<string>();
  const alone: SourceBooking[] = [];
  const missing = open.filter(({ externalId }) => !names.has(externalId));
  for (const { externalId } of missing.slice(0, askedMax)) {
    const one = await source.readOne(externalId, signal);
    if (one) alone.push(one);
    else gone.add(externalId);
  }
  return takeOver(parts, row, { read: [...read, ...alone], gone });
}

interface Read {
  readonly read: readonly SourceBooking[];
  /** What the source does not know any more. */
  readonly gone: ReadonlySet<string>;
}

/** In one transaction, so that nobody sees half of what was told. */
async function takeOver(parts: CloudParts, row: SourceRow, { read, gone }: Read): Promise<SourceResult> {
  const { store, clock } = parts;
  return store.transaction(async (tx) => {
    const now = clock.wall();
    const site = await readSite(tx, row.siteId);
    const properties = new Map((await listProperties(tx, [row.siteId])).map((one) => [one.id, one]));
    const { told, unknownPlaces } = placed(read, row, site, properties);
    const open = await openOfSource(tx, row.siteId, row.id, now);
    const off = await missedNow(tx, open, gone, now);
    const steps = reconcile(open.flatMap(toKnown), [...told, ...off], now);
    for (const step of steps) await carryOut(tx, step, { row, open, now });
    if (steps.length > 0) tx.touch(staysWake);
    const count = (kind: BookingStep["do"]) => steps.filter((step) => step.do === kind).length;
    return { read: read.length, added: count("add"), changed: count("change"), held: count("hold"), unknownPlaces };
  });
}

/** Those whose property is known; of a booking of several rooms of one property, one. */
function placed(
  read: readonly SourceBooking[],
  row: SourceRow,
  site: SiteRow | undefined,
  properties: ReadonlyMap<string, Property>,
): { readonly told: readonly ToldBooking[]; readonly unknownPlaces: readonly string[] } {
  const places = placesOf(row);
  const unknown = new Set<string>();
  const told = new Map<string, ToldBooking>();
  for (const { externalId, places: named, status, days, guest } of read) {
    const property = named.map((one) => properties.get(places[one] ?? "")).find((one) => one !== undefined);
    if (!property && named[0] !== undefined && unknown.size < placesToldMax) unknown.add(named[0]);
    if (!property || !site || status === undefined || days.arrival >= days.departure) continue;
    const moments = stayMoments(days, property.rules, site.zone);
    const once = `${externalId.split("/")[0]} ${property.id}`;
    if (!told.has(once)) told.set(once, { externalId, status, property: property.id, days, guest, moments });
  }
  return { told: [...told.values()], unknownPlaces: [...unknown] };
}

export function placesOf({ places }: SourceRow): Readonly<Record<string, string>> {
  return JSON.parse(places);
}

/** Notes what was not there, and answers those that have been gone for long enough, as cancelled. */
async function missedNow(
  tx: Transaction,
  open: readonly BookingRow[],
  gone: ReadonlySet<string>,
  now: Instant,
): Promise<ToldBooking[]> {
  const off: ToldBooking[] = [];
  for (const one of open) {
    const { missedTimes: times, missedSince: since } = one;
    const before = times === null || since === null ? null : { times, since };
    if (gone.has(one.externalId)) {
      const missed = missedAgain(before, now);
      await writeBooking(tx, one, { missedTimes: missed.times, missedSince: missed.since });
      const known = isGone(missed, now) ? toKnown(one)[0] : undefined;
      if (known) off.push({ ...known, status: "cancelled" });
    } else if (before) await writeBooking(tx, one, { missedTimes: null, missedSince: null });
  }
  return off;
}

function toKnown(row: BookingRow): KnownBooking[] {
  const { id, externalId, status, propertyId: property, arrival, departure, checkIn, checkOut } = row;
  if (arrival === null || departure === null) return [];
  const state = (text: string | null) => (text === null ? null : (JSON.parse(text) as BookingState));
  return [
    {
      id,
      externalId,
      status,
      property,
      days: { arrival, departure, checkIn, checkOut },
      guest: guestOf(row),
      moments: { from: row.beginsAt, until: row.endsAt },
      held: state(row.held),
      refused: state(row.refused),
    },
  ];
}

interface Taking {
  readonly row: SourceRow;
  readonly open: readonly BookingRow[];
  readonly now: Instant;
}

async function carryOut(tx: Transaction, step: BookingStep, { row, open, now }: Taking): Promise<void> {
  const by = { site: row.siteId, actor: row.id, from: { address: "service", device: row.kind } } as const;
  if (step.do === "add") {
    const { externalId } = step.told;
    const fresh = {
      siteId: row.siteId,
      id: newId("booking"),
      kind: "stay",
      source: row.id,
      externalId,
      createdBy: row.createdBy,
      createdAt: now,
    } as const;
    const added = await insertBooking(tx, { ...fresh, ...columnsOf(step.told), changedAt: now, lookAt: now });
    // One that ended and is told again, by other days.
    const known = added ? undefined : await lockBySource(tx, row.siteId, row.id, externalId);
    const after =
      added ?? (known && (await writeBooking(tx, known, { ...columnsOf(step.told), changedAt: now, lookAt: now })));
    if (!after) return;
    const facts = { ...(known && { before: bookingFacts(known) }), after: bookingFacts(after) };
    await recordAudit(
      tx,
      { ...by, action: added ? "bookings.create" : "bookings.change", thing: after.id, ...facts },
      now,
    );
    return;
  }
  const before = open.find(({ id }) => id === step.id);
  if (!before) return;
  const settled = { held: null, heldWhy: null, heldAt: null, refused: null };
  switch (step.do) {
    case "release":
      await writeBooking(tx, before, settled);
      return;
    case "hold":
      await writeBooking(tx, before, { held: JSON.stringify(stateOf(step.to)), heldWhy: step.why, heldAt: now });
      return;
    case "change": {
      const after = await writeBooking(tx, before, { ...columnsOf(step.to), ...settled, changedAt: now, lookAt: now });
      const facts = { before: bookingFacts(before), after: bookingFacts(after) };
      await recordAudit(tx, { ...by, action: "bookings.change", thing: before.id, ...facts }, now);
    }
  }
}

function stateOf({ status, property, days, guest }: BookingState): BookingState {
  return { status, property, days, guest };
}

/** `moments`: of its days, by the property's rules. */
export function columnsOf({ status, property, days, guest, moments }: BookingState & { readonly moments: Validity }) {
  const when = { ...days, beginsAt: moments.from, endsAt: moments.until };
  return { status, propertyId: property, ...when, ...guestColumns(guest) };
}
