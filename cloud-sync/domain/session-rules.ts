/** How long a session lives, and what one of its tokens means when it is presented. */
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import { type Role, rolesWithSecondFactor } from "./permissions.ts";

const minuteMs: Millis = 60_000;
const hourMs: Millis = 60 * minuteMs;
const dayMs: Millis = 24 * hourMs;

/** Two tabs may present a token at the same moment, and one of them already its successor: whoever comes second gets the same one. */
export const graceMs: Millis = 20_000;
/** A browser's token is replaced when it is as old as that; a program replaces its own whenever it refreshes. */
export const cookieRotationMs: Millis = 5 * minuteMs;

export interface SessionTimes {
  readonly createdAt: Instant;
  readonly seenAt: Instant;
  readonly endedAt: Instant | null;
}

/** `idleMs` without a request, or `wholeMs` after sign-in, it is over. Shorter for those who rule over other people's doors. */
export function limitsOf(role: Role): { readonly idleMs: Millis; readonly wholeMs: Millis } {
  return rolesWithSecondFactor.includes(role)
    ? { idleMs: 12 * hourMs, wholeMs: 7 * dayMs }
    : { idleMs: 7 * dayMs, wholeMs: 30 * dayMs };
}

export function isLive({ createdAt, seenAt, endedAt }: SessionTimes, role: Role, now: Instant): boolean {
  const { idleMs, wholeMs } = limitsOf(role);
  return endedAt === null && now < seenAt + idleMs && now < createdAt + wholeMs;
}

/**
 * "superseded": nobody has used its successor, so the answer that carried it may have been lost on the way; or only just now ·
 * "replayed": its successor is in use and it still comes, so two have it and the session ends.
 */
export type TokenVerdict = "current" | "superseded" | "replayed";

/**
 * A number above the newest known one was given by us as well: the store has come back to an earlier state. `presentedAt`: when the newest
 * token, or an access token given with it, first came; null: not yet.
 */
export function judgeToken(
  { counter, presentedAt }: { readonly counter: number; readonly presentedAt: Instant | null },
  number: number,
  now: Instant,
): TokenVerdict {
  if (number >= counter) return "current";
  const mayBeLost = presentedAt === null || now - presentedAt <= graceMs;
  return number === counter - 1 && mayBeLost ? "superseded" : "replayed";
}
