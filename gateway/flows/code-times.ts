/** When a lock is to hold the codes of a grant: by its validity, its schedule, and what becomes of weekly hours in that lock. */
import type { Grant } from "../domain/grant.ts";
import type { Instant, Millis } from "../domain/instant.ts";
import type { CodeConstraints } from "../domain/lock-code.ts";
import { openingAt } from "../domain/opening.ts";
import { codeTimes, type WantedCode } from "../domain/plan-codes.ts";
import type { WeeklySchedule } from "../domain/schedule.ts";
import { planHours } from "../domain/week-hours.ts";

/** More than a lock is prepared ahead; what begins later is looked at later. */
const marginMs: Millis = 8 * 3_600_000;
export const aheadMs: Millis = codeTimes.preloadMs + marginMs;

export type Times = Pick<WantedCode, "from" | "until" | "hours" | "unfit">;

/** `times` hold from `foundAt` until `goodUntil`. */
interface Known {
  readonly key: string;
  readonly times: Times | undefined;
  readonly foundAt: Instant;
  readonly goodUntil: Instant;
}

const always = { foundAt: Number.NEGATIVE_INFINITY, goodUntil: Number.POSITIVE_INFINITY } as const;

export class CodeTimes {
  /** Asked at every look of every lock, and found anew only when an opening is over. */
  readonly #known = new WeakMap<CodeConstraints, WeakMap<WeeklySchedule, Known>>();

  /** `zone`: of the site. undefined: it does not open within `aheadMs` from `now`. */
  of(
    { validity, schedule }: Pick<Grant, "validity" | "schedule">,
    constraints: CodeConstraints,
    zone: string,
    now: Instant,
  ): Times | undefined {
    const { from, until } = validity;
    if (!schedule) return { from, until };
    const ofLock = this.#known.getOrInsertComputed(constraints, () => new WeakMap<WeeklySchedule, Known>());
    const key = `${zone} ${from} ${until}`;
    const known = ofLock.get(schedule);
    if (known?.key === key && known.foundAt <= now && now < known.goodUntil) return known.times;
    const found = { key, ...find(schedule, validity, constraints, zone, now) };
    ofLock.set(schedule, found);
    return found.times;
  }
}

function find(
  schedule: WeeklySchedule,
  { from, until }: Grant["validity"],
  { hours }: CodeConstraints,
  zone: string,
  now: Instant,
): Omit<Known, "key"> {
  const unfit = { times: { from, until, unfit: "schedule" }, ...always } as const;
  try {
    const plan = planHours(schedule, { from, until }, zone, hours);
    if (plan.by === "nothing") return { times: { from, until }, ...always };
    if (plan.by === "lock") return { times: { from, until, hours: plan.hours }, ...always };
    if (plan.by === "nobody") return unfit;
    const opening = openingAt(schedule, { from, until }, zone, now, aheadMs);
    return { times: opening, foundAt: now, goodUntil: opening?.until ?? now + marginMs };
  } catch (error) {
    // A zone or a date that nobody knows: where the gateway decides, nothing opens either.
    if (error instanceof RangeError) return unfit;
    throw error;
  }
}
