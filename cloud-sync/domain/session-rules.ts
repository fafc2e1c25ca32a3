/** How long a session lives, and what one of its tokens means when it is presented. */
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import { type Role, rolesWithSecondFactor } from "./permissions.ts";

const minuteMs: Millis = 60_000;
const hourMs: Millis = 60 * minuteMs;
const dayMs: Millis = 24 * hourMs;

/** Two tabs, or a repeated request, may present a token at the same moment: whoever comes second gets the same successor. */
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

/** "superseded": its successor was handed out just now · "replayed": somebody has kept an old one, so the session ends. */
export type TokenVerdict = "current" | "superseded" | "replayed";

/** A number above the newest known one was given by us as well: the store has come back to an earlier state. */
export function judgeToken(
  { counter, rotatedAt }: { readonly counter: number; readonly rotatedAt: Instant },
  number: number,
  now: Instant,
): TokenVerdict {
  if (number >= counter) return "current";
  return number === counter - 1 && now - rotatedAt <= graceMs ? "superseded" : "replayed";
}
