/**
 * A property's spare codes, purely: made ahead and proven at its doors, so that a guest whose own code is not there can be given one when no
 * lock can be reached any more. Nobody knows the digits of one until it is given.
 */
import type { Instant, Millis } from "../../gateway/domain/instant.ts";

/** "ready": proven at every door · "waiting": some lock has not shown it yet · "failed": some lock will never hold it. */
export type SpareStanding = "ready" | "waiting" | "failed";

export interface Spare {
  /** Of its grant. */
  readonly id: string;
  readonly madeAt: Instant;
  /** It is for the doors that the property has now. */
  readonly isOfDoors: boolean;
  readonly standing: SpareStanding;
}

export interface Pool {
  /** How many the property wants. */
  readonly wanted: number;
  /** Those that nobody was given. */
  readonly spares: readonly Spare[];
  /** When one last failed; null: none has. */
  readonly failedAt: Instant | null;
}

export type RetireWhy = "old" | "doors" | "failed" | "surplus";

export interface PoolPlan {
  readonly retire: readonly { readonly id: string; readonly why: RetireWhy }[];
  readonly make: number;
  /** null: not before the property changes. */
  readonly lookAt: Instant | null;
}

const hourMs: Millis = 3_600_000;
const dayMs: Millis = 24 * hourMs;

export const spareTimes = {
  /** Its grant and a lock's window last for so long, so that one that is given late outlasts its stay. */
  lifeMs: 180 * dayMs,
  rotateMs: 90 * dayMs,
  /** Its successor is made so long before. */
  successorMs: 7 * dayMs,
  /** What has failed is not made anew at once: a lock may be full. */
  afterFailureMs: hourMs,
  waitingLookMs: 15 * 60_000,
  readyLookMs: 6 * hourMs,
  /** One is given when the stay's own code is not there by then. */
  giveBeforeMs: 4 * hourMs,
} as const;

export const sparesMax = 5;

export function planPool({ wanted, spares, failedAt }: Pool, now: Instant): PoolPlan {
  const retire: { id: string; why: RetireWhy }[] = [];
  const kept: Spare[] = [];
  for (const spare of spares) {
    const why = whyRetired(spare, now);
    if (why) retire.push({ id: spare.id, why });
    else kept.push(spare);
  }
  const isYoung = ({ madeAt }: Spare) => now - madeAt < spareTimes.rotateMs - spareTimes.successorMs;
  // The proven ones stay, and of those the youngest.
  const byWorth = [...kept].sort((a, b) => rank(a) - rank(b) || b.madeAt - a.madeAt);
  const [young, elderly] = [byWorth.filter(isYoung), byWorth.filter((spare) => !isYoung(spare))];
  for (const { id } of [...young.slice(wanted), ...(wanted === 0 ? elderly : [])]) retire.push({ id, why: "surplus" });
  const failure = Math.max(
    failedAt ?? Number.NEGATIVE_INFINITY,
    retire.some(({ why }) => why === "failed") ? now : Number.NEGATIVE_INFINITY,
  );
  const isResting = now - failure < spareTimes.afterFailureMs;
  const lacking = Math.max(0, wanted - young.length);
  const make = isResting ? 0 : lacking;
  return { retire, make, lookAt: wanted === 0 ? null : lookAt() };

  function lookAt(): Instant {
    if (make > 0 || young.slice(0, wanted).some(({ standing }) => standing === "waiting"))
      return now + spareTimes.waitingLookMs;
    if (lacking > 0) return failure + spareTimes.afterFailureMs;
    return now + spareTimes.readyLookMs;
  }
}

/** undefined: it stays, as far as it goes by itself. */
export function whyRetired({ madeAt, isOfDoors, standing }: Spare, now: Instant): RetireWhy | undefined {
  if (!isOfDoors) return "doors";
  if (standing === "failed") return "failed";
  return now - madeAt >= spareTimes.rotateMs ? "old" : undefined;
}

function rank({ standing }: Spare): number {
  return standing === "ready" ? 0 : 1;
}
