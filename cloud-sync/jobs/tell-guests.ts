/** Sends the messages to guests whose time has come; of several replicas one does. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { messagesWake, nextMessageAt } from "../store/guest-messages.ts";
import { tellDue } from "../tell-guest.ts";
import { runWakeful } from "./wakeful.ts";

const lookEveryMs: Millis = 60_000;
/** The next one due may be another replica's, who has it. */
const leastMs: Millis = 1_000;
/** A service that hangs holds up no other. */
const atOnce = 4;

/** Runs until `parts.stopping` fires. */
export async function tellGuests(parts: CloudParts): Promise<void> {
  const doAllDue = () => tellAllDue(parts);
  const one = () => runWakeful(parts, { wokenBy: messagesWake, lookEveryMs, failure: "guests-not-told", doAllDue });
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** One after the other; answers how long until the next is due. */
export async function tellAllDue(parts: CloudParts): Promise<Millis> {
  while (!parts.stopping.aborted && (await tellDue(parts)));
  const next = await nextMessageAt(parts.store.db);
  return next === undefined ? lookEveryMs : Math.max(leastMs, next - parts.clock.wall());
}
