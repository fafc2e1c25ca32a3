/** What of a thing the audit trail compares before and after a change. */
import type { Grant } from "../gateway/domain/grant.ts";
import type { Facts } from "./domain/audit-body.ts";

const moment = (instant: number) => Temporal.Instant.fromEpochMilliseconds(instant).toString();

export function grantFacts(grant: Grant): Facts {
  return {
    kind: grant.kind,
    holder: grant.holder.id,
    name: grant.holder.name,
    accessPoints: grant.accessPoints,
    from: moment(grant.validity.from),
    until: moment(grant.validity.until),
    schedule: grant.schedule ?? null,
    entriesAllowed: grant.entriesAllowed,
    limitMode: grant.limitMode,
    revoked: grant.revoked,
    credentials: grant.credentials.map(({ id, kind, revoked }) => ({ id, kind, revoked })),
  };
}
