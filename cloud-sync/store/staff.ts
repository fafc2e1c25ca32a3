/** The staff of a site as its gateways know them, so that they can sign in there without the cloud. */
import { and, eq, inArray } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { type StaffMember, type StaffRole, staffRoles } from "../../gateway/domain/staff.ts";
import { publish } from "./feed.ts";
import type { Person } from "./people.ts";
import { feedRow } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/**
 * Tells the gateways of `sites`, in this order, what has become of the person: staff of theirs, or not any more. What they know already is
 * not told again. Last in a transaction, as publish() is.
 */
export async function publishStaff(
  tx: Transaction,
  person: Person,
  sites: Iterable<string>,
  now: Instant,
): Promise<void> {
  const member = toStaff(person);
  for (const siteId of [...new Set(sites)].sort()) {
    const [row] = await tx
      .select({ body: feedRow.body })
      .from(feedRow)
      .where(and(eq(feedRow.siteId, siteId), eq(feedRow.kind, "staff"), eq(feedRow.id, person.id)));
    const body = member && person.sites.includes(siteId) ? member : undefined;
    if ((row?.body ?? null) === (body ? JSON.stringify(body) : null)) continue;
    const its = { kind: "staff", id: person.id } as const;
    await publish(tx, siteId, [body ? { ...its, body } : { ...its, gone: true }], now);
  }
}

/** Those of the ids that are staff of the site, or have been: its gateways were told of them, and may tell of their work later. */
export async function staffEverOf(db: Queries, siteId: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .select({ id: feedRow.id })
    .from(feedRow)
    .where(and(eq(feedRow.siteId, siteId), eq(feedRow.kind, "staff"), inArray(feedRow.id, [...new Set(ids)])));
  return new Set(rows.map(({ id }) => id));
}

/** undefined: not of the staff. Never whoever rules over other people's doors: their hashes would lie on every board. */
function toStaff({ id, name, userName, role, passwordHash, disabledAt }: Person): StaffMember | undefined {
  if (!isStaffRole(role) || passwordHash === null || disabledAt !== null) return undefined;
  return { id, name, userName, role, password: passwordHash };
}

function isStaffRole(role: string): role is StaffRole {
  return (staffRoles as readonly string[]).includes(role);
}
