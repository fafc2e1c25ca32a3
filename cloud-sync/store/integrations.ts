/** Makers' accounts that gateways use: given, switched, taken away; each change goes to the site's feed. */
import { and, asc, eq, inArray, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { type Integration, integrationId } from "../../gateway/domain/integration.ts";
import { publish } from "./feed.ts";
import { accessIntegration, feedRow } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type IntegrationRow = typeof accessIntegration.$inferSelect;

export interface PublishedIntegration {
  readonly row: IntegrationRow;
  /** Of the feed, at which a gateway has it. */
  readonly version: number;
}

const its = ({ siteId, gatewayId, provider }: Pick<IntegrationRow, "siteId" | "gatewayId" | "provider">) =>
  and(
    eq(accessIntegration.siteId, siteId),
    eq(accessIntegration.gatewayId, gatewayId),
    eq(accessIntegration.provider, provider),
  );

/** In place of what was there. Last in a transaction but for the audit, as publish() is. */
export async function putIntegration(tx: Transaction, row: IntegrationRow, now: Instant): Promise<void> {
  const { siteId: _, gatewayId: gateway, provider, sealed, isEnabled: enabled } = row;
  await tx
    .insert(accessIntegration)
    .values(row)
    .onConflictDoUpdate({
      target: [accessIntegration.siteId, accessIntegration.gatewayId, accessIntegration.provider],
      set: row,
    });
  const body: Integration = { id: integrationId(gateway, provider), gateway, provider, enabled, sealed };
  await publish(tx, row.siteId, [{ kind: "integration", id: body.id, body }], now);
}

/** The gateway forgets its secrets. false: there was none. */
export async function removeIntegration(
  tx: Transaction,
  row: Pick<IntegrationRow, "siteId" | "gatewayId" | "provider">,
  now: Instant,
): Promise<boolean> {
  const gone = await tx.delete(accessIntegration).where(its(row)).returning({ provider: accessIntegration.provider });
  if (gone.length === 0) return false;
  const id = integrationId(row.gatewayId, row.provider);
  await publish(tx, row.siteId, [{ kind: "integration", id, gone: true }], now);
  return true;
}

/** Held until the transaction ends. */
export async function lockIntegration(
  tx: Transaction,
  row: Pick<IntegrationRow, "siteId" | "gatewayId" | "provider">,
): Promise<IntegrationRow | undefined> {
  const [found] = await tx.select().from(accessIntegration).where(its(row)).for("update");
  return found;
}

/** By site, gateway and provider. `sites` undefined: of all. */
export async function listIntegrations(
  db: Queries,
  sites: readonly string[] | undefined,
): Promise<readonly PublishedIntegration[]> {
  const { siteId, gatewayId, provider } = accessIntegration;
  return db
    .select({ row: accessIntegration, version: feedRow.ver })
    .from(accessIntegration)
    .innerJoin(
      feedRow,
      and(
        eq(feedRow.siteId, siteId),
        eq(feedRow.kind, "integration"),
        eq(feedRow.id, sql`${gatewayId} || ':' || ${provider}`),
      ),
    )
    .where(sites && inArray(siteId, [...sites]))
    .orderBy(asc(siteId), asc(gatewayId), asc(provider));
}
