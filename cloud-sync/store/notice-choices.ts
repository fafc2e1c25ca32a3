/** What a person wants to be told of their visitors, and by which way. */
import { and, eq, inArray } from "drizzle-orm";
import { type NoticeChoice, usualChoice } from "../domain/notice-choice.ts";
import { everySite } from "./people.ts";
import { noticeChoice } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/** Of each of these people. */
export async function readChoices(db: Queries, people: readonly string[]): Promise<ReadonlyMap<string, NoticeChoice>> {
  const choices = new Map(people.map((id) => [id, usualChoice]));
  if (people.length === 0) return choices;
  const rows = await db
    .select()
    .from(noticeChoice)
    .where(and(eq(noticeChoice.siteId, everySite), inArray(noticeChoice.personId, [...people])));
  for (const { personId, channel, entries, denials } of rows) choices.set(personId, { channel, entries, denials });
  return choices;
}

export async function readChoice(db: Queries, person: string): Promise<NoticeChoice> {
  return (await readChoices(db, [person])).get(person) ?? usualChoice;
}

export async function keepChoice(tx: Transaction, personId: string, choice: NoticeChoice): Promise<void> {
  await tx
    .insert(noticeChoice)
    .values({ siteId: everySite, personId, ...choice })
    .onConflictDoUpdate({ target: [noticeChoice.siteId, noticeChoice.personId], set: { ...choice } });
}

export async function dropChoice(tx: Transaction, personId: string): Promise<void> {
  await tx.delete(noticeChoice).where(and(eq(noticeChoice.siteId, everySite), eq(noticeChoice.personId, personId)));
}
