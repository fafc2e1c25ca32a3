/** Looks at every booking when there is something to do for it, and at what could not be done before, every five minutes. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { provisionDue } from "../provision-stay.ts";
import { nextLookAt, staysWake } from "../store/bookings.ts";
import { onRecord, type Pass } from "./on-record.ts";
import { runWakeful } from "./wakeful.ts";

const lookEveryMs: Millis = 5 * 60_000;

/** The next one due may be another replica's, who is looking at it. */
const leastMs: Millis = 1_000;

/** Runs until `parts.stopping` fires. */
export function provisionStays(parts: CloudParts): Promise<void> {
  const pass = () => provisionAllDue(parts);
  const doAllDue = onRecord(parts, { name: "provisioning", lookEveryMs, pass });
  return runWakeful(parts, { wokenBy: staysWake, lookEveryMs, failure: "provisioning-failed", doAllDue });
}

/** One after the other. */
export async function provisionAllDue(parts: CloudParts): Promise<Pass> {
  let done = 0;
  while (!parts.stopping.aborted && (await provisionDue(parts))) done += 1;
  const next = await nextLookAt(parts.store.db);
  return { done, waitMs: next === undefined ? lookEveryMs : Math.max(leastMs, next - parts.clock.wall()) };
}
