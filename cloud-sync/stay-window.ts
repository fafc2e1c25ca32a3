/** When the code of a booking works, by its property's rules and the stays beside it. */
import type { Validity } from "../gateway/domain/grant.ts";
import { daysOf } from "./booking-facts.ts";
import { type StayRules, stayMoments } from "./domain/stay-planner.ts";
import { type BookedStay, type StayWindow, windowBetween } from "./domain/stay-window.ts";
import { type BookingRow, neighboursOf } from "./store/bookings.ts";
import type { Property } from "./store/properties.ts";
import type { SiteRow } from "./store/sites.ts";
import type { Queries } from "./store/store.ts";

export interface PlacedStay extends StayWindow {
  /** Check-in and checkout. */
  readonly stay: BookedStay;
}

/** As the planner last saw it: what is shown and watched does not fail by a booking that cannot be planned. */
export function placeKept(db: Queries, row: BookingRow, { rules }: Pick<Property, "rules">): Promise<PlacedStay> {
  return placed(db, row, { from: row.beginsAt, until: row.endsAt }, rules);
}

/** By the hours that its property has now. */
export function placeStay(
  db: Queries,
  row: BookingRow,
  { rules }: Pick<Property, "rules">,
  { zone }: Pick<SiteRow, "zone">,
): Promise<PlacedStay> {
  const days = daysOf(row);
  return placed(db, row, days ? stayMoments(days, rules, zone) : { from: row.beginsAt, until: row.endsAt }, rules);
}

async function placed(db: Queries, row: BookingRow, moments: Validity, rules: StayRules): Promise<PlacedStay> {
  const stay = { ...moments, extraMinutes: row.extraMinutes };
  const isAlone = rules.cleaningMinutes === 0 && row.extraMinutes === 0;
  const { before, next } = isAlone ? {} : await neighboursOf(db, row, moments);
  return { stay, ...windowBetween(stay, { before: before && bookedOf(before), next: next && bookedOf(next) }, rules) };
}

function bookedOf({ beginsAt, endsAt, extraMinutes }: BookingRow): BookedStay {
  return { from: beginsAt, until: endsAt, extraMinutes };
}
