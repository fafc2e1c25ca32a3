/** What became of a temporary code at one door, in a word for programs and a sentence for people, from what is proven (will-open.ts). */
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { MissingWhy } from "../../gateway/domain/lock-code.ts";
import { openingAt } from "../../gateway/domain/opening.ts";
import type { CodeEvidence } from "./code-evidence.ts";
import { answers, type Verdict, type Why } from "./will-open.ts";

/**
 * "on-lock": read back from the lock · "gateway-decides": the gateway has it on its disk and asks its records · "not-due": it is put into the
 * lock later · "waiting-lock": the lock has not answered, or nothing was read back yet · "waiting-gateway": the gateway has not confirmed it ·
 * "refused": it will not be there, or will not open · "still-on-lock": it should be off the lock, and nobody has seen that it is · "over": it
 * opens no more · "unknown": nobody says.
 */
export const codeStates = [
  "on-lock",
  "gateway-decides",
  "not-due",
  "waiting-lock",
  "waiting-gateway",
  "refused",
  "still-on-lock",
  "over",
  "unknown",
] as const;
export type CodeStatusState = (typeof codeStates)[number];

export interface CodeStatus {
  readonly state: CodeStatusState;
  /** The ground of it, finer than the state. */
  readonly why: Why | MissingWhy;
  /** Since when it is known; null: there is no such moment. */
  readonly since: Instant | null;
  readonly words: string;
}

export const missingWords: Readonly<Record<MissingWhy, string>> = {
  digits: "the lock does not take these digits",
  entries: "the lock cannot count entries",
  schedule: "the lock cannot keep these weekly hours",
  unreadable: "its digits cannot be read on site",
  "no-room": "the lock is full",
  taken: "somebody else's code in the lock has the same digits",
  late: "it is time, and nobody knows yet why it is not there",
};

const states: Readonly<Record<Why, CodeStatusState>> = {
  "gateway-knows": "gateway-decides",
  "outside-hours": "gateway-decides",
  lockdown: "gateway-decides",
  "not-yet": "not-due",
  "not-given": "not-due",
  "in-lock": "on-lock",
  "wrong-door": "refused",
  "no-way": "refused",
  "not-kept": "refused",
  blacklisted: "refused",
  "used-up": "refused",
  revoked: "over",
  ended: "over",
  cleared: "waiting-lock",
  "gateway-behind": "waiting-gateway",
  "gateway-gone": "unknown",
  "gateway-silent": "waiting-gateway",
  "held-elsewhere": "waiting-gateway",
  "not-due": "not-due",
  "not-sent": "waiting-lock",
  "switched-off": "refused",
  "not-read-back": "waiting-lock",
  "still-in-lock": "still-on-lock",
  unreported: "unknown",
};

const weekMs: Millis = 7 * 24 * 3_600_000;

/** `opens`: at the moment codeMoment() names. `code`: undefined where the lock keeps none. */
export function codeStatus(opens: Verdict, code: CodeEvidence | undefined): CodeStatus {
  const state = states[opens.why];
  const missing = code?.missing;
  // Why it is not there says more than that it is not.
  if (missing && opens.why !== "switched-off" && (state === "waiting-lock" || state === "refused"))
    return {
      state: missing.why === "late" ? "waiting-lock" : "refused",
      why: missing.why,
      since: missing.at,
      words: missingWords[missing.why],
    };
  const moments: Partial<Record<CodeStatusState, Instant | null | undefined>> = {
    "on-lock": code?.confirmedAt,
    "waiting-lock": code?.sentAt,
    over: code?.clearedAt,
  };
  return { state, why: opens.why, since: moments[state] ?? null, words: answers[opens.why] };
}

/** The moment a code's status is about: now, or while it is shut the next moment at which it opens, if that is within a week. `zone`: of the site. */
export function codeMoment(
  { validity, schedule }: Pick<Grant, "validity" | "schedule">,
  zone: string,
  now: Instant,
): Instant {
  const from = Math.max(now, validity.from);
  const opening = schedule && openingAt(schedule, validity, zone, from, weekMs);
  return Math.max(from, opening?.from ?? 0);
}
