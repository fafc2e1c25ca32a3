/** Passkeys of people: public keys, found by the id the authenticator gave them. */
import { and, asc, eq } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { everySite } from "./people.ts";
import { passkey } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type PasskeyRow = typeof passkey.$inferSelect;
export type FreshPasskey = Pick<PasskeyRow, "id" | "personId" | "name" | "publicKey" | "counter" | "transports">;

const its = (id: string) => and(eq(passkey.siteId, everySite), eq(passkey.id, id));

/** false: there is one with this id. */
export async function addPasskey(tx: Transaction, fresh: FreshPasskey, now: Instant): Promise<boolean> {
  const row = { siteId: everySite, ...fresh, createdAt: now };
  const made = await tx.insert(passkey).values(row).onConflictDoNothing().returning({ id: passkey.id });
  return made.length > 0;
}

/** Oldest first. */
export async function listPasskeys(db: Queries, personId: string): Promise<PasskeyRow[]> {
  return db
    .select()
    .from(passkey)
    .where(and(eq(passkey.siteId, everySite), eq(passkey.personId, personId)))
    .orderBy(asc(passkey.createdAt), asc(passkey.id));
}

export async function lockPasskey(tx: Transaction, id: string): Promise<PasskeyRow | undefined> {
  const [found] = await tx.select().from(passkey).where(its(id)).for("update");
  return found;
}

export async function markPasskeyUsed(tx: Transaction, id: string, counter: number, now: Instant): Promise<void> {
  await tx.update(passkey).set({ counter, usedAt: now }).where(its(id));
}

/** false: the person has no such passkey. */
export async function removePasskey(tx: Transaction, personId: string, id: string): Promise<boolean> {
  const removed = await tx
    .delete(passkey)
    .where(and(its(id), eq(passkey.personId, personId)))
    .returning({ id: passkey.id });
  return removed.length > 0;
}

export async function removePasskeysOf(tx: Transaction, personId: string): Promise<void> {
  await tx.delete(passkey).where(and(eq(passkey.siteId, everySite), eq(passkey.personId, personId)));
}
