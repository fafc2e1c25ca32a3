/** The table of makers' accounts that gateways use. */
import { boolean, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { accessProviders } from "../domain/access-providers.ts";
import { instant } from "./columns.ts";

/** One of each provider for a gateway; its row in the feed is made of it. */
export const accessIntegration = pgTable(
  "access_integration",
  {
    siteId: text("site_id").notNull(),
    gatewayId: text("gateway_id").notNull(),
    provider: text("provider", { enum: accessProviders }).notNull(),
    /** See gateway/wire/gateway-secret.ts: this service cannot open it. */
    sealed: text("sealed").notNull(),
    /** The gateway's key to which it was sealed; of another card it may have another by now. */
    sealedTo: text("sealed_to").notNull(),
    /** Their names. */
    secrets: text("secrets").array().notNull(),
    /** False: nobody gets a new credential. */
    isEnabled: boolean("is_enabled").notNull(),
    configuredAt: instant("configured_at").notNull(),
    configuredBy: text("configured_by").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.gatewayId, table.provider] })],
);
