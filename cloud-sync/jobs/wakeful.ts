/** What jobs that wait for work have in common: they do what is due, then rest until the next is, or until they are woken. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";

export interface WakefulJob {
  /** A topic of the store's wakes. */
  readonly wokenBy: string;
  /** What another replica was told is not missed for longer, nor is a failure of the store. */
  readonly lookEveryMs: Millis;
  /** For the log, when it rejects. */
  readonly failure: string;
  /** All that is due; answers how long until the next is. */
  readonly doAllDue: () => Promise<Millis>;
}

/** Runs until `parts.stopping` fires. */
export async function runWakeful(
  { store, clock, logger, stopping }: CloudParts,
  { wokenBy, lookEveryMs, failure, doAllDue }: WakefulJob,
): Promise<void> {
  while (!stopping.aborted) {
    const news = store.wakes.next(wokenBy);
    const over = new AbortController();
    const waitMs = await doAllDue().catch((error: Error) => {
      logger.error(failure, { error });
      return lookEveryMs;
    });
    const rest = clock.sleep(Math.min(waitMs, lookEveryMs), AbortSignal.any([stopping, over.signal]));
    await Promise.race([news.woken, rest.catch(() => undefined)]);
    over.abort();
    news.cancel();
  }
}
