/**
 * Wrong PINs over all keypads of one gateway. A guesser who walks from keypad to keypad is free of the lockout at each, so a day
 * has a budget besides: beyond it a wrong PIN locks its own keypad out from the first miss on, for 1 min, 8 min, 64 min, then 8 h.
 *
 * Nobody but the keypad where it was entered waits, so that nobody can keep residents out of doors at which he does not stand; who
 * enters a right PIN first never waits; and a single slip costs a minute. A success takes nothing off: whoever has a code of their
 * own may guess at others' between two entries. So nobody has more than 40 guesses a day and 6 more at each keypad. Against 50 codes of
 * 6 digits (5 in 100,000 a guess) that hits within a day, at best: 3 keypads 0.3 %, 10 keypads 0.5 %, 20 keypads 0.8 %; the keypads'
 * lockouts alone would let 0.5, 1.7 and 3.4 % pass, and any number to whoever has a code of their own.
 */
import type { AccessPointId } from "./access-point.ts";
import type { Millis, Monotonic } from "./instant.ts";

export interface WrongPin {
  readonly accessPoint: AccessPointId;
  readonly at: Monotonic;
}

/** Those of the last day, oldest first. */
export type WrongPins = readonly WrongPin[];

export const pinBudget = {
  /** More than one keypad's own lockout lets anybody have: who stands at one keypad never spends it. */
  wrongADay: 40,
  dayMs: 86_400_000,
  firstMs: 60_000,
  factor: 8,
  longestMs: 8 * 3_600_000,
  /** A day's guesses at 160 keypads; the oldest are forgotten first. */
  keptMax: 1_000,
} as const;

export function withWrongPin(before: WrongPins, accessPoint: AccessPointId, now: Monotonic): WrongPins {
  return [...ofLastDay(before, now), { accessPoint, at: now }].slice(-pinBudget.keptMax);
}

export function ofLastDay(wrong: WrongPins, now: Monotonic): WrongPins {
  return wrong.filter(({ at }) => now - at < pinBudget.dayMs);
}

export function isBudgetSpent(wrong: WrongPins, now: Monotonic): boolean {
  return ofLastDay(wrong, now).length > pinBudget.wrongADay;
}

/** For how long the newest wrong PIN, at `accessPoint`, locks that keypad out on account of the budget; 0 within it. */
export function budgetLockoutMs(wrong: WrongPins, accessPoint: AccessPointId, now: Monotonic): Millis {
  if (!isBudgetSpent(wrong, now)) return 0;
  const here = ofLastDay(wrong, now).filter((one) => one.accessPoint === accessPoint).length;
  return Math.min(pinBudget.firstMs * pinBudget.factor ** (here - 1), pinBudget.longestMs);
}
