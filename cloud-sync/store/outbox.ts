/** What is to leave the service: it waits here, over restarts, until it has been sent, was refused for good, or is too old. */
import { and, asc, count, desc, eq, lt, lte, ne, sql } from "drizzle-orm";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import { newId } from "../ids.ts";
import { everySite } from "./people.ts";
import { outbox } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/** Woken when something is put in. */
export const outboxWake = "*outbox";
/** More do not wait: somebody is asking for them. */
export const waitingMax = 1_000;

export type OutboxRow = typeof outbox.$inferSelect;

const its = (id: string) => and(eq(outbox.siteId, everySite), eq(outbox.id, id));
const waiting = and(eq(outbox.siteId, everySite), eq(outbox.state, "waiting"));

/** `seal`: makes the body from the id, to which it is bound. false: the outbox is full. */
export async function putOut(
  tx: Transaction,
  order: { readonly kind: OutboxRow["kind"]; readonly seal: (id: string) => string; readonly expiresAt: Instant },
  now: Instant,
): Promise<boolean> {
  const [held] = await tx.select({ count: count() }).from(outbox).where(waiting);
  if ((held?.count ?? 0) >= waitingMax) return false;
  const id = newId("mail");
  const { kind, seal, expiresAt } = order;
  await tx
    .insert(outbox)
    .values({ siteId: everySite, id, kind, body: seal(id), state: "waiting", createdAt: now, dueAt: now, expiresAt });
  tx.touch(outboxWake);
  return true;
}

/** The one that is due for longest, which nobody else gets for `leaseMs`. */
export async function claimDue(tx: Transaction, now: Instant, leaseMs: Millis): Promise<OutboxRow | undefined> {
  const [due] = await tx
    .select()
    .from(outbox)
    .where(and(waiting, lte(outbox.dueAt, now)))
    .orderBy(asc(outbox.dueAt), asc(outbox.id))
    .limit(1)
    .for("update", { skipLocked: true });
  if (!due) return undefined;
  const [claimed] = await tx
    .update(outbox)
    .set({ dueAt: now + leaseMs, attempts: sql`${outbox.attempts} + 1` })
    .where(its(due.id))
    .returning();
  return claimed;
}

/** When the next one is due; undefined: none waits. */
export async function nextDueAt(db: Queries): Promise<Instant | undefined> {
  const [next] = await db.select({ at: outbox.dueAt }).from(outbox).where(waiting).orderBy(asc(outbox.dueAt)).limit(1);
  return next?.at;
}

/** It has become a mail to this person. */
export async function keepMail(tx: Transaction, id: string, body: string, personId: string): Promise<void> {
  await tx.update(outbox).set({ kind: "mail", body, personId }).where(its(id));
}

export async function tryLater(tx: Transaction, id: string, dueAt: Instant, why: string): Promise<void> {
  await tx.update(outbox).set({ dueAt, why }).where(its(id));
}

/** What it held is forgotten at once. */
export async function settle(
  tx: Transaction,
  id: string,
  state: "sent" | "failed",
  why: string | null,
  now: Instant,
): Promise<void> {
  await tx.update(outbox).set({ state, why, body: "", dueAt: now }).where(its(id));
}

export async function dropOut(tx: Transaction, id: string): Promise<void> {
  await tx.delete(outbox).where(its(id));
}

/** The newest first. */
export async function listMailsTo(db: Queries, personId: string, limit: number): Promise<OutboxRow[]> {
  return db
    .select()
    .from(outbox)
    .where(and(eq(outbox.siteId, everySite), eq(outbox.personId, personId)))
    .orderBy(desc(outbox.createdAt), desc(outbox.id))
    .limit(limit);
}

export async function dropMailsTo(tx: Transaction, personId: string): Promise<void> {
  await tx.delete(outbox).where(and(eq(outbox.siteId, everySite), eq(outbox.personId, personId)));
}

/** Those settled before. */
export async function forgetSettled(tx: Transaction, before: Instant): Promise<void> {
  await tx
    .delete(outbox)
    .where(and(eq(outbox.siteId, everySite), ne(outbox.state, "waiting"), lt(outbox.dueAt, before)));
}

/** Of a restored store: the links in them are void, and some had been sent. */
export async function dropWaiting(tx: Transaction): Promise<void> {
  await tx.delete(outbox).where(waiting);
}
