/** What stands of one person, in whatever table: to be told to it, and to be erased. */
import { and, asc, desc, eq, or, type SQL, sql } from "drizzle-orm";
import type { Grant, PersonRef } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { dropAttachments } from "./attachments.ts";
import { destroyKeysOf } from "./audit-keys.ts";
import { changeGrant, freeCodes, type GrantRow, lockGrants, toGrant } from "./grants.ts";
import { dropQuestionsTo } from "./host-questions.ts";
import { dropChoice } from "./notice-choices.ts";
import { dropMailsTo } from "./outbox.ts";
import { dropPassLink } from "./pass-links.ts";
import { everySite } from "./people.ts";
import { dropSubscriptionsOf } from "./push-subscriptions.ts";
import { apiKey, grantRecord, oneTimeLink, outbox, passkey, securityEvent, session } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/** What stands where a name was. */
export const erasedName = "erased";

export async function sessionsOf(db: Queries, person: string) {
  return db.select().from(session).where(ofPerson(session, person)).orderBy(desc(session.createdAt));
}

export async function linksOf(db: Queries, person: string) {
  return db.select().from(oneTimeLink).where(ofPerson(oneTimeLink, person)).orderBy(desc(oneTimeLink.createdAt));
}

export async function mailsTo(db: Queries, person: string) {
  return db
    .select()
    .from(outbox)
    .where(and(eq(outbox.siteId, everySite), eq(outbox.personId, person)))
    .orderBy(desc(outbox.createdAt));
}

export async function keysMadeBy(db: Queries, person: string) {
  return db
    .select()
    .from(apiKey)
    .where(and(eq(apiKey.siteId, everySite), eq(apiKey.createdBy, person)))
    .orderBy(desc(apiKey.createdAt));
}

const ofPerson = (table: typeof session | typeof oneTimeLink | typeof passkey, id: string) =>
  and(eq(table.siteId, everySite), eq(table.personId, id));

/** "made": by the person · "held": for it, or as its guest's host. */
export type GrantTie = "made" | "held";

function tiedTo(person: string, tie: GrantTie): SQL | undefined {
  if (tie === "made") return eq(grantRecord.createdBy, person);
  // Few bodies name the person at all, and to read one as JSON costs ten times as much as to look.
  const isHost = sql`(strpos(${grantRecord.body}, ${person}) > 0 and ${grantRecord.body}::json #>> '{host,id}' = ${person})`;
  return or(eq(grantRecord.holderId, person), isHost);
}

/** By site and id, from after `after`. */
export async function grantsTiedTo(
  db: Queries,
  person: string,
  tie: GrantTie,
  after: Pick<GrantRow, "siteId" | "id"> | undefined,
  limit: number,
): Promise<GrantRow[]> {
  return db
    .select()
    .from(grantRecord)
    .where(
      and(
        tiedTo(person, tie),
        after && sql`(${grantRecord.siteId}, ${grantRecord.id}) > (${after.siteId}, ${after.id})`,
      ),
    )
    .orderBy(asc(grantRecord.siteId), asc(grantRecord.id))
    .limit(limit);
}

export interface Erased {
  readonly sessions: number;
  readonly passkeys: number;
  readonly keys: number;
  /** Held by the person: its name is gone from them, and what still opened opens no more. */
  readonly grants: number;
}

/**
 * All but the account's own row and what follows from it. What the person made for others stays theirs, under the bare id. Grants are
 * published, so that gateways forget the name too; call it before what locks the audit trail.
 */
export async function eraseTraces(tx: Transaction, person: string, now: Instant): Promise<Erased> {
  const grants = await eraseHolder(tx, person, now);
  const sessions = await tx.delete(session).where(ofPerson(session, person)).returning({ id: session.id });
  const passkeys = await tx.delete(passkey).where(ofPerson(passkey, person)).returning({ id: passkey.id });
  await tx.delete(oneTimeLink).where(ofPerson(oneTimeLink, person));
  await dropMailsTo(tx, person);
  await dropSubscriptionsOf(tx, person);
  await dropChoice(tx, person);
  await dropQuestionsTo(tx, person);
  const keys = await tx
    .update(apiKey)
    .set({ name: erasedName, revokedAt: sql`coalesce(${apiKey.revokedAt}, ${now}::bigint)` })
    .where(and(eq(apiKey.siteId, everySite), eq(apiKey.createdBy, person)))
    .returning({ id: apiKey.id });
  await tx
    .update(securityEvent)
    .set({ address: null, device: null, detail: null })
    .where(eq(securityEvent.subject, person));
  await destroyKeysOf(tx, person);
  return { sessions: sessions.length, passkeys: passkeys.length, keys: keys.length, grants };
}

async function eraseHolder(tx: Transaction, person: string, now: Instant): Promise<number> {
  const found = await tx
    .select({ site: grantRecord.siteId, id: grantRecord.id })
    .from(grantRecord)
    .where(tiedTo(person, "held"));
  const bySite = Map.groupBy(found, ({ site }) => site);
  for (const site of [...bySite.keys()].sort()) {
    const ids = bySite.get(site)!.map(({ id }) => id);
    const rows = await lockGrants(tx, site, ids);
    for (const row of rows) await eraseFromGrant(tx, row, person, now);
    const held = rows.filter((row) => row.holderId === person);
    await dropAttachments(
      tx,
      site,
      held.map(({ id }) => id),
    );
  }
  return found.length;
}

async function eraseFromGrant(tx: Transaction, row: GrantRow, person: string, now: Instant): Promise<void> {
  const before = toGrant(row);
  const isHolder = before.holder.id === person;
  const grant: Grant = {
    ...before,
    holder: nameless(before.holder, person),
    ...(before.host && { host: nameless(before.host, person) }),
    ...(isHolder && { about: {}, revoked: true }),
  };
  if (grant.revoked) await freeCodes(tx, grant, undefined, now);
  if (isHolder) await dropPassLink(tx, row);
  if (row.retiredAt === null)
    return changeGrant(tx, row, grant, grant.revoked ? { revokedAt: row.revokedAt ?? now } : {}, now);
  // Gateways were told long ago that it has ended.
  await tx
    .update(grantRecord)
    .set({ holderName: grant.holder.name, body: JSON.stringify(grant) })
    .where(and(eq(grantRecord.siteId, row.siteId), eq(grantRecord.id, row.id)));
}

function nameless(ref: PersonRef, person: string): PersonRef {
  return ref.id === person ? { id: ref.id, name: erasedName } : ref;
}
