/** Once an hour: an audit nobody is awaited for ends, ended grants leave the feed, confirmed tombstones go, retention is carried out. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { finishAudit } from "../store/audit.ts";
import { dropTombstones } from "../store/feed.ts";
import { forgetCodes, retireGrants } from "../store/grants.ts";
import { forgetAnswers } from "../store/idempotency.ts";
import { jobsWake } from "../store/job-runs.ts";
import { listSites } from "../store/sites.ts";
import { inTurn } from "./on-record.ts";
import { forgetOfService, forgetOfSite } from "./retention.ts";
import { runWakeful } from "./wakeful.ts";

/** Whose turn it is. */
const lookEveryMs: Millis = 5 * 60_000;
const hourMs: Millis = 3_600_000;
const dayMs: Millis = 24 * hourMs;
/** So long a gateway still answers "expired" rather than "unknown". */
const endedKeptMs = 7 * dayMs;
/** A gateway that comes back after longer takes the whole set. */
const tombstonesKeptMs = 30 * dayMs;
const retiredAtOnce = 500;

/** Runs until `parts.stopping` fires. */
export function keepHouse(parts: CloudParts): Promise<void> {
  const doAllDue = inTurn(parts, { name: "housekeeping", everyMs: hourMs, work: () => cleanOnce(parts) });
  return runWakeful(parts, { wokenBy: jobsWake, lookEveryMs, failure: "housekeeping-failed", doAllDue });
}

/** Answers how much has gone. */
export async function cleanOnce(parts: CloudParts): Promise<number> {
  const { store, clock, logger, stopping } = parts;
  let gone = 0;
  await forgetOfService(parts);
  for (const { id } of await listSites(store.db)) {
    if (stopping.aborted) return gone;
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
    // After the codes: one whose digits go is nobody's to extend any more.
    const { events, grants } = await forgetOfSite(parts, id);
    const some = retired + dropped + events + grants;
    gone += some;
    if (some > 0)
      logger.info("site-cleaned", { site: id, retired, dropped, eventsForgotten: events, grantsForgotten: grants });
  }
  return gone;
}
