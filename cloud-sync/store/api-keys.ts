/** Keys by which programs sign in: of each the store has a hash, and what it may be used for. */
import { and, desc, eq, isNull } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { Action, Role } from "../domain/permissions.ts";
import { newId } from "../ids.ts";
import { everySite } from "./people.ts";
import { apiKey } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type ApiKeyRow = typeof apiKey.$inferSelect;

export interface FreshApiKey {
  readonly hash: string;
  readonly name: string;
  readonly role: Role;
  readonly sites: readonly string[];
  readonly scopes: readonly Action[];
  readonly expiresAt: Instant | null;
  readonly createdBy: string;
}

export async function createApiKey(tx: Transaction, fresh: FreshApiKey, now: Instant): Promise<ApiKeyRow> {
  const { sites, scopes, ...columns } = fresh;
  const row = { siteId: everySite, id: newId("key"), ...columns, sites: [...sites], scopes: [...scopes] };
  const [made] = await tx
    .insert(apiKey)
    .values({ ...row, createdAt: now })
    .returning();
  return made!;
}

const its = (id: string) => and(eq(apiKey.siteId, everySite), eq(apiKey.id, id));

export async function findApiKey(db: Queries, hash: string): Promise<ApiKeyRow | undefined> {
  const [found] = await db
    .select()
    .from(apiKey)
    .where(and(eq(apiKey.siteId, everySite), eq(apiKey.hash, hash)));
  return found;
}

/** Newest first, those that were revoked too. */
export async function listApiKeys(db: Queries): Promise<ApiKeyRow[]> {
  return db.select().from(apiKey).where(eq(apiKey.siteId, everySite)).orderBy(desc(apiKey.createdAt), desc(apiKey.id));
}

export async function markKeyUsed(tx: Transaction, id: string, now: Instant): Promise<void> {
  await tx.update(apiKey).set({ usedAt: now }).where(its(id));
}

/** false: there is none. One that was revoked stays as it is. */
export async function revokeApiKey(tx: Transaction, id: string, now: Instant): Promise<boolean> {
  await tx
    .update(apiKey)
    .set({ revokedAt: now })
    .where(and(its(id), isNull(apiKey.revokedAt)));
  const [known] = await tx.select({ id: apiKey.id }).from(apiKey).where(its(id));
  return known !== undefined;
}
