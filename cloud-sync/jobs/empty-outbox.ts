/** Empties the outbox of some kinds: all that is due, then a rest until the next is, or until something is put in. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { nextDueAt, type OutboxKind, outboxWake } from "../store/outbox.ts";

/** What another replica put in is not missed for longer. */
const lookEveryMs: Millis = 60_000;

/** Sends the one that is due for longest; false: none is. */
export type SendOne = () => Promise<boolean>;

/** Runs until `parts.stopping` fires. */
export async function emptyOutbox(parts: CloudParts, kinds: readonly OutboxKind[], sendOne: SendOne): Promise<void> {
  const { store, clock, logger, stopping } = parts;
  while (!stopping.aborted) {
    const news = store.wakes.next(outboxWake);
    const over = new AbortController();
    const waitMs = await sendAllDue(parts, kinds, sendOne).catch((error: Error) => {
      logger.error("outbox-failed", { error });
      return lookEveryMs;
    });
    const rest = clock.sleep(Math.min(waitMs, lookEveryMs), AbortSignal.any([stopping, over.signal]));
    await Promise.race([news.woken, rest.catch(() => undefined)]);
    over.abort();
    news.cancel();
  }
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

/** `send` gets a signal that fires after `withinMs`, and when the service stops. */
export async function withinDeadline<T>(
  { clock, stopping }: CloudParts,
  withinMs: Millis,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [late, done] = [new AbortController(), new AbortController()];
  const timer = clock.sleep(withinMs, done.signal).then(
    () => late.abort(),
    () => undefined,
  );
  const result = await send(AbortSignal.any([stopping, late.signal]));
  done.abort();
  await timer;
  return result;
}
