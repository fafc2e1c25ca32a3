/** Signed passes for tests: made by the golden vectors' key, of whatever grant is asked. */
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import type { PassKey } from "../../gateway/domain/signed-pass.ts";
import { type PassToSign, publicKeyOf, type Shown, signPass } from "../../gateway/wire/signed-pass.ts";
import { aDay, noon } from "./site-fixture.ts";

interface Golden {
  readonly publicKey: string;
  readonly passes: readonly {
    readonly from: string;
    readonly until: string;
    readonly entries: number | null;
    readonly accessPoints: readonly string[];
    readonly text: string;
  }[];
  readonly noPasses: Readonly<Record<string, string>>;
}
export const goldenPasses: Golden = JSON.parse(
  readFileSync(new URL("../wire/golden/signed-passes.json", import.meta.url), "utf8"),
);

/** Ed25519 of a seed, as PKCS #8. */
export function keyOfSeed(seed: Uint8Array) {
  const head = Buffer.from("302e020100300506032b657004220420", "hex");
  return createPrivateKey({ key: Buffer.concat([head, seed]), format: "der", type: "pkcs8" });
}

export const sitesKey = keyOfSeed(Uint8Array.from({ length: 32 }, (_, at) => at));
export const otherKey = keyOfSeed(new Uint8Array(32).fill(9));
export const passKeys: readonly PassKey[] = [{ publicKey: publicKeyOf(sitesKey).toString("base64url") }];

export const signedIds = { grant: "grant-7k3m9xw2pa3dq8fz", credential: "cred-0123456789abcdef" };

/** One entry at the front door, for a day from an hour before noon on. */
export function aSignedPass(overrides: Partial<PassToSign> = {}, key = sitesKey): string {
  const signed = signPass(
    {
      site: "site-1",
      home: { gateway: "gateway-1", epoch: 1 },
      ...signedIds,
      validity: { from: noon - 3_600_000, until: noon + aDay - 3_600_000 },
      entries: 1,
      accessPoints: ["front"],
      ...overrides,
    },
    key,
  );
  if (!signed) throw new Error("such a pass cannot be signed");
  return signed.text;
}

/** At the gateway of the golden vectors. */
export function shownAt(overrides: Partial<Shown> = {}): Shown {
  return {
    site: "site-1",
    keys: passKeys,
    now: noon,
    gateway: "gateway-1",
    epoch: 1,
    peers: () => ["gateway-2"],
    accessPoints: () => ["front", "back"],
    ...overrides,
  };
}
