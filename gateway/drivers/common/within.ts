/** A deadline around a part of the work, on the gateway's clock. */
import type { Millis } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";

/** `work` is told by its signal when one of `signals` fires or the time is over; it must settle then. */
export async function within<T>(
  clock: Clock,
  ms: Millis,
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const ended = new AbortController();
  clock.sleep(ms, ended.signal).then(
    () => over.abort(new Error(`not done within ${ms} ms`)),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([...signals, over.signal]));
  } finally {
    ended.abort();
  }
}
