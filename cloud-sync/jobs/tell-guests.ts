/** Sends the messages to guests whose time has come; of several replicas one does. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { messagesWake, nextMessageAt } from "../store/guest-messages.ts";
import { tellDue } from "../tell-guest.ts";
import { onRecord, type Pass } from "./on-record.ts";
import { runWakeful } from "./wakeful.ts";

const lookEveryMs: Millis = 60_000;
/** The next one due may be another replica's, who has it. */
const leastMs: Millis = 1_000;
/** A service that hangs holds up no other. */
const atOnce = 4;

/** Runs until `parts.stopping` fires. */
export async function tellGuests(parts: CloudParts): Promise<void> {
  const recorded = () => onRecord(parts, { name: "messages", lookEveryMs, pass: () => tellAllDue(parts) });
  const one = () =>
    runWakeful(parts, { wokenBy: messagesWake, lookEveryMs, failure: "guests-not-told", doAllDue: recorded() });
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** One after the other. */
export async function tellAllDue(parts: CloudParts): Promise<Pass> {
  let done = 0;
  while (!parts.stopping.aborted && (await tellDue(parts))) done += 1;
  const next = await nextMessageAt(parts.store.db);
  return { done, waitMs: next === undefined ? lookEveryMs : Math.max(leastMs, next - parts.clock.wall()) };
}
