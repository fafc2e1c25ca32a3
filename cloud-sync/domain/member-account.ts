/**
 * A member's account at the makers of locks, as the credentials of a grant tell it: one at most is live. Pure. What the planner ended is told from
 * what somebody revoked by hand, which it does not give back.
 */
import type { Credential } from "../../gateway/domain/credential.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";

type WithAccounts = Pick<Grant, "credentials" | "about">;

export function liveAccount({ credentials }: Pick<Grant, "credentials">): Credential | undefined {
  return credentials.find(({ kind, revoked }) => kind === "provider" && !revoked);
}

/** What names the account that was revoked by hand; undefined: none was, or another has its place. */
export function takenAccountOf({ credentials, about }: WithAccounts): string | undefined {
  const newest = credentials.findLast(({ kind }) => kind === "provider");
  if (newest) return newest.revoked && about.endedAccount !== newest.id ? newest.index : undefined;
  return typeof about.takenAccount === "string" ? about.takenAccount : undefined;
}

/** By the planner: the booking asks for it no more. */
export function endAccount({ credentials, about }: WithAccounts, now: Instant): WithAccounts {
  const live = liveAccount({ credentials });
  if (!live) return { credentials, about };
  return {
    credentials: credentials.map((one) => (one === live ? { ...one, revoked: true } : one)),
    about: { ...about, endedAccount: live.id, accountEndedAt: now },
  };
}

/** When the last account was ended in a grant that goes on; undefined: none was, or nobody wrote it down. */
export function accountEndedAt({ about }: Pick<Grant, "about">): Instant | undefined {
  return typeof about.accountEndedAt === "number" ? about.accountEndedAt : undefined;
}
