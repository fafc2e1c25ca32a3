/** Reads every source of bookings when its time has come; of several replicas one does. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { readDueSource, untilNextReading } from "../read-source.ts";
import { sourcesWake } from "../store/booking-sources.ts";
import { onRecord, type Pass } from "./on-record.ts";
import { runWakeful } from "./wakeful.ts";

const lookEveryMs: Millis = 60_000;
/** A source that hangs holds up no other. */
const atOnce = 4;

/** Runs until `parts.stopping` fires. */
export async function readSources(parts: CloudParts): Promise<void> {
  const recorded = () => onRecord(parts, { name: "bookings", lookEveryMs, pass: () => readAllDue(parts) });
  const job = { wokenBy: sourcesWake, lookEveryMs, failure: "booking-sources-failed" };
  await Promise.all(Array.from({ length: atOnce }, () => runWakeful(parts, { ...job, doAllDue: recorded() })));
}

/** One after the other. */
export async function readAllDue(parts: CloudParts): Promise<Pass> {
  let done = 0;
  while (!parts.stopping.aborted && (await readDueSource(parts))) done += 1;
  return { done, waitMs: (await untilNextReading(parts)) ?? lookEveryMs };
}
