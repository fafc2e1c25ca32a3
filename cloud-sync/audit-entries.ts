/** Entries of the audit trail as people are told them, in lists, tables and documents. */
import { type AuditRow, noSite, readAuditBodies } from "./store/audit-trail.ts";
import type { Queries } from "./store/store.ts";

export async function toEntries(db: Queries, rows: readonly AuditRow[]) {
  const bodies = await readAuditBodies(db, rows);
  return bodies.map(({ site, seq, at, actor, action, thing, before, after, from }, index) => {
    const its = { site: site === noSite ? null : site, seq, at: Temporal.Instant.fromEpochMilliseconds(at).toString() };
    return { ...its, actor, action, thing, before, after, from, chain: rows[index]!.chain };
  });
}
