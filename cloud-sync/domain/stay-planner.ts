/**
 * From a booking to its code, purely: when the code works, and what there is to do about it now. A booking is a hint about a stay, never a
 * command to the doors: only what says clearly that the stay is off takes a code away.
 */
import type { Validity } from "../../gateway/domain/grant.ts";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";

/** "stay": a guest of a flat · "member": of a hub. Grants of the same name. */
export const bookingKinds = ["stay", "member"] as const;
export type BookingKind = (typeof bookingKinds)[number];

/**
 * "confirmed": it gets a code · "tentative": it gets none, and one it has goes on as the booking does · "cancelled", "completed": its code
 * goes, early checkout included.
 */
export const bookingStatuses = ["confirmed", "tentative", "cancelled", "completed"] as const;
export type BookingStatus = (typeof bookingStatuses)[number];

/** How a property's codes are made. */
export interface StayRules {
  /** Wall clock at the site, "15:00": for bookings that name no hour of their own. */
  readonly checkIn: string;
  readonly checkOut: string;
  /** The code works so much before check-in and after checkout, 0 to 1,440. */
  readonly earlyMinutes: number;
  readonly lateMinutes: number;
  /** The code is made so long before it works; a member's as soon as it is booked. */
  readonly aheadHours: number;
  /** Digits of the code at least, as far as the locks take them. */
  readonly codeLength: number;
  /** "phone": its last digits are the end of the guest's number, where the locks take them and nobody else has them. */
  readonly codeFrom: "random" | "phone";
  /** Its guest sees the code so long before it works; null: as soon as it is made. */
  readonly showCodeHours: number | null;
  /** Kept before the next stay, 0 to 1,440: see ./stay-window.ts. */
  readonly cleaningMinutes: number;
  /** So many codes are held ready for guests whose own is not there, 0 to 5. */
  readonly spareCodes: number;
}

export const usualRules: StayRules = {
  checkIn: "15:00",
  checkOut: "11:00",
  earlyMinutes: 0,
  lateMinutes: 0,
  aheadHours: 48,
  codeLength: 6,
  codeFrom: "random",
  showCodeHours: null,
  cleaningMinutes: 0,
  spareCodes: 0,
};

/** Nights from `arrival` to `departure`, calendar days "2031-03-04" at the site; the hours "15:00" where the booking names them. */
export interface StayDays {
  readonly arrival: string;
  readonly departure: string;
  readonly checkIn: string | null;
  readonly checkOut: string | null;
}

const minuteMs: Millis = 60_000;
const hourMs: Millis = 60 * minuteMs;

/**
 * When a stay begins and ends. An hour that the clocks skip is the one after; of one that they repeat the stay begins with the first and ends
 * with the second, so that nobody is shut out for an hour.
 */
export function stayMoments(
  { arrival, departure, checkIn, checkOut }: StayDays,
  rules: StayRules,
  zone: string,
): Validity {
  const at = (day: string, hour: string) => Temporal.PlainDate.from(day).toPlainDateTime(Temporal.PlainTime.from(hour));
  const begins = at(arrival, checkIn ?? rules.checkIn);
  const ends = at(departure, checkOut ?? rules.checkOut);
  return {
    from: begins.toZonedDateTime(zone, { disambiguation: "compatible" }).epochMilliseconds,
    until: ends.toZonedDateTime(zone, { disambiguation: "later" }).epochMilliseconds,
  };
}

/** When the code of a stay works that has none beside it, see ./stay-window.ts. */
export function codeWindow({ from, until }: Validity, { earlyMinutes, lateMinutes }: StayRules): Validity {
  return { from: from - earlyMinutes * minuteMs, until: until + lateMinutes * minuteMs };
}

/** What the booking asks for now. */
export interface WantedStay {
  readonly status: BookingStatus;
  readonly window: Validity;
  readonly accessPoints: readonly string[];
  readonly guest: string;
  /** What names its member's account at the maker of a lock; absent: no lock of it opens to accounts, or nobody knows the member's. */
  readonly account?: string | undefined;
  readonly aheadHours: number;
}

/** The grant that the booking has. */
export interface StayGrant {
  readonly validity: Validity;
  readonly accessPoints: readonly string[];
  readonly guest: string;
  readonly account?: string | undefined;
  readonly revoked: boolean;
}

export type StayStep =
  /** `lookAt`: when there will be something to do; null: not before the booking changes. `problem`: what somebody should know. */
  | { readonly do: "nothing"; readonly lookAt: Instant | null; readonly problem?: StayProblem }
  | { readonly do: "make"; readonly window: Validity }
  /** The code stays what it is; its window, its doors or its guest's name do not. */
  | { readonly do: "change"; readonly window: Validity }
  | { readonly do: "revoke" };

/** "revoked": somebody has taken its code away · "no-time": by the property's hours it ends before it begins. */
export type StayProblem = "revoked" | "no-time";

/**
 * `grant`: undefined: there is none, or the planner itself has revoked it. One that somebody else has revoked stays so: whoever took the code
 * away had a reason. A code that works already goes on working when the stay is to begin later: its guest may be inside.
 */
export function planStay(wanted: WantedStay, grant: StayGrant | undefined, now: Instant): StayStep {
  const { status, aheadHours } = wanted;
  const isLive = grant !== undefined && !grant.revoked && now < grant.validity.until;
  if (wanted.window.from >= wanted.window.until && status !== "cancelled" && status !== "completed")
    return { ...nothing, problem: "no-time" };
  const isOver = status === "cancelled" || status === "completed" || wanted.window.until <= now;
  if (isOver) return isLive ? { do: "revoke" } : nothing;
  if (grant?.revoked) return { ...nothing, problem: "revoked" };
  if (!grant) {
    if (status === "tentative") return nothing;
    const dueAt = wanted.window.from - aheadHours * hourMs;
    return now < dueAt ? { do: "nothing", lookAt: dueAt } : { do: "make", window: wanted.window };
  }
  if (!isLive && status === "tentative") return nothing;
  const hasBegun = isLive && grant.validity.from <= now;
  const from = hasBegun ? Math.min(grant.validity.from, wanted.window.from) : wanted.window.from;
  const window = { from, until: wanted.window.until };
  const isAsWanted =
    grant.validity.from === window.from &&
    grant.validity.until === window.until &&
    grant.guest === wanted.guest &&
    grant.account === wanted.account &&
    isSameSet(grant.accessPoints, wanted.accessPoints);
  return isAsWanted ? nothing : { do: "change", window };
}

const nothing = { do: "nothing", lookAt: null } as const satisfies StayStep;

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}

/** Digits at the end of a telephone number; undefined: it has fewer. */
export function phoneDigits(phone: string | null, length: number): string | undefined {
  const digits = (phone ?? "").replaceAll(/\D/g, "");
  return digits.length >= Math.max(length, 4) ? digits.slice(-length) : undefined;
}
