/** Who must not enter, whatever grant they hold. */
import { and, desc, eq, inArray, or, sql } from "drizzle-orm";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { type BlacklistEntry, subjectWord } from "../../gateway/domain/site.ts";
import { publish } from "./feed.ts";
import { blacklist } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type BlacklistRow = typeof blacklist.$inferSelect;

/** `reason` is for people; gateways are not told it. */
export async function addToBlacklist(
  tx: Transaction,
  siteId: string,
  entry: BlacklistEntry,
  reason: string | null,
  now: Instant,
): Promise<void> {
  await tx.insert(blacklist).values({ siteId, ...entry, reason, createdAt: now });
  await publish(tx, siteId, [{ kind: "blacklist", id: entry.id, body: entry }], now);
}

/** false: no such entry. */
export async function removeFromBlacklist(tx: Transaction, siteId: string, id: string, now: Instant): Promise<boolean> {
  const removed = await tx
    .delete(blacklist)
    .where(and(eq(blacklist.siteId, siteId), eq(blacklist.id, id)))
    .returning({ id: blacklist.id });
  if (removed.length === 0) return false;
  await publish(tx, siteId, [{ kind: "blacklist", id, gone: true }], now);
  return true;
}

/** Which of the grants' ids and their credentials' are on the blacklist; a grant when its holder is. */
export async function listedOf(db: Queries, siteId: string, grants: readonly Grant[]): Promise<Set<string>> {
  const wordsOf = ({ id, holder, credentials }: Grant) => [id, ...credentials.map((one) => one.id), holder.id];
  if (grants.length === 0) return new Set();
  // Gateways read documents as people type them, so those are compared here.
  const isDocument = grants.some(({ holder }) => holder.document) ? eq(blacklist.subject, "document") : undefined;
  const rows = await db
    .select({ subject: blacklist.subject, value: blacklist.value })
    .from(blacklist)
    .where(and(eq(blacklist.siteId, siteId), or(inArray(blacklist.value, grants.flatMap(wordsOf)), isDocument)));
  return new Set(
    rows.flatMap(({ subject, value }) => {
      if (subject === "grant" || subject === "credential") return [value];
      const isIt = ({ holder: { id, document } }: Grant) =>
        subject === "person"
          ? value === id
          : document !== undefined && subjectWord("document", value) === subjectWord("document", document);
      return grants.filter(isIt).map(({ id }) => id);
    }),
  );
}

/** Newest first. `after`: the last row of the page before. */
export async function listBlacklist(
  db: Queries,
  siteId: string,
  {
    value,
    after,
    limit,
  }: {
    readonly value?: string | undefined;
    readonly after?: { readonly createdAt: Instant; readonly id: string } | undefined;
    readonly limit: number;
  },
): Promise<BlacklistRow[]> {
  return db
    .select()
    .from(blacklist)
    .where(
      and(
        eq(blacklist.siteId, siteId),
        value === undefined ? undefined : eq(blacklist.value, value),
        after && sql`(${blacklist.createdAt}, ${blacklist.id}) < (${after.createdAt}::bigint, ${after.id})`,
      ),
    )
    .orderBy(desc(blacklist.createdAt), desc(blacklist.id))
    .limit(limit);
}
