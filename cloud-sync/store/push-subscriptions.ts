/**
 * Browsers that are to be told, and the service's own keys for it. Whoever knows a browser's address at its push service can send there, so it
 * is kept sealed and found by its hash. A subscription ends with the session it was made in, unless that has only grown idle.
 */
import { generateKeyPairSync } from "node:crypto";
import { and, desc, eq, inArray, isNotNull, notInArray, sql } from "drizzle-orm";
import { z } from "zod";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import type { PushKeys, Subscription } from "../channels/web-push.ts";
import { hashOf, newId } from "../ids.ts";
import { everySite } from "./people.ts";
import { pushSubscription, serviceKey, session } from "./schema.ts";
import type { Queries, Store, Transaction } from "./store.ts";

/** Of one person; the oldest makes room. */
const subscriptionsMax = 10;
const keyName = "web-push";

export type PushSubscriptionRow = Omit<typeof pushSubscription.$inferSelect, "endpointHash" | "sealed">;

export interface KeptSubscription {
  readonly id: string;
  readonly subscription: Subscription;
}

const sealedSchema = z.object({ endpoint: z.string(), p256dh: z.string(), auth: z.string() });

const ofPerson = (id: string) => and(eq(pushSubscription.siteId, everySite), eq(pushSubscription.personId, id));
const its = (id: string) => and(eq(pushSubscription.siteId, everySite), eq(pushSubscription.id, id));
/** Ended by somebody, not by its age. */
const endedSessions = (db: Queries) =>
  db
    .select({ id: session.id })
    .from(session)
    .where(and(eq(session.siteId, everySite), isNotNull(session.endedAt)));

/** Made at the first look. Of two at once one makes them. */
export async function pushKeys(store: Store, seal: CredentialSeal, now: Instant): Promise<PushKeys> {
  const known = await readPushKeys(store.db, seal);
  if (known) return known;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  const secret = privateKey.export({ format: "der", type: "pkcs8" }).toString("base64url");
  const made = { publicKey: point.toString("base64url"), sealed: seal.seal(keyName, secret), createdAt: now };
  await store.transaction((tx) =>
    tx
      .insert(serviceKey)
      .values({ siteId: everySite, name: keyName, ...made })
      .onConflictDoNothing(),
  );
  const kept = await readPushKeys(store.db, seal);
  if (!kept) throw new Error("the keys for web push were sealed under another master key");
  return kept;
}

async function readPushKeys(db: Queries, seal: CredentialSeal): Promise<PushKeys | undefined> {
  const [row] = await db
    .select()
    .from(serviceKey)
    .where(and(eq(serviceKey.siteId, everySite), eq(serviceKey.name, keyName)));
  const privateKey = row && seal.open(keyName, row.sealed);
  return privateKey && { publicKey: row.publicKey, privateKey };
}

/** Answers its id. A browser that somebody else had subscribed is this person's from then on. */
export async function subscribe(
  tx: Transaction,
  owner: { readonly personId: string; readonly sessionId: string; readonly device: string },
  subscription: Subscription,
  seal: CredentialSeal,
  now: Instant,
): Promise<string> {
  const id = newId("push");
  const endpointHash = hashOf(subscription.endpoint);
  await tx
    .delete(pushSubscription)
    .where(and(eq(pushSubscription.siteId, everySite), eq(pushSubscription.endpointHash, endpointHash)));
  const sealed = seal.seal(id, JSON.stringify(subscription));
  await tx.insert(pushSubscription).values({ siteId: everySite, id, ...owner, endpointHash, sealed, createdAt: now });
  const kept = await tx
    .select({ id: pushSubscription.id })
    .from(pushSubscription)
    .where(ofPerson(owner.personId))
    .orderBy(desc(pushSubscription.createdAt), desc(pushSubscription.id))
    .limit(subscriptionsMax);
  const ids = kept.map((one) => one.id);
  await tx.delete(pushSubscription).where(and(ofPerson(owner.personId), notInArray(pushSubscription.id, ids)));
  return id;
}

/** Newest first; none of a session that was ended. */
export async function listSubscriptions(db: Queries, personId: string): Promise<PushSubscriptionRow[]> {
  const rows = await db
    .select()
    .from(pushSubscription)
    .where(and(ofPerson(personId), notInArray(pushSubscription.sessionId, endedSessions(db))))
    .orderBy(desc(pushSubscription.createdAt));
  return rows.map(({ endpointHash: _, sealed, ...row }) => row);
}

/** With their addresses, for whoever sends. */
export async function readSubscriptions(
  db: Queries,
  personId: string,
  seal: CredentialSeal,
): Promise<KeptSubscription[]> {
  const rows = await db
    .select()
    .from(pushSubscription)
    .where(and(ofPerson(personId), notInArray(pushSubscription.sessionId, endedSessions(db))));
  return rows.flatMap(({ id, sealed }) => {
    const opened = seal.open(id, sealed)?.reveal();
    return opened === undefined ? [] : [{ id, subscription: sealedSchema.parse(JSON.parse(opened)) }];
  });
}

/** false: the person has no such one. */
export async function unsubscribe(tx: Transaction, personId: string, id: string): Promise<boolean> {
  const gone = await tx
    .delete(pushSubscription)
    .where(and(its(id), eq(pushSubscription.personId, personId)))
    .returning({ id: pushSubscription.id });
  return gone.length > 0;
}

export async function dropSubscriptions(tx: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .delete(pushSubscription)
    .where(and(eq(pushSubscription.siteId, everySite), inArray(pushSubscription.id, [...ids])));
}

export async function markTold(tx: Transaction, ids: readonly string[], now: Instant): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .update(pushSubscription)
    .set({ usedAt: sql`greatest(coalesce(${pushSubscription.usedAt}, 0), ${now}::bigint)` })
    .where(and(eq(pushSubscription.siteId, everySite), inArray(pushSubscription.id, [...ids])));
}

export async function dropSubscriptionsOf(tx: Transaction, personId: string): Promise<void> {
  await tx.delete(pushSubscription).where(ofPerson(personId));
}

/** Those of sessions that were ended; before the sessions themselves are forgotten. */
export async function dropEndedSubscriptions(tx: Transaction): Promise<void> {
  await tx
    .delete(pushSubscription)
    .where(and(eq(pushSubscription.siteId, everySite), inArray(pushSubscription.sessionId, endedSessions(tx))));
}
