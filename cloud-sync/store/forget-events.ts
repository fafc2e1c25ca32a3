/**
 * The head of a journal that has been kept for long enough goes, and a note of where it was cut stays: the number and chain value that the
 * rest goes on from. What is left still leads to the head that the gateway signed; the note stands in the audit trail as well, so that
 * nobody cuts a journal unseen. Counts that follow from the events that went are kept with their grants.
 */
import { and, asc, eq, gt, lt, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { chainNext, chainStart } from "../../gateway/wire/journal-line.ts";
import { readEvent } from "../read-event.ts";
import { recordAudit } from "./audit-trail.ts";
import { event, eventCut, eventParked, gateway, grantRecord } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

/** The action of the audit trail's entry; its facts are a ForgottenEvents. */
export const forgetAction = "retention.events";
/** Who does it, and from where: nobody asked. */
const service = { actor: "retention", from: { address: "service", device: "service" } } as const;

export interface ForgottenEvents {
  readonly epoch: number;
  /** The first event that is kept, and the chain value before it. */
  readonly next: number;
  readonly chain: string;
  /** How many went this time. */
  readonly events: number;
}

/**
 * Of one gateway, from one of its epochs, at most `limit` events that were received before `before`. undefined: there is none, or what is
 * there has holes: such an epoch is left for whoever looks for the damage. Locks the gateway and the audit trail of its site.
 */
export async function forgetEvents(
  tx: Transaction,
  siteId: string,
  gatewayId: string,
  before: Instant,
  now: Instant,
  limit: number,
): Promise<ForgottenEvents | undefined> {
  // As whoever takes in events does: none come while some go.
  await tx
    .select({ id: gateway.id })
    .from(gateway)
    .where(and(eq(gateway.siteId, siteId), eq(gateway.id, gatewayId)))
    .for("update");
  let epoch = await nextEpoch(tx, siteId, gatewayId, before, -1);
  while (epoch !== undefined) {
    const done = await forgetOfEpoch(tx, { siteId, gatewayId, epoch }, before, now, limit);
    if (done) return done;
    epoch = await nextEpoch(tx, siteId, gatewayId, before, epoch);
  }
  return undefined;
}

interface OfEpoch {
  readonly siteId: string;
  readonly gatewayId: string;
  readonly epoch: number;
}

/** undefined: there is a hole, and nothing was changed. */
async function forgetOfEpoch(
  tx: Transaction,
  ofEpoch: OfEpoch,
  before: Instant,
  now: Instant,
  limit: number,
): Promise<ForgottenEvents | undefined> {
  const { siteId, gatewayId, epoch } = ofEpoch;
  const known = await readCut(tx, ofEpoch);
  const from = known ?? { next: 1, chain: chainStart(gatewayId, epoch) };
  const read = await tx
    .select({
      seq: event.seq,
      receivedAt: event.receivedAt,
      type: event.type,
      body: event.body,
      raw: eventParked.raw,
      grantId: event.grantId,
    })
    .from(event)
    .leftJoin(
      eventParked,
      and(
        eq(eventParked.siteId, event.siteId),
        eq(eventParked.gatewayId, event.gatewayId),
        eq(eventParked.epoch, event.epoch),
        eq(eventParked.seq, event.seq),
      ),
    )
    .where(and(eq(event.siteId, siteId), eq(event.gatewayId, gatewayId), eq(event.epoch, epoch)))
    .orderBy(asc(event.seq))
    .limit(limit);
  const young = read.findIndex(({ receivedAt }) => receivedAt >= before);
  const old = young < 0 ? read : read.slice(0, young);
  let { next, chain } = from;
  const entries = new Entries();
  for (const { seq, type, body, raw } of old) {
    const bytes = body === null ? raw : Buffer.from(body);
    if (seq !== next || bytes === null) return undefined;
    chain = chainNext(chain, bytes);
    next += 1;
    if (type !== "unreadable") entries.take(bytes, seq);
  }
  if (next === from.next) return undefined;
  await tx
    .insert(eventCut)
    .values({ ...ofEpoch, next, chain, cutAt: now })
    .onConflictDoUpdate({
      target: [eventCut.siteId, eventCut.gatewayId, eventCut.epoch],
      set: { next, chain, cutAt: now },
    });
  for (const table of [eventParked, event])
    await tx
      .delete(table)
      .where(
        and(eq(table.siteId, siteId), eq(table.gatewayId, gatewayId), eq(table.epoch, epoch), lt(table.seq, next)),
      );
  await entries.keep(tx, siteId);
  const done = { epoch, next, chain, events: next - from.next };
  await recordAudit(tx, { ...service, site: siteId, action: forgetAction, thing: gatewayId, after: { ...done } }, now);
  return done;
}

/** Events of an epoch before this one are not there to be compared. */
export async function readCut(
  db: Queries,
  { siteId, gatewayId, epoch }: OfEpoch,
): Promise<{ readonly next: number; readonly chain: string } | undefined> {
  const [cut] = await db
    .select({ next: eventCut.next, chain: eventCut.chain })
    .from(eventCut)
    .where(and(eq(eventCut.siteId, siteId), eq(eventCut.gatewayId, gatewayId), eq(eventCut.epoch, epoch)));
  return cut;
}

/** The first epoch after `after` whose oldest event is old enough; epochs are few, and each is one look into the key. */
async function nextEpoch(
  db: Queries,
  siteId: string,
  gatewayId: string,
  before: Instant,
  after: number,
): Promise<number | undefined> {
  for (;;) {
    const [first] = await db
      .select({ epoch: event.epoch, receivedAt: event.receivedAt })
      .from(event)
      .where(and(eq(event.siteId, siteId), eq(event.gatewayId, gatewayId), gt(event.epoch, after)))
      .orderBy(asc(event.epoch), asc(event.seq))
      .limit(1);
    if (!first || first.receivedAt < before) return first?.epoch;
    after = first.epoch;
  }
}

/** Admissions by grant, counted as verify/ counts those that are still there. */
class Entries {
  readonly #counts = new Map<string, { used: number; limited: number }>();

  take(bytes: Uint8Array, seq: number): void {
    const read = readEvent(bytes, seq).event;
    if (read?.type !== "admitted" && read?.type !== "void") return;
    const count = this.#counts.get(read.grant) ?? { used: 0, limited: 0 };
    const step = read.type === "admitted" ? 1 : -1;
    count.used += step;
    if (read.type === "void" || read.left !== null) count.limited += step;
    this.#counts.set(read.grant, count);
  }

  /** In the order of their ids, as everywhere. */
  async keep(tx: Transaction, siteId: string): Promise<void> {
    for (const [id, { used, limited }] of [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
      await tx
        .update(grantRecord)
        .set({
          entriesForgotten: sql`${grantRecord.entriesForgotten} + ${used}::bigint`,
          limitedEntriesForgotten: sql`${grantRecord.limitedEntriesForgotten} + ${limited}::bigint`,
        })
        .where(and(eq(grantRecord.siteId, siteId), eq(grantRecord.id, id)));
  }
}
