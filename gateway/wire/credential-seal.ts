/**
 * How a credential's value is found and kept: an index (HMAC-SHA-256) to look it up, a seal (AES-256-GCM) to hand it to a lock.
 * Cloud and gateways of a site share one 32-byte site key, given at enrolment; both subkeys are derived from it (HKDF-SHA-256).
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { type CredentialKind, normalizeSecret } from "../domain/credential.ts";
import { SecretString } from "./secret.ts";

const nonceBytes = 12;
const tagBytes = 16;

export class CredentialSeal {
  readonly #site: string;
  readonly #indexKey: Buffer;
  readonly #sealKey: Buffer;

  /** `siteKey`: 32 random bytes. */
  constructor(site: string, siteKey: Uint8Array) {
    if (siteKey.length !== 32) throw new Error(`a site key has 32 bytes, this one ${siteKey.length}`);
    this.#site = site;
    this.#indexKey = Buffer.from(hkdfSync("sha256", siteKey, site, "postern credential index", 32));
    this.#sealKey = Buffer.from(hkdfSync("sha256", siteKey, site, "postern credential seal", 32));
  }

  /** base64url, 43 characters. The same for every spelling of one secret. */
  index(kind: CredentialKind, value: string): string {
    return createHmac("sha256", this.#indexKey)
      .update(`${this.#site}\0${kind}\0${normalizeSecret(kind, value)}`)
      .digest("base64url");
  }

  /** base64url of nonce ‖ tag ‖ ciphertext; bound to the credential's id, so that it cannot be moved to another. */
  seal(credential: string, value: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#sealKey, nonce).setAAD(Buffer.from(credential));
    const body = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
  }

  /** undefined when it was not sealed under this key for this credential. */
  open(credential: string, sealed: string): SecretString | undefined {
    const bytes = Buffer.from(sealed, "base64url");
    if (bytes.length < nonceBytes + tagBytes) return undefined;
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#sealKey, bytes.subarray(0, nonceBytes))
        .setAAD(Buffer.from(credential))
        .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const body = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
      return new SecretString(body.toString("utf8"));
    } catch {
      return undefined;
    }
  }
}
