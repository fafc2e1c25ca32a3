/** Ids, codes and tokens from the strong generator, in letters that people do not mix up. */
import { createHash, randomBytes, randomInt, timingSafeEqual } from "node:crypto";

/** Crockford's base 32: no i, l, o, u. 32 divides 256, so every letter is as likely. */
const letters = "0123456789abcdefghjkmnpqrstvwxyz";

/** 5 bits a letter. */
export function randomLetters(length: number): string {
  return [...randomBytes(length)].map((byte) => letters[byte % 32]).join("");
}

/** "grant-7k3m…": 80 bits. */
export function newId(prefix: string): string {
  return `${prefix}-${randomLetters(16)}`;
}

/** A gateway's id begins with its site's, so that a request that names a gateway names the shard. */
export function newGatewayId(site: string): string {
  return `${site}.gw-${randomLetters(10)}`;
}

/** The site in a gateway id or an enrolment code: all before the first dot. */
export function siteOf(id: string): string {
  return id.split(".", 1)[0] ?? "";
}

/** One-time code to read out and type in: "demo.7KQ2-M9XW-3DPA", 60 bits. */
export function newEnrolmentCode(site: string): string {
  const code = randomLetters(12).toUpperCase();
  return `${site}.${code.slice(0, 4)}-${code.slice(4, 8)}-${code.slice(8)}`;
}

/** Those that nobody takes for a digit: O reads as 0, I and L as 1. */
const passLetters = "ABCDEFGHJKMNPQRSTUVWXYZ";

/** What stands in a visitor's QR code and below it: "VIS-10482-KQX", one of 1.2 thousand million. */
export function newPassUid(): string {
  const digits = String(randomInt(100_000)).padStart(5, "0");
  const end = Array.from({ length: 3 }, () => passLetters[randomInt(passLetters.length)]).join("");
  return `VIS-${digits}-${end}`;
}

/** Forgives spaces and case in the part people type. */
export function normalizeEnrolmentCode(code: string): string {
  const [site = "", typed = ""] = code.trim().split(".", 2);
  return `${site.toLowerCase()}.${typed.toUpperCase().replaceAll(/[\s-]/g, "")}`;
}

/** What "Authorization: Bearer …" may carry. */
export const bearerToken = /^[\w.~+/=-]{1,4096}$/;

export function newToken(prefix: string): string {
  return `${prefix}_${randomBytes(32).toString("base64url")}`;
}

/** SHA-256, for values long enough that nobody can try them all. */
export function hashOf(value: string): string {
  return createHash("sha256").update(value).digest("base64url");
}

/** Takes as long for a wrong hash as for a nearly right one. */
export function isSameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** A UUID that is the same for the same id: services that take each once know a repeat by it. */
export function uuidOf(id: string): string {
  const bytes = createHash("sha256").update(id).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
