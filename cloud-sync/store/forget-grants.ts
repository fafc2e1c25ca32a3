/** Of grants that have ended the digits go, and later the names: what remains says when which door was open to whom no longer. */
import { and, eq, isNull, or, sql } from "drizzle-orm";
import type { Grant, PersonRef } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { changeGrant, type GrantRow, lockGrants, toGrant } from "./grants.ts";
import { dropPassLink } from "./pass-links.ts";
import { erasedName } from "./personal-data.ts";
import { grantRecord } from "./schema.ts";
import type { Transaction } from "./store.ts";

export interface EndedBefore {
  /** Codes of what ended before are forgotten. */
  readonly digits: Instant;
  /** And the names of its people, and what was noted about it. */
  readonly names: Instant;
}

/** At most `limit` of the site's, by their ids. Answers how many. What still stands in the feed is published anew. */
export async function forgetGrants(
  tx: Transaction,
  siteId: string,
  endedBefore: EndedBefore,
  now: Instant,
  limit: number,
): Promise<number> {
  const ended = sql`least(${grantRecord.validUntil}, coalesce(${grantRecord.revokedAt}, ${grantRecord.validUntil}))`;
  const due = await tx
    .select({ id: grantRecord.id })
    .from(grantRecord)
    .where(
      and(
        eq(grantRecord.siteId, siteId),
        sql`${grantRecord.forgotten} is distinct from 'names'`,
        or(
          and(isNull(grantRecord.forgotten), sql`${ended} < ${endedBefore.digits}::bigint`),
          sql`${ended} < ${endedBefore.names}::bigint`,
        ),
      ),
    )
    .orderBy(grantRecord.id)
    .limit(limit);
  const rows = await lockGrants(
    tx,
    siteId,
    due.map(({ id }) => id),
  );
  for (const row of rows) await forgetOne(tx, row, endedBefore, now);
  return rows.length;
}

async function forgetOne(tx: Transaction, row: GrantRow, endedBefore: EndedBefore, now: Instant): Promise<void> {
  const ended = Math.min(row.validUntil, row.revokedAt ?? row.validUntil);
  const forgotten = ended < endedBefore.names ? "names" : "digits";
  const before = toGrant(row);
  const withoutDigits = { ...before, credentials: before.credentials.map(({ sealed: _, ...one }) => one) };
  const grant = forgotten === "names" ? withoutNames(withoutDigits) : withoutDigits;
  await dropPassLink(tx, row);
  if (row.retiredAt === null) await changeGrant(tx, row, grant, {}, now);
  await tx
    .update(grantRecord)
    .set({ forgotten, holderName: grant.holder.name, body: JSON.stringify(grant) })
    .where(and(eq(grantRecord.siteId, row.siteId), eq(grantRecord.id, row.id)));
}

function withoutNames(grant: Grant): Grant {
  const nameless = ({ id }: PersonRef) => ({ id, name: erasedName });
  return { ...grant, holder: nameless(grant.holder), ...(grant.host && { host: nameless(grant.host) }), about: {} };
}
