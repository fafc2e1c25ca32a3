/** How long an API key is good, and whether it is now. */
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import { type Role, reachOf } from "./permissions.ts";

const dayMs: Millis = 86_400_000;
/** Unless another end is asked for. */
export const usualKeyLifeMs: Millis = 90 * dayMs;
export const keyLifeMaxMs: Millis = 366 * dayMs;

/** "maker-gone": whoever made it could not make it any more. */
export const apiKeyStates = ["live", "revoked", "expired", "maker-gone"] as const;
export type ApiKeyState = (typeof apiKeyStates)[number];

/** Whoever made a key: a person with a role, or the holder of an administrator's token. */
export type KeyMaker =
  | { readonly kind: "person"; readonly role: Role; readonly disabledAt: Instant | null }
  | { readonly kind: "token-holder" };

/** `maker` undefined: there is no such account any more. `isTokenGood`: the service still takes an administrator's token. */
export function apiKeyState(
  { revokedAt, expiresAt }: { readonly revokedAt: Instant | null; readonly expiresAt: Instant },
  maker: KeyMaker | undefined,
  isTokenGood: boolean,
  now: Instant,
): ApiKeyState {
  if (revokedAt !== null) return "revoked";
  if (now >= expiresAt) return "expired";
  return maker !== undefined && mayMakeKeys(maker, isTokenGood) ? "live" : "maker-gone";
}

function mayMakeKeys(maker: KeyMaker, isTokenGood: boolean): boolean {
  if (maker.kind === "token-holder") return isTokenGood;
  return maker.disabledAt === null && reachOf(maker, "people.change") !== undefined;
}
