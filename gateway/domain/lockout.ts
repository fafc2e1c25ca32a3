/**
 * Too many wrong PINs at one keypad. After five misses the keypad is locked out for 30 s, and each further miss doubles that, up
 * to one hour. A success forgives one miss only, else one valid code would reset an attack; so does an hour without one.
 */
import type { Millis, Monotonic } from "./instant.ts";

export interface Lockout {
  readonly misses: number;
  readonly lastMissAt: Monotonic;
  /** Until when the keypad is locked out; at or before `lastMissAt`: it is not. */
  readonly until: Monotonic;
}

export const lockoutPolicy = {
  freeMisses: 4,
  firstMs: 30_000,
  longestMs: 3_600_000,
  forgiveEveryMs: 3_600_000,
} as const;

/**
 * The keypad after a wrong PIN at `now`, locked out for `atLeastMs` (see pin-budget.ts). Attempts made while it is locked out must
 * not be counted here.
 */
export function afterMiss(lockout: Lockout | undefined, now: Monotonic, atLeastMs: Millis = 0): Lockout {
  const misses = missesAt(lockout, now) + 1;
  const over = misses - lockoutPolicy.freeMisses;
  const lockedMs = over > 0 ? Math.min(lockoutPolicy.firstMs * 2 ** (over - 1), lockoutPolicy.longestMs) : 0;
  return { misses, lastMissAt: now, until: now + Math.max(lockedMs, atLeastMs) };
}

/** The keypad after a right PIN; undefined when nothing is left to remember. */
export function afterSuccess(lockout: Lockout | undefined, now: Monotonic): Lockout | undefined {
  const misses = missesAt(lockout, now) - 1;
  return misses > 0 && lockout ? { ...lockout, misses, lastMissAt: now } : undefined;
}

/** How long the keypad stays locked out; 0 when it is not. */
export function lockedOutMs(lockout: Lockout | undefined, now: Monotonic): Millis {
  return lockout ? Math.max(0, lockout.until - now) : 0;
}

/** The same lockout, with `ms` more of it gone by. */
export function older(lockout: Lockout, ms: Millis): Lockout {
  return { ...lockout, lastMissAt: lockout.lastMissAt - ms, until: lockout.until - ms };
}

function missesAt(lockout: Lockout | undefined, now: Monotonic): number {
  if (!lockout) return 0;
  const forgiven = Math.floor(Math.max(0, now - lockout.lastMissAt) / lockoutPolicy.forgiveEveryMs);
  return Math.max(0, lockout.misses - forgiven);
}
