/**
 * The feed of a site: what changed since a gateway's cursor. The version comes from the site's row, locked last in the writing
 * transaction: a sequence or a timestamp is drawn before commit, and a reader that has passed it never sees the late row.
 */
import { randomUUID } from "node:crypto";
import { and, eq, sql } from "drizzle-orm";
import type { Cursor } from "../../gateway/domain/feed.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { gatewayOf, type HolderId, type Placement } from "../../gateway/domain/rights.ts";
import { rowSum } from "../../gateway/wire/feed.ts";
import type { RowRights } from "./rights.ts";
import { feedRow, site } from "./schema.ts";
import { type Database, type Queries, rowsOf, type Transaction } from "./store.ts";

export type FeedKind = "grant" | "blacklist" | "site" | "gateway" | "hold-open" | "staff" | "integration";

/** A row's new state. `revoked`: ids that never come back, repeated on every later state of the row. */
export type FeedChange = { readonly kind: FeedKind; readonly id: string; readonly revoked?: readonly string[] } & (
  | { readonly body: object; readonly rights?: RowRights }
  | { readonly gone: true }
);

/** Most rows of one version: a page carries whole versions, and a reply at most 10,000 rows. */
export const changesMax = 1_000;
/** A gateway reads at most 16 MB of a reply; a version may not fill more than half of that, nor a page of several. */
const pageBytesMax = 4 * 1024 * 1024;
const versionBytesMax = 8 * 1024 * 1024;
const modulus = 1n << 128n;

/**
 * Writes the changes as one new version and answers it. Call it last: it locks the site's row until the commit. With several
 * sites in one transaction, call it in the order of their ids.
 */
export async function publish(
  tx: Transaction,
  siteId: string,
  changes: readonly FeedChange[],
  now: Instant,
): Promise<number> {
  if (changes.length === 0 || changes.length > changesMax)
    throw new Error(`a version has 1 to ${changesMax} changes, not ${changes.length}`);
  const [head] = await tx
    .update(site)
    .set({ ver: sql`${site.ver} + 1` })
    .where(eq(site.id, siteId))
    .returning({ ver: site.ver, liveRows: site.liveRows, sum: site.sum });
  if (!head) throw new Error(`no site ${siteId}`);

  const rows = changes.map((change) => toRow(change, head.ver));
  if (bytesOf(rows) > versionBytesMax) throw new Error(`a version has at most ${versionBytesMax} bytes`);
  const keys = JSON.stringify(rows.map(({ kind, id }) => ({ kind, id })));
  const before = await rowsOf<{ sum: string }>(
    tx,
    sql`select r.sum from json_to_recordset(${keys}::json) as k(kind text, id text)
        join feed_row r on r.site_id = ${siteId} and r.kind = k.kind and r.id = k.id where not r.gone`,
  );
  await tx.execute(
    sql`insert into feed_row (site_id, kind, id, ver, gone, written_at, body, sum, revoked, rights)
        select ${siteId}, kind, id, ${head.ver}::bigint, gone, ${now}::bigint, body, sum, revoked, rights
        from json_to_recordset(${JSON.stringify(rows)}::json)
          as r(kind text, id text, gone boolean, body text, sum text, revoked text, rights text)
        on conflict (site_id, kind, id) do update set ver = excluded.ver, gone = excluded.gone, written_at = excluded.written_at,
          body = excluded.body, sum = excluded.sum, revoked = excluded.revoked, rights = excluded.rights`,
  );

  const live = rows.filter(({ gone }) => !gone);
  const sum =
    BigInt(`0x${head.sum}`) +
    live.reduce((total, row) => total + BigInt(`0x${row.sum}`), 0n) -
    before.reduce((total, row) => total + BigInt(`0x${row.sum}`), 0n);
  await tx
    .update(site)
    .set({
      liveRows: head.liveRows + live.length - before.length,
      sum: (((sum % modulus) + modulus) % modulus).toString(16).padStart(32, "0"),
    })
    .where(eq(site.id, siteId));
  tx.touch(siteId);
  return head.ver;
}

/** 2025-01-01T00:00Z. Epochs after a loss are numbered from the seconds since: nobody enrols so often that they are used up. */
const firstEpochAt: Instant = Date.UTC(2025, 0, 1);

/**
 * The cloud has lost history: a new one begins. Every gateway forgets its cursor, takes the whole set again and gives its
 * account; until all have, no entries of older grants are placed (store/audit.ts).
 */
export async function beginNewFeed(tx: Transaction, siteId: string, now: Instant): Promise<void> {
  await tx
    .update(site)
    .set({
      feed: randomUUID(),
      auditSince: now,
      epochFloor: Math.floor((now - firstEpochAt) / 1000),
    })
    .where(eq(site.id, siteId));
  tx.touch(siteId);
}

/**
 * A gateway has a version of this very feed that the site has never reached: the store came back to an earlier state without
 * saying so. A new history begins. false: another request has seen to it.
 */
export async function noteRollback(tx: Transaction, siteId: string, seen: Cursor, now: Instant): Promise<boolean> {
  const [head] = await tx
    .select({ feed: site.feed, ver: site.ver })
    .from(site)
    .where(eq(site.id, siteId))
    .for("no key update");
  if (!head || head.feed !== seen.feed || head.ver >= seen.version) return false;
  await beginNewFeed(tx, siteId, now);
  return true;
}

function toRow(change: FeedChange, ver: number) {
  const { kind, id } = change;
  const facts = { kind, id, revoked: change.revoked?.length ? JSON.stringify(change.revoked) : null };
  if ("gone" in change) return { ...facts, gone: true, body: null, sum: rowSum({ kind, id, ver }), rights: null };
  return {
    ...facts,
    gone: false,
    body: JSON.stringify(change.body),
    sum: rowSum({ kind, id, ver, body: change.body }),
    rights: change.rights ? JSON.stringify(change.rights) : null,
  };
}

/** A page for every gateway of the site; see renderRows for what differs between them. */
export interface StoredPage {
  readonly feed: string;
  readonly to: number;
  /** The site's version when the page was read. */
  readonly ver: number;
  readonly reset: boolean;
  readonly complete: boolean;
  /** The site waits for its gateways' accounts. */
  readonly audit: boolean;
  readonly rows: readonly StoredRow[];
  readonly checksum: { readonly rows: number; readonly sum: string } | undefined;
}

interface StoredRow {
  readonly kind: string;
  readonly id: string;
  readonly ver: number;
  readonly gone: boolean;
  readonly body: string | null;
  readonly revoked: string | null;
  readonly rights: string | null;
}

/** `resettingFrom`: the site's version when this gateway's whole set began to be sent; such a cursor may lie below the floor. */
export interface PageRequest {
  readonly site: string;
  readonly cursor: Cursor;
  readonly resettingFrom: number | null;
  readonly limit: number;
}

interface JoinedRow {
  readonly feed: string;
  readonly site_ver: string | number;
  readonly audit: boolean;
  readonly live_rows: string | number;
  readonly site_sum: string;
  readonly known: boolean;
  readonly kind: string | null;
  readonly id: string;
  readonly ver: string | number;
  readonly gone: boolean;
  readonly body: string | null;
  readonly revoked: string | null;
  readonly rights: string | null;
}

/**
 * What changed above the cursor, or the whole set when the cursor is of another history, ahead of this one, or below the floor.
 * Whole versions only: one that does not fit waits for the next page, one bigger than a page goes out whole. undefined: no such site.
 */
export async function feedPage(db: Database, request: PageRequest): Promise<StoredPage | undefined> {
  const { site: siteId, cursor, resettingFrom, limit } = request;
  // One statement, so that the site's version and the rows are of one moment.
  const found = await rowsOf<JoinedRow>(
    db,
    sql`select s.feed, s.ver as site_ver, s.audit_since is not null as audit, s.live_rows, s.sum as site_sum, s.known,
          r.kind, r.id, r.ver, r.gone, r.body, r.revoked, r.rights
        from (select *, (feed = ${cursor.feed} and ${cursor.version}::bigint <= ver
                and greatest(${cursor.version}::bigint, ${resettingFrom ?? 0}::bigint) >= floor) as known
              from site where site_id = ${siteId}) s
        left join lateral (
          select * from feed_row where site_id = s.site_id
            and ver > case when s.known then ${cursor.version}::bigint else 0 end
            and (s.known or not gone or revoked is not null)
          order by ver, kind, id limit ${limit + 1}) r on true
        order by r.ver, r.kind, r.id`,
  );
  const [first] = found;
  if (!first) return undefined;
  const ver = Number(first.site_ver);
  let rows = found.filter(({ kind }) => kind !== null).map(toStoredRow);
  const fitting = fittingRows(rows, limit);
  const complete = fitting === rows.length;
  let passed = ver;
  if (!complete) {
    const cut = rows[fitting]!.ver;
    // Should all its rows be written again meanwhile, they come with their new versions, and what lies between still comes.
    passed = cut;
    const whole = rows.slice(0, fitting).filter((row) => row.ver < cut);
    rows = whole.length > 0 ? whole : await wholeVersion(db, siteId, cut);
  }
  return {
    feed: first.feed,
    to: complete ? ver : (rows.at(-1)?.ver ?? passed),
    ver,
    reset: !first.known,
    complete,
    audit: first.audit,
    rows,
    checksum: complete ? { rows: Number(first.live_rows), sum: first.site_sum } : undefined,
  };
}

/** How many of the rows fit a page, at least one. */
function fittingRows(rows: readonly StoredRow[], limit: number): number {
  let bytes = 0;
  const over = rows.findIndex((row, index) => {
    bytes += sizeOf(row);
    return index >= limit || (index > 0 && bytes > pageBytesMax);
  });
  return over < 0 ? rows.length : over;
}

interface Sized {
  readonly body: string | null;
  readonly rights: string | null;
  readonly revoked: string | null;
}

/** In bytes, about as it will be sent. */
function sizeOf({ body, rights, revoked }: Sized): number {
  return [body, rights, revoked].reduce((bytes, text) => bytes + (text === null ? 0 : Buffer.byteLength(text)), 100);
}

function bytesOf(rows: readonly Sized[]): number {
  return rows.reduce((bytes, row) => bytes + sizeOf(row), 0);
}

/** All rows that still are of this version; those written again since then come with their new one. */
async function wholeVersion(db: Queries, siteId: string, ver: number): Promise<StoredRow[]> {
  return db
    .select()
    .from(feedRow)
    .where(and(eq(feedRow.siteId, siteId), eq(feedRow.ver, ver)))
    .orderBy(feedRow.kind, feedRow.id);
}

function toStoredRow(row: JoinedRow): StoredRow {
  return {
    kind: row.kind ?? "",
    id: row.id,
    ver: Number(row.ver),
    gone: row.gone,
    body: row.body,
    revoked: row.revoked,
    rights: row.rights,
  };
}

/** The rows as JSON for one holder. The bodies go out byte by byte as they were hashed, without being read. */
export function renderRows(rows: readonly StoredRow[], holder: HolderId): string {
  const texts = rows.map((row) => {
    const start = `{"kind":${JSON.stringify(row.kind)},"id":${JSON.stringify(row.id)},"ver":${row.ver}`;
    const revoked = row.revoked === null ? "" : `,"revoked":${row.revoked}`;
    if (row.gone) return `${start},"gone":true${revoked}}`;
    const placement = row.rights === null ? "" : `,${placementFor(holder, JSON.parse(row.rights)).slice(1, -1)}`;
    return `${start},"body":${row.body}${revoked}${placement}}`;
  });
  return `[${texts.join(",")}]`;
}

function placementFor(holder: HolderId, { holders, heldBy, spent }: RowRights): string {
  const others = heldBy.filter((id) => id !== gatewayOf(holder));
  const placement: Placement = {
    ...(holders[holder] ?? { granted: 0 }),
    ...(others.length > 0 && { heldBy: others }),
    ...(spent && { spent }),
  };
  return JSON.stringify(placement);
}

/**
 * Forgets tombstones that every gateway in service has confirmed, or that are older than `keptMs`, and raises the floor to
 * them: a gateway that comes back with an older cursor gets the whole set.
 */
export async function dropTombstones(tx: Transaction, siteId: string, now: Instant, keptMs: number): Promise<number> {
  await tx.select({ id: site.id }).from(site).where(eq(site.id, siteId)).for("no key update");
  const [bound] = await rowsOf<{ confirmed: string | number | null; old: string | number | null }>(
    tx,
    sql`select
          (select min(case when g.cursor_feed = s.feed and g.resetting_from is null then g.cursor_version else 0 end)
             from gateway g, site s where g.site_id = ${siteId} and s.site_id = ${siteId}
               and g.revoked_at is null and g.public_key is not null) as confirmed,
          (select max(ver) from feed_row where site_id = ${siteId} and gone and written_at < ${now - keptMs}::bigint) as old`,
  );
  const upTo = Math.max(Number(bound?.confirmed ?? 0), Number(bound?.old ?? 0));
  const dropped = await rowsOf<{ ver: string | number }>(
    tx,
    sql`delete from feed_row where site_id = ${siteId} and gone and ver <= ${upTo}::bigint returning ver`,
  );
  const floor = dropped.reduce((highest, { ver }) => Math.max(highest, Number(ver)), 0);
  if (floor > 0) {
    await tx
      .update(site)
      .set({ floor: sql`greatest(${site.floor}, ${floor}::bigint)` })
      .where(eq(site.id, siteId));
  }
  return dropped.length;
}
