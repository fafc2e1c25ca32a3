/** A deadline for what is asked of others. */
import type { Millis } from "../gateway/domain/instant.ts";
import type { CloudParts } from "./cloud-parts.ts";

/** `work` gets a signal that fires after `withinMs`, and when the service stops. */
export async function withinDeadline<T>(
  { clock, stopping }: CloudParts,
  withinMs: Millis,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [late, done] = [new AbortController(), new AbortController()];
  const timer = clock.sleep(withinMs, done.signal).then(
    () => late.abort(),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([stopping, late.signal]));
  } finally {
    done.abort();
    await timer;
  }
}
