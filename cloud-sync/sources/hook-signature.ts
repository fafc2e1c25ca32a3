/** Whether a message was sent by whoever has the source's secret: by its bytes as they came. */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";

/**
 * "standard": standardwebhooks.com: `webhook-id`, `webhook-timestamp` in seconds, `webhook-signature` "v1,…" of base64, several parted by spaces ·
 * "hmac": SHA-256 of the body alone in hexadecimal, in a header, behind a prefix such as "sha256=".
 */
export type SignatureRules =
  | { readonly signature: "standard" }
  | { readonly signature: "hmac"; readonly header: string; readonly prefix: string };

/** A message of the standard kind that is older, or from so far ahead, is refused: somebody may have kept it. */
const skewMsMax: Millis = 5 * 60_000;

export type HeaderOf = (name: string) => string | undefined;

/** `secrets`: any of them will do. */
export function isSigned(
  rules: SignatureRules,
  secrets: readonly SecretString[],
  header: HeaderOf,
  body: Uint8Array,
  now: Instant,
): boolean {
  if (rules.signature === "standard") return secrets.some((secret) => isStandard(secret, header, body, now));
  const told = header(rules.header)?.trim() ?? "";
  const { prefix } = rules;
  if (told.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return false;
  const hex = told.slice(prefix.length);
  if (!/^[0-9a-f]{64}$/i.test(hex)) return false;
  return secrets.some((secret) =>
    isSame(createHmac("sha256", secret.reveal()).update(body).digest(), Buffer.from(hex, "hex")),
  );
}

function isStandard(secret: SecretString, header: HeaderOf, body: Uint8Array, now: Instant): boolean {
  const [id, sentAt, told] = [header("webhook-id"), header("webhook-timestamp"), header("webhook-signature")];
  if (!id || !told || told.length > 2_000 || !/^\d{1,12}$/.test(sentAt ?? "")) return false;
  if (Math.abs(now - Number(sentAt) * 1_000) > skewMsMax) return false;
  const mac = createHmac("sha256", standardKey(secret)).update(`${id}.${sentAt}.`).update(body).digest();
  return told.split(" ").some((one) => one.startsWith("v1,") && isSame(mac, Buffer.from(one.slice(3), "base64")));
}

/** "whsec_" and base64; a secret of another shape is taken as it is written. */
function standardKey(secret: SecretString): Uint8Array {
  const [, encoded] = /^whsec_([\w+/=-]+)$/.exec(secret.reveal()) ?? [];
  return Buffer.from(encoded ?? secret.reveal(), encoded === undefined ? "utf8" : "base64");
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
