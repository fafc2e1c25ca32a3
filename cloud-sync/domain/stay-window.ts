/**
 * When the code of a stay works between the stays before and after it, purely: the property's early and late minutes and the stay's extra hours
 * give way to the time that is kept for cleaning, the stay itself never does.
 */
import type { Validity } from "../../gateway/domain/grant.ts";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import { codeWindow, type StayRules } from "./stay-planner.ts";

const minuteMs: Millis = 60_000;

/** A stay as it is booked, and what it goes on beyond its checkout. */
export interface BookedStay extends Validity {
  readonly extraMinutes: number;
}

/** The nearest of the same property; undefined: there is none. */
export interface Neighbours {
  readonly before?: BookedStay | undefined;
  readonly next?: BookedStay | undefined;
}

export interface StayWindow {
  readonly window: Validity;
  /** Between it and the next stay there is less time than is kept for cleaning. */
  readonly isTight: boolean;
  /** So long its end may be put off at most, minutes of its property included; null: nobody comes after it. */
  readonly latest: Instant | null;
}

export function windowBetween(stay: BookedStay, { before, next }: Neighbours, rules: StayRules): StayWindow {
  const { from } = codeWindow(stay, rules);
  const cleaningMs = rules.cleaningMinutes * minuteMs;
  const until = endBefore(stay, next, rules);
  // Who cleans after the stay before is not walked in on.
  const clean = before && rules.cleaningMinutes > 0 ? endBefore(before, stay, rules) + cleaningMs : from;
  return {
    window: { from: Math.min(stay.from, Math.max(from, clean)), until },
    isTight: next !== undefined && next.from - stay.until < cleaningMs,
    latest: next ? Math.max(stay.until, next.from - cleaningMs) : null,
  };
}

/** Extra hours never reach into the next stay, the property's own late minutes only where nothing is kept for cleaning. */
function endBefore(stay: BookedStay, next: BookedStay | undefined, rules: StayRules): Instant {
  const { until: usual } = codeWindow(stay, rules);
  const extended = usual + stay.extraMinutes * minuteMs;
  if (!next) return extended;
  const free = Math.max(stay.until, next.from - rules.cleaningMinutes * minuteMs);
  if (rules.cleaningMinutes > 0) return Math.min(extended, free);
  return Math.max(usual, Math.min(extended, free));
}
