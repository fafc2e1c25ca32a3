/** Bookings as their sources tell of them. */
import {
  and,
  asc,
  desc,
  eq,
  getTableColumns,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  or,
  sql,
} from "drizzle-orm";
import type { Validity } from "../../gateway/domain/grant.ts";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import { erasedName } from "./personal-data.ts";
import { booking, grantRecord } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/** Woken when the planner has to look at bookings. */
export const staysWake = "*stays";
/** And when a code is to be written where its booking comes from. */
export const keyCodesWake = "*key-codes";
/** And when somebody has to look after them. */
export const watchWake = "*watched-stays";

/** Nobody books one property oftener at once, but by mistake. */
const clashesMax = 20;

export type BookingRow = typeof booking.$inferSelect;

const its = ({ siteId, id }: Pick<BookingRow, "siteId" | "id">) => and(eq(booking.siteId, siteId), eq(booking.id, id));

/** undefined: the source has told of it before. */
export async function insertBooking(
  tx: Transaction,
  fresh: typeof booking.$inferInsert,
): Promise<BookingRow | undefined> {
  const [added] = await tx.insert(booking).values(fresh).onConflictDoNothing().returning();
  return added;
}

/** Locked until the commit. undefined: there is none. */
export async function lockBooking(tx: Transaction, siteId: string, id: string): Promise<BookingRow | undefined> {
  const [row] = await tx.select().from(booking).where(its({ siteId, id })).for("update");
  return row;
}

/** `row`: locked before. */
export async function writeBooking(
  tx: Transaction,
  row: BookingRow,
  change: Partial<Omit<BookingRow, "siteId" | "id">>,
): Promise<BookingRow> {
  const [after] = await tx.update(booking).set(change).where(its(row)).returning();
  return after!;
}

/** At whatever site. */
export async function findBooking(db: Queries, id: string): Promise<BookingRow | undefined> {
  const [row] = await db.select().from(booking).where(eq(booking.id, id));
  return row;
}

/** The source's that have not ended, locked until the commit. */
export async function openOfSource(
  tx: Transaction,
  siteId: string,
  source: string,
  now: Instant,
): Promise<BookingRow[]> {
  return tx
    .select()
    .from(booking)
    .where(
      and(eq(booking.siteId, siteId), eq(booking.source, source), gt(booking.endsAt, now), isNull(booking.forgottenAt)),
    )
    .orderBy(asc(booking.id))
    .for("update");
}

/** Confirmed stays of the site's other sources that have not ended. */
export async function staysElsewhere(
  tx: Transaction,
  siteId: string,
  source: string,
  since: Instant,
): Promise<BookingRow[]> {
  const others = and(eq(booking.siteId, siteId), ne(booking.source, source), eq(booking.status, "confirmed"));
  return tx
    .select()
    .from(booking)
    .where(and(others, gt(booking.endsAt, since), isNull(booking.forgottenAt)));
}

export async function lockBySource(
  tx: Transaction,
  siteId: string,
  source: string,
  externalId: string,
): Promise<BookingRow | undefined> {
  const named = and(eq(booking.siteId, siteId), eq(booking.source, source), eq(booking.externalId, externalId));
  const [row] = await tx
    .select()
    .from(booking)
    .where(and(named, isNull(booking.forgottenAt)))
    .for("update");
  return row;
}

export interface BookingFilter {
  /** undefined: of all. */
  readonly sites?: readonly string[] | undefined;
  readonly property?: string | undefined;
  /** Those that end after `from` and begin before `until`. */
  readonly from: Instant;
  readonly until?: Instant | undefined;
  /** The last row of the page before. */
  readonly after?: { readonly endsAt: Instant; readonly id: string } | undefined;
  readonly limit: number;
}

/** As they end. */
export async function listBookings(db: Queries, filter: BookingFilter): Promise<BookingRow[]> {
  const { sites, property, from, until, after, limit } = filter;
  return db
    .select()
    .from(booking)
    .where(
      and(
        sites && inArray(booking.siteId, [...sites]),
        property === undefined ? undefined : eq(booking.propertyId, property),
        gt(booking.endsAt, from),
        until === undefined ? undefined : lt(booking.beginsAt, until),
        after && sql`(${booking.endsAt}, ${booking.id}) > (${after.endsAt}::bigint, ${after.id})`,
      ),
    )
    .orderBy(asc(booking.endsAt), asc(booking.id))
    .limit(limit);
}

/** Members share what they have booked; guests of a stay do not. */
const isItsOwn = ({ kind }: BookingRow): boolean => kind !== "member";
const areTheirOwn = ne(booking.kind, "member");

/** Confirmed bookings of the same property at the same time, where they are in each other's way. */
export async function clashesOf(db: Queries, row: BookingRow): Promise<BookingRow[]> {
  if (row.status !== "confirmed" || !isItsOwn(row)) return [];
  const sameTime = and(gt(booking.endsAt, row.beginsAt), lt(booking.beginsAt, row.endsAt), ne(booking.id, row.id));
  return db
    .select()
    .from(booking)
    .where(and(ofProperty(row.siteId, row.propertyId), eq(booking.status, "confirmed"), areTheirOwn, sameTime))
    .orderBy(asc(booking.createdAt), asc(booking.id))
    .limit(clashesMax);
}

/** Of these the ids of those that somebody else has booked too: another confirmed booking of the property begins before they end. */
export async function bookedTwice(db: Queries, rows: readonly BookingRow[]): Promise<ReadonlySet<string>> {
  const confirmed = rows.filter((row) => row.status === "confirmed" && isItsOwn(row));
  if (confirmed.length === 0) return new Set();
  const [earliest, latest] = [
    Math.min(...confirmed.map(({ beginsAt }) => beginsAt)),
    Math.max(...confirmed.map(({ endsAt }) => endsAt)),
  ];
  const others = await db
    .select({ id: booking.id, propertyId: booking.propertyId, beginsAt: booking.beginsAt, endsAt: booking.endsAt })
    .from(booking)
    .where(
      and(
        inArray(booking.siteId, [...new Set(confirmed.map(({ siteId }) => siteId))]),
        inArray(booking.propertyId, [...new Set(confirmed.map(({ propertyId }) => propertyId))]),
        eq(booking.status, "confirmed"),
        areTheirOwn,
        gt(booking.endsAt, earliest),
        lt(booking.beginsAt, latest),
      ),
    );
  const ofProperty = Map.groupBy(others, ({ propertyId }) => propertyId);
  const meets = (one: BookingRow) =>
    ofProperty
      .get(one.propertyId)
      ?.some((other) => other.id !== one.id && other.beginsAt < one.endsAt && one.beginsAt < other.endsAt);
  return new Set(confirmed.filter(meets).map(({ id }) => id));
}

/** Those that may have a code and lie nearest to it, as they are booked. */
export async function neighboursOf(
  db: Queries,
  row: BookingRow,
  { from, until }: Validity,
): Promise<{ readonly before?: BookingRow | undefined; readonly next?: BookingRow | undefined }> {
  if (!isItsOwn(row)) return {};
  const { siteId, id, propertyId } = row;
  const others = and(
    ofProperty(siteId, propertyId),
    areTheirOwn,
    ne(booking.id, id),
    inArray(booking.status, ["confirmed", "tentative"]),
  );
  const [before] = await db
    .select()
    .from(booking)
    .where(and(others, lte(booking.endsAt, from)))
    .orderBy(desc(booking.endsAt))
    .limit(1);
  const [next] = await db
    .select()
    .from(booking)
    .where(and(others, gte(booking.beginsAt, until)))
    .orderBy(asc(booking.beginsAt))
    .limit(1);
  return { before, next };
}

/** Farther apart, no late minutes, extra hours and cleaning of two stays meet. */
const besideMs: Millis = 5 * 24 * 3_600_000;

/** A stay is another than it was: where time is kept for cleaning, the planner looks at those beside it. */
export async function lookBeside(
  tx: Transaction,
  { siteId, id, propertyId, beginsAt, endsAt }: BookingRow,
  now: Instant,
): Promise<void> {
  const keepsTime = sql`exists (select 1 from property where property.site_id = ${siteId} and property.id = ${propertyId}
    and coalesce((property.rules::json ->> 'cleaningMinutes')::integer, 0) > 0)`;
  const beside = and(lt(booking.beginsAt, endsAt + besideMs), gt(booking.endsAt, Math.max(beginsAt, now) - besideMs));
  const looked = await tx
    .update(booking)
    .set({ lookAt: now })
    .where(and(ofProperty(siteId, propertyId), ne(booking.id, id), ne(booking.status, "cancelled"), beside, keepsTime))
    .returning({ id: booking.id });
  if (looked.length > 0) tx.touch(staysWake);
}

/** How many of the property's stays have not ended, cancelled ones apart. */
export async function countOpen(db: Queries, siteId: string, property: string, now: Instant): Promise<number> {
  const open = and(ofProperty(siteId, property), gt(booking.endsAt, now), ne(booking.status, "cancelled"));
  const [row] = await db.select({ count: sql<number>`count(*)::int` }).from(booking).where(open);
  return row?.count ?? 0;
}

/** The rules of a property have changed, or the site's zone (`property` undefined): the planner looks at all bookings that it may concern. */
export async function lookAtAllOf(
  tx: Transaction,
  siteId: string,
  property: string | undefined,
  now: Instant,
): Promise<void> {
  const its = property === undefined ? eq(booking.siteId, siteId) : ofProperty(siteId, property);
  await tx
    .update(booking)
    .set({ lookAt: now })
    .where(and(its, ne(booking.status, "cancelled"), or(gt(booking.endsAt, now), isNotNull(booking.lookAt))));
  tx.touch(staysWake);
}

const ofProperty = (siteId: string, property: string) =>
  and(eq(booking.siteId, siteId), eq(booking.propertyId, property));

/** The one that has been due for longest, locked until the commit; one that another replica looks at is left to it. */
export async function lockDue(tx: Transaction, now: Instant): Promise<BookingRow | undefined> {
  const [row] = await tx
    .select()
    .from(booking)
    .where(lte(booking.lookAt, now))
    .orderBy(asc(booking.lookAt), asc(booking.id))
    .limit(1)
    .for("update", { skipLocked: true });
  return row;
}

/** When the next is due; undefined: none. */
export async function nextLookAt(db: Queries): Promise<Instant | undefined> {
  const [row] = await db
    .select({ at: booking.lookAt })
    .from(booking)
    .where(isNotNull(booking.lookAt))
    .orderBy(asc(booking.lookAt))
    .limit(1);
  return row?.at ?? undefined;
}

/** The one that should have been looked after for longest, locked until the commit; one that another replica has is left to it. */
export async function lockWatched(tx: Transaction, now: Instant): Promise<BookingRow | undefined> {
  const [row] = await tx
    .select()
    .from(booking)
    .where(lte(booking.watchAt, now))
    .orderBy(asc(booking.watchAt), asc(booking.id))
    .limit(1)
    .for("update", { skipLocked: true });
  return row;
}

/** When the next has to be looked after; undefined: none. */
export async function nextWatchAt(db: Queries): Promise<Instant | undefined> {
  const [row] = await db
    .select({ at: booking.watchAt })
    .from(booking)
    .where(isNotNull(booking.watchAt))
    .orderBy(asc(booking.watchAt))
    .limit(1);
  return row?.at ?? undefined;
}

/** The one whose code has waited for longest to be written where it comes from; nobody else takes it until `until`. */
export async function takeKeyCode(tx: Transaction, now: Instant, until: Instant): Promise<BookingRow | undefined> {
  const [row] = await tx
    .select()
    .from(booking)
    .where(lte(booking.keyCodeAt, now))
    .orderBy(asc(booking.keyCodeAt), asc(booking.id))
    .limit(1)
    .for("update", { skipLocked: true });
  return row && writeBooking(tx, row, { keyCodeAt: until });
}

/** When the next is to be written; undefined: none. */
export async function nextKeyCodeAt(db: Queries): Promise<Instant | undefined> {
  const [row] = await db
    .select({ at: booking.keyCodeAt })
    .from(booking)
    .where(isNotNull(booking.keyCodeAt))
    .orderBy(asc(booking.keyCodeAt))
    .limit(1);
  return row?.at ?? undefined;
}

/** The source's that have a code: somebody looks after them now. */
export async function watchAllOf(tx: Transaction, siteId: string, source: string, now: Instant): Promise<void> {
  const its = and(eq(booking.siteId, siteId), eq(booking.source, source), gt(booking.endsAt, now));
  await tx
    .update(booking)
    .set({ watchAt: now })
    .where(and(its, isNotNull(booking.grantId)));
  tx.touch(watchWake);
}

/** Somebody looks after them now. */
export async function watchNow(tx: Transaction, siteId: string, ids: readonly string[], now: Instant): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .update(booking)
    .set({ watchAt: now })
    .where(and(eq(booking.siteId, siteId), inArray(booking.id, [...ids])));
  tx.touch(watchWake);
}

/** Somebody looks after all stays of these sites now; `sites` undefined: of all. */
export async function watchSites(tx: Transaction, sites: readonly string[] | undefined, now: Instant): Promise<void> {
  await tx
    .update(booking)
    .set({ watchAt: now })
    .where(and(sites && inArray(booking.siteId, [...sites]), isNotNull(booking.watchAt)));
  tx.touch(watchWake);
}

/** Something was said of the codes of these grants: somebody looks after their stays now. */
export async function watchGrants(
  tx: Transaction,
  siteId: string,
  grants: readonly string[],
  now: Instant,
): Promise<void> {
  if (grants.length === 0) return;
  const watched = await tx
    .update(booking)
    .set({ watchAt: now })
    .where(and(eq(booking.siteId, siteId), havingGrants(siteId, grants)))
    .returning({ id: booking.id });
  if (watched.length > 0) tx.touch(watchWake);
}

/** A grant of these was changed by hand: the planner looks at its stay now. */
export async function lookAtGrants(
  tx: Transaction,
  siteId: string,
  grants: readonly string[],
  now: Instant,
): Promise<void> {
  const looked = await tx
    .update(booking)
    .set({ lookAt: now })
    .where(and(eq(booking.siteId, siteId), havingGrants(siteId, grants), gt(booking.endsAt, now)))
    .returning({ id: booking.id });
  if (looked.length > 0) tx.touch(staysWake);
}

/** Those that have one of these grants, or had it before the one before. */
function havingGrants(siteId: string, grants: readonly string[]) {
  const named = and(eq(grantRecord.siteId, siteId), inArray(grantRecord.id, [...grants]));
  return or(
    inArray(booking.grantId, [...grants]),
    inArray(booking.formerGrantId, [...grants]),
    sql`${booking.id} in (select ${grantRecord.body}::json -> 'about' ->> 'booking' from ${grantRecord} where ${named})`,
  );
}

/** Those that are over, by so much, and whose code would still open. */
export function outlivedStays(db: Queries, now: Instant, toleranceMs: Millis, limit: number): Promise<BookingRow[]> {
  const isOver = or(
    and(inArray(booking.status, ["cancelled", "completed"]), lt(booking.changedAt, now - toleranceMs)),
    sql`${booking.endsAt} + ${booking.extraMinutes}::bigint * 60000 < ${now - toleranceMs}::bigint`,
  );
  const grant = and(eq(grantRecord.siteId, booking.siteId), eq(grantRecord.id, booking.grantId));
  const isLive = and(isNull(grantRecord.revokedAt), gt(grantRecord.validUntil, now));
  return db
    .select(getTableColumns(booking))
    .from(booking)
    .innerJoin(grantRecord, grant)
    .where(and(isOver, isLive))
    .orderBy(asc(booking.endsAt), asc(booking.id))
    .limit(limit);
}

/** Who the guests were that left before `endedBefore`. Answers how many. */
export async function forgetGuests(
  tx: Transaction,
  siteId: string,
  endedBefore: Instant,
  now: Instant,
): Promise<number> {
  const left = await tx
    .update(booking)
    .set({
      ...{ guestName: erasedName, guestPhone: null, guestEmail: null, guestLanguage: null },
      ...{ linkHash: null, linkSealed: null, forgottenAt: now },
    })
    .where(and(eq(booking.siteId, siteId), isNull(booking.forgottenAt), lt(booking.endsAt, endedBefore)))
    .returning({ id: booking.id });
  return left.length;
}
