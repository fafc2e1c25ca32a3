/**
 * Who changed what: written in the transaction of the change, append-only, each entry chained to the one before it, a chain for each site.
 * value(0) = base64url SHA-256 of "postern audit <site>", value(n) = SHA-256(value(n-1) ‖ body(n)); verify/audit-check.ts computes it anew.
 */
import { hash } from "node:crypto";
import { and, desc, eq, gte, inArray, lt, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { chainNext } from "../../gateway/wire/journal-line.ts";
import { type AuditBody, difference, type Facts, type Origin, type StoredAuditBody } from "../domain/audit-body.ts";
import { openOrigins, sealOrigin } from "./audit-keys.ts";
import { auditChain, auditEntry } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type AuditRow = typeof auditEntry.$inferSelect;

/** Whose chain has what belongs to no site: people, keys, the service. */
export const noSite = "*";

export interface AuditEntry {
  /** Left out: it belongs to none. */
  readonly site?: string | undefined;
  readonly actor: string;
  readonly from: Origin;
  readonly action: string;
  /** The id of what was changed. */
  readonly thing: string;
  /** All fields of interest on either side: what differs is kept, secrets and names as "changed". Left out: there was or is nothing. */
  readonly before?: Facts | undefined;
  readonly after?: Facts | undefined;
}

/** An entry is no place for what somebody sends: longer ones say so. */
const factsBytesMax = 16 * 1024;

export function auditStart(site: string): string {
  return hash("sha256", `postern audit ${site}`, "base64url");
}

/**
 * Call it last of all: it locks the site's chain until the commit, after the site's row, so that nobody waits crosswise. With several sites
 * in one transaction, call it in the order of their ids.
 */
export async function recordAudit(tx: Transaction, entry: AuditEntry, now: Instant): Promise<void> {
  const { site = noSite, actor, from, action, thing } = entry;
  const [end] = await tx
    .insert(auditChain)
    .values({ siteId: site, next: 2, head: auditStart(site) })
    .onConflictDoUpdate({ target: auditChain.siteId, set: { next: sql`${auditChain.next} + 1` } })
    .returning();
  const seq = end!.next - 1;
  const facts = bounded(difference(entry.before, entry.after));
  const origin = await sealOrigin(tx, from, { site, seq, actor }, now);
  const said: StoredAuditBody = { site, seq, at: now, actor, action, thing, ...facts, from: origin };
  const body = JSON.stringify(said);
  const chain = chainNext(end!.head, body);
  await tx.insert(auditEntry).values({ siteId: site, seq, at: now, actor, action, thing, body, chain });
  await tx.update(auditChain).set({ head: chain }).where(eq(auditChain.siteId, site));
}

function bounded(facts: Pick<AuditBody, "before" | "after">): Pick<AuditBody, "before" | "after"> {
  const length = JSON.stringify(facts).length;
  if (length <= factsBytesMax) return facts;
  const tooLong = { tooLong: length };
  return { before: facts.before && tooLong, after: facts.after && tooLong };
}

export interface AuditPlace {
  readonly at: Instant;
  readonly site: string;
  readonly seq: number;
}

export interface AuditFilter {
  /** undefined: all, and what belongs to none. */
  readonly sites?: readonly string[] | undefined;
  readonly actor?: string | undefined;
  /** The whole word, or what stands before its dot. */
  readonly action?: string | undefined;
  readonly thing?: string | undefined;
  /** [from, until) */
  readonly from?: Instant | undefined;
  readonly until?: Instant | undefined;
  readonly after?: AuditPlace | undefined;
  readonly limit: number;
}

/** Newest first. */
export async function listAudit(db: Queries, filter: AuditFilter): Promise<AuditRow[]> {
  const { sites, actor, action, thing, from, until, after, limit } = filter;
  return db
    .select()
    .from(auditEntry)
    .where(
      and(
        sites && inArray(auditEntry.siteId, [...sites]),
        actor === undefined ? undefined : eq(auditEntry.actor, actor),
        action === undefined
          ? undefined
          : sql`(${auditEntry.action} = ${action} or split_part(${auditEntry.action}, '.', 1) = ${action})`,
        thing === undefined ? undefined : eq(auditEntry.thing, thing),
        from === undefined ? undefined : gte(auditEntry.at, from),
        until === undefined ? undefined : lt(auditEntry.at, until),
        after &&
          sql`(${auditEntry.at}, ${auditEntry.siteId}, ${auditEntry.seq}) < (${after.at}::bigint, ${after.site}, ${after.seq}::bigint)`,
      ),
    )
    .orderBy(desc(auditEntry.at), desc(auditEntry.siteId), desc(auditEntry.seq))
    .limit(limit);
}

/** With what is still to be had of where each came from. */
export async function readAuditBodies(db: Queries, rows: readonly AuditRow[]): Promise<AuditBody[]> {
  return openOrigins(db, rows.map(toAuditBody));
}

export function toAuditBody(row: AuditRow): StoredAuditBody {
  return JSON.parse(row.body);
}
