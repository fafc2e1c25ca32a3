/** How the service's jobs went, and whose turn it is at those that one replica does for all. */
import { and, asc, eq } from "drizzle-orm";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { JobName } from "../domain/job-names.ts";
import { noSite } from "./audit-trail.ts";
import { jobRun } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/** Woken when somebody wants a job to run that has no other wake. */
export const jobsWake = "*jobs";

export type JobRunRow = typeof jobRun.$inferSelect;

const its = (name: JobName) => and(eq(jobRun.siteId, noSite), eq(jobRun.name, name));

export function listRuns(db: Queries): Promise<JobRunRow[]> {
  return db.select().from(jobRun).where(eq(jobRun.siteId, noSite)).orderBy(asc(jobRun.name));
}

export async function writeRun(
  tx: Transaction,
  name: JobName,
  run: Partial<Omit<JobRunRow, "siteId" | "name">>,
): Promise<void> {
  await tx
    .insert(jobRun)
    .values({ siteId: noSite, name, ...run })
    .onConflictDoUpdate({ target: [jobRun.siteId, jobRun.name], set: run });
}

/** Takes the turn where it is due; answers how long until it is, 0: it is yours. One that lies too far ahead was set by a wrong clock. */
export async function takeTurn(tx: Transaction, name: JobName, everyMs: Millis, now: Instant): Promise<Millis> {
  await tx.insert(jobRun).values({ siteId: noSite, name, nextAt: now }).onConflictDoNothing();
  const [row] = await tx.select().from(jobRun).where(its(name)).for("update");
  const waitMs = (row?.nextAt ?? now) - now;
  if (waitMs > 0 && waitMs <= everyMs) return waitMs;
  await writeRun(tx, name, { nextAt: now + everyMs });
  return 0;
}
