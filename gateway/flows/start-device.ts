/** A device that cannot start, or hangs in it, keeps nobody else from starting: it is tried again for as long as the gateway runs. */
import type { Millis } from "../domain/instant.ts";
import type { Device } from "../ports/device.ts";
import type { SiteParts } from "./site-parts.ts";

const attemptMs: Millis = 10_000;
const pauseMs = { first: 1_000, longest: 300_000 };

/** Resolves when the device has started, or the gateway stops. Never rejects. */
export async function startDevice(site: SiteParts, device: Device): Promise<void> {
  const { clock, logger, stopping } = site;
  for (let pause = pauseMs.first; !stopping.aborted; pause = Math.min(pause * 2, pauseMs.longest)) {
    try {
      return await attempt(site, device);
    } catch (error) {
      if (stopping.aborted) return;
      logger.error("device-not-started", { device: device.id, error: error as Error, againInMs: pause });
    }
    await clock.sleep(pause, stopping).catch(() => undefined);
  }
}

async function attempt({ clock, stopping }: SiteParts, device: Device): Promise<void> {
  const over = new AbortController();
  const waiting = AbortSignal.any([stopping, over.signal]);
  const tooLate = clock.sleep(attemptMs, waiting).then(() => {
    throw new Error(`did not start within ${attemptMs / 1_000} s`);
  });
  try {
    await Promise.race([device.start(stopping), tooLate]);
  } catch (error) {
    // What hangs half started must not start beside the next attempt.
    await Promise.race([device.stop(), clock.sleep(attemptMs, stopping)]);
    throw error;
  } finally {
    over.abort();
    await tooLate.catch(() => undefined);
  }
}
