/** What administrators do with other people's accounts; the API and the pages call the same. Refusals are problems that name the field. */
import { fieldProblem } from "../../web/problem.ts";
import type { Asker } from "../asker.ts";
import type { Role } from "../domain/permissions.ts";
import { recordAudit } from "../store/audit-trail.ts";
import { removePasskeysOf } from "../store/passkeys.ts";
import {
  changePerson,
  createPerson,
  type FreshPerson,
  lockAdmins,
  lockPerson,
  type Person,
  type PersonChange,
  readPerson,
  type TakenName,
} from "../store/people.ts";
import { endSessionsOf } from "../store/sessions.ts";
import { listSites } from "../store/sites.ts";
import type { Queries } from "../store/store.ts";
import { demandNotErased } from "./erase-person.ts";
import { type MadeLink, makePasswordLink } from "./links.ts";
import type { PeopleParts } from "./people-parts.ts";

export type Invitation = Omit<FreshPerson, "createdBy">;

export function takenProblem(taken: TakenName) {
  const what = taken === "email" ? "e-mail address" : "user name";
  return fieldProblem(`body.${taken}`, `somebody has this ${what}`, 409);
}

/** Throws the 400 of a site that does not exist. */
export async function demandSites(db: Queries, sites: readonly string[] | undefined): Promise<void> {
  if (!sites || sites.length === 0) return;
  const known = new Set((await listSites(db)).map(({ id }) => id));
  for (const [at, site] of sites.entries())
    if (!known.has(site)) throw fieldProblem(`body.sites[${at}]`, `there is no site ${site}`);
}

/** A new person, who chooses a password by the link: hand it over, it is shown once. `base`: see ownUrl(). */
export async function invitePerson(
  { store, clock, logger }: PeopleParts,
  { actor, from }: Asker,
  wanted: Invitation,
  base: string,
): Promise<{ readonly person: Person; readonly link: MadeLink }> {
  const made = await store.transaction(async (tx) => {
    await demandSites(tx, wanted.sites);
    const now = clock.wall();
    const fresh = { ...wanted, sites: [...new Set(wanted.sites)], createdBy: actor.id };
    const created = await createPerson(tx, fresh, now);
    if ("taken" in created) throw takenProblem(created.taken);
    const link = await makePasswordLink(tx, "invite", created.id, base, now);
    const person = (await readPerson(tx, created.id))!;
    const entry = { actor: actor.id, from, action: "people.invite", thing: person.id, after: factsOf(person) };
    await recordAudit(tx, entry, now);
    return { person, link };
  });
  logger.info("person-invited", { person: made.person.id, role: wanted.role, by: actor.id });
  return made;
}

export interface AccountChange {
  readonly name?: string | undefined;
  readonly email?: string | null | undefined;
  readonly language?: string | undefined;
  readonly role?: Role | undefined;
  readonly sites?: readonly string[] | undefined;
  readonly disabled?: boolean | undefined;
}

/** undefined: there is no such person. Acts at once, whatever the person does at that moment. */
export async function changeAccount(
  { store, clock, logger }: PeopleParts,
  { actor, from }: Asker,
  id: string,
  change: AccountChange,
): Promise<Person | undefined> {
  const changed = await store.transaction(async (tx) => {
    const now = clock.wall();
    const admins = await lockAdmins(tx);
    const person = await lockPerson(tx, id);
    if (!person) return undefined;
    demandNotErased(person);
    const { role, sites, disabled, name, email, language } = change;
    const isOther = role !== undefined && role !== person.role;
    if (actor.id === id && isOther) throw fieldProblem("body.role", "nobody changes their own role", 409);
    if (actor.id === id && disabled) throw fieldProblem("body.disabled", "nobody disables their own account", 409);
    if ((isOther || disabled) && admins.length === 1 && admins[0] === id)
      throw fieldProblem(isOther ? "body.role" : "body.disabled", "this is the last administrator", 409);
    await demandSites(tx, sites);
    const columns: PersonChange = {
      ...(name !== undefined && { name }),
      ...(email !== undefined && { email }),
      ...(language !== undefined && { language }),
      ...(role !== undefined && { role }),
      ...(disabled !== undefined && { disabledAt: disabled ? (person.disabledAt ?? now) : null }),
    };
    const taken = await changePerson(tx, id, columns, now, sites && [...new Set(sites)]);
    if (taken) throw takenProblem(taken);
    if (disabled) await endSessionsOf(tx, id, now);
    const after = (await readPerson(tx, id))!;
    const facts = { before: factsOf(person), after: factsOf(after) };
    await recordAudit(tx, { actor: actor.id, from, action: "people.change", thing: id, ...facts }, now);
    return after;
  });
  if (changed) logger.info("person-changed", { person: id, fields: Object.keys(change).join(), by: actor.id });
  return changed;
}

/** undefined: there is no such person. Voids the links the person had; the password holds until the new one is used. */
export async function makeResetLink(
  { store, clock, logger }: PeopleParts,
  { actor, from }: Asker,
  id: string,
  base: string,
): Promise<MadeLink | undefined> {
  const link = await store.transaction(async (tx) => {
    const person = await lockPerson(tx, id);
    if (!person) return undefined;
    demandNotErased(person);
    const now = clock.wall();
    const purpose = person.passwordHash === null ? "invite" : "reset";
    const made = await makePasswordLink(tx, purpose, id, base, now);
    await recordAudit(tx, { actor: actor.id, from, action: "people.reset-link", thing: id, after: { purpose } }, now);
    return made;
  });
  if (link) logger.info("password-link-made", { person: id, by: actor.id });
  return link;
}

/** Of a person who has lost the phone: app, recovery codes and passkeys are forgotten, and its sessions end. false: there is no such person. */
export async function forgetSecondFactor(
  { store, clock, logger }: PeopleParts,
  { actor, from }: Asker,
  id: string,
): Promise<boolean> {
  const done = await store.transaction(async (tx) => {
    if (!(await lockPerson(tx, id))) return false;
    await changePerson(tx, id, { totpSealed: null, totpPending: null, recoveryCodes: "[]" }, clock.wall());
    await removePasskeysOf(tx, id);
    await endSessionsOf(tx, id, clock.wall());
    const entry = { actor: actor.id, from, action: "people.forget-second-factor", thing: id };
    await recordAudit(tx, entry, clock.wall());
    return true;
  });
  if (done) logger.info("second-factor-forgotten", { person: id, by: actor.id });
  return done;
}

/** false: there is no such person. */
export async function endSessionsOfPerson(
  { store, clock, logger }: PeopleParts,
  { actor, from }: Asker,
  id: string,
): Promise<boolean> {
  const done = await store.transaction(async (tx) => {
    if (!(await lockPerson(tx, id))) return false;
    const ended = await endSessionsOf(tx, id, clock.wall());
    const entry = { actor: actor.id, from, action: "people.end-sessions", thing: id, after: { ended } };
    await recordAudit(tx, entry, clock.wall());
    return true;
  });
  if (done) logger.info("sessions-ended", { person: id, by: actor.id });
  return done;
}

/** What the audit trail tells of an account. */
function factsOf({ userName, email, name, role, language, sites, disabledAt }: Person) {
  return { userName, email, name, role, language, sites, disabled: disabledAt !== null };
}
