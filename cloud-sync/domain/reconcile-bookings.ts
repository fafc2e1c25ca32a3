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
  /** Nobody said that it is cancelled: it was not there. */
  readonly doubt?: Doubt | undefined;
}

/** "missing": it was not there again and again · "empty": nothing is there any more. */
export type Doubt = "missing" | "empty";

export interface KnownBooking extends BookingState {
  readonly id: string;
  readonly externalId: string;
  readonly moments: Validity;
  /** What the owner has been asked about, or has refused, so that nobody is asked twice. */
  readonly held: BookingState | null;
  readonly refused: BookingState | null;
}

/**
 * Why a change waits. "in-house": it takes the code of a guest in the house · "arriving": it was not told, and its guest is about to arrive ·
 * "many": it takes too many at once · "empty": its source has been empty for a day.
 */
export const heldReasons = ["in-house", "arriving", "many", "empty"] as const;
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
/** So long before it begins a stay is not ended because nobody told of it. */
const arrivingMs: Millis = 2 * 60 * 60_000;

/**
 * `known`: those of the source that have not ended. What is known and not told stays as it is. `offBefore`: so many of them were cancelled a
 * moment ago, by a source that tells one at a time.
 */
export function reconcile(
  known: readonly KnownBooking[],
  told: readonly ToldBooking[],
  now: Instant,
  offBefore = 0,
): BookingStep[] {
  const byName = new Map(known.map((one) => [one.externalId, one]));
  const live = known.filter(({ status, moments }) => status === "confirmed" && now < moments.until);
  const changes = told.flatMap((to) => {
    const from = byName.get(to.externalId);
    return from ? [{ from, to }] : [];
  });
  const harmed = changes.filter(({ from, to }) => takesAway(from, to, now));
  const offAll = harmed.length + offBefore;
  const isMany = offAll >= manyMin && offAll > manyShare * (live.length + offBefore);
  return told.flatMap((to): BookingStep[] => {
    const from = byName.get(to.externalId);
    if (!from) return to.status === "confirmed" && now < to.moments.until ? [{ do: "add", told: to }] : [];
    if (isSameState(from, to)) return from.held === null ? [] : [{ do: "release", id: from.id }];
    if (!takesAway(from, to, now)) return [{ do: "change", id: from.id, to }];
    const why = reasonToHold(from, to, isMany, now);
    if (why === undefined) return [{ do: "change", id: from.id, to }];
    if ([from.held, from.refused].some((one) => one !== null && isSameState(one, to))) return [];
    return [{ do: "hold", id: from.id, to, why }];
  });
}

function reasonToHold(
  { moments }: KnownBooking,
  { doubt }: ToldBooking,
  isMany: boolean,
  now: Instant,
): HeldReason | undefined {
  if (moments.from <= now) return "in-house";
  if (doubt === "empty") return "empty";
  if (doubt === "missing" && moments.from - arrivingMs <= now) return "arriving";
  return isMany ? "many" : undefined;
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

/** One that is not there any more is off once it was not there so often, over so long. Asked for by itself and not known counts for more than not listed. */
export const goneTimes = { asked: 2, listed: 3 } as const;
export const goneApartMs: Millis = 30 * 60_000;
/** A source in which nothing is any more is asked about after so long. */
export const emptyForMs: Millis = 24 * 60 * 60_000;

export interface Missing {
  readonly times: number;
  readonly since: Instant;
}

export function missedAgain(before: Missing | null, now: Instant): Missing {
  return before === null ? { times: 1, since: now } : { times: before.times + 1, since: before.since };
}

export function isGone({ times, since }: Missing, timesMin: number, now: Instant): boolean {
  return times >= timesMin && now - since >= goneApartMs;
}

/** Days that another source of the property tells of as well. */
export interface StayElsewhere {
  readonly property: string;
  readonly days: Pick<StayDays, "arrival" | "departure">;
  readonly mayBeBlock: boolean;
  readonly createdAt: Instant;
}

/**
 * The same stay stands in two calendars that block each other's days. What may be mere closed days is no stay where guests of other calendars
 * have every night of it; of two that both may be, over the same days, the one that was known first is the stay. `createdAt` undefined: it is
 * told for the first time.
 */
export function isBlockOf(
  { property, days, createdAt }: Pick<ToldBooking, "property" | "days"> & { readonly createdAt?: Instant | undefined },
  elsewhere: readonly StayElsewhere[],
): boolean {
  const { arrival, departure } = days;
  const others = elsewhere.filter((other) => other.property === property);
  const isAsFirst = ({ mayBeBlock, days: its, createdAt: since }: StayElsewhere) =>
    mayBeBlock &&
    its.arrival === arrival &&
    its.departure === departure &&
    (createdAt === undefined || since < createdAt);
  const guests = others.filter(({ mayBeBlock }) => !mayBeBlock).map((other) => other.days);
  const byArrival = guests.toSorted((a, b) => (a.arrival < b.arrival ? -1 : 1));
  const taken = byArrival.reduce(
    (until, one) => (one.arrival <= until && one.departure > until ? one.departure : until),
    arrival,
  );
  return taken >= departure || others.some(isAsFirst);
}
