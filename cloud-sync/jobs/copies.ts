/** Keeps synced copies of the embedded store: every ten minutes, and at a clean stop. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { makeCopy } from "../store/pglite-copies.ts";

const everyMs: Millis = 10 * 60_000;
/** While a copy is made nobody else is served: at most a hundredth of the time, however large the store has become. */
const heldPartMax = 0.01;

/** Runs until `parts.stopping` fires. */
export async function keepCopies(parts: CloudParts, dataFolder: string): Promise<void> {
  const { clock, logger, stopping } = parts;
  let waitMs = everyMs;
  for (;;) {
    await clock.sleep(waitMs, stopping).catch(() => undefined);
    if (stopping.aborted) return;
    const began = clock.monotonic();
    await copyOnce(parts, dataFolder, stopping).catch((error: Error) => {
      if (!stopping.aborted) logger.error("copy-failed", { error });
    });
    waitMs = Math.max(everyMs, (clock.monotonic() - began) / heldPartMax);
  }
}

/** The last copy, of a store nobody uses any more, unless it takes longer than `deadlineMs`. */
export async function copyAtStop(parts: CloudParts, dataFolder: string, deadlineMs: Millis): Promise<void> {
  const { clock, logger } = parts;
  const [late, done] = [new AbortController(), new AbortController()];
  const timer = clock.sleep(deadlineMs, done.signal).then(
    () => late.abort(new Error(`the store could not be copied within ${deadlineMs} ms; the last copy stays`)),
    () => undefined,
  );
  await copyOnce(parts, dataFolder, late.signal).catch((error: Error) => logger.warn("copy-failed", { error }));
  done.abort();
  await timer;
}

async function copyOnce({ store, clock, logger, version }: CloudParts, dataFolder: string, signal: AbortSignal) {
  const began = clock.monotonic();
  const { path, rows } = await makeCopy(store, dataFolder, { madeAt: clock.wall(), by: version }, signal);
  logger.debug("copy-made", { path, rows, tookMs: Math.round(clock.monotonic() - began) });
}
