/** How long an account takes no proof after too many wrong ones in a row. */
import type { Instant, Millis } from "../../gateway/domain/instant.ts";

export const failuresAllowed = 10;
const firstLockMs: Millis = 60_000;
const lockMaxMs: Millis = 3_600_000;

/** `failures`: wrong proofs in a row, this one included. A minute after the tenth, twice as long after each further one, at most an hour. */
export function lockedUntil(failures: number, now: Instant): Instant | null {
  if (failures < failuresAllowed) return null;
  return now + Math.min(firstLockMs * 2 ** (failures - failuresAllowed), lockMaxMs);
}
