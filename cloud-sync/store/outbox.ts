/** What is to leave the service: it waits here, over restarts, until it has been sent, was refused for good, or is too old. */
import { and, asc, count, desc, eq, inArray, lt, lte, ne, sql } from "drizzle-orm";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import { newId } from "../ids.ts";
import { everySite } from "./people.ts";
import { outbox } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/** Woken when something is put in. */
export const outboxWake = "*outbox";
/** More do not wait: somebody is asking for them. */
export const waitingMax = 1_000;
/** Nor of these, which come from gates. */
export const noticesMax = 10_000;

export type OutboxRow = typeof outbox.$inferSelect;
export type OutboxKind = OutboxRow["kind"];

export const mailKinds: readonly OutboxKind[] = ["forgot-password", "mail"];
export const noticeKinds: readonly OutboxKind[] = ["notice"];

const its = (id: string) => and(eq(outbox.siteId, everySite), eq(outbox.id, id));
const waiting = and(eq(outbox.siteId, everySite), eq(outbox.state, "waiting"));
const waitingOf = (kinds: readonly OutboxKind[]) => and(waiting, inArray(outbox.kind, [...kinds]));

export interface Order {
  /** Left out: one is made. What was put in under one is not put in again. */
  readonly id?: string;
  readonly kind: OutboxKind;
  /** Whom it is for, where that is known. */
  readonly personId?: string;
  /** Makes the body from the id, to which it is bound. */
  readonly seal: (id: string) => string;
  readonly expiresAt: Instant;
}

/** false: the outbox is full. */
export async function putOut(
  tx: Transaction,
  { id = newId("mail"), kind, personId, seal, expiresAt }: Order,
  now: Instant,
): Promise<boolean> {
  const [kinds, most] = kind === "notice" ? [noticeKinds, noticesMax] : [mailKinds, waitingMax];
  const [held] = await tx.select({ count: count() }).from(outbox).where(waitingOf(kinds));
  if ((held?.count ?? 0) >= most) return false;
  const fresh = { siteId: everySite, id, kind, personId, body: seal(id), state: "waiting" } as const;
  await tx
    .insert(outbox)
    .values({ ...fresh, createdAt: now, dueAt: now, expiresAt })
    .onConflictDoNothing();
  tx.touch(outboxWake);
  return true;
}

/** The one that is due for longest, which nobody else gets for `leaseMs`. */
export async function claimDue(
  tx: Transaction,
  kinds: readonly OutboxKind[],
  now: Instant,
  leaseMs: Millis,
): Promise<OutboxRow | undefined> {
  const [due] = await tx
    .select()
    .from(outbox)
    .where(and(waitingOf(kinds), lte(outbox.dueAt, now)))
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
export async function nextDueAt(db: Queries, kinds: readonly OutboxKind[]): Promise<Instant | undefined> {
  const due = db.select({ at: outbox.dueAt }).from(outbox).where(waitingOf(kinds));
  const [next] = await due.orderBy(asc(outbox.dueAt)).limit(1);
  return next?.at;
}

/** It has become a mail to this person. */
export async function keepMail(tx: Transaction, id: string, body: string, personId: string): Promise<void> {
  await tx.update(outbox).set({ kind: "mail", body, personId }).where(its(id));
}

/** `body`: what is left to do of it; left out: all. */
export async function tryLater(tx: Transaction, id: string, dueAt: Instant, why: string, body?: string): Promise<void> {
  await tx
    .update(outbox)
    .set({ dueAt, why, ...(body !== undefined && { body }) })
    .where(its(id));
}

/** A notice that reached nobody otherwise goes by mail. */
export async function turnToMail(tx: Transaction, id: string, body: string, now: Instant): Promise<void> {
  await tx.update(outbox).set({ kind: "mail", body, dueAt: now, attempts: 0 }).where(its(id));
  tx.touch(outboxWake);
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

/** The newest first; without notices that went another way. */
export async function listMailsTo(db: Queries, personId: string, limit: number): Promise<OutboxRow[]> {
  const mails = and(eq(outbox.siteId, everySite), eq(outbox.personId, personId), inArray(outbox.kind, [...mailKinds]));
  return db.select().from(outbox).where(mails).orderBy(desc(outbox.createdAt), desc(outbox.id)).limit(limit);
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
