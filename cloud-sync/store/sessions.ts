/** Sessions of people: each began with a sign-in, and ends by itself, by its person, or because an old token of it came back. */
import { and, desc, eq, inArray, isNull, lt, ne, or } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { newId } from "../ids.ts";
import { besidePerson, everySite, type Person, toPerson } from "./people.ts";
import { dropEndedSubscriptions } from "./push-subscriptions.ts";
import { person, session } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type SessionRow = typeof session.$inferSelect;

/** A person has at most so many at once: the one not seen for longest makes room. */
const sessionsMax = 30;

export interface FreshSession {
  readonly personId: string;
  readonly device: string;
  readonly address: string;
}

/** The new session's id; its first token has the number 1. */
export async function beginSession(tx: Transaction, fresh: FreshSession, now: Instant): Promise<string> {
  const id = newId("session");
  const open = await tx
    .select({ id: session.id })
    .from(session)
    .where(and(ofPerson(fresh.personId), isNull(session.endedAt)))
    .orderBy(desc(session.seenAt));
  const tooMany = open.slice(sessionsMax - 1).map((one) => one.id);
  if (tooMany.length > 0)
    await tx
      .update(session)
      .set({ endedAt: now })
      .where(and(ofPerson(fresh.personId), inArray(session.id, tooMany)));
  await tx
    .insert(session)
    .values({ siteId: everySite, id, ...fresh, createdAt: now, seenAt: now, counter: 1, rotatedAt: now });
  return id;
}

/** Whether the person has signed in before, and never from a device that calls itself this. */
export async function isNewDevice(db: Queries, personId: string, device: string): Promise<boolean> {
  const known = await db
    .select({ device: session.device })
    .from(session)
    .where(ofPerson(personId))
    .groupBy(session.device);
  return known.length > 0 && !known.some((one) => one.device === device);
}

const ofPerson = (id: string) => and(eq(session.siteId, everySite), eq(session.personId, id));
const its = (id: string) => and(eq(session.siteId, everySite), eq(session.id, id));

export interface SessionOfPerson {
  readonly session: SessionRow;
  readonly person: Person;
}

export async function readSession(db: Queries, id: string): Promise<SessionOfPerson | undefined> {
  const [found] = await db
    .select({ session, row: person, ...besidePerson })
    .from(session)
    .innerJoin(person, and(eq(person.siteId, session.siteId), eq(person.id, session.personId)))
    .where(its(id));
  if (!found) return undefined;
  const { session: row, ...owner } = found;
  return { session: row, person: toPerson(owner) };
}

/** The token after `number` is the newest one from now on. Of two who ask, the first does it. */
export async function rotate(tx: Transaction, id: string, number: number, now: Instant): Promise<void> {
  await tx
    .update(session)
    .set({ counter: number + 1, rotatedAt: now, presentedAt: null, seenAt: now })
    .where(and(its(id), lt(session.counter, number + 1)));
}

/** The token of this number has arrived where it was sent to. */
export async function markPresented(tx: Transaction, id: string, number: number, now: Instant): Promise<void> {
  await tx
    .update(session)
    .set({ presentedAt: now })
    .where(and(its(id), eq(session.counter, number), isNull(session.presentedAt)));
}

export async function markSeen(tx: Transaction, id: string, now: Instant): Promise<void> {
  await tx
    .update(session)
    .set({ seenAt: now })
    .where(and(its(id), lt(session.seenAt, now)));
}

/** false: the person has no such session, or it had ended. */
export async function endSession(tx: Transaction, personId: string, id: string, now: Instant): Promise<boolean> {
  const ended = await tx
    .update(session)
    .set({ endedAt: now })
    .where(and(its(id), eq(session.personId, personId), isNull(session.endedAt)))
    .returning({ id: session.id });
  return ended.length > 0;
}

/** Answers how many. `except`: the one the person asks from. */
export async function endSessionsOf(tx: Transaction, personId: string, now: Instant, except?: string): Promise<number> {
  const ended = await tx
    .update(session)
    .set({ endedAt: now })
    .where(and(ofPerson(personId), isNull(session.endedAt), except === undefined ? undefined : ne(session.id, except)))
    .returning({ id: session.id });
  return ended.length;
}

/** Everybody signs in anew. */
export async function endAllSessions(tx: Transaction, now: Instant): Promise<void> {
  await tx
    .update(session)
    .set({ endedAt: now })
    .where(and(eq(session.siteId, everySite), isNull(session.endedAt)));
}

/** Those that have not been ended, newest first; some may be over by their age. */
export async function openSessions(db: Queries, personId: string): Promise<SessionRow[]> {
  return db
    .select()
    .from(session)
    .where(and(ofPerson(personId), isNull(session.endedAt)))
    .orderBy(desc(session.seenAt));
}

export async function forgetSessions(tx: Transaction, before: Instant): Promise<void> {
  await dropEndedSubscriptions(tx);
  await tx
    .delete(session)
    .where(and(eq(session.siteId, everySite), or(lt(session.endedAt, before), lt(session.seenAt, before))));
}
