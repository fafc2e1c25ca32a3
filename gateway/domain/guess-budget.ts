/**
 * Wrong PINs over all keypads of one gateway, and wrong passes over all its scanners. A guesser who walks from keypad to keypad is free of
 * the lockout at each, so a day has a budget besides: beyond it a wrong PIN locks its own keypad out from the first miss on, for 1 min,
 * 8 min, 64 min, then 8 h.
 *
 * Nobody but the keypad where it was entered waits, so that nobody can keep residents out of doors at which he does not stand; who
 * enters a right PIN first never waits; and a single slip costs a minute. A success takes nothing off: whoever has a code of their
 * own may guess at others' between two entries. So nobody has more than 40 guesses a day and 6 more at each keypad. Against 50 codes of
 * 6 digits (5 in 100,000 a guess) that hits within a day, at best: 3 keypads 0.3 %, 10 keypads 0.5 %, 20 keypads 0.8 %; the keypads'
 * lockouts alone would let 0.5, 1.7 and 3.4 % pass, and any number to whoever has a code of their own.
 *
 * Of passes 200 a day are free, and beyond them a scanner waits 1 min, 8 min, then ten: 200 guesses a day and 147 more at each scanner. Against
 * 1,000 live passes (8 in 10 million a guess) that hits within a day, at best: 1 scanner 0.03 %, 10 scanners 0.14 %.
 */
import type { AccessPointId } from "./access-point.ts";
import type { Millis, Monotonic } from "./instant.ts";
import type { GuessedKind } from "./lockout.ts";

export interface WrongTry {
  readonly accessPoint: AccessPointId;
  readonly at: Monotonic;
}

/** Those of one kind within the last day, oldest first. */
export type WrongTries = readonly WrongTry[];

export const guessBudget = {
  dayMs: 86_400_000,
  firstMs: 60_000,
  factor: 8,
  /** A day's guesses at PINs at 160 keypads; the oldest are forgotten first. */
  keptMax: 1_000,
  /** `wrongADay`: more than one reader's own lockout lets anybody have: who stands at one never spends it. */
  pin: { wrongADay: 40, longestMs: 8 * 3_600_000 },
  pass: { wrongADay: 200, longestMs: 600_000 },
} as const;

export function withWrongTry(before: WrongTries, accessPoint: AccessPointId, now: Monotonic): WrongTries {
  return [...ofLastDay(before, now), { accessPoint, at: now }].slice(-guessBudget.keptMax);
}

export function ofLastDay(wrong: WrongTries, now: Monotonic): WrongTries {
  return wrong.filter(({ at }) => now - at < guessBudget.dayMs);
}

export function isBudgetSpent(kind: GuessedKind, wrong: WrongTries, now: Monotonic): boolean {
  return ofLastDay(wrong, now).length > guessBudget[kind].wrongADay;
}

/** For how long the newest wrong one, at `accessPoint`, locks that reader out on account of the budget; 0 within it. */
export function budgetLockoutMs(
  kind: GuessedKind,
  wrong: WrongTries,
  accessPoint: AccessPointId,
  now: Monotonic,
): Millis {
  if (!isBudgetSpent(kind, wrong, now)) return 0;
  const here = ofLastDay(wrong, now).filter((one) => one.accessPoint === accessPoint).length;
  return Math.min(guessBudget.firstMs * guessBudget.factor ** (here - 1), guessBudget[kind].longestMs);
}
