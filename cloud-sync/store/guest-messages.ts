/** Messages to guests, how far they have come, and what services tell of them. */
import { and, asc, desc, eq, gte, inArray, isNotNull, lt, lte, max, notExists, or, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { MessageFacts, MessageKind } from "../domain/guest-messages.ts";
import { newId } from "../ids.ts";
import { everySite } from "./people.ts";
import { booking, deliveryReport, guestMessage } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/** Woken when a message is to leave. */
export const messagesWake = "*guest-messages";

type ReportRow = typeof deliveryReport.$inferSelect;
export type MessageRow = typeof guestMessage.$inferSelect;

const its = ({ siteId, id }: Pick<MessageRow, "siteId" | "id">) =>
  and(eq(guestMessage.siteId, siteId), eq(guestMessage.id, id));

export const saysOf = ({ says }: Pick<MessageRow, "says">): MessageFacts => JSON.parse(says);

/** The newest first, without those that were dropped: however many they are, what the guest was told stays in sight. */
export async function messagesOf(db: Queries, siteId: string, booking: string): Promise<MessageRow[]> {
  return db
    .select()
    .from(guestMessage)
    .where(and(eq(guestMessage.siteId, siteId), eq(guestMessage.bookingId, booking), isNotDropped))
    .orderBy(desc(guestMessage.number))
    .limit(messagesReadMax);
}
const messagesReadMax = 50;
const isNotDropped = sql`${guestMessage.state} <> 'dropped'`;

export interface FreshMessage {
  readonly site: string;
  /** Locked before, so that two are not given one number. */
  readonly booking: string;
  readonly kind: MessageKind;
  readonly says: MessageFacts;
  readonly isProven: boolean;
  readonly dueAt: Instant;
  readonly askedBy?: string;
}

export async function putMessage(tx: Transaction, fresh: FreshMessage, now: Instant): Promise<MessageRow> {
  const { site: siteId, booking: bookingId, says, askedBy, ...more } = fresh;
  const ofBooking = and(eq(guestMessage.siteId, siteId), eq(guestMessage.bookingId, bookingId));
  const [last] = await tx
    .select({ number: max(guestMessage.number) })
    .from(guestMessage)
    .where(ofBooking);
  const [row] = await tx
    .insert(guestMessage)
    .values({
      ...more,
      number: (last?.number ?? 0) + 1,
      siteId,
      bookingId,
      id: newId("message"),
      says: JSON.stringify(says),
      askedBy,
      state: "waiting",
      tried: [],
      byTemplate: false,
      attempts: 0,
      createdAt: now,
      stateAt: now,
    })
    .returning();
  tx.touch(messagesWake);
  return row!;
}

/** The one that is due for longest, locked until the commit; one that another replica has is left to it. */
export async function lockDueMessage(tx: Transaction, now: Instant): Promise<MessageRow | undefined> {
  const [row] = await tx
    .select()
    .from(guestMessage)
    .where(lte(guestMessage.dueAt, now))
    .orderBy(asc(guestMessage.dueAt), asc(guestMessage.id))
    .limit(1)
    .for("update", { skipLocked: true });
  return row;
}

export async function lockMessage(tx: Transaction, siteId: string, id: string): Promise<MessageRow | undefined> {
  const [row] = await tx.select().from(guestMessage).where(its({ siteId, id })).for("update");
  return row;
}

/** When the next is due; undefined: none. */
export async function nextMessageAt(db: Queries): Promise<Instant | undefined> {
  const [row] = await db
    .select({ at: guestMessage.dueAt })
    .from(guestMessage)
    .where(isNotNull(guestMessage.dueAt))
    .orderBy(asc(guestMessage.dueAt))
    .limit(1);
  return row?.at ?? undefined;
}

/** `row`: locked before. */
export async function writeMessage(
  tx: Transaction,
  row: MessageRow,
  change: Partial<Omit<MessageRow, "siteId" | "id">>,
  now: Instant,
): Promise<MessageRow> {
  const isMoved = change.state !== undefined && change.state !== row.state;
  const [after] = await tx
    .update(guestMessage)
    .set({ ...change, ...(isMoved && { stateAt: now }) })
    .where(its(row))
    .returning();
  if (change.dueAt !== undefined && change.dueAt !== null) tx.touch(messagesWake);
  return after!;
}

/** At whatever site. */
export async function findMessage(db: Queries, id: string): Promise<MessageRow | undefined> {
  const [row] = await db.select().from(guestMessage).where(eq(guestMessage.id, id));
  return row;
}

export async function findByRef(db: Queries, ref: string): Promise<MessageRow | undefined> {
  const [row] = await db.select().from(guestMessage).where(eq(guestMessage.ref, ref));
  return row;
}

export type Report = Pick<ReportRow, "ref" | "word" | "errorClass" | "why">;

/**
 * Until the commit nobody else looks for a message of this name, nor for what was told of it: else of two that look at the same time neither
 * sees what the other writes.
 */
export async function lockRef(tx: Transaction, ref: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`message ${ref}`}, 0))`);
}

/** false: it was told before. */
export async function keepReport(tx: Transaction, report: Report, now: Instant): Promise<boolean> {
  const kept = await tx
    .insert(deliveryReport)
    .values({ siteId: everySite, ...report, at: now })
    .onConflictDoNothing()
    .returning({ ref: deliveryReport.ref });
  return kept.length > 0;
}

export async function reportsOf(db: Queries, ref: string): Promise<Report[]> {
  return db
    .select()
    .from(deliveryReport)
    .where(and(eq(deliveryReport.siteId, everySite), eq(deliveryReport.ref, ref)));
}

export interface MessageFilter {
  /** undefined: of all. */
  readonly sites?: readonly string[] | undefined;
  readonly booking?: string | undefined;
  /** The last row of the page before. */
  readonly after?: { readonly createdAt: Instant; readonly id: string } | undefined;
  readonly limit: number;
}

/** The newest first; those that were never sent because they were not so any more are left out. */
export async function listMessages(
  db: Queries,
  { sites, booking, after, limit }: MessageFilter,
): Promise<MessageRow[]> {
  return db
    .select()
    .from(guestMessage)
    .where(
      and(
        sites && inArray(guestMessage.siteId, [...sites]),
        booking === undefined ? undefined : eq(guestMessage.bookingId, booking),
        isNotDropped,
        after && sql`(${guestMessage.createdAt}, ${guestMessage.id}) < (${after.createdAt}::bigint, ${after.id})`,
      ),
    )
    .orderBy(desc(guestMessage.createdAt), desc(guestMessage.id))
    .limit(limit);
}

/**
 * Of a restored store: whether one that waited then was sent since, nobody knows. As being handed over by no channel, of which nobody can be
 * asked: the first that looks gives it up, and an owner hears of it.
 */
export async function doubtWaiting(tx: Transaction, now: Instant): Promise<void> {
  await tx
    .update(guestMessage)
    .set({ state: "sending", channel: null, dueAt: now, why: "the service was restored from a backup", stateAt: now })
    .where(inArray(guestMessage.state, ["waiting", "sending"]));
}

/** Those made before, of stays that ended before: while one goes on, what its guest knows is asked. */
export async function forgetMessages(tx: Transaction, siteId: string, before: Instant): Promise<void> {
  const itsStay = and(eq(booking.siteId, siteId), eq(booking.id, guestMessage.bookingId));
  const goesOn = tx
    .select({ id: booking.id })
    .from(booking)
    .where(and(itsStay, gte(booking.endsAt, before)));
  const isOfNoUse = or(eq(guestMessage.state, "dropped"), notExists(goesOn));
  await tx
    .delete(guestMessage)
    .where(and(eq(guestMessage.siteId, siteId), lt(guestMessage.createdAt, before), isOfNoUse));
}

export async function forgetReports(tx: Transaction, before: Instant): Promise<void> {
  await tx.delete(deliveryReport).where(and(eq(deliveryReport.siteId, everySite), lt(deliveryReport.at, before)));
}
