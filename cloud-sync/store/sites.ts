/** Sites: creation, settings, and the row each has in its own feed. */
import { randomUUID } from "node:crypto";
import { asc, eq } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { defaultOfflineMaxAgeMs, type Site } from "../../gateway/domain/site.ts";
import { publish } from "./feed.ts";
import { type KeptPassKey, readPassKeys } from "./pass-keys.ts";
import { site } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type SiteRow = typeof site.$inferSelect;

/** false: the id is taken. */
export async function createSite(
  tx: Transaction,
  fresh: Pick<Site, "id" | "name" | "zone"> & { readonly offlineMaxAgeMs?: Partial<Site["offlineMaxAgeMs"]> },
  sealedKey: string,
  now: Instant,
): Promise<boolean> {
  const added = await tx
    .insert(site)
    .values({
      id: fresh.id,
      name: fresh.name,
      zone: fresh.zone,
      lockdown: false,
      offlinePolicy: JSON.stringify({ ...defaultOfflineMaxAgeMs, ...fresh.offlineMaxAgeMs }),
      sealedKey,
      createdAt: now,
      feed: randomUUID(),
      ver: 0,
      floor: 0,
      liveRows: 0,
      sum: "0".repeat(32),
      epochFloor: 0,
    })
    .onConflictDoNothing()
    .returning();
  if (!added[0]) return false;
  await publishSite(tx, added[0], now);
  return true;
}

export interface SiteChange {
  readonly name?: string | undefined;
  readonly zone?: string | undefined;
  readonly lockdown?: boolean | undefined;
  readonly offlineMaxAgeMs?: Partial<Site["offlineMaxAgeMs"]> | undefined;
  /** Those that follow the ones there are. */
  readonly passKeys?: ((before: SiteRow) => readonly KeptPassKey[]) | undefined;
}

/** undefined: no such site. */
export async function changeSite(
  tx: Transaction,
  id: string,
  change: SiteChange,
  now: Instant,
): Promise<{ readonly before: SiteRow; readonly after: SiteRow } | undefined> {
  const [before] = await tx.select().from(site).where(eq(site.id, id)).for("no key update");
  if (!before) return undefined;
  const [after] = await tx
    .update(site)
    .set({
      name: change.name ?? before.name,
      zone: change.zone ?? before.zone,
      lockdown: change.lockdown ?? before.lockdown,
      offlinePolicy: JSON.stringify({ ...JSON.parse(before.offlinePolicy), ...change.offlineMaxAgeMs }),
      ...(change.passKeys && { passKeys: JSON.stringify(change.passKeys(before)) }),
    })
    .where(eq(site.id, id))
    .returning();
  await publishSite(tx, after!, now);
  return { before, after: after! };
}

async function publishSite(tx: Transaction, row: SiteRow, now: Instant): Promise<void> {
  await publish(tx, row.id, [{ kind: "site", id: row.id, body: toSite(row) }], now);
}

export function toSite(row: SiteRow): Site {
  const passKeys = readPassKeys(row).map(({ salt: _, ...key }) => key);
  return {
    id: row.id,
    name: row.name,
    zone: row.zone,
    lockdown: row.lockdown,
    offlineMaxAgeMs: JSON.parse(row.offlinePolicy),
    ...(passKeys.length > 0 && { passKeys }),
  };
}

export async function readSite(db: Queries, id: string): Promise<SiteRow | undefined> {
  const [row] = await db.select().from(site).where(eq(site.id, id));
  return row;
}

export async function listSites(db: Queries): Promise<SiteRow[]> {
  return db.select().from(site).orderBy(asc(site.id));
}
