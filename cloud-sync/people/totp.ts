/** Codes of an authenticator app (RFC 6238: HMAC-SHA-1, 30 s, six digits), and the recovery codes for the day it is lost. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Instant } from "../../gateway/domain/instant.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { randomLetters } from "../ids.ts";

const stepMs = 30_000;
const digits = 6;
/** A phone's clock may be so many steps off, either way. */
const driftSteps = 1;
/** As long as SHA-1's output, as RFC 4226 recommends. */
const secretBytes = 20;
const recoveryCodeCount = 10;

export function newTotpSecret(): SecretString {
  return new SecretString(toBase32(randomBytes(secretBytes)));
}

/** What the authenticator app reads from a QR code. */
export function totpAddress(secret: SecretString, account: string): SecretString {
  const label = encodeURIComponent(`Postern:${account}`);
  return new SecretString(
    `otpauth://totp/${label}?secret=${secret.reveal()}&issuer=Postern&period=30&digits=${digits}`,
  );
}

/** The time step the code belongs to; undefined: it is of none around `now`, or of one not after `lastStep`, so it may be a repeat. */
export function totpStepOf(secret: SecretString, code: string, now: Instant, lastStep: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const key = fromBase32(secret.reveal());
  const step = Math.floor(now / stepMs);
  let found: number | undefined;
  for (let one = step - driftSteps; one <= step + driftSteps; one += 1)
    if (timingSafeEqual(Buffer.from(hotp(key, one)), Buffer.from(code)) && one > lastStep) found ??= one;
  return found;
}

/** The code an app with this secret shows now. */
export function totpCode(secret: SecretString, now: Instant): string {
  return hotp(fromBase32(secret.reveal()), Math.floor(now / stepMs));
}

/** RFC 4226, section 5.3. */
function hotp(key: Buffer, counter: number): string {
  const moving = Buffer.alloc(8);
  moving.writeBigUInt64BE(BigInt(counter));
  const hash = createHmac("sha1", key).update(moving).digest();
  const offset = hash.readUInt8(hash.length - 1) & 0x0f;
  const number = (hash.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits;
  return String(number).padStart(digits, "0");
}

/** "7kq2-m9xw-3dpa": 60 bits each. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: recoveryCodeCount }, () => randomLetters(12).replace(/^(.{4})(.{4})/, "$1-$2-"));
}

/** How one is kept: bound to its person, under a key that is not in the store. */
export function recoveryCodeMac(key: Uint8Array, person: string, code: string): string {
  const letters = code.toLowerCase().replaceAll(/[^0-9a-z]/g, "");
  return createHmac("sha256", key).update(`${person}\0${letters}`).digest("base64url");
}

/** RFC 4648, section 6, without padding. */
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function toBase32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/g) ?? []).map((five) => alphabet[Number.parseInt(five.padEnd(5, "0"), 2)]).join("");
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
}
