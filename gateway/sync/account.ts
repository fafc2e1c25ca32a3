/** The gateway's account of rights and revocations, in the parts in which it is sent. */
import type { SiteRecords } from "../domain/site-records.ts";
import type { AuditPart } from "../wire/gateway-api.ts";

const rightsPerPart = 2_000;
const revokedPerPart = 10_000;

/** As the records stand now: they are copied at once, so wait until the journal is flushed before sending any of it. */
export function accountOf(records: SiteRecords, feed: string, epoch: number): AuditPart[] {
  const { rights, revoked } = records.account;
  const registers = [...rights].map(([grant, { granted, returned, sent, received, order }]) => ({
    grant,
    granted,
    returned,
    order,
    ...(Object.keys(sent).length > 0 && { sent: { ...sent } }),
    ...(Object.keys(received).length > 0 && { received: { ...received } }),
  }));
  const ids = [...revoked];
  const count = Math.max(1, Math.ceil(registers.length / rightsPerPart), Math.ceil(ids.length / revokedPerPart));
  return Array.from({ length: count }, (_, part) => ({
    feed,
    epoch,
    rights: registers.slice(part * rightsPerPart, (part + 1) * rightsPerPart),
    revoked: ids.slice(part * revokedPerPart, (part + 1) * revokedPerPart),
    complete: part === count - 1,
  }));
}
