/**
 * The QR code of a signed pass: "PST1" and then, in Crockford's base 32 (upper case, no padding, the bits left over zero), these bytes, numbers
 * big-endian. One text for one pass: whatever is spelt otherwise is none.
 *
 *    4  key          first of SHA-256(public key)
 *    6  home         first of SHA-256(gateway id)
 *    4  epoch        of the home gateway
 *   10  grant        the 16 letters of "grant-…", 5 bits each
 *   10  credential   those of "cred-…"
 *    4  from         seconds since 1970
 *    2  life         minutes, 1 to 1440
 *    2  entries      placed at home, in all; 0: no limit
 *    6  door         first of SHA-256(access point id); 1 to 8 of them
 *   64  signature    Ed25519 over "postern signed pass 1\0" ‖ site id ‖ "\0" ‖ all bytes before it
 *
 * Letters and digits alone, so that a scanner that types needs no particular keyboard layout and nothing is lost by trimming; with up to two
 * doors it fits a QR code of version 6 at level L. The site stands in what is signed and not in the code: its keys know it.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { AccessPointId } from "../domain/access-point.ts";
import type { CredentialId } from "../domain/credential.ts";
import type { GatewayId, GrantId, SiteId, Validity } from "../domain/grant.ts";
import type { Instant } from "../domain/instant.ts";
import { type PassKey, type SignedPass, signedDoorsMax, signedLifeMaxMs } from "../domain/signed-pass.ts";

const prefix = "PST1";
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const keyBytes = 4;
const nameBytes = 6;
const idBytes = 10;
const headBytes = keyBytes + nameBytes + 4 + idBytes + idBytes + 4 + 2 + 2;
const signatureBytes = 64;
const minuteMs = 60_000;
const entriesMax = 0xffff;

export interface PassToSign {
  readonly site: SiteId;
  readonly home: { readonly gateway: GatewayId; readonly epoch: number };
  readonly grant: GrantId;
  readonly credential: CredentialId;
  /** Told in whole seconds and minutes, so within it. */
  readonly validity: Validity;
  /** null: no limit. What is beyond 65,535 is not told. */
  readonly entries: number | null;
  /** The first eight are told. */
  readonly accessPoints: readonly AccessPointId[];
}

export interface SignedText {
  readonly text: string;
  readonly validity: Validity;
}

/** undefined: it cannot be told in this form, for its ids are of another make, or it has no door, no entry or no minute. */
export function signPass(pass: PassToSign, privateKey: KeyObject): SignedText | undefined {
  const { site, home, validity, entries } = pass;
  const [grant, credential] = [bytesOfId("grant", pass.grant), bytesOfId("cred", pass.credential)];
  const fromSeconds = Math.ceil(validity.from / 1000);
  const minutes = Math.floor(Math.min(validity.until - fromSeconds * 1000, signedLifeMaxMs) / minuteMs);
  if (!grant || !credential || minutes < 1 || entries === 0 || pass.accessPoints.length === 0) return undefined;
  const body = Buffer.concat([
    keyTag(publicKeyOf(privateKey)),
    nameTag(home.gateway),
    numberBytes(home.epoch, 4),
    grant,
    credential,
    numberBytes(fromSeconds, 4),
    numberBytes(minutes, 2),
    numberBytes(Math.min(entries ?? 0, entriesMax), 2),
    ...pass.accessPoints.slice(0, signedDoorsMax).map(nameTag),
  ]);
  const signature = sign(null, statement(site, body), privateKey);
  const from = fromSeconds * 1000;
  return {
    text: prefix + toLetters(Buffer.concat([body, signature])),
    validity: { from, until: from + minutes * minuteMs },
  };
}

/** Where one is shown. */
export interface Shown {
  readonly site: SiteId;
  readonly keys: readonly PassKey[];
  /** The earliest that it can be. */
  readonly now: Instant;
  readonly gateway: GatewayId;
  readonly epoch: number;
  /** Other gateways of the site. */
  readonly peers: () => Iterable<GatewayId>;
  /** Those that this gateway serves. */
  readonly accessPoints: () => Iterable<AccessPointId>;
}

/** Whether it is spelt as one, whoever has signed it. Nobody finds one by trying. */
export function isSpeltSigned(text: string): boolean {
  const bytes = text.startsWith(prefix) ? fromLetters(text.slice(prefix.length)) : undefined;
  return bytes !== undefined && hasDoors(bytes.length - headBytes - signatureBytes);
}

function hasDoors(doorsBytes: number): boolean {
  return doorsBytes >= nameBytes && doorsBytes <= signedDoorsMax * nameBytes && doorsBytes % nameBytes === 0;
}

/** undefined: it is none, or none that a key of this site has signed. Never throws. Says nothing of whether it is good now. */
export function openSignedPass(text: string, shown: Shown): SignedPass | undefined {
  const bytes = text.startsWith(prefix) ? fromLetters(text.slice(prefix.length)) : undefined;
  const doorsBytes = (bytes?.length ?? 0) - headBytes - signatureBytes;
  if (!bytes || !hasDoors(doorsBytes)) return undefined;
  const [body, signature] = [bytes.subarray(0, -signatureBytes), bytes.subarray(-signatureBytes)];
  const life = body.readUInt16BE(headBytes - 4) * minuteMs;
  if (life < minuteMs || life > signedLifeMaxMs) return undefined;
  if (!shown.keys.some((key) => hasSigned(key, shown, body, signature))) return undefined;

  const from = body.readUInt32BE(headBytes - 8) * 1000;
  const entries = body.readUInt16BE(headBytes - 2);
  const isHere = isTag(body, keyBytes, shown.gateway);
  const isEpoch = body.readUInt32BE(keyBytes + nameBytes) === shown.epoch;
  const doors = Array.from({ length: doorsBytes / nameBytes }, (_, at) => headBytes + at * nameBytes);
  return {
    grant: idOf("grant", body.subarray(keyBytes + nameBytes + 4)),
    credential: idOf("cred", body.subarray(keyBytes + nameBytes + 4 + idBytes)),
    validity: { from, until: from + life },
    entries: entries === 0 ? null : entries,
    accessPoints: [...shown.accessPoints()].filter((id) => doors.some((at) => isTag(body, at, id))),
    home: isHere ? (isEpoch ? "here" : "here-before") : "elsewhere",
    homeGateway: isHere ? shown.gateway : [...shown.peers()].find((id) => isTag(body, keyBytes, id)),
  };
}

function hasSigned({ publicKey: x, until }: PassKey, shown: Shown, body: Buffer, signature: Buffer): boolean {
  if (until !== undefined && shown.now >= until) return false;
  const raw = Buffer.from(x, "base64url");
  if (!keyTag(raw).equals(body.subarray(0, keyBytes))) return false;
  try {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    return verify(null, statement(shown.site, body), key, signature);
  } catch {
    return false;
  }
}

function statement(site: SiteId, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`postern signed pass 1\0${site}\0`), body]);
}

/** The 32 bytes of an Ed25519 key: the JWK member "x". */
export function publicKeyOf(privateKey: KeyObject): Buffer {
  return Buffer.from(createPublicKey(privateKey).export({ format: "jwk" }).x ?? "", "base64url");
}

const keyTag = (raw: Uint8Array) => createHash("sha256").update(raw).digest().subarray(0, keyBytes);
const nameTag = (name: string) => createHash("sha256").update(name).digest().subarray(0, nameBytes);

function isTag(bytes: Buffer, at: number, name: string): boolean {
  return nameTag(name).equals(bytes.subarray(at, at + nameBytes));
}

function numberBytes(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

function bytesOfId(kind: string, id: string): Buffer | undefined {
  const [before, text = ""] = id.split("-", 2);
  if (before !== kind || id !== `${kind}-${text}` || text.length !== (idBytes * 8) / 5) return undefined;
  return text === text.toLowerCase() ? fromLetters(text.toUpperCase()) : undefined;
}

function idOf(kind: string, bytes: Buffer): string {
  return `${kind}-${toLetters(bytes.subarray(0, idBytes)).toLowerCase()}`;
}

function toLetters(bytes: Uint8Array): string {
  let [text, bits, held] = ["", 0, 0];
  for (const byte of bytes) {
    held = ((held & 0x1f) << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += letters[(held >> bits) & 0x1f];
    }
  }
  return bits > 0 ? text + letters[(held << (5 - bits)) & 0x1f] : text;
}

/** undefined: another letter is among them, or the bits left over are not zero. */
function fromLetters(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8));
  let [at, bits, held] = [0, 0, 0];
  for (const letter of text) {
    const value = letters.indexOf(letter);
    if (value < 0) return undefined;
    held = ((held & 0xff) << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (held >> bits) & 0xff;
  }
  const isWhole = bits < 5 && (held & ((1 << bits) - 1)) === 0;
  return isWhole ? bytes : undefined;
}
