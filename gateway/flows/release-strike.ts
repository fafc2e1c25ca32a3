/** The one way a strike is released: told once, never retried, and looked after until it is secured again. */
import type { AccessPoint, DeviceId } from "../domain/access-point.ts";
import type { Millis } from "../domain/instant.ts";
import type { CommandResult, Lock } from "../ports/device.ts";
import { note, type SiteParts } from "./site-parts.ts";

/** How long a lock may take to report its bolt after the hold time. */
const relockGraceMs = 5_000;
const relockPauseMaxMs = 160_000;
/** A bolt thrown while the door stands open keeps it from closing; but a contact may be broken, and says so for ever. */
const openDoorMaxMs = 5 * 60_000;
const openDoorLookMs = 1_000;

/** "refused": the strike certainly did not move. Settles within the driver's own deadline (ports/device.ts). */
export async function releaseStrike(site: SiteParts, accessPoint: AccessPoint): Promise<CommandResult> {
  const lock = site.devices.get(accessPoint.lock)?.lock;
  if (!lock) return "refused";
  const release = nextRelease(site, accessPoint.lock);
  // Where the door is held open nobody's admission shuts it.
  const heldMs = (site.heldUntil.get(accessPoint.lock) ?? 0) - site.clock.monotonic();
  const holdMs = Math.max(accessPoint.holdMs, heldMs);
  let result: CommandResult;
  try {
    result = await lock.release(holdMs, site.stopping);
  } catch (error) {
    site.logger.warn("release-failed", { accessPoint: accessPoint.id, error: error as Error });
    result = "unknown";
  }
  if (lock.relocks === "when-told") {
    // Of a refused one as well: the watch over the window before may have ended while this one was asked for.
    if (result !== "refused" || site.records.isToRelock(accessPoint.id))
      void relock(site, accessPoint, lock, release, holdMs);
  } else if (result === "refused") takeBack(site, accessPoint.lock, release);
  else if (lock.state().basis === "reported") void watchRelock(site, accessPoint, lock, release, holdMs);
  return result;
}

/**
 * Keeps the strike of a door that is held open released for `windowMs`. A level, so it is told again: whoever holds it open does so before
 * that ends, and looks after its end. "refused" also where the lock cannot.
 */
export async function holdStrike(
  site: SiteParts,
  accessPoint: AccessPoint,
  windowMs: Millis,
  signal: AbortSignal,
): Promise<CommandResult> {
  const lock = site.devices.get(accessPoint.lock)?.lock;
  if (!lock?.hold) return "refused";
  const release = nextRelease(site, accessPoint.lock);
  site.heldUntil.set(accessPoint.lock, site.clock.monotonic() + windowMs);
  try {
    const result = await lock.hold(windowMs, signal);
    if (result === "refused") takeBack(site, accessPoint.lock, release);
    return result;
  } catch (error) {
    site.logger.warn("hold-failed", { accessPoint: accessPoint.id, error: error as Error });
    return "unknown";
  }
}

/** The end of what was held open: told once, and looked after as a release is. */
export async function secureStrike(site: SiteParts, accessPoint: AccessPoint): Promise<void> {
  const lock = site.devices.get(accessPoint.lock)?.lock;
  if (!lock) return;
  const release = nextRelease(site, accessPoint.lock);
  site.heldUntil.delete(accessPoint.lock);
  try {
    const result = await lock.secure(site.stopping);
    if (result !== "confirmed") site.logger.warn("secure-not-confirmed", { accessPoint: accessPoint.id, result });
  } catch (error) {
    site.logger.warn("secure-failed", { accessPoint: accessPoint.id, error: error as Error });
  }
  void watchRelock(site, accessPoint, lock, release, 0);
}

/** After a start: what an earlier one released, and did not live to relock. Where records were lost nobody knows, so all are. */
export function resumeRelock(site: SiteParts, accessPoint: AccessPoint, recordsWereLost: boolean): void {
  const lock = site.devices.get(accessPoint.lock)?.lock;
  const isToRelock = recordsWereLost || site.records.isToRelock(accessPoint.id);
  if (lock?.relocks === "when-told" && isToRelock)
    void relock(site, accessPoint, lock, nextRelease(site, accessPoint.lock), 0);
}

function nextRelease({ releases }: SiteParts, lock: DeviceId): number {
  const release = (releases.get(lock) ?? 0) + 1;
  releases.set(lock, release);
  return release;
}

/** Nothing moved, so the window before it is still the one to be watched. */
function takeBack({ releases }: SiteParts, lock: DeviceId, release: number): void {
  if (releases.get(lock) === release) releases.set(lock, release - 1);
}

/**
 * The lock secures itself by its own timer; if it says that it did not, it is told once, and the journal says so. A newer release of
 * it, be it for another access point, has a window and a watch of its own, which this one must not cut short.
 */
async function watchRelock(
  site: SiteParts,
  accessPoint: AccessPoint,
  lock: Lock,
  release: number,
  holdMs: Millis,
): Promise<void> {
  try {
    await site.clock.sleep(holdMs + relockGraceMs, site.stopping);
    if (site.releases.get(accessPoint.lock) !== release) return;
    const { bolt, basis } = lock.state();
    if (basis === "assumed" || bolt === "secured") return;
    site.logger.warn("relock-failed", { accessPoint: accessPoint.id, bolt });
    // Whatever becomes of the record.
    const securing = lock.secure(site.stopping);
    await Promise.all([securing, note(site, { type: "relock-failed", accessPoint: accessPoint.id })]);
  } catch (error) {
    if (!site.stopping.aborted)
      site.logger.warn("relock-unwatched", { accessPoint: accessPoint.id, error: error as Error });
  }
}

/**
 * A lock without a timer is told when the time is over, and again until it is shut: nobody else would. A newer release of it has a
 * time of its own.
 */
async function relock(
  site: SiteParts,
  accessPoint: AccessPoint,
  lock: Lock,
  release: number,
  holdMs: Millis,
): Promise<void> {
  const isNewest = () => site.releases.get(accessPoint.lock) === release;
  try {
    await site.clock.sleep(holdMs, site.stopping);
    await doorIsClosed(site, accessPoint.lock, isNewest);
    for (let pause = relockGraceMs; isNewest(); pause = Math.min(pause * 2, relockPauseMaxMs)) {
      const result = await lock.secure(site.stopping).catch((): CommandResult => "unknown");
      const isTaken = result === "confirmed" || (result === "accepted" && lock.state().basis === "assumed");
      if (!isTaken) await site.clock.sleep(pause, site.stopping);
      if (!isNewest()) return;
      if (isTaken || lock.state().bolt === "secured") return await noteRelocked(site, accessPoint.lock);
      if (pause > relockGraceMs) continue;
      site.logger.warn("relock-failed", { accessPoint: accessPoint.id, result });
      // Whatever becomes of the record.
      note(site, { type: "relock-failed", accessPoint: accessPoint.id }).catch(() => undefined);
    }
  } catch (error) {
    if (!site.stopping.aborted)
      site.logger.warn("relock-unwatched", { accessPoint: accessPoint.id, error: error as Error });
  }
}

/** As far as the lock's own contact tells; resolves without it, and after a while all the same. */
async function doorIsClosed(site: SiteParts, lock: DeviceId, isNewest: () => boolean): Promise<void> {
  const isOpen = () => site.devices.get(lock)?.status().door === "open";
  for (let waitedMs = 0; isOpen() && isNewest() && waitedMs < openDoorMaxMs; waitedMs += openDoorLookMs)
    await site.clock.sleep(openDoorLookMs, site.stopping);
}

/** Of every access point that the lock serves. */
async function noteRelocked(site: SiteParts, lock: DeviceId): Promise<void> {
  const over = [...site.accessPoints.values()].filter(
    (point) => point.lock === lock && site.records.isToRelock(point.id),
  );
  await Promise.all(over.map(({ id }) => note(site, { type: "relocked", accessPoint: id })));
}
