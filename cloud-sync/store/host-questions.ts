/**
 * What guards ask hosts about visitors without a pass. The page where a host answers is found by a token of 128 bits, by its hash; the token is
 * kept sealed by the site's key, because the notice that carries it is put into words when it is sent. A day later all of it goes.
 */
import { randomBytes } from "node:crypto";
import { and, count, eq, gt, inArray, isNull, lt } from "drizzle-orm";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import type { Role } from "../domain/permissions.ts";
import { hashOf } from "../ids.ts";
import { everySite } from "./people.ts";
import { hostQuestion, person, personSite } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export type HostQuestionRow = typeof hostQuestion.$inferSelect;
export type QuestionPlace = Pick<HostQuestionRow, "siteId" | "gatewayId" | "id">;

/** Who lives at a site, or rules over it. */
const hostRoles: readonly Role[] = ["resident", "owner"];
const hostsMax = 5_000;

const its = ({ siteId, gatewayId, id }: QuestionPlace) =>
  and(eq(hostQuestion.siteId, siteId), eq(hostQuestion.gatewayId, gatewayId), eq(hostQuestion.id, id));
/** What the seal is bound to. */
const sealPlace = (id: string) => `question-${id}`;

export type FreshQuestion = Omit<HostQuestionRow, "hash" | "sealed" | "answeredAt" | "approves" | "commandId">;

/** false: there is one of this id. */
export async function keepQuestion(tx: Transaction, fresh: FreshQuestion, seal: CredentialSeal): Promise<boolean> {
  const token = randomBytes(16).toString("base64url");
  const kept = await tx
    .insert(hostQuestion)
    .values({ ...fresh, hash: hashOf(token), sealed: seal.seal(sealPlace(fresh.id), token) })
    .onConflictDoNothing()
    .returning({ id: hostQuestion.id });
  return kept.length > 0;
}

export async function readQuestion(db: Queries, place: QuestionPlace): Promise<HostQuestionRow | undefined> {
  const [row] = await db.select().from(hostQuestion).where(its(place));
  return row;
}

/** What stands in the address of its page. */
export function tokenOf(row: HostQuestionRow, seal: CredentialSeal): SecretString | undefined {
  return seal.open(sealPlace(row.id), row.sealed);
}

export async function findQuestion(db: Queries, token: string): Promise<HostQuestionRow | undefined> {
  const [row] = await db
    .select()
    .from(hostQuestion)
    .where(eq(hostQuestion.hash, hashOf(token)));
  return row;
}

/** As findQuestion, and locked until the commit. */
export async function lockQuestion(tx: Transaction, token: string): Promise<HostQuestionRow | undefined> {
  const [row] = await tx
    .select()
    .from(hostQuestion)
    .where(eq(hostQuestion.hash, hashOf(token)))
    .for("update");
  return row;
}

export async function noteAnswer(
  tx: Transaction,
  place: QuestionPlace,
  answer: Pick<HostQuestionRow, "approves" | "answeredAt" | "commandId">,
): Promise<void> {
  await tx.update(hostQuestion).set(answer).where(its(place));
}

/** Asked of this host within `withinMs`, and open at this gateway. */
export async function countQuestions(
  db: Queries,
  { siteId, gatewayId, hostId }: Pick<HostQuestionRow, "siteId" | "gatewayId" | "hostId">,
  now: Instant,
  withinMs: Millis,
): Promise<{ readonly ofHost: number; readonly openHere: number }> {
  const counted = async (where: ReturnType<typeof and>) =>
    (await db.select({ count: count() }).from(hostQuestion).where(where))[0]?.count ?? 0;
  return {
    ofHost: await counted(and(eq(hostQuestion.hostId, hostId), gt(hostQuestion.askedAt, now - withinMs))),
    openHere: await counted(
      and(
        eq(hostQuestion.siteId, siteId),
        eq(hostQuestion.gatewayId, gatewayId),
        isNull(hostQuestion.answeredAt),
        gt(hostQuestion.expiresAt, now),
      ),
    ),
  };
}

/** Who may be asked at the site, by name. */
export async function hostsOf(db: Queries, site: string): Promise<{ readonly id: string; readonly name: string }[]> {
  return db
    .select({ id: person.id, name: person.name })
    .from(person)
    .innerJoin(personSite, eq(personSite.personId, person.id))
    .where(
      and(
        eq(personSite.siteId, site),
        eq(person.siteId, everySite),
        inArray(person.role, [...hostRoles]),
        isNull(person.disabledAt),
      ),
    )
    .orderBy(person.name, person.id)
    .limit(hostsMax);
}

/** Of this site. */
export async function forgetQuestions(tx: Transaction, site: string, before: Instant): Promise<void> {
  await tx.delete(hostQuestion).where(and(eq(hostQuestion.siteId, site), lt(hostQuestion.askedAt, before)));
}

/** That a person was asked. */
export async function dropQuestionsTo(tx: Transaction, personId: string): Promise<void> {
  await tx.delete(hostQuestion).where(eq(hostQuestion.hostId, personId));
}
