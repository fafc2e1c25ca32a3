/**
 * After the cloud has lost history: every gateway gives its account of entries and of what it knows to be revoked, each register
 * is merged by its larger value, and only when all in service have spoken are entries of older grants placed again.
 */
import { and, eq, inArray, isNotNull, isNull, ne, sql } from "drizzle-orm";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { type HolderId, holderId } from "../../gateway/domain/rights.ts";
import type { AuditPart } from "../../gateway/wire/gateway-api.ts";
import { holdingOf, noteTransfer, type RightsAccount, withHolding } from "../domain/settle-rights.ts";
import { changesMax, publish } from "./feed.ts";
import { changeGrant, freeCodes, lockGrants, toChange, toGrant } from "./grants.ts";
import { endHoldsAgain } from "./hold-open.ts";
import { countUnaccounted, readAccounts, settleAccounts, writeAccounts } from "./rights.ts";
import { gateway, liveCode, site } from "./schema.ts";
import { rowsOf, type Transaction } from "./store.ts";

/** "other-feed": the account is of a history that is not this site's any more · "fenced": of an epoch that has ended. */
export type AuditTaken = "taken" | "other-feed" | "fenced";

export async function takeAudit(
  tx: Transaction,
  asking: { readonly siteId: string; readonly id: string },
  part: AuditPart,
  now: Instant,
): Promise<AuditTaken> {
  const { siteId, id } = asking;
  const its = and(eq(gateway.siteId, siteId), eq(gateway.id, id));
  const [row] = await tx.select().from(gateway).where(its).for("update");
  if (!row || part.epoch !== row.epoch) return "fenced";
  const [head] = await tx.select({ feed: site.feed }).from(site).where(eq(site.id, siteId));
  if (head?.feed !== part.feed) return "other-feed";
  // All grants at once and in order, before the site: nobody waits for us who has what we wait for.
  await lockGrants(tx, siteId, [...part.rights.map(({ grant }) => grant), ...(await revokedGrants(tx, siteId, part))]);
  await mergeRights(tx, siteId, holderId(id, row.epoch), part, now);
  await revokeAgain(tx, siteId, part, now);
  if (part.complete) await tx.update(gateway).set({ auditedFeed: part.feed }).where(its);
  return "taken";
}

/** Grants that the account names as revoked, or of which it names a credential. */
async function revokedGrants(tx: Transaction, siteId: string, { revoked }: AuditPart): Promise<string[]> {
  if (revoked.length === 0) return [];
  const ofCredentials = await tx
    .select({ id: liveCode.grantId })
    .from(liveCode)
    .where(and(eq(liveCode.siteId, siteId), inArray(liveCode.credentialId, [...revoked])));
  return [...new Set([...revoked, ...ofCredentials.map(({ id }) => id)])];
}

async function mergeRights(
  tx: Transaction,
  siteId: string,
  holder: HolderId,
  part: AuditPart,
  now: Instant,
): Promise<void> {
  const told = new Map(part.rights.map((one) => [one.grant, one]));
  const rows = await lockGrants(tx, siteId, [...told.keys()]);
  const grants = new Map(rows.map((row) => [row.id, toGrant(row)]));
  const before = await readAccounts(tx, siteId, [...grants.values()]);
  const merged = new Map<string, RightsAccount>();
  for (const [grant, account] of before) merged.set(grant, mergeOne(account, holder, told.get(grant)!));
  const records = new Map(rows.map((row) => [row.id, row]));
  const changed = await settleAccounts(tx, siteId, before, merged, (grant) => records.get(grant)!, now);
  const changes = [...changed].map(([grant, account]) => toChange(grants.get(grant)!, account));
  for (let at = 0; at < changes.length; at += changesMax)
    await publish(tx, siteId, changes.slice(at, at + changesMax), now);
}

function mergeOne(account: RightsAccount, holder: HolderId, told: AuditPart["rights"][number]): RightsAccount {
  const before = holdingOf(account, holder);
  const granted = Math.max(before.granted, told.granted);
  const received = Object.values(told.received ?? {}).reduce((sum, total) => sum + total, 0);
  const merged = withHolding(account, {
    ...before,
    granted,
    // Nobody gives back more than it was given, whatever it says.
    returned: Math.max(before.returned, Math.min(told.returned, granted + received)),
    orderNo: Math.max(before.orderNo, told.order),
    orderAnswered: Math.max(before.orderAnswered, told.order),
  });
  const sent = Object.entries(told.sent ?? {}).map(([to, total]) => ({ from: holder, to, total }));
  const taken = Object.entries(told.received ?? {}).map(([from, total]) => ({ from, to: holder, total }));
  return [...sent, ...taken].reduce(noteTransfer, merged);
}

/** What a gateway knows to be revoked for ever comes back: a grant, one of its credentials, or what held a door open. */
async function revokeAgain(tx: Transaction, siteId: string, part: AuditPart, now: Instant): Promise<void> {
  const named = new Set(part.revoked);
  for (const row of await lockGrants(tx, siteId, await revokedGrants(tx, siteId, part))) {
    const before = toGrant(row);
    const credentials = before.credentials.map((one) => (named.has(one.id) ? { ...one, revoked: true } : one));
    const grant: Grant = { ...before, credentials, revoked: before.revoked || named.has(row.id) };
    if (JSON.stringify(grant) === JSON.stringify(before)) continue;
    if (grant.revoked) await freeCodes(tx, grant, undefined, now);
    else for (const { id, revoked } of credentials) if (revoked) await freeCodes(tx, grant, id, now);
    await changeGrant(tx, row, grant, grant.revoked ? { revokedAt: row.revokedAt ?? now } : {}, now);
  }
  await endHoldsAgain(tx, siteId, named, now);
}

/**
 * Ends the audit when every gateway in service has given its account. What nobody accounts for counts as used. In a transaction of
 * its own, after an account was given and after a gateway left service.
 */
export async function finishAudit(tx: Transaction, siteId: string): Promise<void> {
  const [head] = await tx
    .select({ feed: site.feed, auditSince: site.auditSince })
    .from(site)
    .where(eq(site.id, siteId));
  if (!head || head.auditSince === null) return;
  const silent = await tx
    .select({ id: gateway.id })
    .from(gateway)
    .where(
      and(
        eq(gateway.siteId, siteId),
        isNotNull(gateway.publicKey),
        isNull(gateway.revokedAt),
        ne(gateway.auditedFeed, head.feed),
      ),
    )
    .limit(1);
  if (silent.length > 0) return;
  const short = await rowsOf<{ id: string }>(
    tx,
    sql`select g.id from grant_record g
        where g.site_id = ${siteId} and g.created_at <= ${head.auditSince}::bigint and g.retired_at is null
          and (g.body::json ->> 'entriesAllowed')::bigint >
            (select coalesce(sum(h.granted - h.returned), 0) from holding h where h.site_id = g.site_id and h.grant_id = g.id)`,
  );
  const rows = await lockGrants(
    tx,
    siteId,
    short.map(({ id }) => id),
  );
  // Locked last, as everywhere; a newer audit may have begun meanwhile.
  const [now] = await tx.select({ feed: site.feed }).from(site).where(eq(site.id, siteId)).for("no key update");
  if (now?.feed !== head.feed) return;
  const accounts = await readAccounts(tx, siteId, rows.map(toGrant));
  await writeAccounts(tx, siteId, accounts, countUnaccounted(accounts));
  await tx.update(site).set({ auditSince: null }).where(eq(site.id, siteId));
  tx.touch(siteId);
}

/** Gateways whose account an audit still waits for, for the administrator. */
export function isAwaited(
  head: { readonly feed: string; readonly auditSince: Instant | null },
  row: { readonly auditedFeed: string; readonly publicKey: string | null; readonly revokedAt: Instant | null },
): boolean {
  return head.auditSince !== null && row.publicKey !== null && row.revokedAt === null && row.auditedFeed !== head.feed;
}
