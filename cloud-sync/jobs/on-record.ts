/** How a job went stands in the store, for whoever wants to see that it runs. */
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import type { JobName } from "../domain/job-names.ts";
import { takeTurn, writeRun } from "../store/job-runs.ts";

export interface Pass {
  /** How much there was to do. */
  readonly done: number;
  /** Until there is more. */
  readonly waitMs: Millis;
}

/** One that found nothing to do, so shortly after another, is not worth a write. */
const writeEveryMs: Millis = 60_000;
/** One that failed is tried again, however seldom it runs. */
const againMs: Millis = 5 * 60_000;

/** `lookEveryMs`: it is looked at again no later, see runWakeful(). */
export function onRecord(
  parts: CloudParts,
  { name, lookEveryMs, pass }: { name: JobName; lookEveryMs: Millis; pass: () => Promise<Pass> },
): () => Promise<Millis> {
  let writtenAt: Instant | undefined;
  return async () => {
    const began = parts.clock.monotonic();
    const result = await pass().catch(async (error: unknown) => {
      await writeDown(parts, name, { began, waitMs: Math.min(againMs, lookEveryMs) }).catch(() => undefined);
      throw error;
    });
    const { done, waitMs } = result;
    if (done > 0 || writtenAt === undefined || began - writtenAt >= writeEveryMs) {
      writtenAt = began;
      await writeDown(parts, name, { began, waitMs: Math.min(waitMs, lookEveryMs), done });
    }
    return waitMs;
  };
}

/** Of several replicas one does it, every `everyMs`; the others rest as long. */
export function inTurn(
  parts: CloudParts,
  { name, everyMs, work }: { name: JobName; everyMs: Millis; work: () => Promise<number> },
): () => Promise<Millis> {
  const { store, clock } = parts;
  return async () => {
    const waitMs = await store.transaction((tx) => takeTurn(tx, name, everyMs, clock.wall()));
    if (waitMs > 0) return waitMs;
    const run = onRecord(parts, {
      name,
      lookEveryMs: everyMs,
      pass: async () => ({ done: await work(), waitMs: everyMs }),
    });
    return run();
  };
}

/** `done` undefined: it failed. */
function writeDown(
  { store, clock }: CloudParts,
  name: JobName,
  { began, waitMs, done }: { began: Instant; waitMs: Millis; done?: number },
): Promise<void> {
  const now = clock.wall();
  const failed = done === undefined;
  const went = { ranAt: now, tookMs: Math.round(clock.monotonic() - began), done: done ?? null, failed };
  return store.transaction((tx) =>
    writeRun(tx, name, { ...went, nextAt: now + waitMs, ...(!failed && { goodAt: now }) }),
  );
}
