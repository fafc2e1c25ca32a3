/**
 * Doors that an administrator holds open. The hold of an access point is its row in the feed and nothing besides: there is one at most,
 * it ends by itself, and every change makes a new id and revokes the one before for ever.
 */
import { and, eq } from "drizzle-orm";
import type { HoldOpen } from "../../gateway/domain/hold-open.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { newId } from "../ids.ts";
import { changesMax, publish } from "./feed.ts";
import { feedRow, site } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/** `version`: of the feed, at which a gateway has confirmed it. */
export interface PublishedHold extends HoldOpen {
  readonly version: number;
}

/** So many revoked ids a row repeats, the newest; a hold that old ended long ago by itself. */
const revokedMax = 100;

/** Holds the access point open in place of what stood before. The same once more changes nothing. */
export async function holdOpen(
  tx: Transaction,
  siteId: string,
  accessPoint: string,
  { from, until }: Pick<HoldOpen, "from" | "until">,
  now: Instant,
): Promise<PublishedHold> {
  await lockSite(tx, siteId);
  const before = await readRow(tx, siteId, accessPoint);
  const standing = before?.hold;
  if (standing?.until === until && Math.max(standing.from, now) === Math.max(from, now)) return standing;
  const hold: HoldOpen = { id: newId("hold"), from, until };
  const revoked = revokedAfter(before);
  const version = await publish(tx, siteId, [{ kind: "hold-open", id: accessPoint, body: hold, revoked }], now);
  return { ...hold, version };
}

/** The version of the feed that ends it; undefined: none stands. */
export async function endHoldOpen(
  tx: Transaction,
  siteId: string,
  accessPoint: string,
  now: Instant,
): Promise<number | undefined> {
  await lockSite(tx, siteId);
  const before = await readRow(tx, siteId, accessPoint);
  if (!before?.hold) return undefined;
  const revoked = revokedAfter(before);
  return publish(tx, siteId, [{ kind: "hold-open", id: accessPoint, gone: true, revoked }], now);
}

/** undefined: none stands, or it is over. */
export async function readHoldOpen(
  db: Queries,
  siteId: string,
  accessPoint: string,
  now: Instant,
): Promise<PublishedHold | undefined> {
  const hold = (await readRow(db, siteId, accessPoint))?.hold;
  return hold && hold.until > now ? hold : undefined;
}

/** A gateway knows these ids to be revoked, and this service has forgotten it: the holds among them end again. */
export async function endHoldsAgain(
  tx: Transaction,
  siteId: string,
  revokedIds: ReadonlySet<string>,
  now: Instant,
): Promise<void> {
  if (revokedIds.size === 0) return;
  await lockSite(tx, siteId);
  const rows = await tx
    .select()
    .from(feedRow)
    .where(and(eq(feedRow.siteId, siteId), eq(feedRow.kind, "hold-open"), eq(feedRow.gone, false)));
  const ended = rows.flatMap((row) => {
    const found = toRow(row);
    if (!found.hold || !revokedIds.has(found.hold.id)) return [];
    return [{ kind: "hold-open", id: row.id, gone: true, revoked: revokedAfter(found) } as const];
  });
  for (let at = 0; at < ended.length; at += changesMax)
    await publish(tx, siteId, ended.slice(at, at + changesMax), now);
}

interface HoldRow {
  readonly hold: PublishedHold | undefined;
  readonly revoked: readonly string[];
}

async function readRow(db: Queries, siteId: string, accessPoint: string): Promise<HoldRow | undefined> {
  const [row] = await db
    .select()
    .from(feedRow)
    .where(and(eq(feedRow.siteId, siteId), eq(feedRow.kind, "hold-open"), eq(feedRow.id, accessPoint)));
  return row && toRow(row);
}

function toRow({ body, revoked, ver }: typeof feedRow.$inferSelect): HoldRow {
  return {
    hold: body === null ? undefined : { ...(JSON.parse(body) as HoldOpen), version: ver },
    revoked: revoked === null ? [] : JSON.parse(revoked),
  };
}

function revokedAfter(before: HoldRow | undefined): string[] {
  return [...(before?.revoked ?? []), ...(before?.hold ? [before.hold.id] : [])].slice(-revokedMax);
}

/** Two changes of one hold must not both take the same one's place. */
async function lockSite(tx: Transaction, siteId: string): Promise<void> {
  await tx.select({ id: site.id }).from(site).where(eq(site.id, siteId)).for("no key update");
}
