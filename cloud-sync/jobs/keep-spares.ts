/** Keeps every property's spare codes as many as it wants, and proven. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { keepPoolDue } from "../spare-codes.ts";
import { nextSparesAt, sparesWake } from "../store/properties.ts";
import { runWakeful } from "./wakeful.ts";

const lookEveryMs: Millis = 5 * 60_000;
/** The next one due may be another replica's, who is looking at it. */
const leastMs: Millis = 1_000;

/** Runs until `parts.stopping` fires. */
export function keepSpares(parts: CloudParts): Promise<void> {
  const doAllDue = () => keepAllPools(parts);
  return runWakeful(parts, { wokenBy: sparesWake, lookEveryMs, failure: "spares-not-kept", doAllDue });
}

/** One after the other; answers how long until the next is due. */
export async function keepAllPools(parts: CloudParts): Promise<Millis> {
  while (!parts.stopping.aborted && (await keepPoolDue(parts)));
  const next = await nextSparesAt(parts.store.db);
  return next === undefined ? lookEveryMs : Math.max(leastMs, next - parts.clock.wall());
}
