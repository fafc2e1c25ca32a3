/** What has been kept for as long as the configuration says goes: some at a time, so that nobody waits for it. */
import { type Retention, retentionSchema } from "../../config/schema.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { forgetAttachments } from "../store/attachments.ts";
import { destroyKeysBefore } from "../store/audit-keys.ts";
import { forgetGuests } from "../store/bookings.ts";
import { forgetEvents } from "../store/forget-events.ts";
import { forgetGrants } from "../store/forget-grants.ts";
import { listGateways } from "../store/gateways.ts";
import { forgetMessages, forgetReports } from "../store/guest-messages.ts";
import { forgetHookMessages } from "../store/hook-messages.ts";
import { forgetQuestions } from "../store/host-questions.ts";
import { forgetLinks } from "../store/one-time-links.ts";
import { forgetSettled } from "../store/outbox.ts";
import { forgetSecurity } from "../store/security-events.ts";
import { forgetSessions } from "../store/sessions.ts";
import { forgetAlarms } from "../store/stay-alarms.ts";

const dayMs = 24 * 3_600_000;
const keysAtOnce = 1_000;
const grantsAtOnce = 100;
const eventsAtOnce = 1_000;
const photosAtOnce = 100;
/** Batches of one kind in one round; the rest waits for the next. */
const batchesMax = 100;

const usual: Retention = retentionSchema.parse({});

/** What belongs to no site. */
export async function forgetOfService({ store, clock, retention = usual, stopping }: CloudParts): Promise<void> {
  const ago = (days: number) => clock.wall() - days * dayMs;
  await store.transaction(async (tx) => {
    await forgetSessions(tx, ago(retention.sessionsDays));
    await forgetLinks(tx, ago(retention.usedLinksDays), clock.wall());
    // What brought them.
    await forgetSettled(tx, ago(retention.usedLinksDays));
    await forgetReports(tx, ago(retention.usedLinksDays));
    await forgetSecurity(tx, ago(retention.securityEventsDays));
  });
  const before = ago(retention.auditAddressesDays);
  await inBatches(stopping, keysAtOnce, () => store.transaction((tx) => destroyKeysBefore(tx, before, keysAtOnce)));
}

export interface ForgottenOfSite {
  readonly events: number;
  readonly grants: number;
}

export async function forgetOfSite(parts: CloudParts, site: string): Promise<ForgottenOfSite> {
  const { store, clock, retention = usual, stopping } = parts;
  const now = clock.wall();
  const ago = (days: number) => now - days * dayMs;
  const endedBefore = { digits: ago(retention.endedCodeDigitsDays), names: ago(retention.endedGrantNamesDays) };
  const grants = await inBatches(stopping, grantsAtOnce, () =>
    store.transaction((tx) => forgetGrants(tx, site, endedBefore, now, grantsAtOnce)),
  );
  await store.transaction((tx) => forgetGuests(tx, site, endedBefore.names, now));
  await store.transaction((tx) => forgetHookMessages(tx, site, now));
  await store.transaction(async (tx) => {
    await forgetAlarms(tx, site, endedBefore.names);
    await forgetMessages(tx, site, endedBefore.names);
  });
  const taken = ago(retention.photosDays);
  await inBatches(stopping, photosAtOnce, () =>
    store.transaction((tx) => forgetAttachments(tx, site, taken, photosAtOnce)),
  );
  await store.transaction((tx) => forgetQuestions(tx, site, now - dayMs));
  const before = dayStart(ago(retention.eventsDays));
  let events = 0;
  for (const { id } of await listGateways(store.db, site))
    events += await inBatches(stopping, 1, async () => {
      const forgotten = await store.transaction((tx) => forgetEvents(tx, site, id, before, now, eventsAtOnce));
      return forgotten?.events ?? 0;
    });
  return { events, grants };
}

/** Whole days, so that a journal is cut once a day and not each hour: each cut is an entry of the audit trail. */
function dayStart(instant: Instant): Instant {
  return Math.floor(instant / dayMs) * dayMs;
}

/** Answers how many there were. A batch of fewer than `whole` is the last. */
async function inBatches(stopping: AbortSignal, whole: number, work: () => Promise<number>): Promise<number> {
  let all = 0;
  for (let batch = 0; batch < batchesMax && !stopping.aborted; batch += 1) {
    const some = await work();
    all += some;
    if (some < whole) break;
  }
  return all;
}
