/** Empties the outbox of some kinds: all that is due, then a rest until the next is, or until something is put in. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { nextDueAt, type OutboxKind, outboxWake } from "../store/outbox.ts";
import { runWakeful } from "./wakeful.ts";

/** What another replica put in is not missed for longer. */
const lookEveryMs: Millis = 60_000;

/** Sends the one that is due for longest; false: none is. */
export type SendOne = () => Promise<boolean>;

/** Runs until `parts.stopping` fires. */
export function emptyOutbox(parts: CloudParts, kinds: readonly OutboxKind[], sendOne: SendOne): Promise<void> {
  const doAllDue = () => sendAllDue(parts, kinds, sendOne);
  return runWakeful(parts, { wokenBy: outboxWake, lookEveryMs, failure: "outbox-failed", doAllDue });
}

/** One after the other; answers how long until the next is due. */
export async function sendAllDue(
  { store, clock, stopping }: CloudParts,
  kinds: readonly OutboxKind[],
  sendOne: SendOne,
): Promise<Millis> {
  while (!stopping.aborted && (await sendOne()));
  const next = await nextDueAt(store.db, kinds);
  return next === undefined ? lookEveryMs : Math.max(0, next - clock.wall());
}
