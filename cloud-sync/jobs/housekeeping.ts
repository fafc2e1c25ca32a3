/** Once an hour: an audit nobody is awaited for ends, ended grants leave the feed, confirmed tombstones go, what is old is forgotten. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { finishAudit } from "../store/audit.ts";
import { dropTombstones } from "../store/feed.ts";
import { forgetCodes, retireGrants } from "../store/grants.ts";
import { forgetAnswers } from "../store/idempotency.ts";
import { forgetLinks } from "../store/one-time-links.ts";
import { forgetSecurity } from "../store/security-events.ts";
import { forgetSessions } from "../store/sessions.ts";
import { listSites } from "../store/sites.ts";

const hourMs: Millis = 3_600_000;
const dayMs: Millis = 24 * hourMs;
/** So long a gateway still answers "expired" rather than "unknown". */
const endedKeptMs = 7 * dayMs;
/** A gateway that comes back after longer takes the whole set. */
const tombstonesKeptMs = 30 * dayMs;
const retiredAtOnce = 500;
/** No session lives as long without being used. */
const sessionsKeptMs = 30 * dayMs;
const linksKeptMs = 30 * dayMs;

/** Runs until `parts.stopping` fires. */
export async function keepHouse(parts: CloudParts): Promise<void> {
  const { clock, logger, stopping } = parts;
  while (!stopping.aborted) {
    await cleanOnce(parts).catch((error: Error) => logger.error("housekeeping-failed", { error }));
    await clock.sleep(hourMs, stopping).catch(() => undefined);
  }
}

export async function cleanOnce({ store, clock, logger, stopping }: CloudParts): Promise<void> {
  await store.transaction(async (tx) => {
    await forgetSessions(tx, clock.wall() - sessionsKeptMs);
    await forgetLinks(tx, clock.wall() - linksKeptMs, clock.wall());
    await forgetSecurity(tx, clock.wall());
  });
  for (const { id } of await listSites(store.db)) {
    if (stopping.aborted) return;
    const now = clock.wall();
    const retire = () => store.transaction((tx) => retireGrants(tx, id, now - endedKeptMs, now, retiredAtOnce));
    let retired = 0;
    for (let some = await retire(); some > 0; some = await retire()) retired += some;
    await store.transaction((tx) => finishAudit(tx, id));
    const dropped = await store.transaction(async (tx) => {
      await forgetAnswers(tx, id, now);
      await forgetCodes(tx, id, now);
      return dropTombstones(tx, id, now, tombstonesKeptMs);
    });
    if (retired + dropped > 0) logger.info("site-cleaned", { site: id, retired, dropped });
  }
}
