/** Reads every source of bookings when its time has come; of several replicas one does. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { readDueSource, untilNextReading } from "../read-source.ts";
import { sourcesWake } from "../store/booking-sources.ts";
import { onRecord, type Pass } from "./on-record.ts";
import { runWakeful } from "./wakeful.ts";

const lookEveryMs: Millis = 60_000;

/** Runs until `parts.stopping` fires. */
export function readSources(parts: CloudParts): Promise<void> {
  const doAllDue = onRecord(parts, { name: "bookings", lookEveryMs, pass: () => readAllDue(parts) });
  return runWakeful(parts, { wokenBy: sourcesWake, lookEveryMs, failure: "booking-sources-failed", doAllDue });
}

/** One after the other. */
export async function readAllDue(parts: CloudParts): Promise<Pass> {
  let done = 0;
  while (!parts.stopping.aborted && (await readDueSource(parts))) done += 1;
  return { done, waitMs: (await untilNextReading(parts)) ?? lookEveryMs };
}
