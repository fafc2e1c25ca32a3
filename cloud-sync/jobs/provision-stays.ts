/** Looks at every booking when there is something to do for it, and at what could not be done before, every five minutes. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { provisionDue } from "../provision-stay.ts";
import { nextLookAt, staysWake } from "../store/bookings.ts";

const lookEveryMs: Millis = 5 * 60_000;

/** Runs until `parts.stopping` fires. */
export async function provisionStays(parts: CloudParts): Promise<void> {
  const { store, clock, logger, stopping } = parts;
  while (!stopping.aborted) {
    const news = store.wakes.next(staysWake);
    const over = new AbortController();
    const waitMs = await provisionAllDue(parts)
      .then(() => nextLookAt(store.db))
      .then((next) => (next === undefined ? lookEveryMs : Math.max(0, next - clock.wall())))
      .catch((error: Error) => {
        logger.error("provisioning-failed", { error });
        return lookEveryMs;
      });
    const rest = clock.sleep(Math.min(waitMs, lookEveryMs), AbortSignal.any([stopping, over.signal]));
    await Promise.race([news.woken, rest.catch(() => undefined)]);
    over.abort();
    news.cancel();
  }
}

export async function provisionAllDue(parts: CloudParts): Promise<void> {
  while (!parts.stopping.aborted && (await provisionDue(parts)));
}
