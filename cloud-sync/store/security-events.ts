/** What looked like an attack, or may be one: raised where it is noticed, looked at and resolved by an administrator. */
import { and, desc, eq, isNotNull, isNull, lt, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { networkOf } from "../../gateway/wire/network-of.ts";
import { hashOf } from "../ids.ts";
import { noSite } from "./audit-trail.ts";
import { securityEvent } from "./schema.ts";
import type { Database, Queries, Transaction } from "./store.ts";

export type SecurityRow = typeof securityEvent.$inferSelect;

/** "notice": somebody may want to know · "warning": look at it · "alarm": look at it now. */
export const severities = ["notice", "warning", "alarm"] as const;
export type Severity = (typeof severities)[number];

export interface SecurityEvent {
  /** A word such as "sign-in-burst", "new-device", "permission-refused". */
  readonly kind: string;
  readonly severity: Severity;
  /** Left out: it belongs to no site. */
  readonly site?: string | undefined;
  /** The id of the person or key it is about. Never a name or a word that somebody typed. */
  readonly subject?: string | undefined;
  readonly address?: string | undefined;
  readonly device?: string | undefined;
  /** A sentence for the administrator, without secrets. */
  readonly detail?: string | undefined;
}

const hourMs = 3_600_000;
/** So often within the hour, and a notice is a warning. */
const oftenCount = 10;

/**
 * The same again within the hour (kind, site, and whom it is about, else from where) is counted in its row, and opens it again when it was
 * resolved: so an attack of any length writes few rows. Not in the transaction of what was refused, which leaves nothing.
 */
export async function recordSecurity(db: Pick<Database, "insert">, event: SecurityEvent, now: Instant): Promise<void> {
  const { kind, severity, site = noSite, subject = null, address = null, device = null, detail = null } = event;
  const hour = Math.floor(now / hourMs);
  const id = `sec-${hashOf(JSON.stringify([kind, site, subject ?? (address && networkOf(address)), hour])).slice(0, 16)}`;
  const last = { address, device, detail: detail?.slice(0, 500) ?? null, lastAt: now };
  await db
    .insert(securityEvent)
    .values({ siteId: site, id, kind, severity, subject, ...last, count: 1, firstAt: now })
    .onConflictDoUpdate({
      target: [securityEvent.siteId, securityEvent.id],
      set: {
        ...last,
        severity: sql`case when ${severity} = 'notice' and ${securityEvent.count} + 1 >= ${oftenCount} then 'warning' else ${severity} end`,
        count: sql`${securityEvent.count} + 1`,
        resolvedAt: null,
        resolvedBy: null,
      },
    });
}

export interface SecurityFilter {
  readonly kind?: string | undefined;
  readonly subject?: string | undefined;
  readonly severity?: Severity | undefined;
  readonly resolved?: boolean | undefined;
  readonly after?: { readonly at: Instant; readonly site: string; readonly id: string } | undefined;
  readonly limit: number;
}

/** What happened last comes first. */
export async function listSecurity(db: Queries, filter: SecurityFilter): Promise<SecurityRow[]> {
  const { kind, subject, severity, resolved, after, limit } = filter;
  return db
    .select()
    .from(securityEvent)
    .where(
      and(
        kind === undefined ? undefined : eq(securityEvent.kind, kind),
        subject === undefined ? undefined : eq(securityEvent.subject, subject),
        severity === undefined ? undefined : eq(securityEvent.severity, severity),
        resolved === undefined
          ? undefined
          : resolved
            ? isNotNull(securityEvent.resolvedAt)
            : isNull(securityEvent.resolvedAt),
        after &&
          sql`(${securityEvent.lastAt}, ${securityEvent.siteId}, ${securityEvent.id}) < (${after.at}::bigint, ${after.site}, ${after.id})`,
      ),
    )
    .orderBy(desc(securityEvent.lastAt), desc(securityEvent.siteId), desc(securityEvent.id))
    .limit(limit);
}

/** The same once more changes nothing. undefined: no such event. */
export async function resolveSecurity(
  tx: Transaction,
  id: string,
  by: string,
  now: Instant,
): Promise<{ readonly before: SecurityRow; readonly after: SecurityRow } | undefined> {
  const [before] = await tx.select().from(securityEvent).where(eq(securityEvent.id, id)).for("update");
  if (!before) return undefined;
  if (before.resolvedAt !== null) return { before, after: before };
  const [after] = await tx
    .update(securityEvent)
    .set({ resolvedAt: now, resolvedBy: by })
    .where(and(eq(securityEvent.siteId, before.siteId), eq(securityEvent.id, id)))
    .returning();
  return { before, after: after! };
}

export async function forgetSecurity(tx: Transaction, before: Instant): Promise<void> {
  await tx.delete(securityEvent).where(lt(securityEvent.lastAt, before));
}
