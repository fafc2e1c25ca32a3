/**
 * What stands in the address of a link that people open without signing in: a secret of 128 bits. It is found by its hash, and kept sealed
 * beside it by the site's key, because it may have to be shown again.
 */
import { randomBytes } from "node:crypto";
import type { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { hashOf } from "../ids.ts";

export interface LinkSecret {
  readonly hash: string;
  readonly sealed: string;
}

/** 16 bytes in base64url. */
export const linkToken = /^[\w-]{22}$/;

/** `place`: what the seal is bound to. */
export function newLinkSecret(seal: CredentialSeal, place: string): LinkSecret {
  const token = randomBytes(16).toString("base64url");
  return { hash: hashOf(token), sealed: seal.seal(place, token) };
}
