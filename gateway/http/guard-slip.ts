/**
 * What was checked at a gate and what came of it, sealed under the site's key so that a page's address can carry it. So the page can be
 * loaded anew or gone back to, outlives a restart, and the gateway keeps nothing for each guard; the visitor's code stands in no address.
 */
import { z } from "zod";
import { type DenyReason, denyReasons } from "../domain/decide.ts";
import type { CredentialSeal } from "../wire/credential-seal.ts";

/** No credential has such an id: nothing sealed for one opens as a slip, and the other way round. */
const purpose = "a guard's slip";

const slipSchema = z.strictObject({
  gate: z.string(),
  /** "" for a visitor without a code, who has a name instead. */
  uid: z.string(),
  name: z.string().optional(),
  nonce: z.string(),
  /** How far from the gate the guard's phone was, in metres, where that was outside its bounds. */
  farM: z.number().optional(),
  /** The earliest it can have been. */
  at: z.number(),
  told: z.discriminatedUnion("outcome", [
    z.strictObject({ outcome: z.literal("may-enter") }),
    z.strictObject({ outcome: z.literal("denied"), reason: z.enum(denyReasons), heldAt: z.string().optional() }),
    z.strictObject({ outcome: z.literal("counted"), gate: z.enum(["open", "told", "unknown", "before"]) }),
    z.strictObject({ outcome: z.literal("not-moved") }),
    z.strictObject({ outcome: z.literal("other-visitor") }),
    z.strictObject({ outcome: z.literal("busy") }),
    z.strictObject({ outcome: z.literal("turned-away") }),
    z.strictObject({ outcome: z.literal("left"), wasSeen: z.boolean() }),
  ]),
});
export type Slip = z.output<typeof slipSchema>;

/** What the pages read of the API's answer to an entry. */
export interface Answered {
  readonly access_granted: boolean;
  readonly reason: DenyReason | null;
  readonly gate: "open" | "told" | "unknown" | "not-moved" | null;
}

export function toldOfAnswer({ access_granted, reason, gate }: Answered): Slip["told"] {
  if (access_granted) return { outcome: "counted", gate: gate === null || gate === "not-moved" ? "unknown" : gate };
  return reason === null ? { outcome: "not-moved" } : { outcome: "denied", reason };
}

/** What the script says of how long ago the guard pressed; undefined: it sends for the first time, or there is none. */
export function ageOf({ age }: Readonly<Record<string, unknown>>): number | undefined {
  return typeof age === "string" && /^\d{1,12}$/.test(age) ? Number(age) : undefined;
}

export function sealSlip(seal: CredentialSeal, slip: Slip): string {
  return seal.seal(purpose, JSON.stringify(slip));
}

/** undefined: nothing that this site has sealed, or a version of the gateway that is no more. */
export function openSlip(seal: CredentialSeal, sealed: unknown): Slip | undefined {
  const opened = typeof sealed === "string" ? seal.open(purpose, sealed) : undefined;
  if (!opened) return undefined;
  try {
    return slipSchema.parse(JSON.parse(opened.reveal()));
  } catch {
    return undefined;
  }
}
