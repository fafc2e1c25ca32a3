/**
 * A guard holds a phone to a visitor's pass, in two steps: may this visitor come in, and then, once the guard has looked, this one comes in.
 * The first writes nothing down but a denial; the second decides anew, and counts once however often it is sent.
 */
import type { AccessPointId } from "../domain/access-point.ts";
import type { DenyReason } from "../domain/decide.ts";
import type { Grant } from "../domain/grant.ts";
import type { StaffMember } from "../domain/staff.ts";
import { fetchEntry } from "./fetch-entry.ts";
import { decideNow, deny, isElsewhere, type Outcome, presentCredential } from "./present-credential.ts";
import type { SiteParts } from "./site-parts.ts";

export interface ScannedPass {
  readonly staff: StaffMember;
  readonly accessPoint: AccessPointId;
  /** As it was read or typed. */
  readonly uid: string;
}

export interface PassVerdict {
  /** undefined: the visitor may come in. */
  readonly reason: DenyReason | undefined;
  /** Whose pass it is; undefined: nobody's, as far as is known here. */
  readonly visitor: Visitor | undefined;
  /** Name of the gate that holds the entries, where that is the reason. */
  readonly heldAt: string | undefined;
}

/** What a guard is told of a visitor. */
export interface Visitor {
  readonly grant: Grant;
  /** Admitted at this gateway, as far as its own count goes. */
  readonly entriesUsed: number;
  /** Entries this gateway can still give; null: no limit. */
  readonly entriesLeft: number | null;
}

/** Whether the visitor may come in now. A denial is written down, with the guard's id. */
export async function checkPass(site: SiteParts, scanned: ScannedPass): Promise<PassVerdict> {
  const request = requestOf(site, scanned);
  // Nothing more can be written down, so nobody could be let in.
  if (site.journal.state === "failed") return { reason: "STORAGE_FULL", visitor: undefined, heldAt: undefined };
  let decision = decideNow(site, request);
  if (isElsewhere(decision)) {
    await fetchEntry(site, decision.grant);
    decision = decideNow(site, request);
  }
  const { grant } = decision;
  const visitor = grant && visitorOf(site, grant);
  if (decision.outcome === "granted") return { reason: undefined, visitor, heldAt: undefined };
  const { reason } = deny(site, request, decision, { origin: undefined, scan: { staff: scanned.staff.id } });
  const heldAt = reason === "HELD_AT_OTHER_GATE" && grant ? site.records.heldAt(grant) : undefined;
  return { reason, visitor, heldAt };
}

/**
 * "busy": too many wait at the gate · "number-used": another pass was counted under it. `isRepeat`: the entry was counted before this request
 * came, and nothing moved for it.
 */
export type LoggedEntry = (Outcome | { readonly outcome: "unanswered"; readonly why: "busy" | "number-used" }) & {
  readonly isRepeat: boolean;
};

/**
 * Counts the entry and opens the gate. `nonce`: the request's own number; the same again answers what became of the first. Rejects with
 * `journal-failed` when the disk fails, in which case nothing has moved.
 */
export async function logEntry(site: SiteParts, scanned: ScannedPass, nonce: string): Promise<LoggedEntry> {
  const request = requestOf(site, scanned);
  const isRepeat = site.records.countedScan(nonce) !== undefined;
  const press = { origin: undefined, at: site.clock.monotonic(), scan: { staff: scanned.staff.id, nonce } };
  const outcome = await presentCredential(site, request, undefined, press);
  const counted = site.records.countedScan(nonce);
  const carried = site.records.candidates(request.presented).map(({ grant }) => grant.id);
  if (counted && carried.length > 0 && !carried.includes(counted.grant))
    return { outcome: "unanswered", why: "number-used", isRepeat };
  return { ...(outcome ?? ({ outcome: "unanswered", why: "busy" } as const)), isRepeat };
}

/** undefined: the pass is nobody's, as far as is known here. Of several grants that carry it, any. */
export function visitorOfPass(site: SiteParts, scanned: ScannedPass): Visitor | undefined {
  const [candidate] = site.records.candidates(requestOf(site, scanned).presented);
  return candidate && visitorOf(site, candidate.grant);
}

/** As it stands here now. */
function visitorOf({ records }: SiteParts, grant: Grant): Visitor {
  const registers = records.registers(grant.id);
  return {
    grant,
    entriesUsed: registers.used - registers.voided,
    entriesLeft: grant.entriesAllowed === null ? null : Math.max(0, records.rights(grant).held),
  };
}

function requestOf({ seal }: SiteParts, { accessPoint, uid }: ScannedPass) {
  return { accessPoint, presented: { kind: "pass", index: seal.index("pass", uid) } } as const;
}
