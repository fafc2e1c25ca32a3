/**
 * What a booking source tells, against what is known from it, purely. A source is a hint: what it has forgotten, muddled or not told takes no
 * code away, and what would take many away at once, or one from a guest in the house, waits for the owner's word.
 */
import type { Validity } from "../../gateway/domain/grant.ts";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { BookingStatus, StayDays } from "./stay-planner.ts";

export interface Guest {
  readonly name: string;
  readonly phone: string | null;
  readonly email: string | null;
  readonly language: string | null;
}

/** What of a booking a source can change. */
export interface BookingState {
  readonly status: BookingStatus;
  readonly property: string;
  readonly days: StayDays;
  readonly guest: Guest;
}

export interface ToldBooking extends BookingState {
  /** What the source calls it. */
  readonly externalId: string;
  /** Of its days, by its property's rules. */
  readonly moments: Validity;
}

export interface KnownBooking extends BookingState {
  readonly id: string;
  readonly externalId: string;
  readonly moments: Validity;
  /** What the owner has been asked about, or has refused, so that nobody is asked twice. */
  readonly held: BookingState | null;
  readonly refused: BookingState | null;
}

/** Why a change waits: it takes the code of a guest in the house, or too many at once. */
export const heldReasons = ["in-house", "many"] as const;
export type HeldReason = (typeof heldReasons)[number];

export type BookingStep =
  | { readonly do: "add"; readonly told: ToldBooking }
  | { readonly do: "change"; readonly id: string; readonly to: ToldBooking }
  | { readonly do: "hold"; readonly id: string; readonly to: ToldBooking; readonly why: HeldReason }
  /** The source tells again what is known: there is nothing to ask any more. */
  | { readonly do: "release"; readonly id: string };

/** One booking that is off is no mass change, however few there are. */
const manyMin = 2;
const manyShare = 0.2;

/** `known`: those of the source that have not ended. What is known and not told stays as it is. */
export function reconcile(known: readonly KnownBooking[], told: readonly ToldBooking[], now: Instant): BookingStep[] {
  const byName = new Map(known.map((one) => [one.externalId, one]));
  const live = known.filter(({ status, moments }) => status === "confirmed" && now < moments.until);
  const changes = told.flatMap((to) => {
    const from = byName.get(to.externalId);
    return from ? [{ from, to }] : [];
  });
  const harmed = changes.filter(({ from, to }) => takesAway(from, to, now));
  const isMany = harmed.length >= manyMin && harmed.length > manyShare * live.length;
  return told.flatMap((to): BookingStep[] => {
    const from = byName.get(to.externalId);
    if (!from) return to.status === "confirmed" && now < to.moments.until ? [{ do: "add", told: to }] : [];
    if (isSameState(from, to)) return from.held === null ? [] : [{ do: "release", id: from.id }];
    if (!takesAway(from, to, now)) return [{ do: "change", id: from.id, to }];
    const isInHouse = from.moments.from <= now;
    if (!isInHouse && !isMany) return [{ do: "change", id: from.id, to }];
    if ([from.held, from.refused].some((one) => one !== null && isSameState(one, to))) return [];
    return [{ do: "hold", id: from.id, to, why: isInHouse ? "in-house" : "many" }];
  });
}

/** It shortens or ends what a guest was told: the code would stop, or begin later, or open other doors. */
function takesAway(from: KnownBooking, to: ToldBooking, now: Instant): boolean {
  if (from.status !== "confirmed" || from.moments.until <= now) return false;
  const isOff = to.status === "cancelled" || to.status === "completed";
  const isShorter =
    to.moments.until < from.moments.until || Math.max(to.moments.from, now) > Math.max(from.moments.from, now);
  return isOff || isShorter || to.property !== from.property;
}

export function isSameState(a: BookingState, b: BookingState): boolean {
  const facts = ({ status, property, days, guest }: BookingState) => {
    const { arrival, departure, checkIn, checkOut } = days;
    const { name, phone, email, language } = guest;
    return JSON.stringify([status, property, arrival, departure, checkIn, checkOut, name, phone, email, language]);
  };
  return facts(a) === facts(b);
}

/** One that the source does not know any more is asked for by itself, and is off once it was not there twice, so far apart. */
export const goneTimes = 2;
export const goneApartMs: Millis = 30 * 60_000;

export interface Missing {
  readonly times: number;
  readonly since: Instant;
}

export function missedAgain(before: Missing | null, now: Instant): Missing {
  return before === null ? { times: 1, since: now } : { times: before.times + 1, since: before.since };
}

export function isGone({ times, since }: Missing, now: Instant): boolean {
  return times >= goneTimes && now - since >= goneApartMs;
}
