/** The tables of who changed what, and of what looked like an attack. `site_id` "*": it belongs to no site. */
import { index, integer, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import { count, instant } from "./columns.ts";

/** Where the chain over a site's entries ends. Its row is locked by whoever writes the next one. */
export const auditChain = pgTable("audit_chain", {
  siteId: text("site_id").primaryKey(),
  /** The number of the next entry. */
  next: count("next").notNull(),
  /** The chain value after the last. */
  head: text("head").notNull(),
});

/** Append-only: a trigger refuses every change. The columns before `body` are copies of what it says, for filters. */
export const auditEntry = pgTable(
  "audit_entry",
  {
    siteId: text("site_id").notNull(),
    seq: count("seq").notNull(),
    at: instant("at").notNull(),
    actor: text("actor").notNull(),
    action: text("action").notNull(),
    thing: text("thing").notNull(),
    /** JSON of the AuditBody, exactly as hashed. */
    body: text("body").notNull(),
    /** The chain value after it. */
    chain: text("chain").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.seq] }),
    index("audit_entry_newest").on(table.at, table.siteId, table.seq),
    index("audit_entry_site").on(table.siteId, table.at, table.seq),
    index("audit_entry_actor").on(table.actor, table.at),
    index("audit_entry_thing").on(table.thing, table.at),
  ],
);

/** Under which the addresses of one actor's entries of one day are sealed. Its end is theirs; the entries and their chain stay. */
export const auditKey = pgTable(
  "audit_key",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    /** The actor. */
    owner: text("owner").notNull(),
    /** Since 1970, in UTC. */
    day: integer("day").notNull(),
    /** 32 bytes, base64url. */
    secret: text("secret").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    uniqueIndex("audit_key_owner").on(table.siteId, table.owner, table.day),
    index("audit_key_day").on(table.day),
  ],
);

/** What looked like an attack, or may be one. The same thing again within the hour is counted in one row. */
export const securityEvent = pgTable(
  "security_event",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    kind: text("kind").notNull(),
    severity: text("severity", { enum: ["notice", "warning", "alarm"] }).notNull(),
    /** The person, key or name it is about; null: nobody known. */
    subject: text("subject"),
    /** Of the last time, as are the device and the detail. */
    address: text("address"),
    device: text("device"),
    detail: text("detail"),
    count: integer("count").notNull(),
    firstAt: instant("first_at").notNull(),
    lastAt: instant("last_at").notNull(),
    resolvedAt: instant("resolved_at"),
    resolvedBy: text("resolved_by"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    index("security_event_newest").on(table.lastAt, table.siteId, table.id),
  ],
);
