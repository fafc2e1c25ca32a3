/** What a person changes about the way it signs in. Whoever only found an open browser cannot: the password is asked for again. */
import type { SecretString } from "../../gateway/wire/secret.ts";
import { type PasswordFault, passwordFault } from "../domain/password-policy.ts";
import { recordAudit } from "../store/audit-trail.ts";
import { changePerson, lockPerson, type Person } from "../store/people.ts";
import { endSessionsOf } from "../store/sessions.ts";
import type { Caller } from "./caller.ts";
import { demandProof } from "./guessing.ts";
import type { PeopleParts } from "./people-parts.ts";
import { mayTry, noteFailure } from "./sign-in.ts";

/** What a password must not be made of. */
export const namesOf = ({ userName, email, name }: Pick<Person, "userName" | "email" | "name">) => [
  userName,
  name,
  ...(email === null ? [] : [email]),
];

/** Whether it is the person's password. Wrong ones count as at sign-in. Throws a 429 or 503 when too many are tried. */
export async function provePassword(
  people: PeopleParts,
  person: Person,
  password: SecretString,
  caller: Caller,
): Promise<boolean> {
  const { store, clock, passwords } = people;
  await demandProof(people, caller);
  const { right } = await passwords.verify(password, person.passwordHash ?? undefined);
  return store.transaction(async (tx) => {
    const now = clock.wall();
    const locked = await lockPerson(tx, person.id);
    if (right && locked?.passwordHash === person.passwordHash && mayTry(locked, now)) return true;
    await noteFailure(tx, locked, now, caller);
    return false;
  });
}

/** undefined: it is the new password, and every other session of the person has ended. */
export async function changePassword(
  people: PeopleParts,
  change: {
    readonly person: Person;
    readonly session: string;
    readonly current: SecretString;
    readonly wanted: SecretString;
  },
  caller: Caller,
): Promise<"wrong" | PasswordFault | undefined> {
  const { person, session, current, wanted } = change;
  if (!(await provePassword(people, person, current, caller))) return "wrong";
  const fault = passwordFault(wanted.reveal(), namesOf(person));
  if (fault !== undefined) return fault;
  const passwordHash = await people.passwords.hash(wanted);
  const done = await people.store.transaction(async (tx) => {
    const now = people.clock.wall();
    // Whoever has set another one meanwhile, by a link say, wanted the one that was proven here to be void.
    if ((await lockPerson(tx, person.id))?.passwordHash !== person.passwordHash) return false;
    await changePerson(tx, person.id, { passwordHash, failures: 0, lockedUntil: null }, now);
    await endSessionsOf(tx, person.id, now, session);
    const facts = { before: { password: 0 }, after: { password: 1 } };
    const entry = { actor: person.id, from: caller, action: "account.password", thing: person.id, ...facts };
    await recordAudit(tx, entry, now);
    return true;
  });
  if (!done) return "wrong";
  people.logger.info("password-changed", { person: person.id });
  return undefined;
}
