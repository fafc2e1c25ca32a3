/**
 * A guard holds a phone to a visitor's pass, in two steps: may this visitor come in, and then, once the guard has looked, this one comes in,
 * or is sent away; and later, this one leaves. The first writes nothing down but a denial; the others count once however often they are sent.
 */
import type { AccessPointId } from "../domain/access-point.ts";
import type { AccessRequest, DenyReason } from "../domain/decide.ts";
import type { EventSeq, GuardScan } from "../domain/entry-event.ts";
import type { Grant, GrantId } from "../domain/grant.ts";
import type { Millis } from "../domain/instant.ts";
import type { SignedPass } from "../domain/signed-pass.ts";
import type { StaffMember } from "../domain/staff.ts";
import { isInside, type Visit } from "../domain/visits.ts";
import type { AttachmentId } from "../ports/attachments.ts";
import { fetchEntry } from "./fetch-entry.ts";
import { decideNow, deny, isElsewhere, type Outcome, presentCredential } from "./present-credential.ts";
import { readCredential } from "./read-credential.ts";
import type { SiteParts } from "./site-parts.ts";

export interface ScannedPass {
  readonly staff: StaffMember;
  readonly accessPoint: AccessPointId;
  /** As it was read or typed. */
  readonly uid: string;
}

/** What goes with a guard's word. */
export interface GuardWord {
  /** The request's own number; the same again answers what became of the first. */
  readonly nonce: string;
  readonly photo?: AttachmentId | undefined;
  /** Since the guard pressed, by the phone's own clock: a request that was sent again and again opens nothing late. */
  readonly ageMs?: Millis | undefined;
  /** Where the guard's phone is farther from the gate than the site allows. */
  readonly farM?: number | undefined;
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
  /** Known by a signed pass alone: nothing tells whose it is. */
  readonly isSigned: boolean;
  /** Admitted at this gateway, as far as its own count goes. */
  readonly entriesUsed: number;
  /** Entries this gateway can still give; null: no limit. */
  readonly entriesLeft: number | null;
  /** Taken at an earlier visit here. */
  readonly lastPhoto: AttachmentId | undefined;
}

/** Whether the visitor may come in now. A denial is written down, with the guard's id. */
export async function checkPass(site: SiteParts, scanned: ScannedPass): Promise<PassVerdict> {
  const request = requestOf(site, scanned);
  noteFirstLook(site, scanned);
  // Nothing more can be written down, so nobody could be let in.
  if (site.journal.state === "failed") return { reason: "STORAGE_FULL", visitor: undefined, heldAt: undefined };
  const scan = { staff: scanned.staff.id };
  let decision = decideNow(site, request, scan);
  if (isElsewhere(decision)) {
    await fetchEntry(site, decision.grant);
    decision = decideNow(site, request, scan);
  }
  const { grant, signed } = decision;
  const visitor = grant && visitorOf(site, { grant, signed });
  if (decision.outcome === "granted") return { reason: undefined, visitor, heldAt: undefined };
  const { reason } = deny(site, request, decision, { origin: undefined, scan });
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

/** Counts the entry and opens the gate. Rejects with `journal-failed` when the disk fails, in which case nothing has moved. */
export async function logEntry(site: SiteParts, scanned: ScannedPass, word: GuardWord): Promise<LoggedEntry> {
  const request = requestOf(site, scanned);
  const { nonce } = word;
  const isRepeat = site.records.visits.withNonce(nonce) !== undefined;
  const guard = scanned.staff;
  const at = site.clock.monotonic() - (word.ageMs ?? 0);
  const press = { origin: undefined, at, scan: scanOf(site, scanned, word), guard };
  const outcome = await presentCredential(site, request, undefined, press);
  const counted = site.records.visits.withNonce(nonce);
  const carried = site.records.candidates(request.presented).map(({ grant }) => grant.id);
  // A grant may have left the feed since; then nobody can tell, and the answer is the first one's.
  const isForgotten =
    carried.length === 0 && counted?.grant !== undefined && site.records.grant(counted.grant) === undefined;
  const isAnothers = !isForgotten && (counted?.grant === undefined || !carried.includes(counted.grant));
  if (counted && (isAnothers || counted.accessPoint !== scanned.accessPoint))
    return { outcome: "unanswered", why: "number-used", isRepeat };
  return { ...(outcome ?? ({ outcome: "unanswered", why: "busy" } as const)), isRepeat };
}

/** Undefined `of`: nobody of the pass is known to be inside. `visitor`: undefined where the pass is nobody's, and nothing was written down. */
export interface LoggedExit {
  readonly visit: Visit | undefined;
  readonly visitor: Visitor | undefined;
  /** Another visitor was seen to leave under this number: nothing was written down. */
  readonly isNumberUsed: boolean;
}

/** A visitor leaves: nothing is asked, and of several who came on one pass the first goes first. */
export async function logExit(site: SiteParts, scanned: ScannedPass, word: GuardWord): Promise<LoggedExit> {
  const visitor = visitorOfPass(site, scanned);
  const repeated = site.records.visits.endedWith(word.nonce);
  if (!visitor) return { visit: undefined, visitor, isNumberUsed: false };
  const grant = visitor.grant.id;
  if (repeated) return { visit: repeated.visit, visitor, isNumberUsed: repeated.grant !== grant };
  const visit = firstInside(site, grant);
  await noteExit(site, scanned, word, { visit, grant });
  return { visit, visitor, isNumberUsed: false };
}

/** The same for a visit from the guard's list, be it a walk-in's. undefined: there is none, or it is over. */
export async function logExitOf(
  site: SiteParts,
  at: Omit<ScannedPass, "uid">,
  of: EventSeq,
  word: GuardWord,
): Promise<Visit | undefined> {
  const repeated = site.records.visits.endedWith(word.nonce);
  if (repeated) return repeated.visit?.of === of ? repeated.visit : undefined;
  const visit = site.records.visits.begunBy(of);
  if (!visit || !isInside(visit)) return undefined;
  await noteExit(site, at, word, { visit, grant: visit.grant });
  return visit;
}

async function noteExit(
  site: SiteParts,
  { staff, accessPoint }: Omit<ScannedPass, "uid">,
  word: GuardWord,
  { visit, grant }: { readonly visit: Visit | undefined; readonly grant: GrantId | undefined },
): Promise<void> {
  const { durable } = site.journal.recordEvent({
    type: "left",
    accessPoint,
    ...(visit && { of: visit.of }),
    ...(grant !== undefined && { grant }),
    scan: scanOf(site, { staff }, word),
  });
  await durable;
}

function firstInside({ records }: SiteParts, grant: GrantId): Visit | undefined {
  let first: Visit | undefined;
  for (const visit of records.visits.newest()) if (visit.grant === grant && isInside(visit)) first = visit;
  return first;
}

/**
 * The guard sends the visitor away. `sheet`: with the guard's reason. Answers the number of what was written down; "number-used": the gate has been
 * told to open under it.
 */
export async function turnAway(
  site: SiteParts,
  scanned: Omit<ScannedPass, "uid"> & { readonly uid: string | undefined },
  word: GuardWord,
  { sheet, why = "guard" }: { readonly sheet?: AttachmentId | undefined; readonly why?: "guard" | "blacklisted" },
): Promise<EventSeq | "number-used"> {
  const { staff, accessPoint, uid } = scanned;
  const known = site.records.visits.withNonce(word.nonce);
  if (known) return hasMoved(known) ? "number-used" : known.of;
  const visitor = uid === undefined ? undefined : visitorOfPass(site, { staff, accessPoint, uid });
  const { event, durable } = site.journal.recordEvent({
    type: "turned-away",
    accessPoint,
    why,
    ...(visitor && { grant: visitor.grant.id }),
    scan: { ...scanOf(site, { staff, uid }, word), ...(sheet !== undefined && { sheet }) },
  });
  await durable;
  return event.seq;
}

function hasMoved({ result }: Visit): boolean {
  return result === "under-way" || (typeof result === "object" && "released" in result);
}

/** undefined: the pass is nobody's, as far as is known here. Of several grants that carry it, any. */
export function visitorOfPass(site: SiteParts, scanned: ScannedPass): Visitor | undefined {
  const [candidate] = site.records.candidates(requestOf(site, scanned).presented);
  return candidate && visitorOf(site, candidate);
}

/** As it stands here now. */
function visitorOf(
  { records }: SiteParts,
  { grant, signed }: { readonly grant: Grant; readonly signed?: SignedPass | undefined },
): Visitor {
  const registers = records.registers(grant.id);
  return {
    grant,
    isSigned: signed !== undefined,
    entriesUsed: registers.used - registers.voided,
    entriesLeft: grant.entriesAllowed === null ? null : Math.max(0, records.rights(grant, signed).held),
    lastPhoto: lastPhotoOf(records, grant.id),
  };
}

function lastPhotoOf({ visits }: SiteParts["records"], grant: GrantId): AttachmentId | undefined {
  for (const visit of visits.newest()) if (visit.grant === grant && visit.photo !== undefined) return visit.photo;
  return undefined;
}

/** A guard looks at few at once; who never comes back to one is forgotten. */
const looksMax = 200;

/** So that the numbers can say how long visitors wait. A second look at the same pass goes on from the first. */
function noteFirstLook(site: SiteParts, scanned: ScannedPass): void {
  const key = lookOf(site, scanned);
  if (site.scannedAt.has(key)) return;
  site.scannedAt.set(key, site.clock.monotonic());
  const [oldest] = site.scannedAt.keys();
  if (site.scannedAt.size > looksMax && oldest !== undefined) site.scannedAt.delete(oldest);
}

function lookOf({ seal }: SiteParts, { staff, uid }: Pick<ScannedPass, "staff" | "uid">): string {
  return `${staff.id}/${seal.index("pass", uid)}`;
}

function scanOf(
  site: SiteParts,
  { staff, uid }: { readonly staff: StaffMember; readonly uid?: string | undefined },
  { nonce, photo, farM }: GuardWord,
): GuardScan {
  const look = uid === undefined ? undefined : lookOf(site, { staff, uid });
  const lookedAt = look === undefined ? undefined : site.scannedAt.get(look);
  if (look !== undefined) site.scannedAt.delete(look);
  return {
    staff: staff.id,
    nonce,
    ...(photo !== undefined && { photo }),
    ...(farM !== undefined && { farM }),
    ...(lookedAt !== undefined && { waitedMs: Math.round(site.clock.monotonic() - lookedAt) }),
  };
}

function requestOf(site: SiteParts, { accessPoint, uid }: ScannedPass): AccessRequest {
  return { accessPoint, presented: readCredential(site, "pass", uid) };
}
