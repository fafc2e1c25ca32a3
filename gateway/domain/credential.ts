/** What is presented at an access point. The records hold its index and, where a lock must be told it, its sealed value: never the value. */
import type { SignedPass } from "./signed-pass.ts";

export type CredentialId = string;

/** "pin" digits at a keypad · "pass" the uid inside a visitor's QR code · "link" a delivery link's token · "card" a card number · "provider" an account at a maker's cloud, by its e-mail address. */
export const credentialKinds = ["pin", "pass", "link", "card", "provider"] as const;
export type CredentialKind = (typeof credentialKinds)[number];

export interface Credential {
  readonly id: CredentialId;
  readonly kind: CredentialKind;
  /** base64url of HMAC-SHA-256(site key, site ‖ kind ‖ value); how a presented value is found. See wire/credential-seal.ts. */
  readonly index: string;
  /** AES-256-GCM of the value under the site key, for locks that must be told it. */
  readonly sealed?: string;
  /** Final: a revoked id never comes back; re-enabling makes a new credential. */
  readonly revoked: boolean;
}

/** What a reader heard, already turned into an index, so that no secret travels further than the reader's own report. */
export interface PresentedCredential {
  readonly kind: CredentialKind;
  readonly index: string;
  /** It is a pass that carries itself, signed for this site; then the index finds nothing. */
  readonly signed?: SignedPass;
  /** It is spelt as a signed pass, and no key that this gateway has proves it: the gateway may be behind, and nobody guesses one. */
  readonly unproven?: true;
}

/**
 * One spelling for every way a person or a scanner may render a secret. A PIN or a card loses spaces and separators, a card also
 * case. A pass uid, which a guard may have to type from a screen, loses case and everything but letters and digits, and what
 * looks alike reads alike: O as 0, I and L as 1. A link's token is copied by machines and keeps its case;
 * an account's address loses it.
 */
export function normalizeSecret(kind: CredentialKind, value: string): string {
  switch (kind) {
    case "pin":
      return value.normalize("NFKC").replace(separators, "");
    case "card":
      return value.normalize("NFKC").replace(separators, "").toUpperCase();
    case "pass":
      return value
        .normalize("NFKC")
        .toUpperCase()
        .replace(/[^\p{L}\p{N}]/gu, "")
        .replaceAll("O", "0")
        .replace(/[IL]/g, "1");
    case "provider":
      return value.trim().toLowerCase();
    default:
      return value.trim();
  }
}

const separators = /[\s:.\p{Dash}]/gu;
