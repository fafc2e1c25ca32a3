/**
 * Secrets of a maker's account that the cloud is given and cannot read again: sealed (hpke.ts) to the one gateway that uses them. The gateway is
 * known by its Ed25519 key alone, so that key is turned into the X25519 key of the same point, as age and libsodium do.
 */
import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { hpkeOpen, hpkeSeal, publicKeyBytes, x25519Private } from "./hpke.ts";
import { SecretString } from "./secret.ts";

/** What a sealed secret is for: it opens nowhere else. */
export interface SecretPurpose {
  readonly site: string;
  readonly gateway: string;
  /** The driver's name. */
  readonly provider: string;
}

/** By the names the driver's README gives. */
export type MakerSecrets = Readonly<Record<string, SecretString>>;

export const sealedMax = 32 * 1024;
const secretsSchema = z.record(z.string().min(1).max(64), z.string().min(1).max(8_192));
const none = Buffer.alloc(0);

/** base64url. `publicKey`: the gateway's, the JWK member "x". Throws a RangeError that says why where nobody could open what is sealed to it. */
export function sealForGateway(publicKey: string, purpose: SecretPurpose, secrets: MakerSecrets): string {
  const plain = Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()]));
  const recipient = x25519Of(publicKey);
  const text = Buffer.from(JSON.stringify(secretsSchema.parse(plain)));
  try {
    return hpkeSeal(recipient, infoOf(purpose), none, text).toString("base64url");
  } catch {
    // The exchange came to zero. The cause would say no more.
    throw new RangeError("the gateway's key is of small order: nothing can be kept secret by it");
  }
}

/** undefined when it was sealed to another key or for another purpose, or cannot be read. `privateKey`: Ed25519, PKCS #8 in PEM. */
export function openAtGateway(
  privateKey: SecretString,
  purpose: SecretPurpose,
  sealed: string,
): MakerSecrets | undefined {
  const plain = hpkeOpen(x25519PrivateOf(privateKey), infoOf(purpose), none, Buffer.from(sealed, "base64url"));
  if (!plain) return undefined;
  const parsed = secretsSchema.safeParse(parsedJson(plain.toString("utf8")));
  if (!parsed.success) return undefined;
  return Object.fromEntries(Object.entries(parsed.data).map(([name, value]) => [name, new SecretString(value)]));
}

function infoOf({ site, gateway, provider }: SecretPurpose): Buffer {
  return Buffer.from(JSON.stringify(["postern gateway secret", site, gateway, provider]));
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const p = 2n ** 255n - 19n;
/** −121665/121666: the curve is −x² + y² = 1 + d·x²·y². */
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** Of the point (x, y) of an Ed25519 key, u = (1 + y) / (1 − y): the same point for X25519 (RFC 7748 §4.1). */
export function x25519Of(publicKey: string): Buffer {
  const bytes = Buffer.from(publicKey, "base64url");
  if (bytes.length !== publicKeyBytes)
    throw new RangeError(`a gateway's key has ${publicKeyBytes} bytes, this one ${bytes.length}`);
  const y = numberOf(bytes) & (2n ** 255n - 1n);
  if (y >= p || !isOnCurve(y))
    throw new RangeError("the gateway's key is no point of the curve: nobody could open what is sealed to it");
  if (y === 1n) throw new RangeError("the gateway's key is of small order: nothing can be kept secret by it");
  return bytesOf(modulo((1n + y) * inverse(modulo(1n - y))));
}

/** The clamped first half of the seed's SHA-512, which is what Ed25519 itself reckons with (RFC 8032 §5.1.5); X25519 clamps it by itself. */
export function x25519PrivateOf(privateKey: SecretString): KeyObject {
  const { d: seed } = createPrivateKey(privateKey.reveal()).export({ format: "jwk" });
  const scalar = createHash("sha512")
    .update(Buffer.from(seed ?? "", "base64url"))
    .digest()
    .subarray(0, publicKeyBytes);
  scalar[0]! &= 0xf8;
  scalar[31]! = (scalar[31]! & 0x7f) | 0x40;
  return x25519Private(scalar);
}

/** x² = (y² − 1) / (d·y² + 1) has a root. */
function isOnCurve(y: bigint): boolean {
  const square = modulo(modulo(y * y - 1n) * inverse(modulo(d * y * y + 1n)));
  return square === 0n || power(square, (p - 1n) / 2n) === 1n;
}

function inverse(value: bigint): bigint {
  return power(value, p - 2n);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let [square, left] = [base, exponent]; left > 0n; [square, left] = [modulo(square * square), left >> 1n])
    if (left & 1n) result = modulo(result * square);
  return result;
}

function modulo(value: bigint): bigint {
  const rest = value % p;
  return rest < 0n ? rest + p : rest;
}

/** Little-endian. */
function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
}

function bytesOf(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * publicKeyBytes, "0"), "hex").reverse();
}
