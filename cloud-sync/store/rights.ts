/** The accounts of limited grants in the tables, and what becomes of them when a gateway tells something. */
import { and, eq, inArray, isNotNull, isNull, sql } from "drizzle-orm";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { holderId, type Placement } from "../../gateway/domain/rights.ts";
import {
  type Holding,
  heldBy,
  type InService,
  isSpent,
  noHolding,
  outstanding,
  placements,
  type RightsAccount,
  settle,
  type Transfer,
  withHolding,
} from "../domain/settle-rights.ts";
import { gateway, holding, site, transfer } from "./schema.ts";
import { type Queries, rowsOf, type Transaction } from "./store.ts";

/** What a row of the feed says to each holder, as the feed keeps it. */
export interface RowRights {
  readonly holders: Readonly<Record<string, Placement>>;
  readonly heldBy: readonly string[];
  readonly spent: boolean;
}

/** Of a grant's record: what decides whether its entries still move. */
export interface GrantFacts {
  readonly createdAt: Instant;
  readonly revokedAt: Instant | null;
  readonly retiredAt: Instant | null;
}

/** Who nobody knows: what no gateway accounts for after an audit may have been used by one that enrolled in the lost history. */
const unknownHolder = "unknown.0";

/** The grants that have a limit, with their accounts; those without entries so far have empty ones. Lock the grants first. */
export async function readAccounts(
  db: Queries,
  siteId: string,
  grants: readonly Grant[],
): Promise<Map<string, RightsAccount>> {
  const limited = grants.filter(({ entriesAllowed }) => entriesAllowed !== null);
  if (limited.length === 0) return new Map();
  const ids = limited.map(({ id }) => id);
  const holdings = await db
    .select()
    .from(holding)
    .where(and(eq(holding.siteId, siteId), inArray(holding.grantId, ids)));
  const transfers = await db
    .select()
    .from(transfer)
    .where(and(eq(transfer.siteId, siteId), inArray(transfer.grantId, ids)));
  const holdingsOf = Map.groupBy(holdings, ({ grantId }) => grantId);
  const transfersOf = Map.groupBy(transfers, ({ grantId }) => grantId);
  return new Map(
    limited.map(({ id, entriesAllowed, homeGateway }) => [
      id,
      {
        allowed: entriesAllowed ?? 0,
        home: homeGateway,
        holdings: holdingsOf.get(id) ?? [],
        transfers: transfersOf.get(id) ?? [],
      },
    ]),
  );
}

/**
 * Settles the accounts and writes what changed. While an audit runs, grants older than it are written as they are. Locks the
 * site's row until the commit, so call it last, before publishing. Answers the grants of which a holder must be told something.
 */
export async function settleAccounts(
  tx: Transaction,
  siteId: string,
  before: ReadonlyMap<string, RightsAccount>,
  noted: ReadonlyMap<string, RightsAccount>,
  recordOf: (grant: string) => GrantFacts,
  now: Instant,
): Promise<Map<string, RightsAccount>> {
  if (noted.size === 0) return new Map();
  // Not "update": rows that refer to the site hold its key, and two that wait for each other's would never end.
  const [head] = await tx
    .select({ auditSince: site.auditSince })
    .from(site)
    .where(eq(site.id, siteId))
    .for("no key update");
  const frozenBefore = head?.auditSince ?? Number.NEGATIVE_INFINITY;
  const inService = await gatewaysInService(tx, siteId);
  const told = new Map<string, RightsAccount>();
  const settled = new Map<string, RightsAccount>();
  for (const [grant, account] of noted) {
    const { createdAt, revokedAt, retiredAt } = recordOf(grant);
    const moves = createdAt > frozenBefore && revokedAt === null && retiredAt === null;
    const after = moves ? settle(account, inService, now) : account;
    settled.set(grant, after);
    if (retiredAt !== null) continue;
    const known = before.get(grant);
    if (!known || isOtherNews(toRowRights(known), toRowRights(after))) told.set(grant, after);
  }
  await writeAccounts(tx, siteId, before, settled);
  return told;
}

export function toRowRights(account: RightsAccount): RowRights {
  const sorted = [...placements(account)].sort(([a], [b]) => (a < b ? -1 : 1));
  return { holders: Object.fromEntries(sorted), heldBy: heldBy(account), spent: isSpent(account) };
}

/** Who holds entries changes with each admission, and is told when something else is: a grant's last entry, for one. */
function isOtherNews(before: RowRights, after: RowRights): boolean {
  return before.spent !== after.spent || JSON.stringify(before.holders) !== JSON.stringify(after.holders);
}

async function gatewaysInService(db: Queries, siteId: string): Promise<InService> {
  const rows = await db
    .select({ id: gateway.id, epoch: gateway.epoch, seenAt: gateway.seenAt })
    .from(gateway)
    .where(and(eq(gateway.siteId, siteId), isNotNull(gateway.publicKey), isNull(gateway.revokedAt)))
    .orderBy(gateway.id);
  return new Map(rows.map(({ id, epoch, seenAt }) => [holderId(id, epoch), seenAt]));
}

export async function writeAccounts(
  tx: Transaction,
  siteId: string,
  before: ReadonlyMap<string, RightsAccount>,
  after: ReadonlyMap<string, RightsAccount>,
): Promise<void> {
  const holdings: (Holding & { grant: string })[] = [];
  const transfers: (Transfer & { grant: string })[] = [];
  for (const [grant, account] of after) {
    const known = before.get(grant);
    for (const one of account.holdings) if (!known?.holdings.includes(one)) holdings.push({ grant, ...one });
    for (const one of account.transfers) if (!known?.transfers.includes(one)) transfers.push({ grant, ...one });
  }
  if (holdings.length > 0) {
    await tx.execute(
      sql`insert into holding (site_id, grant_id, holder, granted, returned, used, written_off, order_no, order_n,
            order_answered, placed_at, asked_at)
          select ${siteId}, "grant", holder, granted, returned, used, "writtenOff", "orderNo", "orderN", "orderAnswered",
            "placedAt", "askedAt"
          from json_to_recordset(${JSON.stringify(holdings)}::json)
            as r("grant" text, holder text, granted bigint, returned bigint, used bigint, "writtenOff" bigint,
              "orderNo" bigint, "orderN" bigint, "orderAnswered" bigint, "placedAt" bigint, "askedAt" bigint)
          on conflict (site_id, grant_id, holder) do update set granted = excluded.granted, returned = excluded.returned,
            used = excluded.used, written_off = excluded.written_off, order_no = excluded.order_no,
            order_n = excluded.order_n, order_answered = excluded.order_answered, placed_at = excluded.placed_at,
            asked_at = excluded.asked_at`,
    );
  }
  if (transfers.length > 0) {
    await tx.execute(
      sql`insert into transfer (site_id, grant_id, from_holder, to_holder, total)
          select ${siteId}, "grant", "from", "to", total
          from json_to_recordset(${JSON.stringify(transfers)}::json)
            as r("grant" text, "from" text, "to" text, total bigint)
          on conflict (site_id, grant_id, from_holder, to_holder) do update set total = excluded.total`,
    );
  }
}

/** Entries nobody accounts for are counted as used by somebody nobody knows. Answers those of them that have any. */
export function countUnaccounted(accounts: ReadonlyMap<string, RightsAccount>): Map<string, RightsAccount> {
  const counted = new Map<string, RightsAccount>();
  for (const [grant, account] of accounts) {
    const free = account.allowed - outstanding(account);
    const before = account.holdings.find(({ holder }) => holder === unknownHolder) ?? noHolding(unknownHolder);
    if (free > 0) {
      const granted = before.granted + free;
      counted.set(grant, withHolding(account, { ...before, granted, writtenOff: granted }));
    }
  }
  return counted;
}

/** How many limited grants have entries at this gateway's holders, for an operator who declares it lost. */
export async function countHeldBy(db: Queries, siteId: string, gatewayId: string): Promise<number> {
  const [row] = await rowsOf<{ count: string | number }>(
    db,
    sql`select count(distinct grant_id) as count from holding
        where site_id = ${siteId} and holder like ${`${gatewayId.replaceAll(/[\\%_]/g, "\\$&")}.%`}
          and granted > returned + used`,
  );
  return Number(row?.count ?? 0);
}
