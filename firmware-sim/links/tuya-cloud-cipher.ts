/** How callers of Tuya's cloud prove who they are, and how digits travel there: signatures and tickets. Pure. */
import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";

export interface SignedRequest {
  readonly clientId: string;
  /** Empty in calls for a token. */
  readonly accessToken?: string;
  /** Milliseconds since 1970, as it was sent. */
  readonly t: string;
  readonly nonce?: string;
  readonly method: string;
  /** With the query, in any order. */
  readonly path: string;
  /** Those that the header Signature-Headers names, in its order. */
  readonly signedHeaders?: readonly (readonly [name: string, value: string])[];
  /** As it was sent. */
  readonly body: string;
}

/** HMAC-SHA-256 in upper-case hexadecimal. */
export function tuyaSignature(request: SignedRequest, secret: string): string {
  const { clientId, accessToken = "", t, nonce = "", method, path, signedHeaders = [], body } = request;
  const content = createHash("sha256").update(body).digest("hex");
  const headers = signedHeaders.map(([name, value]) => `${name}:${value}\n`).join("");
  const signed = `${clientId}${accessToken}${t}${nonce}${method}\n${content}\n${headers}\n${inOrder(path)}`;
  return createHmac("sha256", secret).update(signed).digest("hex").toUpperCase();
}

/** The key of a ticket as it is handed out: AES-256-ECB under the project's secret of 32 characters. */
export function ticketKey(originalKey: string, secret: string): string {
  const cipher = createCipheriv("aes-256-ecb", secret, null);
  return Buffer.concat([cipher.update(originalKey, "latin1"), cipher.final()])
    .toString("hex")
    .toUpperCase();
}

/** The digits under a ticket's own key of 16 characters: AES-128-ECB. undefined: not such digits. */
export function readPassword(hex: string, originalKey: string): string | undefined {
  if (!/^([0-9a-f]{32})+$/i.test(hex)) return undefined;
  try {
    const decipher = createDecipheriv("aes-128-ecb", originalKey, null);
    const digits = Buffer.concat([decipher.update(hex, "hex"), decipher.final()]).toString("latin1");
    return /^\d+$/.test(digits) ? digits : undefined;
  } catch {
    return undefined; // padded otherwise: another key
  }
}

function inOrder(path: string): string {
  const [address = "", query] = path.split("?");
  return query === undefined ? address : `${address}?${query.split("&").sort().join("&")}`;
}
