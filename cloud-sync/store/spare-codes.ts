/** Which grants are a property's spare codes, and what became of them. */
import { and, asc, desc, eq, isNotNull, isNull } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { RetireWhy } from "../domain/spare-pool.ts";
import { property as propertyTable, spareCode } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type SpareRow = typeof spareCode.$inferSelect;

type SpareOf = Pick<SpareRow, "siteId" | "grantId">;

const its = ({ siteId, grantId }: SpareOf) => and(eq(spareCode.siteId, siteId), eq(spareCode.grantId, grantId));
const ofProperty = (siteId: string, property: string) =>
  and(eq(spareCode.siteId, siteId), eq(spareCode.propertyId, property));

export async function insertSpare(
  tx: Transaction,
  fresh: SpareOf & Pick<SpareRow, "propertyId" | "madeAt">,
): Promise<void> {
  await tx.insert(spareCode).values(fresh);
}

/** Those that nobody was given, oldest first, locked until the commit. */
export async function lockSpares(tx: Transaction, siteId: string, property: string): Promise<SpareRow[]> {
  return tx
    .select()
    .from(spareCode)
    .where(and(ofProperty(siteId, property), isNull(spareCode.givenAt), isNull(spareCode.endedAt)))
    .orderBy(asc(spareCode.madeAt), asc(spareCode.grantId))
    .for("update");
}

/** null: none has. */
export async function lastFailure(db: Queries, siteId: string, property: string): Promise<Instant | null> {
  const [row] = await db
    .select({ at: spareCode.endedAt })
    .from(spareCode)
    .where(and(ofProperty(siteId, property), eq(spareCode.why, "failed")))
    .orderBy(desc(spareCode.endedAt))
    .limit(1);
  return row?.at ?? null;
}

export async function endSpare(tx: Transaction, of: SpareOf, why: RetireWhy, now: Instant): Promise<void> {
  await tx.update(spareCode).set({ endedAt: now, why }).where(its(of));
}

export async function giveAway(tx: Transaction, of: SpareOf, booking: string, now: Instant): Promise<void> {
  await tx.update(spareCode).set({ givenTo: booking, givenAt: now }).where(its(of));
}

/** Of a restored store: whether one was given since, nobody knows. They are too old for anybody, and others are made. */
export async function doubtSpares(tx: Transaction, now: Instant): Promise<void> {
  const isWaiting = and(isNull(spareCode.givenAt), isNull(spareCode.endedAt));
  await tx.update(spareCode).set({ madeAt: 0 }).where(isWaiting);
  await tx.update(propertyTable).set({ sparesAt: now }).where(isNotNull(propertyTable.sparesAt));
}
