/** Waits for a gateway's word on a command: somebody stands at the door. */
import type { Millis } from "../gateway/domain/instant.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { type CommandRow, readCommand } from "./store/commands.ts";
import { eventsOf } from "./store/wakes.ts";

/** A command is dead by then. */
const answerWithinMs: Millis = 12_000;

/** As it is once the gateway has said what became of it, or when it is too late to wait. */
export async function endedCommand(
  { store, clock, stopping }: CloudParts,
  { siteId, gatewayId, id }: CommandRow,
): Promise<CommandRow> {
  const until = clock.monotonic() + answerWithinMs;
  for (;;) {
    const wake = store.wakes.next(eventsOf(siteId));
    const over = new AbortController();
    try {
      const row = await readCommand(store.db, siteId, gatewayId, id);
      if (!row) throw new Error(`command ${id} of ${gatewayId} is gone`);
      const leftMs = until - clock.monotonic();
      if (row.result !== null || leftMs <= 0 || stopping.aborted) return row;
      const slept = clock.sleep(leftMs, AbortSignal.any([stopping, over.signal])).catch(() => undefined);
      await Promise.race([wake.woken, slept]);
    } finally {
      over.abort();
      wake.cancel();
    }
  }
}
