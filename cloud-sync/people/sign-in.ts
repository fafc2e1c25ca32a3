/**
 * The way in: name and password, then a second factor where the person has one. Every refusal is the same, after the same work, whether
 * the account exists, is locked, disabled or has no password yet.
 */
import type { Instant } from "../../gateway/domain/instant.ts";
import { normalUserName } from "../../gateway/domain/staff.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { lockedUntil } from "../domain/sign-in-lock.ts";
import { changePerson, countFailure, findPerson, lockPerson, type Person } from "../store/people.ts";
import { recordSecurity } from "../store/security-events.ts";
import { beginSession, isNewDevice } from "../store/sessions.ts";
import type { Transaction } from "../store/store.ts";
import type { Caller } from "./caller.ts";
import { demandProof } from "./guessing.ts";
import type { PeopleParts } from "./people-parts.ts";
import { hasSecondFactor } from "./read-actor.ts";
import { recoveryCodeMac, totpStepOf } from "./totp.ts";

export type Factor = "totp" | "passkey" | "recovery-code";

export interface SignedInSession {
  readonly outcome: "signed-in";
  readonly person: Person;
  readonly session: string;
  /** For the cookie, or to be refreshed with. */
  readonly token: SecretString;
  /** Of that token. */
  readonly number: number;
}

export type SignInResult =
  | SignedInSession
  /** The password was right. `ticket` is good for five minutes. */
  | { readonly outcome: "second-factor"; readonly ticket: SecretString; readonly factors: readonly Factor[] }
  | { readonly outcome: "refused" };

const refused = { outcome: "refused" } as const;

/** Throws a 429 or 503 when too much is asked of the service. */
export async function signIn(
  people: PeopleParts,
  { name, password }: { readonly name: string; readonly password: SecretString },
  caller: Caller,
): Promise<SignInResult> {
  const { store, clock, tokens, passwords, logger } = people;
  await demandProof(people, caller);
  const found = await findPerson(store.db, normalUserName(name));
  const kept = found?.disabledAt === null ? (found.passwordHash ?? undefined) : undefined;
  const { right, isWeak } = await passwords.verify(password, kept);
  const stronger = isWeak ? await passwords.hash(password) : undefined;
  const now = clock.wall();
  const result = await store.transaction(async (tx): Promise<SignedInSession | Person | undefined> => {
    const person = await lockPerson(tx, found?.id ?? "");
    if (!person || !right || person.passwordHash !== kept || !mayTry(person, now)) {
      await noteFailure(tx, person, now, caller);
      return undefined;
    }
    const passwordHash = stronger ?? person.passwordHash;
    if (stronger !== undefined) await changePerson(tx, person.id, { passwordHash }, now);
    return hasSecondFactor(person) ? { ...person, passwordHash } : begin(people, tx, person, caller, now);
  });
  if (result === undefined) {
    logger.warn("sign-in-refused", { person: found?.id ?? "unknown", address: caller.address });
    return refused;
  }
  if ("outcome" in result) return told(people, result);
  return {
    outcome: "second-factor",
    ticket: await tokens.ticket(result.id, result.passwordHash ?? "", now),
    factors: factorsOf(result),
  };
}

export function factorsOf({ totpSealed, passkeys, recoveryCodes }: Person): Factor[] {
  return [
    ...(passkeys > 0 ? (["passkey"] as const) : []),
    ...(totpSealed !== null ? (["totp"] as const) : []),
    ...(recoveryCodes !== "[]" ? (["recovery-code"] as const) : []),
  ];
}

/** `code`: six digits of the app, or a recovery code. */
export async function signInWithCode(
  people: PeopleParts,
  { ticket, code }: { readonly ticket: string; readonly code: string },
  caller: Caller,
): Promise<SignedInSession | typeof refused> {
  const { store, clock, tokens, logger } = people;
  await demandProof(people, caller);
  const now = clock.wall();
  const shown = await tokens.readTicket(ticket, now);
  if (!shown) return refused;
  const result = await store.transaction(async (tx) => {
    const person = await lockPerson(tx, shown.person);
    if (!person || !shown.holds(person.passwordHash)) return undefined;
    if (!mayTry(person, now) || !(await useCode(people, tx, person, code, now))) {
      await noteFailure(tx, person, now, caller);
      return undefined;
    }
    return begin(people, tx, person, caller, now);
  });
  if (!result) {
    logger.warn("second-factor-refused", { person: shown.person, address: caller.address });
    return refused;
  }
  return told(people, result);
}

/** Whether it is a code of the person, which is then used up. The person is locked. */
async function useCode(
  { factorSeal, siteKeys }: PeopleParts,
  tx: Transaction,
  person: Person,
  code: string,
  now: Instant,
): Promise<boolean> {
  const typed = code.replaceAll(/\s/g, "");
  const secret = person.totpSealed === null ? undefined : factorSeal.open(person.id, person.totpSealed);
  const step = secret && totpStepOf(secret, typed, now, person.totpStep);
  if (step !== undefined) {
    await changePerson(tx, person.id, { totpStep: step }, now);
    return true;
  }
  const mac = recoveryCodeMac(siteKeys.serviceKey("recovery codes"), person.id, typed);
  const codes: string[] = JSON.parse(person.recoveryCodes);
  if (!codes.includes(mac)) return false;
  await changePerson(tx, person.id, { recoveryCodes: JSON.stringify(codes.filter((one) => one !== mac)) }, now);
  return true;
}

/** A session of a person whose proofs are complete. The person is locked. */
export async function begin(
  { tokens }: PeopleParts,
  tx: Transaction,
  person: Person,
  { address, device }: Caller,
  now: Instant,
): Promise<SignedInSession> {
  await changePerson(tx, person.id, { failures: 0, lockedUntil: null }, now);
  if (await isNewDevice(tx, person.id, device))
    await recordSecurity(tx, { kind: "new-device", severity: "notice", subject: person.id, address, device }, now);
  const session = await beginSession(tx, { personId: person.id, address, device }, now);
  return { outcome: "signed-in", person, session, token: tokens.token(session, 1), number: 1 };
}

function told({ logger }: PeopleParts, result: SignedInSession): SignedInSession {
  logger.info("signed-in", { person: result.person.id, session: result.session });
  return result;
}

export function mayTry({ disabledAt, lockedUntil: until }: Person, now: Instant): boolean {
  return disabledAt === null && (until === null || now >= until);
}

/** While an account is locked nothing is counted: a guesser must not keep its owner out for ever. Nobody's failure costs the same. */
export async function noteFailure(
  tx: Transaction,
  person: Person | undefined,
  now: Instant,
  caller: Caller,
): Promise<void> {
  const counts = person !== undefined && mayTry(person, now);
  const failures = await countFailure(tx, counts ? person.id : "");
  const until = lockedUntil(failures, now);
  if (!counts || until === null) return;
  await changePerson(tx, person.id, { lockedUntil: until }, now);
  const detail = `${failures} wrong proofs in a row: the account takes none for a while`;
  await recordSecurity(tx, { kind: "account-locked", severity: "warning", subject: person.id, ...caller, detail }, now);
}
