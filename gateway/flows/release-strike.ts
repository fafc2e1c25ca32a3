/** The one way a strike is released: told once, never retried, and looked after until it is secured again. */
import type { AccessPoint } from "../domain/access-point.ts";
import type { CommandResult, Lock } from "../ports/device.ts";
import { note, type SiteParts } from "./site-parts.ts";

/** How long a lock may take to report its bolt after the hold time. */
const relockGraceMs = 5_000;

/** "refused": the strike certainly did not move. Settles within the driver's own deadline (ports/device.ts). */
export async function releaseStrike(site: SiteParts, accessPoint: AccessPoint): Promise<CommandResult> {
  const lock = site.devices.get(accessPoint.lock)?.lock;
  if (!lock) return "refused";
  const release = (site.releases.get(accessPoint.lock) ?? 0) + 1;
  site.releases.set(accessPoint.lock, release);
  try {
    const result = await lock.release(accessPoint.holdMs, site.stopping);
    // Nothing moved, so the window before it is still the one to be watched.
    if (result === "refused" && site.releases.get(accessPoint.lock) === release)
      site.releases.set(accessPoint.lock, release - 1);
    if (result !== "refused" && lock.state().basis === "reported") void watchRelock(site, accessPoint, lock, release);
    return result;
  } catch (error) {
    site.logger.warn("release-failed", { accessPoint: accessPoint.id, error: error as Error });
    return "unknown";
  }
}

/**
 * The lock secures itself by its own timer; if it says that it did not, it is told once, and the journal says so. A newer release of
 * it, be it for another access point, has a window and a watch of its own, which this one must not cut short.
 */
async function watchRelock(site: SiteParts, accessPoint: AccessPoint, lock: Lock, release: number): Promise<void> {
  try {
    await site.clock.sleep(accessPoint.holdMs + relockGraceMs, site.stopping);
    if (site.releases.get(accessPoint.lock) !== release) return;
    const { bolt, basis } = lock.state();
    if (basis === "assumed" || bolt === "secured") return;
    void note(site, { type: "relock-failed", accessPoint: accessPoint.id });
    site.logger.warn("relock-failed", { accessPoint: accessPoint.id, bolt });
    await lock.secure(site.stopping);
  } catch (error) {
    if (!site.stopping.aborted)
      site.logger.warn("relock-unwatched", { accessPoint: accessPoint.id, error: error as Error });
  }
}
