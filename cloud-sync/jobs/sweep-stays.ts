/**
 * Once a day: has a code outlived its stay? The planner takes each away when its time comes, so this should find none; what it finds is looked
 * at anew and told.
 */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { provisionStay } from "../provision-stay.ts";
import { outlivedStays } from "../store/bookings.ts";
import { jobsWake } from "../store/job-runs.ts";
import { inTurn } from "./on-record.ts";
import { runWakeful } from "./wakeful.ts";

/** Whose turn it is. */
const lookEveryMs: Millis = 5 * 60_000;
const everyMs: Millis = 24 * 3_600_000;
/** A property's late minutes are a day at most, and the planner looks every five. */
const toleranceMs: Millis = 24 * 3_600_000 + 15 * 60_000;
const atOnce = 500;

/** Runs until `parts.stopping` fires. */
export function sweepStays(parts: CloudParts): Promise<void> {
  const doAllDue = inTurn(parts, { name: "sweep", everyMs, work: () => sweepOnce(parts) });
  return runWakeful(parts, { wokenBy: jobsWake, lookEveryMs, failure: "sweep-failed", doAllDue });
}

/** Answers how many there were. */
export async function sweepOnce(parts: CloudParts): Promise<number> {
  const { store, clock, logger } = parts;
  const found = await outlivedStays(store.db, clock.wall(), toleranceMs, atOnce);
  for (const { siteId: site, id } of found) {
    logger.error("code-outlived-its-stay", { site, booking: id });
    await provisionStay(parts, site, id);
  }
  return found.length;
}
