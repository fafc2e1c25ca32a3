/** Passkeys: set up by whoever knows the password, and from then on a way in that is both factors at once. */
import { randomBytes } from "node:crypto";
import type { Millis } from "../../gateway/domain/instant.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { recordAudit } from "../store/audit-trail.ts";
import { keepLink, useLink } from "../store/one-time-links.ts";
import { addPasskey, listPasskeys, lockPasskey, markPasskeyUsed, removePasskey } from "../store/passkeys.ts";
import { lockPerson } from "../store/people.ts";
import { recordSecurity } from "../store/security-events.ts";
import { endSessionsOf } from "../store/sessions.ts";
import type { Caller } from "./caller.ts";
import { demandProof } from "./guessing.ts";
import { provePassword } from "./own-account.ts";
import type { PeopleParts } from "./people-parts.ts";
import type { Self } from "./second-factor.ts";
import { begin, type SignedInSession } from "./sign-in.ts";
import {
  type Assertion,
  algorithms,
  challengeOf,
  checkAssertion,
  type NewCredential,
  type RelyingParty,
  readNewCredential,
} from "./webauthn.ts";

const challengeLifeMs: Millis = 300_000;
const passkeysMax = 20;

/** `url`: the address people use, see ownUrl(). A browser takes no IP address for a domain. */
export function relyingParty(url: string): RelyingParty {
  const { hostname, origin } = new URL(url);
  return { id: hostname, origin };
}

async function makeChallenge({ store, clock }: PeopleParts, personId: string | null): Promise<string> {
  const challenge = randomBytes(32).toString("base64url");
  const now = clock.wall();
  const fresh = { purpose: "passkey" as const, personId, expiresAt: now + challengeLifeMs };
  await store.transaction((tx) => keepLink(tx, challenge, fresh, now));
  return challenge;
}

/** What the browser's navigator.credentials.create() takes, as JSON. "wrong": it is not the password. "full": there are too many. */
export async function offerPasskey(
  people: PeopleParts,
  { person }: Self,
  password: SecretString,
  party: RelyingParty,
  caller: Caller,
) {
  if (!(await provePassword(people, person, password, caller))) return "wrong";
  const known = await listPasskeys(people.store.db, person.id);
  if (known.length >= passkeysMax) return "full";
  return {
    rp: { id: party.id, name: "Postern" },
    user: { id: Buffer.from(person.id).toString("base64url"), name: person.userName, displayName: person.name },
    challenge: await makeChallenge(people, person.id),
    pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key" as const, alg })),
    timeout: challengeLifeMs,
    excludeCredentials: known.map(({ id, transports }) => ({ type: "public-key" as const, id, transports })),
    authenticatorSelection: { residentKey: "required" as const, userVerification: "required" as const },
    attestation: "none" as const,
  };
}

/**
 * The new passkey's id; other sessions, which it was not asked for, have ended. "wrong": it does not hold, or answers no offer of ours.
 * "full": others were kept since it was offered.
 */
export async function keepPasskey(
  people: PeopleParts,
  { person, session }: Self,
  made: NewCredential & { readonly name: string; readonly transports: readonly string[] },
  party: RelyingParty,
  caller: Caller,
): Promise<{ readonly id: string } | "wrong" | "full"> {
  const { store, clock, logger } = people;
  await demandProof(people, caller);
  const challenge = challengeOf(made.clientDataJSON, "webauthn.create", party);
  const credential = readNewCredential(made, party);
  if (challenge === undefined || !credential) return "wrong";
  const fresh = { ...credential, personId: person.id, name: made.name, transports: [...made.transports] };
  const refused = await store.transaction(async (tx) => {
    const now = clock.wall();
    const offered = await useLink(tx, challenge, now);
    if (offered?.purpose !== "passkey" || offered.personId !== person.id) return "wrong";
    // Locked, so that offers answered at the same moment do not make too many.
    await lockPerson(tx, person.id);
    if ((await listPasskeys(tx, person.id)).length >= passkeysMax) return "full";
    if (!(await addPasskey(tx, fresh, now))) return "wrong";
    await endSessionsOf(tx, person.id, now, session);
    await recordAudit(tx, { actor: person.id, from: caller, action: "account.add-passkey", thing: fresh.id }, now);
    return undefined;
  });
  if (refused !== undefined) return refused;
  logger.info("passkey-added", { person: person.id });
  return { id: credential.id };
}

/** "wrong": it is not the password. "unknown": the person has no such passkey. */
export async function forgetPasskey(
  people: PeopleParts,
  { person }: Self,
  { passkey, password }: { readonly passkey: string; readonly password: SecretString },
  caller: Caller,
): Promise<"wrong" | "unknown" | undefined> {
  const { store, clock, logger } = people;
  if (!(await provePassword(people, person, password, caller))) return "wrong";
  const removed = await store.transaction(async (tx) => {
    if (!(await removePasskey(tx, person.id, passkey))) return false;
    const entry = { actor: person.id, from: caller, action: "account.remove-passkey", thing: passkey };
    await recordAudit(tx, entry, clock.wall());
    return true;
  });
  if (!removed) return "unknown";
  logger.info("passkey-removed", { person: person.id });
  return undefined;
}

/** What navigator.credentials.get() takes, as JSON. It names nobody: the browser shows the passkeys it has. Throws a 429. */
export async function askForPasskey(people: PeopleParts, party: RelyingParty, network: string) {
  people.challengeRate.demand(network);
  return {
    challenge: await makeChallenge(people, null),
    rpId: party.id,
    timeout: challengeLifeMs,
    userVerification: "required" as const,
    allowCredentials: [],
  };
}

/** undefined: no passkey of anybody who may come in, or not an answer to a challenge of ours. */
export async function signInByPasskey(
  people: PeopleParts,
  shown: Assertion & { readonly id: string },
  party: RelyingParty,
  caller: Caller,
): Promise<SignedInSession | undefined> {
  const { store, clock, logger } = people;
  await demandProof(people, caller);
  const challenge = challengeOf(shown.clientDataJSON, "webauthn.get", party);
  if (challenge === undefined) return undefined;
  const result = await store.transaction(async (tx) => {
    const now = clock.wall();
    const asked = await useLink(tx, challenge, now);
    const passkey = asked?.purpose === "passkey" && asked.personId === null && (await lockPasskey(tx, shown.id));
    const counter = passkey ? checkAssertion(shown, passkey.publicKey, party) : undefined;
    if (!passkey || counter === undefined) return undefined;
    // One that counts never counts back: a copy of the authenticator would.
    if ((counter !== 0 || passkey.counter !== 0) && counter <= passkey.counter) {
      await recordSecurity(
        tx,
        { kind: "passkey-copied", severity: "alarm", subject: passkey.personId, ...caller },
        now,
      );
      return "copied";
    }
    const person = await lockPerson(tx, passkey.personId);
    if (!person || person.disabledAt !== null) return undefined;
    await markPasskeyUsed(tx, passkey.id, counter, now);
    return begin(people, tx, person, caller, now);
  });
  if (result === undefined || result === "copied") {
    logger.warn("passkey-refused", {
      address: caller.address,
      ...(result === "copied" && { why: "its counter went back" }),
    });
    return undefined;
  }
  logger.info("signed-in", { person: result.person.id, session: result.session });
  return result;
}
