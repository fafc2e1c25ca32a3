/** What sources of bookings have sent by themselves: each message once, in the order in which they came. */
import { and, asc, desc, eq, inArray, lt } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { SourceRow } from "./booking-sources.ts";
import { bookingSource, hookMessage } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type HookMessageRow = typeof hookMessage.$inferSelect;

type Of = Pick<SourceRow, "siteId" | "id">;
const ofSource = ({ siteId, id }: Of) => and(eq(hookMessage.siteId, siteId), eq(hookMessage.sourceId, id));

/** Until the commit no other message of the source is taken in: numbers are given without a hole that shows later. */
export async function lockSource(tx: Transaction, { siteId, id }: Of): Promise<void> {
  await tx
    .select({ id: bookingSource.id })
    .from(bookingSource)
    .where(and(eq(bookingSource.siteId, siteId), eq(bookingSource.id, id)))
    .for("update");
}

export async function findHookMessage(db: Queries, of: Of, id: string): Promise<HookMessageRow | undefined> {
  const [row] = await db
    .select()
    .from(hookMessage)
    .where(and(ofSource(of), eq(hookMessage.id, id)));
  return row;
}

export async function latestOf(db: Queries, of: Of, externalId: string): Promise<HookMessageRow | undefined> {
  const [row] = await db
    .select()
    .from(hookMessage)
    .where(and(ofSource(of), eq(hookMessage.externalId, externalId), eq(hookMessage.isLatest, true)));
  return row;
}

/** The latest of each booking, as they came. */
export async function listLatest(db: Queries, of: Of): Promise<HookMessageRow[]> {
  return db
    .select()
    .from(hookMessage)
    .where(and(ofSource(of), eq(hookMessage.isLatest, true)))
    .orderBy(asc(hookMessage.serial));
}

/** The source is locked. One of this id is replaced; one that is the latest takes the place of the one before. */
export async function putHookMessage(
  tx: Transaction,
  of: Of,
  fresh: Omit<HookMessageRow, "siteId" | "sourceId" | "serial">,
): Promise<void> {
  const [last] = await tx
    .select({ serial: hookMessage.serial })
    .from(hookMessage)
    .where(ofSource(of))
    .orderBy(desc(hookMessage.serial))
    .limit(1);
  const serial = (last?.serial ?? 0) + 1;
  if (fresh.isLatest)
    await tx
      .update(hookMessage)
      .set({ isLatest: false, sealed: null })
      .where(and(ofSource(of), eq(hookMessage.externalId, fresh.externalId), eq(hookMessage.isLatest, true)));
  await tx
    .insert(hookMessage)
    .values({ siteId: of.siteId, sourceId: of.id, serial, ...fresh })
    .onConflictDoUpdate({
      target: [hookMessage.siteId, hookMessage.sourceId, hookMessage.id],
      set: { ...fresh, serial },
    });
}

/** Those that have not been taken over, as they came. */
export async function listPending(db: Queries, of: Of, limit: number): Promise<HookMessageRow[]> {
  return db
    .select()
    .from(hookMessage)
    .where(and(ofSource(of), eq(hookMessage.isPending, true)))
    .orderBy(asc(hookMessage.serial))
    .limit(limit);
}

export async function settleHookMessages(tx: Transaction, of: Of, serials: readonly number[]): Promise<void> {
  if (serials.length === 0) return;
  const these = and(ofSource(of), inArray(hookMessage.serial, [...serials]));
  await tx.update(hookMessage).set({ isPending: false }).where(these);
}

/** Those that have been kept for long enough. */
export async function forgetHookMessages(tx: Transaction, siteId: string, now: Instant): Promise<void> {
  await tx.delete(hookMessage).where(and(eq(hookMessage.siteId, siteId), lt(hookMessage.keepUntil, now)));
}
