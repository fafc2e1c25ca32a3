/** How many proofs a network may offer, and who is told when it tries more. */
import { networkOf } from "../../gateway/wire/network-of.ts";
import { recordSecurity } from "../store/security-events.ts";
import type { Caller } from "./caller.ts";
import type { PeopleParts } from "./people-parts.ts";

/** Rejects with the 429 that tells when to come back; the first of an hour is a security event. */
export async function demandProof(
  { proofRate, burstNotes, store, clock }: PeopleParts,
  { address, device }: Caller,
): Promise<void> {
  try {
    proofRate.demand(networkOf(address));
  } catch (refused) {
    if (burstNotes.take(networkOf(address)) === 0) {
      const detail = "more passwords, codes or links than one address may try";
      await recordSecurity(
        store.db,
        { kind: "sign-in-burst", severity: "warning", address, device, detail },
        clock.wall(),
      );
    }
    throw refused;
  }
}
