/** Writes codes where their bookings come from; of several replicas one does. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { writeDueKeyCode } from "../key-codes.ts";
import { keyCodesWake, nextKeyCodeAt } from "../store/bookings.ts";
import { runWakeful } from "./wakeful.ts";

const lookEveryMs: Millis = 60_000;

/** Runs until `parts.stopping` fires. */
export function writeKeyCodes(parts: CloudParts): Promise<void> {
  const doAllDue = () => writeAllKeyCodes(parts);
  return runWakeful(parts, { wokenBy: keyCodesWake, lookEveryMs, failure: "key-codes-failed", doAllDue });
}

/** One after the other; answers how long until the next is due. */
export async function writeAllKeyCodes(parts: CloudParts): Promise<Millis> {
  while (!parts.stopping.aborted && (await writeDueKeyCode(parts)));
  const next = await nextKeyCodeAt(parts.store.db);
  return next === undefined ? lookEveryMs : Math.max(0, next - parts.clock.wall());
}
