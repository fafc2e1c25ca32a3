/** Keys by which programs sign in: of each the store has a hash, and what it may be used for. */
import { and, desc, eq, isNull } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { KeyMaker } from "../domain/api-key-state.ts";
import { type Action, type Role, tokenHolderId } from "../domain/permissions.ts";
import { newId } from "../ids.ts";
import { everySite } from "./people.ts";
import { apiKey, person } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type ApiKeyRow = typeof apiKey.$inferSelect;

export interface ApiKey {
  readonly row: ApiKeyRow;
  /** undefined: who made it has no account any more. */
  readonly maker: KeyMaker | undefined;
}

export interface FreshApiKey {
  readonly hash: string;
  readonly name: string;
  readonly role: Role;
  readonly sites: readonly string[];
  readonly scopes: readonly Action[];
  readonly expiresAt: Instant;
  readonly createdBy: string;
}

export async function createApiKey(tx: Transaction, fresh: FreshApiKey, now: Instant): Promise<ApiKey> {
  const { sites, scopes, ...columns } = fresh;
  const row = { siteId: everySite, id: newId("key"), ...columns, sites: [...sites], scopes: [...scopes] };
  await tx.insert(apiKey).values({ ...row, createdAt: now });
  const [made] = await keys(tx).where(its(row.id));
  return toKey(made!);
}

const its = (id: string) => and(eq(apiKey.siteId, everySite), eq(apiKey.id, id));

function keys(db: Queries) {
  return db
    .select({ row: apiKey, role: person.role, disabledAt: person.disabledAt })
    .from(apiKey)
    .leftJoin(person, and(eq(person.siteId, apiKey.siteId), eq(person.id, apiKey.createdBy)))
    .$dynamic();
}

interface KeyWithMaker {
  readonly row: ApiKeyRow;
  readonly role: Role | null;
  readonly disabledAt: Instant | null;
}

function toKey({ row, role, disabledAt }: KeyWithMaker): ApiKey {
  if (row.createdBy === tokenHolderId) return { row, maker: { kind: "token-holder" } };
  return { row, maker: role === null ? undefined : { kind: "person", role, disabledAt } };
}

export async function findApiKey(db: Queries, hash: string): Promise<ApiKey | undefined> {
  const [found] = await keys(db).where(and(eq(apiKey.siteId, everySite), eq(apiKey.hash, hash)));
  return found && toKey(found);
}

/** Newest first, those that were revoked too. */
export async function listApiKeys(db: Queries): Promise<ApiKey[]> {
  const found = await keys(db).where(eq(apiKey.siteId, everySite)).orderBy(desc(apiKey.createdAt), desc(apiKey.id));
  return found.map(toKey);
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
