/** Alarms of stays: one of a kind about a booking or a source at a time, until its cause is gone. */
import { and, desc, eq, inArray, isNotNull, isNull, lt, or, sql } from "drizzle-orm";
import { z } from "zod";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { AlarmKind } from "../domain/stay-alarms.ts";
import { stayAlarm } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type AlarmRow = typeof stayAlarm.$inferSelect;

const its = ({ siteId, id }: Pick<AlarmRow, "siteId" | "id">) =>
  and(eq(stayAlarm.siteId, siteId), eq(stayAlarm.id, id));

/** Raised, or risen: then whoever had settled it is asked again. undefined: it stands at that level already. */
export async function raise(
  tx: Transaction,
  fresh: Pick<AlarmRow, "siteId" | "id" | "kind" | "about" | "level" | "detail">,
  now: Instant,
): Promise<AlarmRow | undefined> {
  const { level, detail } = fresh;
  const [row] = await tx
    .insert(stayAlarm)
    .values({ ...fresh, raisedAt: now, roseAt: now })
    .onConflictDoUpdate({
      target: [stayAlarm.siteId, stayAlarm.about, stayAlarm.kind],
      targetWhere: isNull(stayAlarm.endedAt),
      set: { level, detail, roseAt: now, settledAt: null, settledBy: null },
      setWhere: lt(stayAlarm.level, level),
    })
    .returning();
  return row;
}

/** The cause of these kinds is gone. Answers how many were open. */
export async function endAlarms(
  tx: Transaction,
  siteId: string,
  about: string,
  kinds: readonly AlarmKind[],
  now: Instant,
): Promise<number> {
  const open = and(eq(stayAlarm.siteId, siteId), eq(stayAlarm.about, about), isNull(stayAlarm.endedAt));
  const ended = await tx
    .update(stayAlarm)
    .set({ endedAt: now, settledAt: sql`coalesce(${stayAlarm.settledAt}, ${now}::bigint)` })
    .where(and(open, inArray(stayAlarm.kind, [...kinds])))
    .returning({ id: stayAlarm.id });
  return ended.length;
}

export async function writeAlarm(
  tx: Transaction,
  row: AlarmRow,
  change: Pick<AlarmRow, "settledAt" | "settledBy" | "endedAt">,
): Promise<AlarmRow> {
  const [after] = await tx.update(stayAlarm).set(change).where(its(row)).returning();
  return after!;
}

/** At whatever site. */
export async function findAlarm(db: Queries, id: string): Promise<AlarmRow | undefined> {
  const [row] = await db.select().from(stayAlarm).where(eq(stayAlarm.id, id));
  return row;
}

/** Locked until the commit. undefined: there is none. */
export async function lockAlarm(tx: Transaction, siteId: string, id: string): Promise<AlarmRow | undefined> {
  const [row] = await tx.select().from(stayAlarm).where(its({ siteId, id })).for("update");
  return row;
}

export interface AlarmFilter {
  /** undefined: of all. */
  readonly sites?: readonly string[] | undefined;
  /** Of this booking or source alone. */
  readonly about?: string | undefined;
  /** Those that nobody has settled. */
  readonly isOpen?: boolean | undefined;
  /** The last row of the page before. */
  readonly after?: { readonly raisedAt: Instant; readonly id: string } | undefined;
  readonly limit: number;
}

/** The newest first. */
export async function listAlarms(
  db: Queries,
  { sites, about, isOpen, after, limit }: AlarmFilter,
): Promise<AlarmRow[]> {
  return db
    .select()
    .from(stayAlarm)
    .where(
      and(
        sites && inArray(stayAlarm.siteId, [...sites]),
        about === undefined ? undefined : eq(stayAlarm.about, about),
        isOpen === undefined ? undefined : isOpen ? isNull(stayAlarm.settledAt) : isNotNull(stayAlarm.settledAt),
        after && sql`(${stayAlarm.raisedAt}, ${stayAlarm.id}) < (${after.raisedAt}::bigint, ${after.id})`,
      ),
    )
    .orderBy(desc(stayAlarm.raisedAt), desc(stayAlarm.id))
    .limit(limit);
}

/** Those settled, or raised, before `before`: what guests wrote may stand in them. */
export async function forgetAlarms(tx: Transaction, siteId: string, before: Instant): Promise<void> {
  await tx
    .delete(stayAlarm)
    .where(and(eq(stayAlarm.siteId, siteId), or(lt(stayAlarm.settledAt, before), lt(stayAlarm.raisedAt, before))));
}

const doorsSchema = z.looseObject({
  doors: z.array(z.union([z.string(), z.looseObject({ accessPoint: z.string() })])).catch([]),
});

/** Access points that its detail names, as strings or as objects. */
export function alarmDoors({ detail }: AlarmRow): string[] {
  const { success, data } = doorsSchema.safeParse(JSON.parse(detail));
  return success ? data.doors.map((one) => (typeof one === "string" ? one : one.accessPoint)) : [];
}
