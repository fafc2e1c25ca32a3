/**
 * A door held open: a mode, so a level of the feed and not a command. Shall it be held now, and when is that to be asked again? Pure.
 * What moves the lock is the row, time or a lockdown, never the line: the cloud takes no end further ahead than records stay fresh.
 */
import type { SiteView } from "./decide.ts";
import type { Instant, Millis } from "./instant.ts";

/** Another one with every change, so that a revoked one never comes back. */
export type HoldId = string;

export interface HoldOpen {
  readonly id: HoldId;
  /** [from, until) */
  readonly from: Instant;
  readonly until: Instant;
}

/** Longer than a day nobody leaves a door open by one word, and the word is not further ahead than a day either. */
export const holdOpenMaxMs: Millis = 24 * 3_600_000;
/** Without a complete poll for this long the records hold no door open. */
const freshMs: Millis = 24 * 3_600_000;

/**
 * Why a door is not held, or not any more. "revoked": by an administrator, or another hold took its place · "clock": nobody can tell
 * whether its end has come · "stale": the cloud was not heard for a day, or records are damaged · "impossible": its lock cannot.
 */
export const holdEnds = ["over", "revoked", "lockdown", "clock", "stale", "impossible"] as const;
export type HoldEnd = (typeof holdEnds)[number];

/** `lookAgainMs`: by then the answer may be another though nothing new has come. */
export type HoldStanding =
  | { readonly state: "open"; readonly lookAgainMs: Millis }
  | { readonly state: "waits"; readonly lookAgainMs: Millis }
  | { readonly state: "shut"; readonly reason: Exclude<HoldEnd, "impossible"> };

/** The clock is asked at both of its ends, as for the validity of a grant (decide.ts). */
export function holdStanding(
  { id, from, until }: HoldOpen,
  view: Pick<SiteView, "site" | "suspect" | "isRevoked">,
  {
    time,
    sinceSyncMs,
  }: { readonly time: { readonly earliest: Instant; readonly latest: Instant }; readonly sinceSyncMs: Millis | null },
): HoldStanding {
  const shut = (reason: Exclude<HoldEnd, "impossible">): HoldStanding => ({ state: "shut", reason });
  if (view.isRevoked(id)) return shut("revoked");
  if (view.site?.lockdown) return shut("lockdown");
  if (!(from < until) || time.earliest >= until) return shut("over");
  if (!Number.isFinite(time.earliest) || !Number.isFinite(time.latest)) return shut("clock");
  if (time.latest >= until) return shut("over");
  if (!view.site || view.suspect || sinceSyncMs === null || sinceSyncMs > freshMs) return shut("stale");
  if (time.earliest < from) return { state: "waits", lookAgainMs: from - time.earliest };
  return { state: "open", lookAgainMs: Math.min(until - time.latest, freshMs - sinceSyncMs + 1) };
}
