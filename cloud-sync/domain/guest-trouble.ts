/** A guest says that it does not work: what of it the owner is told, purely. */
import type { Instant, Millis } from "../../gateway/domain/instant.ts";

/** What the owner sees of attempts: nothing of what was typed, and nobody else's. */
export interface Attempt {
  readonly at: string;
  readonly accessPoint: string | null;
  readonly type: string;
  /** Why it was refused; null: it was not, or nobody says. */
  readonly reason: string | null;
}

export const attemptsWithinMs: Millis = 2 * 3_600_000;
const attemptsMax = 10;
/** Said again after so long, it is told again. */
const againMs: Millis = 10 * 60_000;
const levelMax = 6;

const ofGrant = ["admitted", "denied", "void", "opened-at-lock"];
/** Of a code that nobody has. */
const ofNobody = ["denied", "unanswered"];

/** As it was received; `gatewayId`, `epoch` and `seq` name it. */
export interface DoorEvent {
  readonly gatewayId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly at: Instant;
  readonly type: string;
  readonly accessPoint: string | null;
  readonly grantId: string | null;
  readonly reason: string | null;
}

/** `events`: of the stay's doors and of its grant. Newest first; what others did at the doors is left out. */
export function attemptsOf(events: readonly DoorEvent[], grant: string | undefined): Attempt[] {
  const once = new Map(events.map((event) => [`${event.gatewayId} ${event.epoch} ${event.seq}`, event]));
  return [...once.values()]
    .filter(({ type, grantId }) => (grantId === null ? ofNobody : grantId === grant ? ofGrant : []).includes(type))
    .sort((a, b) => b.at - a.at)
    .slice(0, attemptsMax)
    .map(({ at, accessPoint, type, reason }) => {
      return { at: Temporal.Instant.fromEpochMilliseconds(at).toString(), accessPoint, type, reason };
    });
}

/** Of the alarm, said now. `open`: the one that nobody has settled. */
export function levelNow(open: { readonly level: number; readonly roseAt: Instant } | undefined, now: Instant): number {
  if (!open) return 1;
  return now - open.roseAt >= againMs ? Math.min(open.level + 1, levelMax) : open.level;
}
