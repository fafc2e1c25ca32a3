/** Grants of a kind that people make one by one: a site may have 100,000 grants and a few of these, and they are found by indexes of their own. */
import { and, desc, eq, ilike, inArray, type SQL, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { escapeLike, inState, type PublishedGrant, type StateFilter } from "./grants.ts";
import { grantRecord } from "./schema.ts";
import type { Queries } from "./store.ts";

export type KindOfOne = "temporary" | "visitor";

export interface OnesFilter {
  /** undefined: all. */
  readonly sites?: readonly string[] | undefined;
  /** undefined: everybody's. */
  readonly madeBy?: string | undefined;
  readonly state?: StateFilter | undefined;
  /** Part of the name. */
  readonly name?: string | undefined;
  /** The last row of the page before. */
  readonly after?: { readonly createdAt: Instant; readonly id: string } | undefined;
  readonly limit: number;
}

// Written out: with a parameter in its place the partial indexes may go unused.
const isOfKind = {
  temporary: sql`${grantRecord.kind} = 'temporary'`,
  visitor: sql`${grantRecord.kind} = 'visitor'`,
} as const satisfies Record<KindOfOne, SQL>;

/** Newest first. */
export async function listOnes(
  db: Queries,
  kind: KindOfOne,
  filter: OnesFilter,
  now: Instant,
): Promise<PublishedGrant[]> {
  const { sites, madeBy, state, name, after, limit } = filter;
  const [site, ...others] = sites ?? [];
  if (sites && site === undefined) return [];
  return withVersion(db)
    .where(
      and(
        isOfKind[kind],
        site === undefined
          ? undefined
          : others.length === 0
            ? eq(grantRecord.siteId, site)
            : inArray(grantRecord.siteId, [site, ...others]),
        madeBy === undefined ? undefined : eq(grantRecord.createdBy, madeBy),
        state && inState(state, now),
        name === undefined ? undefined : ilike(grantRecord.holderName, `%${escapeLike(name)}%`),
        after && sql`(${grantRecord.createdAt}, ${grantRecord.id}) < (${after.createdAt}::bigint, ${after.id})`,
      ),
    )
    .orderBy(desc(grantRecord.createdAt), desc(grantRecord.id))
    .limit(limit);
}

/** At whatever site. */
export async function findOne(db: Queries, kind: KindOfOne, id: string): Promise<PublishedGrant | undefined> {
  const [found] = await withVersion(db).where(and(isOfKind[kind], eq(grantRecord.id, id)));
  return found;
}

/** A look-up for each row of the page: a join may read the whole feed. 0: it ended long ago and no gateway is told of it any more. */
function withVersion(db: Queries) {
  const version = sql<number>`coalesce((select f.ver from feed_row f
    where f.site_id = grant_record.site_id and f.kind = 'grant' and f.id = grant_record.id), 0)`.mapWith(Number);
  return db.select({ row: grantRecord, version }).from(grantRecord).$dynamic();
}
