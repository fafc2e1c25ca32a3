/**
 * The heart: may this credential open this access point now? Pure; nothing is asked but the arguments. A denial is an
 * answer, not an error. The truth table is DECISIONS.md; its rows are the tests.
 */
import type { AccessPointId } from "./access-point.ts";
import type { ClockInterval } from "./clock-interval.ts";
import { type Credential, type CredentialId, credentialKinds, type PresentedCredential } from "./credential.ts";
import { type Grant, type GrantId, grantKinds, isReserve, isUnreadable } from "./grant.ts";
import type { Millis } from "./instant.ts";
import { covers, localTimeAt } from "./schedule.ts";
import type { SignedPass } from "./signed-pass.ts";
import type { Site } from "./site.ts";

/** In order of how near the holder came to the door: of several grants, the last reason in this list is told. */
export const denyReasons = [
  "STORAGE_FULL",
  "LOCKDOWN",
  "LOCKED_OUT",
  "OFFLINE_NO_CACHE",
  "QR_NOT_FOUND",
  "UNREADABLE",
  "REVOKED",
  "WRONG_ACCESS_POINT",
  "QR_EXPIRED",
  "NOT_YET_VALID",
  "CLOCK_UNTRUSTED",
  "OUTSIDE_SCHEDULE",
  "OFFLINE_STALE",
  "LIMIT_REACHED",
  "HELD_AT_OTHER_GATE",
  "BLACKLISTED",
] as const;
export type DenyReason = (typeof denyReasons)[number];

export interface AccessRequest {
  readonly accessPoint: AccessPointId;
  readonly presented: PresentedCredential;
}

/** A grant one of whose credentials was presented. */
export interface Candidate {
  readonly grant: Grant;
  readonly credential: Credential;
  /** The grant is known by this alone: no row of it has come. */
  readonly signed?: SignedPass;
}

/** Where a limited grant stands at this gateway. */
export interface RightsView {
  /** Admissions left here; never more than the grant's limit leaves after those written down here. */
  readonly held: number;
  /** Whether another gateway may hold more, and the limit is not used up by this one alone. */
  readonly elsewhere: boolean;
}

/** The site as the gateway's records have it. */
export interface SiteView {
  /** Feed version the answers rest on. */
  readonly revision: number;
  /** undefined until the first complete poll. */
  readonly site: Site | undefined;
  /** Records were lost to damage, and this gateway has not begun a new epoch since. */
  readonly suspect: boolean;
  /** Part of a set is here: what forbids a pass may have come before the pass it is about. */
  readonly isArriving: boolean;
  knowsAccessPoint(id: AccessPointId): boolean;
  candidates(presented: PresentedCredential): readonly Candidate[];
  /** Sticky: true for ever once a revocation of this grant or credential has been seen. */
  isRevoked(id: GrantId | CredentialId): boolean;
  isBlacklisted(candidate: Candidate): boolean;
  /** `signed`: what the grant is known by. */
  rights(grant: Grant, signed?: SignedPass): RightsView;
}

/** The circumstances of one request. */
export interface Circumstances {
  readonly time: ClockInterval;
  /** Monotonic time since the request of the last complete poll; null: none in living memory. */
  readonly sinceSyncMs: Millis | null;
  /** How long the reader takes no more of the kind presented; 0 when it does, and when a guard asks. */
  readonly lockedOutMs: Millis;
}

export type Decision =
  | {
      readonly outcome: "granted";
      readonly grant: Grant;
      readonly credential: Credential;
      /** See Candidate. */
      readonly signed?: SignedPass;
      /** Rights left here after this admission; null: no limit. */
      readonly left: number | null;
      readonly flags: readonly string[];
      readonly revision: number;
    }
  | {
      readonly outcome: "denied";
      readonly reason: DenyReason;
      readonly grant?: Grant;
      readonly credential?: Credential;
      readonly signed?: SignedPass;
      readonly revision: number;
    };

/** Without an answer from the cloud for this long, the gateway says that it is offline; two missed long-polls. */
export const offlineAfterMs: Millis = 60_000;

/** Any one grant that holds opens the door, rather one that needs no flag; if none does, the nearest miss gives the reason. */
export function decide(request: AccessRequest, view: SiteView, now: Circumstances): Decision {
  const denied = (reason: DenyReason, candidate?: Candidate): Decision => ({
    outcome: "denied",
    reason,
    ...candidate,
    revision: view.revision,
  });

  if (view.site?.lockdown) return denied("LOCKDOWN");
  if (!view.knowsAccessPoint(request.accessPoint)) return denied("WRONG_ACCESS_POINT");
  if (now.lockedOutMs > 0) return denied("LOCKED_OUT");

  const candidates = view.candidates(request.presented);
  if (!view.site) return denied("OFFLINE_NO_CACHE");
  if (candidates.length === 0) return denied(isOffline(now) ? "OFFLINE_NO_CACHE" : "QR_NOT_FOUND");

  let flagged: Decision | undefined;
  let nearest: { reason: DenyReason; candidate: Candidate } | undefined;
  for (const candidate of candidates) {
    const reason = objection(barriers, candidate, request, view, view.site, now);
    if (!reason) {
      const { grant, credential, signed } = candidate;
      const { held } = view.rights(grant, signed);
      const left = grant.entriesAllowed === null ? null : Math.max(0, held - 1);
      const flags = left !== null && held < 1 ? ["over-limit-risk"] : [];
      const facts = { grant, credential, ...(signed && { signed }), left, flags, revision: view.revision };
      const granted: Decision = { outcome: "granted", ...facts };
      if (flags.length === 0) return granted;
      flagged ??= granted;
    } else if (!nearest || rank(reason) > rank(nearest.reason)) nearest = { reason, candidate };
  }
  if (flagged) return flagged;
  return nearest ? denied(nearest.reason, nearest.candidate) : denied("QR_NOT_FOUND");
}

/**
 * After the admission is on the disk and before the strike moves: has anything arrived meanwhile that forbids it? The right was
 * spent by the admission itself, so the limit is not asked again.
 */
export function secondLook(
  admitted: Candidate,
  request: AccessRequest,
  view: SiteView,
  now: Circumstances,
): DenyReason | undefined {
  if (!view.site) return "OFFLINE_STALE";
  if (view.site.lockdown) return "LOCKDOWN";
  const candidate = view
    .candidates(request.presented)
    .find(({ grant, credential }) => grant.id === admitted.grant.id && credential.id === admitted.credential.id);
  return candidate ? objection(barriersButLimit, candidate, request, view, view.site, now) : "REVOKED";
}

/** Asked from top to bottom; the first objection counts. The order is the policy: change it here. */
const barriersButLimit: readonly Barrier[] = [
  understood,
  notRevoked,
  notBlacklisted,
  rightAccessPoint,
  givenToSomebody,
  withinValidity,
  withinSchedule,
  freshEnough,
];
const barriers: readonly Barrier[] = [...barriersButLimit, withinLimit];

type Barrier = (
  candidate: Candidate,
  request: AccessRequest,
  view: SiteView,
  site: Site,
  now: Circumstances,
) => DenyReason | undefined;

function objection(asking: readonly Barrier[], ...asked: Parameters<Barrier>): DenyReason | undefined {
  for (const barrier of asking) {
    const reason = barrier(...asked);
    if (reason) return reason;
  }
  return undefined;
}

function understood({ grant, credential }: Candidate): DenyReason | undefined {
  const known = grantKinds.includes(grant.kind) && credentialKinds.includes(credential.kind) && !isUnreadable(grant);
  return known ? undefined : "UNREADABLE";
}

function notRevoked({ grant, credential }: Candidate, _request: AccessRequest, view: SiteView): DenyReason | undefined {
  const revoked = grant.revoked || credential.revoked || view.isRevoked(grant.id) || view.isRevoked(credential.id);
  return revoked ? "REVOKED" : undefined;
}

function notBlacklisted(candidate: Candidate, _request: AccessRequest, view: SiteView): DenyReason | undefined {
  return view.isBlacklisted(candidate) ? "BLACKLISTED" : undefined;
}

function rightAccessPoint({ grant }: Candidate, request: AccessRequest): DenyReason | undefined {
  return grant.accessPoints.includes(request.accessPoint) ? undefined : "WRONG_ACCESS_POINT";
}

/** A spare code is nobody's until it is given. */
function givenToSomebody({ grant }: Candidate): DenyReason | undefined {
  return isReserve(grant) ? "NOT_YET_VALID" : undefined;
}

/** Certainly after the start and certainly before the end; what the clock cannot tell is denied. */
function withinValidity(
  { grant, signed }: Candidate,
  _request: AccessRequest,
  _view: SiteView,
  _site: Site,
  { time }: Circumstances,
): DenyReason | undefined {
  const { from, until } = grant.validity;
  // What was placed at a card that is gone is not at this one.
  if (signed?.home === "here-before") return "QR_EXPIRED";
  if (!(from < until) || time.earliest >= until) return "QR_EXPIRED";
  if (time.latest < from) return "NOT_YET_VALID";
  if (!Number.isFinite(time.earliest) || !Number.isFinite(time.latest)) return "CLOCK_UNTRUSTED";
  if (time.earliest < from) return "NOT_YET_VALID";
  return time.latest >= until ? "QR_EXPIRED" : undefined;
}

/** At every minute that the clock may show: between two windows nobody is admitted. */
function withinSchedule(
  { grant }: Candidate,
  _request: AccessRequest,
  _view: SiteView,
  site: Site,
  { time }: Circumstances,
): DenyReason | undefined {
  const { schedule } = grant;
  if (!schedule) return undefined;
  try {
    for (let at = time.earliest; at < time.latest; at += 60_000)
      if (!covers(schedule, localTimeAt(at, site.zone))) return "OUTSIDE_SCHEDULE";
    return covers(schedule, localTimeAt(time.latest, site.zone)) ? undefined : "OUTSIDE_SCHEDULE";
  } catch {
    return "UNREADABLE"; // a zone or a schedule nobody can read admits nobody
  }
}

function freshEnough(
  { grant, signed }: Candidate,
  _request: AccessRequest,
  view: SiteView,
  site: Site,
  { sinceSyncMs }: Circumstances,
): DenyReason | undefined {
  if (view.suspect || (signed && view.isArriving)) return "OFFLINE_STALE";
  const maxAgeMs = site.offlineMaxAgeMs[grant.kind];
  if (maxAgeMs === null) return undefined;
  return maxAgeMs !== undefined && sinceSyncMs !== null && sinceSyncMs <= maxAgeMs ? undefined : "OFFLINE_STALE";
}

function withinLimit({ grant, signed }: Candidate, _request: AccessRequest, view: SiteView): DenyReason | undefined {
  // A signed pass without a limit opens its home gate alone, or one that was copied would open all of them.
  if (grant.entriesAllowed === null) return signed?.home === "elsewhere" ? "HELD_AT_OTHER_GATE" : undefined;
  const rights = view.rights(grant, signed);
  if (rights.held >= 1) return undefined;
  if (!rights.elsewhere) return "LIMIT_REACHED";
  return grant.limitMode === "lenient" ? undefined : "HELD_AT_OTHER_GATE";
}

function isOffline({ sinceSyncMs }: Circumstances): boolean {
  return sinceSyncMs === null || sinceSyncMs > offlineAfterMs;
}

function rank(reason: DenyReason): number {
  return denyReasons.indexOf(reason);
}
