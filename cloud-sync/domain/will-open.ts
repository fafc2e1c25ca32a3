/**
 * Will this code open that door at a given moment, as far as the cloud knows? "yes" only where the grant says so and it is proven that whoever
 * decides there knows it: the gateway by what it has on its disk, a lock by what was read back from it.
 */
import type { Credential } from "../../gateway/domain/credential.ts";
import { type Grant, isReserve } from "../../gateway/domain/grant.ts";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { CodeWindow } from "../../gateway/domain/lock-code.ts";
import { openingAt } from "../../gateway/domain/opening.ts";
import { codeTimes, membersAheadMs } from "../../gateway/domain/plan-codes.ts";
import { covers, localTimeAt } from "../../gateway/domain/schedule.ts";
import { hoursCover, planHours } from "../../gateway/domain/week-hours.ts";
import type { CodeEvidence } from "./code-evidence.ts";
import { type Door, keepsKind, readsKind } from "./doors.ts";

export const answers = {
  // yes
  "gateway-knows": "the gateway has the grant on its disk and decides",
  "in-lock": "it was read back from the lock",
  // no
  "wrong-door": "the grant is for other doors",
  revoked: "it was revoked",
  "not-yet": "the grant begins later",
  "not-given": "it is a spare code that nobody was given",
  ended: "the grant has ended by then",
  "outside-hours": "the schedule leaves that moment out",
  "used-up": "all its entries are used",
  blacklisted: "its holder, or it, is on the blacklist",
  lockdown: "the site is locked down",
  "no-way": "nothing there reads such a code, and the lock keeps none",
  "not-kept": "the lock cannot keep it",
  cleared: "it was read back that the lock holds it no more",
  // unknown
  "gateway-behind": "the gateway has not confirmed the present state",
  "gateway-gone": "no gateway in service serves this door",
  "gateway-silent": "the gateway has been silent, and would not honour such a grant for so long",
  "held-elsewhere": "its entries lie at another gateway, which must hand one over",
  "not-due": "it is put into the lock when it begins, or up to three days before",
  "not-sent": "it should be in the lock, and nothing was sent yet",
  "switched-off": "the maker's account is switched off, and nobody new is let in by it",
  "not-read-back": "it was sent to the lock and not read back yet",
  "still-in-lock": "it should be out of the lock, and nobody has seen that it is",
  unreported: "the gateway does not say what the door has",
} as const;
export type Why = keyof typeof answers;

export interface Verdict {
  readonly answer: "yes" | "no" | "unknown";
  readonly why: Why;
}

export interface Asked {
  readonly at: Instant;
  readonly now: Instant;
  readonly grant: Grant;
  readonly credential: Credential;
  /** A guest's page presents it at the gateway: nothing at the door has to read it. */
  readonly isFromAfar?: boolean;
  /** undefined: no gateway has reported the access point. */
  readonly door: Door | undefined;
  readonly gateway: {
    readonly inService: boolean;
    /** It has the present state of the grant on its disk. */
    readonly confirmed: boolean;
    /** null: it is heard of. */
    readonly silentSince: Instant | null;
  };
  readonly site: { readonly zone: string; readonly lockdown: boolean; readonly offlineMaxAgeMs: Millis | null };
  readonly isBlacklisted: boolean;
  /** Where entries are left; undefined: the grant has no limit. */
  readonly entries: "here" | "elsewhere" | "none" | undefined;
  readonly evidence: CodeEvidence;
  /** The maker's account at which its lock is kept takes nobody new. */
  readonly isSwitchedOff?: boolean;
}

const no = (why: Why): Verdict => ({ answer: "no", why });
const yes = (why: Why): Verdict => ({ answer: "yes", why });
const unknown = (why: Why): Verdict => ({ answer: "unknown", why });

export function willOpen(asked: Asked): Verdict {
  const { door, grant, credential, gateway, isFromAfar = false } = asked;
  if (!door || !grant.accessPoints.includes(door.id)) return door ? no("wrong-door") : unknown("gateway-gone");
  const isRead = isFromAfar || readsKind(door, credential.kind);
  const kept = keepsKind(door, credential.kind);
  if (door.reads === undefined && !kept && !isFromAfar) return unknown("unreported");
  if (!isRead && !kept) return no("no-way");
  const byGateway = isRead ? theGateway(asked) : undefined;
  const byLock = kept ? theLock(asked) : undefined;
  const found = [byGateway, byLock].filter((one) => one !== undefined);
  const best =
    found.find(({ answer }) => answer === "yes") ?? found.find(({ answer }) => answer === "unknown") ?? found[0]!;
  return gateway.inService || best.why === "in-lock" ? best : unknown("gateway-gone");
}

/** A press at a reader: the gateway decides with what it knows. */
function theGateway(asked: Asked): Verdict {
  const { at, now, grant, gateway, site, entries } = asked;
  // Neither what permits it nor what forbids it has arrived there for certain.
  if (!gateway.confirmed) return unknown("gateway-behind");
  const objection = objectionOf(asked);
  if (objection) return no(objection);
  if (isReserve(grant)) return no("not-given");
  if (site.lockdown) return at > now ? unknown("lockdown") : no("lockdown");
  if (entries === "none") return no("used-up");
  const { silentSince } = gateway;
  if (silentSince !== null && site.offlineMaxAgeMs !== null && at > silentSince + site.offlineMaxAgeMs)
    return unknown("gateway-silent");
  if (entries === "elsewhere" && grant.limitMode === "strict") return unknown("held-elsewhere");
  return yes("gateway-knows");
}

/** The lock opens by itself: what it holds counts, whatever the gateway would say. A lockdown does not reach it. */
function theLock(asked: Asked): Verdict {
  const { at, now, grant, evidence, site } = asked;
  const { state, change, missing, window } = evidence;
  const isOpenThen = window !== null && isWithin(window, at, site.zone);
  const objection = objectionOf(asked);
  if (objection) {
    // A lock with windows of its own keeps to them; what is to go at its end is counted on to have gone.
    const isOver = objection === "not-yet" || objection === "ended";
    const isOut = state === "unsent" || state === "cleared";
    // Hours may have come to a code that is there already.
    const isShut = objection === "outside-hours" && (at > now || (state === "confirmed" && window && !isOpenThen));
    const isOverThere = isOver && ((window && !isOpenThen) || at > now);
    return isOut || isOverThere || isShut ? no(objection) : unknown("still-in-lock");
  }
  const begins = beginsFor(asked);
  if (grant.entriesAllowed !== null || begins === undefined) return no("not-kept");
  // It is in the lock for one opening of its schedule at a time.
  if (grant.validity.from < begins && now < begins && !isOpenThen && !missing) return unknown("not-due");
  if (missing && ["digits", "entries", "schedule", "unreadable"].includes(missing.why)) return no("not-kept");
  if (asked.isSwitchedOff && outside.includes(state)) return unknown("switched-off");
  switch (state) {
    case "confirmed":
      if (change === "clear") return unknown("still-in-lock");
      return !window || isOpenThen ? yes("in-lock") : unknown("not-read-back");
    case "cleared":
      if (now < sentFrom(asked, begins)) return unknown("not-due");
      return at > now ? unknown("not-sent") : no("cleared");
    case "unsent":
      return missing || now >= sentFrom(asked, begins) ? unknown("not-sent") : unknown("not-due");
    case "refused":
      return unknown("not-sent");
    case "sent":
    case "accepted":
    case "unanswered":
      return change === "clear" ? unknown("still-in-lock") : unknown("not-read-back");
  }
}

/** It is not in the lock, and nothing of it is under way. */
const outside: readonly CodeEvidence["state"][] = ["unsent", "cleared", "refused"];

/** From when the code is to be in the lock so that it opens at that moment; undefined: the lock cannot honour its schedule. */
function beginsFor({ at, grant: { schedule, validity }, door, site }: Asked): Instant | undefined {
  const plan = schedule && planHours(schedule, validity, site.zone, door?.codes?.hours);
  if (plan?.by === "nobody") return undefined;
  if (plan?.by !== "writing") return validity.from;
  return openingAt(schedule!, validity, site.zone, at, 0)?.from;
}

/** From when the gateway puts it there: a lock that begins codes by itself gets them ahead, a maker's cloud those of members as they are booked. */
function sentFrom({ door, grant }: Asked, begins: Instant): Instant {
  const isAtMaker = door?.accounts !== undefined || door?.codes?.keptBy === "cloud";
  if (isAtMaker && grant.kind === "member" && !grant.schedule) return begins - membersAheadMs;
  if (door?.accounts) return begins - codeTimes.preloadMs;
  return door?.codes?.windows === "range" && !grant.schedule ? begins - codeTimes.preloadMs : begins;
}

function isWithin({ from, until, hours }: CodeWindow, at: Instant, zone: string): boolean {
  return from <= at && at < until && (!hours || hoursCover(hours, at, zone));
}

/** What of the grant itself speaks against it. */
function objectionOf({ at, grant, credential, site, isBlacklisted }: Asked): Why | undefined {
  if (grant.revoked || credential.revoked) return "revoked";
  if (isBlacklisted) return "blacklisted";
  if (at < grant.validity.from) return "not-yet";
  if (at >= grant.validity.until) return "ended";
  if (grant.schedule && !covers(grant.schedule, localTimeAt(at, site.zone))) return "outside-hours";
  return undefined;
}
