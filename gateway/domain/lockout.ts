/**
 * Too many wrong PINs at one keypad, or wrong passes at one scanner that nobody watches. After five misses a keypad is locked out for 30 s, and
 * each further miss doubles that, up to one hour. A success forgives one miss only, else one valid code would reset an attack; so does an
 * hour without one.
 *
 * A scanner has ten misses and never waits longer than ten minutes: a pass is one of 1.2 thousand million, some two thousand times harder to
 * hit than a PIN, and a crowd of honest visitors whose passes have not arrived here yet must not shut the gate for those whose have.
 */
import type { CredentialKind } from "./credential.ts";
import type { Millis, Monotonic } from "./instant.ts";

/** What can be guessed at a reader. Each kind has lockouts and a budget of its own: guessed PINs keep no visitor with a pass out. */
export const guessedKinds = ["pin", "pass"] as const;
export type GuessedKind = (typeof guessedKinds)[number];

export function isGuessedKind(kind: CredentialKind): kind is GuessedKind {
  return guessedKinds.some((guessed) => guessed === kind);
}

export interface Lockout {
  readonly misses: number;
  readonly lastMissAt: Monotonic;
  /** Until when the reader is locked out; at or before `lastMissAt`: it is not. */
  readonly until: Monotonic;
}

export const lockoutPolicy = {
  pin: { freeMisses: 4, firstMs: 30_000, longestMs: 3_600_000, forgiveEveryMs: 3_600_000 },
  pass: { freeMisses: 9, firstMs: 30_000, longestMs: 600_000, forgiveEveryMs: 600_000 },
} as const satisfies Record<GuessedKind, unknown>;

/**
 * The reader after a wrong one at `now`, locked out for `atLeastMs` (see guess-budget.ts). Attempts made while it is locked out must
 * not be counted here.
 */
export function afterMiss(
  kind: GuessedKind,
  lockout: Lockout | undefined,
  now: Monotonic,
  atLeastMs: Millis = 0,
): Lockout {
  const { freeMisses, firstMs, longestMs } = lockoutPolicy[kind];
  const misses = missesAt(kind, lockout, now) + 1;
  const over = misses - freeMisses;
  const lockedMs = over > 0 ? Math.min(firstMs * 2 ** (over - 1), longestMs) : 0;
  return { misses, lastMissAt: now, until: now + Math.max(lockedMs, atLeastMs) };
}

/** The reader after a right one; undefined when nothing is left to remember. */
export function afterSuccess(kind: GuessedKind, lockout: Lockout | undefined, now: Monotonic): Lockout | undefined {
  const misses = missesAt(kind, lockout, now) - 1;
  return misses > 0 && lockout ? { ...lockout, misses, lastMissAt: now } : undefined;
}

/** How long the reader stays locked out; 0 when it is not. */
export function lockedOutMs(lockout: Lockout | undefined, now: Monotonic): Millis {
  return lockout ? Math.max(0, lockout.until - now) : 0;
}

/** The same lockout, with `ms` more of it gone by. */
export function older(lockout: Lockout, ms: Millis): Lockout {
  return { ...lockout, lastMissAt: lockout.lastMissAt - ms, until: lockout.until - ms };
}

function missesAt(kind: GuessedKind, lockout: Lockout | undefined, now: Monotonic): number {
  if (!lockout) return 0;
  const forgiven = Math.floor(Math.max(0, now - lockout.lastMissAt) / lockoutPolicy[kind].forgiveEveryMs);
  return Math.max(0, lockout.misses - forgiven);
}
