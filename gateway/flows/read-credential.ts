/** What a reader heard or a guard scanned, turned into what the records are asked for. */
import type { CredentialKind, PresentedCredential } from "../domain/credential.ts";
import { epochOf } from "../domain/rights.ts";
import { isSpeltSigned, openSignedPass } from "../wire/signed-pass.ts";
import type { SiteParts } from "./site-parts.ts";

export function readCredential(
  { seal, records, time, holder }: SiteParts,
  kind: CredentialKind,
  text: string,
): PresentedCredential {
  const { id: site, passKeys: keys } = records.site ?? {};
  const signed =
    kind !== "pass" || site === undefined || !keys
      ? undefined
      : openSignedPass(text.trim(), {
          site,
          keys,
          now: time.interval().earliest,
          gateway: records.gateway,
          epoch: epochOf(holder),
          peers: () => records.peers().map(({ id }) => id),
          accessPoints: () => records.accessPoints,
        });
  const unproven = kind === "pass" && !signed && isSpeltSigned(text.trim());
  return { kind, index: seal.index(kind, text), ...(signed && { signed }), ...(unproven && { unproven }) };
}
