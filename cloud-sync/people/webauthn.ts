/**
 * Reads what a browser answers to navigator.credentials.create() and get(), and says whether it holds (W3C WebAuthn Level 3, sections
 * 7.1 and 7.2). No attestation is asked for, so nothing of a maker is checked; the key comes in the form browsers hand it out beside
 * (getPublicKey(), section 5.2.1.1), which spares us CBOR.
 */
import { createHash, createPublicKey, type KeyObject, timingSafeEqual, verify } from "node:crypto";

/** Whom the credential is for: a domain, and the one origin it may be used at. */
export interface RelyingParty {
  readonly id: string;
  readonly origin: string;
}

/** base64url, as in credential.toJSON().response. */
export interface NewCredential {
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly publicKey: string;
}

export interface Assertion {
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly signature: string;
}

const userPresent = 0x01;
const userVerified = 0x04;
const hasCredential = 0x40;
const bytes = (text: string) => Buffer.from(text, "base64url");
const sha256 = (data: Buffer) => createHash("sha256").update(data).digest();

/** The challenge the answer is to, which the caller must have made; undefined: it is not an answer of this kind, or came from elsewhere. */
export function challengeOf(
  clientDataJSON: string,
  type: "webauthn.create" | "webauthn.get",
  { origin }: RelyingParty,
): string | undefined {
  try {
    const said = JSON.parse(bytes(clientDataJSON).toString("utf8"));
    const holds = said.type === type && said.origin === origin && said.crossOrigin !== true;
    return holds && typeof said.challenge === "string" ? said.challenge : undefined;
  } catch {
    return undefined;
  }
}

interface AuthenticatorData {
  readonly flags: number;
  readonly counter: number;
  /** After its 37 bytes. */
  readonly rest: Buffer;
}

/** undefined: it is for another domain, or the authenticator did not see who its user is. */
function readAuthenticatorData(data: Buffer, { id }: RelyingParty): AuthenticatorData | undefined {
  if (data.length < 37 || !timingSafeEqual(data.subarray(0, 32), sha256(Buffer.from(id)))) return undefined;
  const flags = data.readUInt8(32);
  if ((flags & userPresent) === 0 || (flags & userVerified) === 0) return undefined;
  return { flags, counter: data.readUInt32BE(33), rest: data.subarray(37) };
}

/** What is kept of a new credential; undefined: it does not hold. `publicKey`: SPKI, base64url. */
export function readNewCredential(
  made: NewCredential,
  party: RelyingParty,
): { readonly id: string; readonly publicKey: string; readonly counter: number } | undefined {
  const data = readAuthenticatorData(bytes(made.authenticatorData), party);
  if (!data || (data.flags & hasCredential) === 0 || data.rest.length < 18) return undefined;
  // After the 16 bytes of the authenticator's model.
  const length = data.rest.readUInt16BE(16);
  const id = data.rest.subarray(18, 18 + length);
  if (length === 0 || length > 1023 || id.length !== length || !readKey(made.publicKey)) return undefined;
  return { id: id.toString("base64url"), publicKey: made.publicKey, counter: data.counter };
}

/** The authenticator's new counter; undefined: the signature is not the key's, or does not hold here. */
export function checkAssertion(
  { clientDataJSON, authenticatorData, signature }: Assertion,
  publicKey: string,
  party: RelyingParty,
): number | undefined {
  const raw = bytes(authenticatorData);
  const data = readAuthenticatorData(raw, party);
  const key = readKey(publicKey);
  if (!data || !key) return undefined;
  const signed = Buffer.concat([raw, sha256(bytes(clientDataJSON))]);
  const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  return verify(hash, signed, key, bytes(signature)) ? data.counter : undefined;
}

/** COSE's numbers of the algorithms that readKey() takes: ES256, EdDSA, RS256. */
export const algorithms = [-7, -8, -257] as const;

function readKey(publicKey: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: bytes(publicKey), format: "der", type: "spki" });
    const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    const isStrong =
      (key.asymmetricKeyType === "ec" && namedCurve === "prime256v1") ||
      key.asymmetricKeyType === "ed25519" ||
      (key.asymmetricKeyType === "rsa" && modulusLength >= 2048 && modulusLength <= 8192);
    return isStrong ? key : undefined;
  } catch {
    return undefined;
  }
}
