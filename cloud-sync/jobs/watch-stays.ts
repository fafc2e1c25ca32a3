/** Looks after every stay when its time has come; of several replicas one does. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { nextWatchAt, watchWake } from "../store/bookings.ts";
import { watchDue } from "../watch-stays.ts";
import { onRecord, type Pass } from "./on-record.ts";
import { runWakeful } from "./wakeful.ts";

const lookEveryMs: Millis = 60_000;
/** The next one due may be another replica's, who is looking at it. */
const leastMs: Millis = 1_000;

/** Runs until `parts.stopping` fires. */
export function watchStays(parts: CloudParts): Promise<void> {
  const doAllDue = onRecord(parts, { name: "watch", lookEveryMs, pass: () => watchAllDue(parts) });
  return runWakeful(parts, { wokenBy: watchWake, lookEveryMs, failure: "stays-not-watched", doAllDue });
}

/** One after the other. */
export async function watchAllDue(parts: CloudParts): Promise<Pass> {
  let done = 0;
  while (!parts.stopping.aborted && (await watchDue(parts))) done += 1;
  const next = await nextWatchAt(parts.store.db);
  return { done, waitMs: next === undefined ? lookEveryMs : Math.max(leastMs, next - parts.clock.wall()) };
}
