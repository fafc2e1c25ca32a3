/** Grants as the administrator keeps them, the codes they hold, and their rows in the feed. */
import { and, arrayContains, desc, eq, gt, ilike, inArray, isNull, lt, lte, or, type SQL, sql } from "drizzle-orm";
import type { CredentialKind } from "../../gateway/domain/credential.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { RightsAccount } from "../domain/settle-rights.ts";
import { type FeedChange, publish } from "./feed.ts";
import { readAccounts, settleAccounts, toRowRights } from "./rights.ts";
import { feedRow, grantRecord, liveCode } from "./schema.ts";
import { type Queries, rowsOf, type Transaction } from "./store.ts";

export type GrantRow = typeof grantRecord.$inferSelect;

/** A PIN of an ended or revoked grant is not given out anew for so long; people remember codes. */
const restMs = 30 * 24 * 3_600_000;

/** Grants of one kind of change may be many; the feed takes them as one version. */
export async function insertGrants(tx: Transaction, grants: readonly Grant[], now: Instant): Promise<void> {
  await tx.insert(grantRecord).values(
    grants.map((grant) => ({
      siteId: grant.site,
      id: grant.id,
      kind: grant.kind,
      holderId: grant.holder.id,
      holderName: grant.holder.name,
      createdBy: grant.createdBy,
      accessPoints: [...grant.accessPoints],
      validFrom: grant.validity.from,
      validUntil: grant.validity.until,
      createdAt: now,
      entriesUsed: 0,
      body: JSON.stringify(grant),
    })),
  );
  const { site: siteId } = grants[0]!;
  const accounts = await readAccounts(tx, siteId, grants);
  const fresh = { createdAt: Number.POSITIVE_INFINITY, revokedAt: null, retiredAt: null };
  const settled = await settleAccounts(tx, siteId, new Map(), accounts, () => fresh, now);
  await publish(
    tx,
    siteId,
    grants.map((grant) => toChange(grant, settled.get(grant.id))),
    now,
  );
}

/**
 * Writes a grant's new state, and asks entries back or places more when its limit has changed. `row`: locked before. What retention has taken
 * may be there anew, so it is looked at again.
 */
export async function changeGrant(
  tx: Transaction,
  row: GrantRow,
  grant: Grant,
  columns: { readonly revokedAt?: Instant; readonly retiredAt?: null },
  now: Instant,
): Promise<void> {
  await tx
    .update(grantRecord)
    .set({
      ...columns,
      holderName: grant.holder.name,
      accessPoints: [...grant.accessPoints],
      validFrom: grant.validity.from,
      validUntil: grant.validity.until,
      body: JSON.stringify(grant),
      forgotten: null,
    })
    .where(and(eq(grantRecord.siteId, grant.site), eq(grantRecord.id, grant.id)));
  const accounts = await readAccounts(tx, grant.site, [grant]);
  const settled = await settleAccounts(tx, grant.site, accounts, accounts, () => ({ ...row, ...columns }), now);
  await publish(tx, grant.site, [toChange(grant, settled.get(grant.id) ?? accounts.get(grant.id))], now);
}

/** `account`: of a grant with a limit. */
export function toChange(grant: Grant, account: RightsAccount | undefined): FeedChange {
  return {
    kind: "grant",
    id: grant.id,
    body: grant,
    revoked: revokedIds(grant),
    ...(account && { rights: toRowRights(account) }),
  };
}

/** Those of the grants that are known, in the order of their ids, locked until the commit. */
export async function lockGrants(tx: Transaction, siteId: string, ids: readonly string[]): Promise<GrantRow[]> {
  return tx
    .select()
    .from(grantRecord)
    .where(and(eq(grantRecord.siteId, siteId), inArray(grantRecord.id, [...ids])))
    .orderBy(grantRecord.id)
    .for("update");
}

/** What may never open again: the grant itself, or some of its credentials. */
function revokedIds(grant: Grant): string[] {
  return [
    ...(grant.revoked ? [grant.id] : []),
    ...grant.credentials.filter(({ revoked }) => revoked).map(({ id }) => id),
  ];
}

/** Locks the grant until the commit. undefined: no such grant. */
export async function lockGrant(tx: Transaction, siteId: string, id: string): Promise<GrantRow | undefined> {
  const [row] = await tx
    .select()
    .from(grantRecord)
    .where(and(eq(grantRecord.siteId, siteId), eq(grantRecord.id, id)))
    .for("update");
  return row;
}

export function toGrant(row: GrantRow): Grant {
  return JSON.parse(row.body);
}

/** A grant with the version of the feed at which gateways see its present state. */
export interface PublishedGrant {
  readonly row: GrantRow;
  readonly version: number;
}

export async function readGrant(db: Queries, siteId: string, id: string): Promise<PublishedGrant | undefined> {
  const [found] = await published(db).where(and(eq(grantRecord.siteId, siteId), eq(grantRecord.id, id)));
  return found;
}

/** The grant that has, or had until lately, this pass or code. */
export async function findByIndex(
  db: Queries,
  siteId: string,
  kind: CredentialKind,
  codeIndex: string,
): Promise<PublishedGrant | undefined> {
  const [claim] = await db
    .select({ grant: liveCode.grantId })
    .from(liveCode)
    .where(and(eq(liveCode.siteId, siteId), eq(liveCode.kind, kind), eq(liveCode.index, codeIndex)));
  return claim && readGrant(db, siteId, claim.grant);
}

export const grantStates = ["upcoming", "active", "ended", "revoked"] as const;
export type GrantState = (typeof grantStates)[number];

/** "open": it may still let somebody in · "past": it does not any more. */
export const stateFilters = [...grantStates, "open", "past"] as const;
export type StateFilter = (typeof stateFilters)[number];

export function grantState(row: Pick<GrantRow, "revokedAt" | "validFrom" | "validUntil">, now: Instant): GrantState {
  if (row.revokedAt !== null) return "revoked";
  if (now < row.validFrom) return "upcoming";
  return now < row.validUntil ? "active" : "ended";
}

export interface GrantFilter {
  readonly kind?: string | undefined;
  readonly state?: GrantState | undefined;
  readonly accessPoint?: string | undefined;
  /** The holder's id, or part of the name. */
  readonly holder?: string | undefined;
  /** The last row of the page before. */
  readonly after?: { readonly createdAt: Instant; readonly id: string } | undefined;
  readonly limit: number;
}

/** Newest first. */
export async function listGrants(
  db: Queries,
  siteId: string,
  filter: GrantFilter,
  now: Instant,
): Promise<PublishedGrant[]> {
  const { kind, state, accessPoint, holder, after, limit } = filter;
  return published(db)
    .where(
      and(
        eq(grantRecord.siteId, siteId),
        kind === undefined ? undefined : eq(grantRecord.kind, kind),
        state && inState(state, now),
        accessPoint === undefined ? undefined : arrayContains(grantRecord.accessPoints, [accessPoint]),
        holder === undefined
          ? undefined
          : or(eq(grantRecord.holderId, holder), ilike(grantRecord.holderName, `%${escapeLike(holder)}%`)),
        after && sql`(${grantRecord.createdAt}, ${grantRecord.id}) < (${after.createdAt}::bigint, ${after.id})`,
      ),
    )
    .orderBy(desc(grantRecord.createdAt), desc(grantRecord.id))
    .limit(limit);
}

function published(db: Queries) {
  return db
    .select({ row: grantRecord, version: feedRow.ver })
    .from(grantRecord)
    .innerJoin(
      feedRow,
      and(eq(feedRow.siteId, grantRecord.siteId), eq(feedRow.kind, "grant"), eq(feedRow.id, grantRecord.id)),
    )
    .$dynamic();
}

export function inState(state: StateFilter, now: Instant): SQL | undefined {
  if (state === "revoked") return sql`${grantRecord.revokedAt} is not null`;
  if (state === "past") return or(sql`${grantRecord.revokedAt} is not null`, lte(grantRecord.validUntil, now));
  const alive = isNull(grantRecord.revokedAt);
  if (state === "open") return and(alive, gt(grantRecord.validUntil, now));
  if (state === "upcoming") return and(alive, gt(grantRecord.validFrom, now));
  if (state === "ended") return and(alive, lte(grantRecord.validUntil, now));
  return and(alive, lte(grantRecord.validFrom, now), gt(grantRecord.validUntil, now));
}

/** For a pattern in which the text stands for itself. */
export function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`);
}

// Codes: at most one live credential of a site answers to a value; but a person's account is the same in all of that person's grants.

export function isAlone(kind: CredentialKind): boolean {
  return kind !== "provider";
}

/** A code wanted by a credential until `until`. `rested`: it must also not have been in use lately. */
export interface CodeClaim {
  readonly siteId: string;
  readonly kind: CredentialKind;
  readonly index: string;
  readonly credentialId: string;
  readonly grantId: string;
  readonly until: Instant;
}

/** false: another live credential has it. Two transactions that want the same code wait for each other here. */
export async function claimCode(tx: Transaction, claim: CodeClaim, now: Instant, rested: boolean): Promise<boolean> {
  const freeSince = rested ? now - restMs : now;
  const claimed = await rowsOf(
    tx,
    sql`insert into live_code (site_id, kind, code_index, credential_id, grant_id, free_at)
        values (${claim.siteId}, ${claim.kind}, ${claim.index}, ${claim.credentialId}, ${claim.grantId}, ${claim.until}::bigint)
        on conflict (site_id, kind, code_index) do update set
          credential_id = excluded.credential_id, grant_id = excluded.grant_id, free_at = excluded.free_at
        where live_code.free_at <= ${freeSince}::bigint
        returning credential_id`,
  );
  return claimed.length > 0;
}

/** The grant's codes are kept until `until`. false: one of them has been given to another credential since. */
export async function keepCodes(tx: Transaction, grant: Grant): Promise<boolean> {
  const wanted = grant.credentials.filter(({ kind, revoked }) => !revoked && isAlone(kind));
  const kept = await tx
    .update(liveCode)
    .set({ freeAt: grant.validity.until })
    .where(
      and(
        eq(liveCode.siteId, grant.site),
        eq(liveCode.grantId, grant.id),
        inArray(
          liveCode.credentialId,
          wanted.map(({ id }) => id),
        ),
      ),
    )
    .returning({ credentialId: liveCode.credentialId });
  const ids = new Set(kept.map(({ credentialId }) => credentialId));
  return wanted.every(({ id }) => ids.has(id));
}

/** `credential` undefined: all of the grant's. */
export async function freeCodes(
  tx: Transaction,
  grant: Grant,
  credential: string | undefined,
  now: Instant,
): Promise<void> {
  await tx
    .update(liveCode)
    .set({ freeAt: sql`least(${liveCode.freeAt}, ${now}::bigint)` })
    .where(
      and(
        eq(liveCode.siteId, grant.site),
        eq(liveCode.grantId, grant.id),
        credential === undefined ? undefined : eq(liveCode.credentialId, credential),
      ),
    );
}

export async function countLiveCodes(db: Queries, siteId: string, kind: CredentialKind, now: Instant): Promise<number> {
  const [row] = await db
    .select({ count: sql<number>`count(*)::int` })
    .from(liveCode)
    .where(and(eq(liveCode.siteId, siteId), eq(liveCode.kind, kind), gt(liveCode.freeAt, now)));
  return row!.count;
}

/** Grants that ended before `endedBefore` leave the feed, keeping what was revoked for ever. Answers how many. */
export async function retireGrants(
  tx: Transaction,
  siteId: string,
  endedBefore: Instant,
  now: Instant,
  limit: number,
): Promise<number> {
  const ended = await tx
    .select()
    .from(grantRecord)
    .where(and(eq(grantRecord.siteId, siteId), isNull(grantRecord.retiredAt), lt(grantRecord.validUntil, endedBefore)))
    .orderBy(grantRecord.id)
    .limit(limit)
    .for("update");
  if (ended.length === 0) return 0;
  for (const { id } of ended) {
    await tx
      .update(grantRecord)
      .set({ retiredAt: now })
      .where(and(eq(grantRecord.siteId, siteId), eq(grantRecord.id, id)));
  }
  const tombstones = ended.map(
    (row): FeedChange => ({ kind: "grant", id: row.id, gone: true, revoked: revokedIds(toGrant(row)) }),
  );
  await publish(tx, siteId, tombstones, now);
  return ended.length;
}

/** Codes nobody has used for as long as a code rests. */
export async function forgetCodes(tx: Transaction, siteId: string, now: Instant): Promise<void> {
  await tx.delete(liveCode).where(and(eq(liveCode.siteId, siteId), lt(liveCode.freeAt, now - restMs)));
}
