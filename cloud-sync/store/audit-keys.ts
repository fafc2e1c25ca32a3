/**
 * Where an entry of the audit trail came from says who somebody is, and the trail is for ever: so it is sealed (AES-256-GCM) under a key of
 * its actor and day, and the chain runs over the sealed text. Throwing keys away erases a person, or what is old, and the chain holds. The
 * keys are there to end, not to hide: they stand beside the entries, and in a backup too.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { and, eq, inArray, lt, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import {
  type AuditBody,
  erasedOrigin,
  type Origin,
  type SealedOrigin,
  type StoredAuditBody,
} from "../domain/audit-body.ts";
import { newId } from "../ids.ts";
import { auditKey } from "./schema.ts";
import { type Queries, rowsOf, type Transaction } from "./store.ts";

const dayMs = 24 * 3_600_000;
const cipherName = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;
/** Keys are rows of the service, not of a site: one actor may work at many. */
const service = "*";

type AuditKey = Pick<typeof auditKey.$inferSelect, "id" | "secret">;

/** `place`: of the entry, which the seal is bound to. */
export async function sealOrigin(
  tx: Transaction,
  from: Origin,
  place: Pick<AuditBody, "site" | "seq" | "actor">,
  now: Instant,
): Promise<SealedOrigin> {
  const { id, secret } = await keyOf(tx, place.actor, Math.floor(now / dayMs));
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(cipherName, Buffer.from(secret, "base64url"), nonce).setAAD(bindingOf(place));
  const text = Buffer.concat([cipher.update(JSON.stringify([from.address, from.device])), cipher.final()]);
  return { key: id, sealed: Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64url") };
}

/** Looked up before it is made: of two who write the day's first entry the second waits for the first's commit. */
async function keyOf(tx: Transaction, owner: string, day: number): Promise<AuditKey> {
  const [known] = await tx
    .select({ id: auditKey.id, secret: auditKey.secret })
    .from(auditKey)
    .where(and(eq(auditKey.siteId, service), eq(auditKey.owner, owner), eq(auditKey.day, day)));
  if (known) return known;
  const fresh = { siteId: service, id: newId("auditkey"), owner, day };
  const [made] = await tx
    .insert(auditKey)
    .values({ ...fresh, secret: randomBytes(keyBytes).toString("base64url") })
    .onConflictDoUpdate({ target: [auditKey.siteId, auditKey.owner, auditKey.day], set: { owner } })
    .returning({ id: auditKey.id, secret: auditKey.secret });
  return made!;
}

/** The entries with their origins readable, or "erased" where the key is gone. */
export async function openOrigins(db: Queries, bodies: readonly StoredAuditBody[]): Promise<AuditBody[]> {
  const ids = [...new Set(bodies.flatMap(({ from }) => ("key" in from ? [from.key] : [])))];
  const keys =
    ids.length === 0
      ? []
      : await db
          .select({ id: auditKey.id, secret: auditKey.secret })
          .from(auditKey)
          .where(and(eq(auditKey.siteId, service), inArray(auditKey.id, ids)));
  const secrets = new Map(keys.map(({ id, secret }) => [id, secret]));
  return bodies.map((body) => ({ ...body, from: originOf(body, secrets) }));
}

function originOf({ from, ...place }: StoredAuditBody, secrets: ReadonlyMap<string, string>): Origin {
  if (!("key" in from)) return from;
  const secret = secrets.get(from.key);
  return (secret !== undefined && unseal(from.sealed, secret, place)) || erasedOrigin;
}

/** undefined: it was sealed otherwise or altered, which `postern cloud verify` tells. */
function unseal(sealed: string, secret: string, place: Pick<AuditBody, "site" | "seq">): Origin | undefined {
  const bytes = Buffer.from(sealed, "base64url");
  try {
    const decipher = createDecipheriv(cipherName, Buffer.from(secret, "base64url"), bytes.subarray(0, nonceBytes))
      .setAAD(bindingOf(place))
      .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
    const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
    const [address, device] = JSON.parse(text.toString());
    return { address, device };
  } catch {
    return undefined;
  }
}

function bindingOf({ site, seq }: Pick<AuditBody, "site" | "seq">): Buffer {
  return Buffer.from(JSON.stringify([site, seq]));
}

/** For good: where the actor's entries came from nobody can tell any more. */
export async function destroyKeysOf(tx: Transaction, owner: string): Promise<void> {
  await tx.delete(auditKey).where(and(eq(auditKey.siteId, service), eq(auditKey.owner, owner)));
}

/** Of the days that had ended at `before`, at most `limit` of them. Answers how many. */
export async function destroyKeysBefore(tx: Transaction, before: Instant, limit: number): Promise<number> {
  const old = await tx
    .select({ id: auditKey.id })
    .from(auditKey)
    .where(and(eq(auditKey.siteId, service), lt(auditKey.day, Math.floor(before / dayMs))))
    .limit(limit);
  const ids = old.map(({ id }) => id);
  if (ids.length > 0) await tx.delete(auditKey).where(and(eq(auditKey.siteId, service), inArray(auditKey.id, ids)));
  return ids.length;
}

/** Entries of the actor from before origins were sealed: they stand in the chain in the clear, and nothing can erase them. */
export async function countOriginsInClear(db: Queries, actor: string): Promise<number> {
  const [row] = await rowsOf<{ count: number | string }>(
    db,
    sql`select count(*) as count from audit_entry where actor = ${actor} and body::json -> 'from' ->> 'address' is not null`,
  );
  return Number(row?.count ?? 0);
}
