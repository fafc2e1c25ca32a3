/** Setting up an authenticator app, and doing without it again; the password is asked for each time. */
import type { SecretString } from "../../gateway/wire/secret.ts";
import { recordAudit } from "../store/audit-trail.ts";
import { changePerson, lockPerson, type Person } from "../store/people.ts";
import { endSessionsOf } from "../store/sessions.ts";
import type { Caller } from "./caller.ts";
import { demandProof } from "./guessing.ts";
import { provePassword } from "./own-account.ts";
import type { PeopleParts } from "./people-parts.ts";
import { newRecoveryCodes, newTotpSecret, recoveryCodeMac, totpAddress, totpStepOf } from "./totp.ts";

export interface Self {
  readonly person: Person;
  /** The one the person asks from. */
  readonly session: string;
}

export interface TotpOffer {
  /** Base 32, to type in. */
  readonly secret: SecretString;
  /** otpauth://…, for a QR code. */
  readonly address: SecretString;
}

/** A secret for the app, which counts once a code has confirmed it. "wrong": it is not the password. */
export async function offerTotp(
  people: PeopleParts,
  { person }: Self,
  password: SecretString,
  caller: Caller,
): Promise<TotpOffer | "wrong"> {
  if (!(await provePassword(people, person, password, caller))) return "wrong";
  const secret = newTotpSecret();
  const totpPending = people.factorSeal.seal(person.id, secret.reveal());
  await people.store.transaction((tx) => changePerson(tx, person.id, { totpPending }, people.clock.wall()));
  return { secret, address: totpAddress(secret, person.userName) };
}

/**
 * The recovery codes, shown this once: the app counts from now on, and other sessions, which it was not asked for, have ended.
 * undefined: the code is not the app's, or nothing was offered.
 */
export async function confirmTotp(
  people: PeopleParts,
  { person, session }: Self,
  code: string,
  caller: Caller,
): Promise<readonly string[] | undefined> {
  const { store, clock, siteKeys, factorSeal, logger } = people;
  await demandProof(people, caller);
  const codes = newRecoveryCodes();
  const key = siteKeys.serviceKey("recovery codes");
  const done = await store.transaction(async (tx) => {
    const now = clock.wall();
    const locked = await lockPerson(tx, person.id);
    const pending = locked?.totpPending ?? undefined;
    const secret = pending === undefined ? undefined : factorSeal.open(person.id, pending);
    const step = secret && totpStepOf(secret, code.replaceAll(/\s/g, ""), now, 0);
    if (pending === undefined || step === undefined) return false;
    const recoveryCodes = JSON.stringify(codes.map((one) => recoveryCodeMac(key, person.id, one)));
    await changePerson(tx, person.id, { totpSealed: pending, totpPending: null, totpStep: step, recoveryCodes }, now);
    await endSessionsOf(tx, person.id, now, session);
    await recordAudit(tx, { actor: person.id, from: caller, action: "account.add-totp", thing: person.id }, now);
    return true;
  });
  if (!done) return undefined;
  logger.info("totp-confirmed", { person: person.id });
  return codes;
}

/** "wrong": it is not the password. The recovery codes go with the app. */
export async function removeTotp(
  people: PeopleParts,
  { person }: Self,
  password: SecretString,
  caller: Caller,
): Promise<"wrong" | undefined> {
  if (!(await provePassword(people, person, password, caller))) return "wrong";
  await people.store.transaction(async (tx) => {
    const now = people.clock.wall();
    await changePerson(tx, person.id, { totpSealed: null, totpPending: null, recoveryCodes: "[]" }, now);
    await recordAudit(tx, { actor: person.id, from: caller, action: "account.remove-totp", thing: person.id }, now);
  });
  people.logger.info("totp-removed", { person: person.id });
  return undefined;
}
