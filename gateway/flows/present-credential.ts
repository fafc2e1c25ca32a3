/**
 * Someone presents a credential: decide, write down, look once more, release. A grant moves nothing before its admission is on
 * the disk; a denial is written down as well, and told when it tells nothing (tell-reader.ts).
 */
import type { AccessPoint } from "../domain/access-point.ts";
import { type AccessRequest, type Decision, type DenyReason, decide, secondLook } from "../domain/decide.ts";
import type { DeviceOrigin, EntryEvent, EventBody, EventSeq, GuardScan } from "../domain/entry-event.ts";
import type { Grant } from "../domain/grant.ts";
import type { Millis, Monotonic } from "../domain/instant.ts";
import type { GuessedKind } from "../domain/lockout.ts";
import { placedBy } from "../domain/signed-pass.ts";
import type { StaffMember } from "../domain/staff.ts";
import type { Visit } from "../domain/visits.ts";
import { GatewayError } from "../errors.ts";
import type { Reader } from "../ports/device.ts";
import { fetchEntry } from "./fetch-entry.ts";
import { releaseStrike } from "./release-strike.ts";
import { circumstancesAt, isStillStaff, note, type SiteParts } from "./site-parts.ts";
import { tellReader } from "./tell-reader.ts";

export type Outcome =
  | { readonly outcome: "released"; readonly seq: EventSeq; readonly result: "accepted" | "confirmed" | "unknown" }
  /** Admitted and written down, but the strike did not move; the right came back. */
  | { readonly outcome: "void"; readonly seq: EventSeq; readonly why: VoidWhy }
  | { readonly outcome: "denied"; readonly reason: DenyReason }
  /** Its turn came when the gateway was stopping, or too late: nothing was decided, and nothing is written down yet. */
  | { readonly outcome: "unanswered"; readonly why: "stopped" | "too-late" };

type VoidWhy = (EventBody & { readonly type: "void" })["why"];

/** What led to a request. */
export interface Press {
  /** The report; what is written down names it. */
  readonly origin: DeviceOrigin | undefined;
  /** When somebody pressed, on our monotonic clock. */
  readonly at: Monotonic;
  /** A guard asks for the visitor. One of a number that was counted is answered with what became of it. */
  readonly scan?: GuardScan;
  /** That guard, as they were when they asked: whoever is taken off the list meanwhile lets nobody in. */
  readonly guard?: StaffMember;
}

/** Whoever pressed longer ago than this is not waiting at the door any more: nothing opens for it. */
export const pressLifeMs: Millis = 10_000;

/**
 * Runs when its turn at the access point comes; undefined when too many wait there already. Rejects with `journal-failed` when
 * the disk fails, in which case nothing has moved.
 */
export function presentCredential(
  site: SiteParts,
  request: AccessRequest,
  reader: Reader | undefined,
  press: Press = { origin: undefined, at: site.clock.monotonic() },
): Promise<Outcome> | undefined {
  const takenAt = site.clock.monotonic();
  return site.inTurn.run(request.accessPoint, async () => {
    const outcome = await answer(site, request, press);
    if (outcome.outcome === "unanswered") return outcome;
    const verdict = outcome.outcome === "released" ? "granted" : lockedOut(outcome) ? "locked-out" : "denied";
    // The person at the reader is told while the next one is served already.
    if (reader) void tellReader(site, reader, verdict, takenAt);
    return outcome;
  });
}

async function answer(site: SiteParts, request: AccessRequest, press: Press): Promise<Outcome> {
  if (site.stopping.aborted) return { outcome: "unanswered", why: "stopped" };
  // What was not written down did not happen, whatever the records say.
  if (site.journal.state === "failed") return { outcome: "denied", reason: "STORAGE_FULL" };
  const before = countedOf(site, press);
  if (before) return whatBecameOf(before);
  if (isTooLate(site, press)) return { outcome: "unanswered", why: "too-late" };
  // Who asks again is asked to sign in.
  if (isWithoutGuard(site, press)) return { outcome: "unanswered", why: "stopped" };
  let decision = decideNow(site, request, press.scan);
  if (isElsewhere(decision)) {
    await fetchEntry(site, decision.grant);
    decision = decideNow(site, request, press.scan);
  }
  // Nothing may come between the decision and its record: another door could spend the same entry.
  const meanwhile = countedOf(site, press);
  if (meanwhile) return whatBecameOf(meanwhile);
  const accessPoint = site.accessPoints.get(request.accessPoint);
  if (decision.outcome === "denied" || !accessPoint) return deny(site, request, decision, press);
  return admit(site, request, accessPoint, decision, press);
}

/** What a guard's word of this number was written down as. */
function countedOf({ records }: SiteParts, { scan }: Press): Visit | undefined {
  return scan?.nonce === undefined ? undefined : records.visits.withNonce(scan.nonce);
}

/** `scan`: a guard asks, whom no guesser locks out. */
export function decideNow(site: SiteParts, request: AccessRequest, scan?: GuardScan): Decision {
  const via = scan ? undefined : request.presented.kind;
  return decide(request, site.records, circumstancesAt(site, request.accessPoint, via));
}

/** At another access point it may be under way. A number that stands for anything but an entry lets nobody in. */
function whatBecameOf({ of, result }: Visit): Outcome {
  if (result === "under-way") return { outcome: "released", seq: of, result: "unknown" };
  if (result === "turned-away" || result === "unmoved") return { outcome: "void", seq: of, why: "refused" };
  if ("denied" in result) return { outcome: "denied", reason: result.denied };
  return "void" in result
    ? { outcome: "void", seq: of, why: result.void }
    : { outcome: "released", seq: of, result: result.released };
}

function isTooLate({ clock }: SiteParts, { at }: Press): boolean {
  return clock.monotonic() - at > pressLifeMs;
}

function isWithoutGuard(site: SiteParts, { guard }: Press): boolean {
  return guard !== undefined && !isStillStaff(site, guard);
}

/** Its entries lie at another gateway: one may come over the LAN while the person waits. */
export function isElsewhere(decision: Decision): decision is Decision & { readonly grant: Grant } {
  const isShort = decision.outcome === "granted" ? decision.flags.length > 0 : decision.reason === "HELD_AT_OTHER_GATE";
  return isShort && decision.grant !== undefined;
}

async function admit(
  site: SiteParts,
  request: AccessRequest,
  accessPoint: AccessPoint,
  decision: Decision & { outcome: "granted" },
  press: Press,
): Promise<Outcome> {
  const { grant, credential, signed, left, flags, revision } = decision;
  let admitted: { event: EntryEvent; durable: Promise<void> };
  try {
    admitted = site.journal.recordEvent({
      type: "admitted",
      accessPoint: accessPoint.id,
      grant: grant.id,
      credential: credential.id,
      via: credential.kind,
      left,
      revision,
      ...(flags.length > 0 && { flags }),
      ...(signed && { signed: { placed: placedBy(signed), until: signed.validity.until } }),
      ...(press.origin && { press: press.origin }),
      ...(press.scan && { scan: press.scan }),
    });
  } catch (error) {
    if (error instanceof GatewayError && error.code === "storage-full")
      return { outcome: "denied", reason: "STORAGE_FULL" };
    throw error;
  }
  const { seq } = admitted.event;
  await admitted.durable;

  const objection = secondLook({ grant, credential }, request, site.records, circumstancesAt(site, accessPoint.id));
  if (objection || site.stopping.aborted) return takeBack(objection ? "revoked" : "stopped");
  // The disk may have been slow.
  if (isTooLate(site, press)) return takeBack("too-late");
  if (isWithoutGuard(site, press)) return takeBack("refused");

  const result = await releaseStrike(site, accessPoint);
  if (result === "refused") return takeBack("refused");
  void note(site, { type: "released", of: seq, accessPoint: accessPoint.id, result });
  site.logger.info("strike-released", {
    accessPoint: accessPoint.id,
    grant: grant.id,
    result,
    holdMs: accessPoint.holdMs,
  });
  return { outcome: "released", seq, result };

  function takeBack(why: VoidWhy): Outcome {
    void note(site, { type: "void", of: seq, accessPoint: accessPoint.id, grant: grant.id, why });
    site.logger.warn("admission-void", { accessPoint: accessPoint.id, grant: grant.id, why });
    return { outcome: "void", seq, why };
  }
}

/** A full disk keeps the denial from being written down, not from being given. */
export function deny(
  site: SiteParts,
  request: AccessRequest,
  decision: Decision,
  { origin, scan }: Pick<Press, "origin" | "scan">,
): Outcome & { outcome: "denied" } {
  const { accessPoint, presented } = request;
  const reason = decision.outcome === "denied" ? decision.reason : "WRONG_ACCESS_POINT";
  const { attempts } = site.records;
  const shown = { via: presented.kind, ...(presented.unproven && { unproven: presented.unproven }) };
  const guessed = site.records.guessedKind({ ...shown, reason, ...(scan && { scan }) });
  const lockedOutMs = guessed ? attempts.lockedOutAfterMissMs(guessed, accessPoint, site.clock.monotonic()) : 0;
  const { grant } = decision;
  const heldAt = reason === "HELD_AT_OTHER_GATE" && grant ? site.records.heldAt(grant) : undefined;
  void note(
    site,
    {
      type: "denied",
      accessPoint,
      reason,
      ...shown,
      revision: decision.revision,
      ...(grant && { grant: grant.id }),
      ...(decision.credential && { credential: decision.credential.id }),
      ...(lockedOutMs > 0 && { lockedOutMs }),
      ...(heldAt !== undefined && { heldAt }),
      ...(origin && { press: origin }),
      ...(scan && { scan: { staff: scan.staff } }),
    },
    // As long as admissions still fit on the disk, guesses must be counted.
    { importance: guessed ? "high" : "low" },
  );
  site.logger.info("access-denied", { accessPoint, reason, ...(lockedOutMs > 0 && { lockedOutMs }) });
  if (guessed) tellGuessing(site, guessed);
  return { outcome: "denied", reason };
}

/** Once when it begins. */
function tellGuessing(site: SiteParts, kind: GuessedKind): void {
  const now = site.clock.monotonic();
  if (!site.records.attempts.isGuessingUntold(kind, now)) return;
  const { count, readers } = site.records.attempts.ofLastDay(kind, now);
  const event: EventBody =
    kind === "pin"
      ? { type: "pin-guessing", wrongPins: count, keypads: readers }
      : { type: "pass-guessing", wrongPasses: count, scanners: readers };
  void note(site, event, { importance: "high" });
  site.logger.warn(event.type, { count, readers });
}

function lockedOut(outcome: Outcome): boolean {
  return outcome.outcome === "denied" && outcome.reason === "LOCKED_OUT";
}
