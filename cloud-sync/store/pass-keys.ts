/**
 * The keys by which a site's passes are signed. Each is derived from the service's master key and a salt of its own, so the store and its backups
 * hold no secret of them. One that was replaced is told to gateways until all that it has signed is over.
 */
import { createPrivateKey, type KeyObject, randomBytes } from "node:crypto";
import type { SiteId } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { type PassKey, signedLifeMaxMs } from "../../gateway/domain/signed-pass.ts";
import { publicKeyOf } from "../../gateway/wire/signed-pass.ts";
import type { SiteKeys } from "./site-keys.ts";

export interface KeptPassKey extends PassKey {
  /** 16 bytes in base64url. */
  readonly salt: string;
}

/** Gateways take 32. */
const keptMax = 8;
/** Of an Ed25519 seed as PKCS #8, RFC 8410. */
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex");

export function readPassKeys({ passKeys }: { readonly passKeys: string }): readonly KeptPassKey[] {
  return JSON.parse(passKeys);
}

/** undefined: the site has no signed passes. */
export function signingKeyOf(siteKeys: SiteKeys, site: { readonly id: SiteId; readonly passKeys: string }) {
  const salt = readPassKeys(site).find(({ until }) => until === undefined)?.salt;
  return salt === undefined ? undefined : keyOfSalt(siteKeys, site.id, salt);
}

/** "off": all that were signed are void, wherever that is heard. "new-key": from now on another signs. */
export function changedPassKeys(
  siteKeys: SiteKeys,
  site: { readonly id: SiteId; readonly passKeys: string },
  wanted: "on" | "off" | "new-key",
  now: Instant,
): readonly KeptPassKey[] {
  if (wanted === "off") return [];
  const known = readPassKeys(site);
  const isOn = known.some(({ until }) => until === undefined);
  if (wanted === "on" && isOn) return known;
  const salt = randomBytes(16).toString("base64url");
  const fresh = { salt, publicKey: publicKeyOf(keyOfSalt(siteKeys, site.id, salt)).toString("base64url") };
  const before = known
    .map((key) => ({ until: now + signedLifeMaxMs, ...key }))
    .filter(({ until }) => until > now)
    .slice(0, keptMax - 1);
  return [fresh, ...before];
}

function keyOfSalt(siteKeys: SiteKeys, site: SiteId, salt: string): KeyObject {
  const seed = siteKeys.serviceKey(`signed passes of ${site}, ${salt}`);
  return createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: "der", type: "pkcs8" });
}
