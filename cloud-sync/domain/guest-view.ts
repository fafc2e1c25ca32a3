/** What a guest may see of a stay at a moment: purely. */
import type { Validity } from "../../gateway/domain/grant.ts";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { BookingStatus } from "./stay-planner.ts";

/** "unconfirmed": nothing is promised yet · "off": called off · "over": it has ended. */
export type StayStanding = "unconfirmed" | "before" | "now" | "over" | "off";

const hourMs: Millis = 3_600_000;
/** The link goes on to say that the stay is over for so long. */
const linkLifeMs: Millis = 72 * hourMs;

export interface StaySeen {
  readonly status: BookingStatus;
  /** When its code works, or would. */
  readonly window: Validity;
  readonly hasCode: boolean;
  /** null: as soon as it is made. */
  readonly showCodeHours: number | null;
}

export function isLinkDead({ window }: Pick<StaySeen, "window">, now: Instant): boolean {
  return now >= window.until + linkLifeMs;
}

export function standingOf({ status, window, hasCode }: StaySeen, now: Instant): StayStanding {
  if (status === "cancelled") return "off";
  if (status === "completed" || now >= window.until) return "over";
  if (status === "tentative" && !hasCode) return "unconfirmed";
  return now < window.from ? "before" : "now";
}

/** From when on the guest sees the code that there is. */
export function codeShownFrom({ window, showCodeHours }: StaySeen): Instant {
  return showCodeHours === null ? Number.NEGATIVE_INFINITY : window.from - showCodeHours * hourMs;
}
