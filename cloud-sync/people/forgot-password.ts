/**
 * A link for a new password by mail, for whoever has forgotten it. Whether there is an account with the address is looked up by the job
 * that sends, after the answer: so every address is answered in the same way and in the same time.
 */
import { z } from "@hono/zod-openapi";
import type { Millis } from "../../gateway/domain/instant.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { HttpProblem } from "../../web/problem.ts";
import type { Mail } from "../channels/mail.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { newToken } from "../ids.ts";
import { isLanguage, languages } from "../pages/words/words.ts";
import { recordAudit } from "../store/audit-trail.ts";
import { keepLink } from "../store/one-time-links.ts";
import { dropOut, keepMail, type OutboxRow, putOut } from "../store/outbox.ts";
import { everySite, findPerson, lockPerson, type Person } from "../store/people.ts";
import type { Transaction } from "../store/store.ts";
import type { Caller } from "./caller.ts";
import { demandProof } from "./guessing.ts";
import type { PeopleParts } from "./people-parts.ts";

/** So long the link is good, and so long it is tried to be sent. */
export const linkLifeMs: Millis = 3_600_000;

const askedSchema = z.object({ email: z.string(), address: z.string(), device: z.string() });
const mailSchema = z.object({ to: z.string(), subject: z.string(), text: z.string() });

/** Whether a link can be sent: there is a channel, and an address of the pages that no caller can make up. */
export const sendsMail = ({ mail, publicUrl }: CloudParts) => mail !== undefined && publicUrl !== undefined;

export const outboxSeal = ({ siteKeys }: CloudParts) => new CredentialSeal(everySite, siteKeys.serviceKey("outbox"));

/**
 * Takes the request down, for any address alike; an address asked for too often is left out without a word. Rejects with a 409 where no mail
 * is sent at all, a 429 as for passwords, and a 503 when too many wait.
 */
export async function askForPassword(people: PeopleParts, email: string, caller: Caller): Promise<void> {
  const { store, clock, forgotRate } = people;
  if (!sendsMail(people))
    throw new HttpProblem(409, "no-mail", "This service sends no mail: ask an administrator for a link.");
  await demandProof(people, caller);
  if (forgotRate.take(email) > 0) return;
  const { address, device } = caller;
  const body = JSON.stringify({ email, address, device });
  const seal = (id: string) => outboxSeal(people).seal(id, body);
  const isTaken = await store.transaction((tx) => {
    const now = clock.wall();
    return putOut(tx, { kind: "forgot-password", seal, expiresAt: now + linkLifeMs }, now);
  });
  if (!isTaken)
    throw new HttpProblem(503, "busy", "Too many mails wait to be sent; come back in a few minutes.", {
      headers: { "retry-after": "300" },
    });
}

/** The mail of a row that is due; undefined: there is nobody to send it to, and the row is gone. */
export async function mailOf(parts: CloudParts, tx: Transaction, row: OutboxRow): Promise<Mail | undefined> {
  const opened = outboxSeal(parts).open(row.id, row.body)?.reveal();
  if (opened === undefined) {
    await dropOut(tx, row.id);
    return undefined;
  }
  if (row.kind === "mail") return toMail(row.id, mailSchema.parse(JSON.parse(opened)));
  const { email, ...from } = askedSchema.parse(JSON.parse(opened));
  const found = await findPerson(tx, email);
  const person = found && (await lockPerson(tx, found.id));
  if (!person || person.disabledAt !== null || person.email !== email) {
    await dropOut(tx, row.id);
    return undefined;
  }
  const token = newToken("postern_link");
  const purpose = person.passwordHash === null ? "invite" : "reset";
  // Beside links the person has: a stranger's asking must not void the one an administrator has handed over.
  await keepLink(tx, token, { purpose, personId: person.id, expiresAt: row.expiresAt }, parts.clock.wall());
  const mail = letter(person, parts.publicUrl!, token);
  await keepMail(tx, row.id, outboxSeal(parts).seal(row.id, JSON.stringify({ to: email, ...mail })), person.id);
  const entry = { actor: person.id, from, action: "account.forgot-password", thing: person.id };
  await recordAudit(tx, entry, parts.clock.wall());
  return toMail(row.id, { to: email, ...mail });
}

function toMail(id: string, { to, subject, text }: z.infer<typeof mailSchema>): Mail {
  return { id, to, subject, text: new SecretString(text) };
}

function letter({ name, language }: Person, publicUrl: string, token: string) {
  const { forgot } = languages[isLanguage(language) ? language : "en"];
  const base = publicUrl.replace(/\/$/, "");
  return { subject: forgot.subject, text: forgot.letter(name, base, `${base}/link#${token}`) };
}
