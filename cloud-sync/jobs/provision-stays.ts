/** Looks at every booking when there is something to do for it, and at what could not be done before, every five minutes. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { provisionDue } from "../provision-stay.ts";
import { nextLookAt, staysWake } from "../store/bookings.ts";
import { runWakeful } from "./wakeful.ts";

const lookEveryMs: Millis = 5 * 60_000;

/** The next one due may be another replica's, who is looking at it. */
const leastMs: Millis = 1_000;

/** Runs until `parts.stopping` fires. */
export function provisionStays(parts: CloudParts): Promise<void> {
  const doAllDue = () => provisionAllDue(parts);
  return runWakeful(parts, { wokenBy: staysWake, lookEveryMs, failure: "provisioning-failed", doAllDue });
}

/** One after the other; answers how long until the next is due. */
export async function provisionAllDue(parts: CloudParts): Promise<Millis> {
  while (!parts.stopping.aborted && (await provisionDue(parts)));
  const next = await nextLookAt(parts.store.db);
  return next === undefined ? lookEveryMs : Math.max(leastMs, next - parts.clock.wall());
}
