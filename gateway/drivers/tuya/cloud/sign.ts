/** How a request to Tuya's OpenAPI proves who sends it. Pure. Source: the maker's "Sign Requests". */
import { createHash, createHmac } from "node:crypto";
import type { Instant } from "../../../domain/instant.ts";
import type { SecretString } from "../../../wire/secret.ts";

export interface ToSign {
  readonly method: string;
  /** With its query, sorted by key; see pathWith(). */
  readonly path: string;
  /** As it is sent; "" where nothing is. */
  readonly body: string;
  readonly clientId: string;
  /** Absent in the request for a token. */
  readonly accessToken?: SecretString;
  readonly at: Instant;
}

/** Upper-case hexadecimal HMAC-SHA-256. No header is signed and no nonce is sent. */
export function signatureOf(toSign: ToSign, accessSecret: SecretString): string {
  const { method, path, body, clientId, accessToken, at } = toSign;
  const bodyHash = createHash("sha256").update(body).digest("hex");
  const text = `${clientId}${accessToken?.reveal() ?? ""}${at}${method}\n${bodyHash}\n\n${path}`;
  return createHmac("sha256", accessSecret.reveal()).update(text).digest("hex").toUpperCase();
}

/** Keys and values are of letters, digits and _ alone. */
export function pathWith(path: string, query: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.keys(query)
    .sort()
    .map((key) => `${key}=${query[key]}`);
  return pairs.length > 0 ? `${path}?${pairs.join("&")}` : path;
}
