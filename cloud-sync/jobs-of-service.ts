/** What the service does by itself, as people see it: how it went, when it runs next, and now. The API and the pages both call these. */
import { HttpProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { type JobName, jobNames } from "./domain/job-names.ts";
import { reachOf, sitesOf } from "./domain/permissions.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { readAllNow, sourcesWake } from "./store/booking-sources.ts";
import { lookAtAllOf, watchSites } from "./store/bookings.ts";
import { messagesWake } from "./store/guest-messages.ts";
import { type JobRunRow, jobsWake, listRuns, writeRun } from "./store/job-runs.ts";
import { listSites } from "./store/sites.ts";

/** As the row, nothing of it known where the job has not run. */
export type JobView = Omit<JobRunRow, "siteId">;

export class JobsOfService {
  readonly #parts: CloudParts;

  constructor(parts: CloudParts) {
    this.#parts = parts;
  }

  async list(): Promise<readonly JobView[]> {
    const runs = new Map((await listRuns(this.#parts.store.db)).map((row) => [row.name, row]));
    return jobNames.map((name) => {
      const { siteId: _, ...run } = runs.get(name) ?? { ...never, name };
      return run;
    });
  }

  /** As soon as it has the time; what came of it, the list tells then. Of sources and stays those of the asker's sites. */
  async run({ actor, from }: Asker, name: JobName): Promise<void> {
    const { store, clock, logger } = this.#parts;
    if (name === "housekeeping" && reachOf(actor, "jobs.run") !== "every")
      throw new HttpProblem(403, "not-permitted", "Only whoever runs the service starts its housekeeping.");
    const sites = sitesOf(actor, "jobs.run");
    await store.transaction(async (tx) => {
      const now = clock.wall();
      switch (name) {
        case "bookings":
          await readAllNow(tx, sites, now);
          tx.touch(sourcesWake);
          break;
        case "provisioning":
          for (const site of sites ?? (await listSites(tx)).map(({ id }) => id))
            await lookAtAllOf(tx, site, undefined, now);
          break;
        case "watch":
          await watchSites(tx, sites, now);
          break;
        case "messages":
          tx.touch(messagesWake);
          break;
        case "sweep":
        case "housekeeping":
          await writeRun(tx, name, { nextAt: now });
          tx.touch(jobsWake);
      }
      await recordAudit(tx, { actor: actor.id, from, action: "jobs.run", thing: name }, now);
    });
    logger.info("job-wanted", { job: name, by: actor.id });
  }
}

const never = {
  siteId: "",
  nextAt: null,
  ranAt: null,
  tookMs: null,
  done: null,
  failed: false,
  goodAt: null,
} as const;
