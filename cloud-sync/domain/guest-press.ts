/** What became of a guest's press on "open", from what is known of its command: purely. */
import { type DenyReason, denyReasons } from "../../gateway/domain/decide.ts";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import { type CommandFacts, commandState } from "./command-state.ts";

/**
 * "opened": the lock says so · "told": it was told, and says nothing · "refused": by the house, which decides · "not-moved": it was to open and
 * did not · "no-line": the house was not reached, and nothing moves any more · "unknown": nobody knows whether it opened · "again": the
 * page was old, nothing was asked · "too-often" · "closed": it is not for now.
 */
export type PressResult =
  | { readonly is: "opened" | "told" | "not-moved" | "no-line" | "unknown" | "again" | "too-often" | "closed" }
  | { readonly is: "refused"; readonly reason: DenyReason | null };

export interface Press extends CommandFacts {
  /** JSON of what the gateway said besides; null: nothing. */
  readonly outcome: string | null;
}

/** A request that comes later than this under the number of an earlier one is no repeat of it. */
export const repeatWithinMs: Millis = 60_000;
/** What became of a press is shown for so long. */
export const shownForMs: Millis = 10 * 60_000;
/** At one door by one stay. */
export const pressesAMinute = 4;

export function resultOf(press: Press, now: Instant): PressResult {
  switch (commandState(press, now)) {
    case "done":
      return { is: press.result === "confirmed" ? "opened" : "told" };
    case "expired":
      return { is: "no-line" };
    case "refused":
      return refusalOf(press);
    default:
      return { is: "unknown" };
  }
}

function refusalOf({ outcome }: Press): PressResult {
  const { of, reason } = JSON.parse(outcome ?? "{}") as { of?: number; reason?: string };
  if (of !== undefined && reason === undefined) return { is: "not-moved" };
  return { is: "refused", reason: denyReasons.find((one) => one === reason) ?? null };
}
