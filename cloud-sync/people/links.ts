/** What is done by a one-time link: making the first administrator, and choosing a password. */
import type { Millis } from "../../gateway/domain/instant.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { type PasswordFault, passwordFault } from "../domain/password-policy.ts";
import { retireAdminTokens } from "../store/admin-tokens.ts";
import { recordAudit } from "../store/audit-trail.ts";
import {
  type LinkPurpose,
  lockLink,
  makeLink,
  readLink,
  useLink,
  voidFirstAdminLinks,
  voidLinksOf,
} from "../store/one-time-links.ts";
import { changePerson, createPerson, hasAdmin, type Person, readPerson, type TakenName } from "../store/people.ts";
import { endSessionsOf } from "../store/sessions.ts";
import type { Store, Transaction } from "../store/store.ts";
import type { Caller } from "./caller.ts";
import { demandProof } from "./guessing.ts";
import { namesOf } from "./own-account.ts";
import type { PeopleParts } from "./people-parts.ts";

const dayMs: Millis = 86_400_000;
const lives: Readonly<Record<"first-admin" | "invite" | "reset", Millis>> = {
  "first-admin": dayMs,
  invite: 7 * dayMs,
  reset: dayMs,
};

export interface MadeLink {
  /** With its token in the fragment, which browsers keep to themselves: no log and no proxy sees it. */
  readonly url: SecretString;
  readonly expiresAt: number;
}

/** `base`: the address people use, see ownUrl(). */
export async function makePasswordLink(
  tx: Transaction,
  purpose: "invite" | "reset",
  personId: string,
  base: string,
  now: number,
): Promise<MadeLink> {
  const expiresAt = now + lives[purpose];
  const token = await makeLink(tx, { purpose, personId, expiresAt }, now);
  return { url: new SecretString(`${base}/link#${token.reveal()}`), expiresAt };
}

/** undefined: there is an administrator. Each start makes another, good for a day. */
export async function makeFirstAdminLink(store: Store, base: string, now: number): Promise<SecretString | undefined> {
  if (await hasAdmin(store.db)) return undefined;
  const expiresAt = now + lives["first-admin"];
  const token = await store.transaction((tx) =>
    makeLink(tx, { purpose: "first-admin", personId: null, expiresAt }, now),
  );
  return new SecretString(`${base}/first-admin#${token.reveal()}`);
}

export interface PasswordLink {
  readonly purpose: "invite" | "reset";
  readonly person: Person;
}

/** undefined: the link is none, was used, is too old, or its person is disabled. */
export async function readPasswordLink(people: PeopleParts, token: string): Promise<PasswordLink | undefined> {
  const { store, clock } = people;
  const link = await readLink(store.db, token, clock.wall());
  if (!link || !isForPassword(link.purpose) || link.personId === null) return undefined;
  const person = await readPerson(store.db, link.personId);
  return person && person.disabledAt === null ? { purpose: link.purpose, person } : undefined;
}

function isForPassword(purpose: LinkPurpose): purpose is PasswordLink["purpose"] {
  return purpose === "invite" || purpose === "reset";
}

/** undefined: it is the person's password now, and whoever was signed in as that person is no more. */
export async function setPasswordByLink(
  people: PeopleParts,
  { token, password }: { readonly token: string; readonly password: SecretString },
  caller: Caller,
): Promise<"unknown-link" | PasswordFault | undefined> {
  const { store, clock, passwords, logger } = people;
  await demandProof(people, caller);
  const link = await readPasswordLink(people, token);
  if (!link) return "unknown-link";
  const fault = passwordFault(password.reveal(), namesOf(link.person));
  if (fault !== undefined) return fault;
  const passwordHash = await passwords.hash(password);
  const { id } = link.person;
  const isDone = await store.transaction(async (tx) => {
    const now = clock.wall();
    if (!(await useLink(tx, token, now))) return false;
    await changePerson(tx, id, { passwordHash, failures: 0, lockedUntil: null }, now);
    await endSessionsOf(tx, id, now);
    await voidLinksOf(tx, id);
    const facts = { before: { password: 0 }, after: { password: 1, by: link.purpose } };
    await recordAudit(tx, { actor: id, from: caller, action: "account.password", thing: id, ...facts }, now);
    return true;
  });
  if (!isDone) return "unknown-link";
  logger.info("password-set", { person: id, by: link.purpose });
  return undefined;
}

export interface FirstAdmin {
  readonly token: string;
  /** Folded, and so is `email`. */
  readonly userName: string;
  readonly email: string | null;
  readonly name: string;
  readonly language: string;
  readonly password: SecretString;
}

/** The new administrator's id, or why there is none. The token an earlier version printed is good for nothing from then on. */
export async function makeFirstAdmin(
  people: PeopleParts,
  wanted: FirstAdmin,
  caller: Caller,
): Promise<
  | { readonly id: string }
  | { readonly fault: "unknown-link" }
  | { readonly passwordFault: PasswordFault }
  | { readonly taken: TakenName }
> {
  const { store, clock, passwords, logger } = people;
  const { token, password, ...facts } = wanted;
  await demandProof(people, caller);
  if ((await readLink(store.db, token, clock.wall()))?.purpose !== "first-admin") return { fault: "unknown-link" };
  const weak = passwordFault(password.reveal(), namesOf(wanted));
  if (weak !== undefined) return { passwordFault: weak };
  const passwordHash = await passwords.hash(password);
  const result = await store.transaction(async (tx) => {
    const now = clock.wall();
    // Also one who was invited by a token: the link lies in the service's log for a day.
    if (!(await lockLink(tx, token, now)) || (await hasAdmin(tx))) return undefined;
    const made = await createPerson(tx, { ...facts, role: "admin", sites: [], createdBy: "first-admin" }, now);
    if ("taken" in made) return made;
    await useLink(tx, token, now);
    await changePerson(tx, made.id, { passwordHash }, now);
    await retireAdminTokens(tx);
    await voidFirstAdminLinks(tx);
    const after = { role: "admin", userName: facts.userName, email: facts.email, name: facts.name };
    await recordAudit(tx, { actor: made.id, from: caller, action: "people.first-admin", thing: made.id, after }, now);
    return made;
  });
  if (!result) return { fault: "unknown-link" };
  if ("id" in result) logger.info("first-admin-made", { person: result.id });
  return result;
}
