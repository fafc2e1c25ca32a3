/** Gateways: waiting for enrolment, in service, revoked; what they last acknowledged and reported. */
import { and, asc, eq, gt, inArray, isNull, sql } from "drizzle-orm";
import type { z } from "zod";
import type { Cursor, PeerGateway } from "../../gateway/domain/feed.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { reportSchema } from "../../gateway/wire/gateway-api.ts";
import { afterWord, type Witness } from "../domain/witness.ts";
import { hashOf, isSameHash, newEnrolmentCode, newGatewayId, normalizeEnrolmentCode, siteOf } from "../ids.ts";
import { lookAtAllOf } from "./bookings.ts";
import { endHanded } from "./commands.ts";
import { type FeedChange, publish } from "./feed.ts";
import { accessPoint, enrolmentCode, gateway, site } from "./schema.ts";
import { type Database, type Queries, rowsOf, type Transaction } from "./store.ts";

export type GatewayRow = typeof gateway.$inferSelect;
export type AccessPointRow = typeof accessPoint.$inferSelect;
export type Report = z.infer<typeof reportSchema>;

export const enrolmentLifeMs = 15 * 60_000;
const formerKeysMax = 8;

const its = (siteId: string, id: string) => and(eq(gateway.siteId, siteId), eq(gateway.id, id));

export async function createGateway(tx: Transaction, siteId: string, name: string, now: Instant): Promise<string> {
  const id = newGatewayId(siteId);
  await tx.insert(gateway).values({
    siteId,
    id,
    name,
    createdAt: now,
    epoch: 0,
    next: 1,
    cursorFeed: "",
    cursorVersion: 0,
    lastCommand: 0,
    issuedCommand: 0,
  });
  tx.touch(siteId);
  return id;
}

/** A code for this gateway; those given before stop to work. */
export async function createEnrolmentCode(
  tx: Transaction,
  siteId: string,
  gatewayId: string,
  now: Instant,
): Promise<{ readonly code: string; readonly expiresAt: Instant }> {
  const code = newEnrolmentCode(siteId);
  const expiresAt = now + enrolmentLifeMs;
  await tx
    .delete(enrolmentCode)
    .where(and(eq(enrolmentCode.siteId, siteId), eq(enrolmentCode.gatewayId, gatewayId), isNull(enrolmentCode.usedAt)));
  const hash = hashOf(normalizeEnrolmentCode(code));
  await tx.insert(enrolmentCode).values({ siteId, hash, gatewayId, expiresAt });
  return { code, expiresAt };
}

/** Uses the code up: the gateway gets a new epoch and this key; an older card of it is fenced from now on. undefined: no such code. */
export async function enrol(
  tx: Transaction,
  code: string,
  publicKey: string,
  now: Instant,
): Promise<GatewayRow | undefined> {
  const normal = normalizeEnrolmentCode(code);
  const siteId = siteOf(normal);
  const open = await tx
    .select()
    .from(enrolmentCode)
    .where(and(eq(enrolmentCode.siteId, siteId), isNull(enrolmentCode.usedAt), gt(enrolmentCode.expiresAt, now)));
  const hash = hashOf(normal);
  let match: (typeof open)[number] | undefined;
  for (const one of open) if (isSameHash(one.hash, hash)) match = one;
  if (!match) return undefined;
  // The gateway before its code, as a revocation does: the other way round the two would wait for each other.
  const [before] = await tx.select().from(gateway).where(its(siteId, match.gatewayId)).for("update");
  const used = await tx
    .update(enrolmentCode)
    .set({ usedAt: now })
    .where(and(eq(enrolmentCode.siteId, siteId), eq(enrolmentCode.hash, match.hash), isNull(enrolmentCode.usedAt)))
    .returning({ hash: enrolmentCode.hash });
  if (used.length === 0) return undefined;
  const former = before?.publicKey ? [before.publicKey, ...formerKeysOf(before)] : [];
  const formerKeys = JSON.stringify(former.filter((key) => key !== publicKey).slice(0, formerKeysMax));
  return beginEpoch(tx, siteId, match.gatewayId, { publicKey, formerKeys, enrolledAt: now }, now);
}

/** Newest first. */
export function formerKeysOf({ formerKeys }: Pick<GatewayRow, "formerKeys">): readonly string[] {
  return JSON.parse(formerKeys);
}

/**
 * The same gateway on another card, with the same key: an older card of it is fenced from now on, and what that held and did not report
 * stays spent. undefined: no such gateway in service.
 */
export async function takePlace(
  tx: Transaction,
  { siteId, id }: { readonly siteId: string; readonly id: string },
  now: Instant,
): Promise<GatewayRow | undefined> {
  return beginEpoch(tx, siteId, id, {}, now);
}

/**
 * The gateway is in an epoch that was given in a history the service has lost: it sends that epoch's journal again, and gives its
 * account. undefined: such an epoch was never given.
 */
export async function adoptEpoch(
  tx: Transaction,
  { siteId, id }: { readonly siteId: string; readonly id: string },
  epoch: number,
  now: Instant,
): Promise<GatewayRow | undefined> {
  const [head] = await tx.select({ floor: site.epochFloor }).from(site).where(eq(site.id, siteId));
  if (!head || epoch > head.floor) return undefined;
  const [row] = await tx.select().from(gateway).where(its(siteId, id)).for("update");
  if (!row || row.epoch >= epoch) return row;
  return beginEpoch(tx, siteId, id, { epoch, auditedFeed: "" }, now);
}

/** A gateway of this epoch has sent nothing and has seen nothing. */
async function beginEpoch(
  tx: Transaction,
  siteId: string,
  id: string,
  facts: Partial<Pick<GatewayRow, "publicKey" | "formerKeys" | "enrolledAt" | "epoch" | "auditedFeed">>,
  now: Instant,
): Promise<GatewayRow | undefined> {
  const [row] = await tx
    .update(gateway)
    .set({
      epoch: sql`greatest(${gateway.epoch}, (select ${site.epochFloor} from ${site} where ${site.id} = ${siteId})) + 1`,
      next: 1,
      head: null,
      headSignature: null,
      forkSeq: null,
      forkedAt: null,
      witness: null,
      cutSeq: null,
      cutAt: null,
      cursorFeed: "",
      cursorVersion: 0,
      resettingFrom: null,
      lastCommand: 0,
      lan: null,
      // In a new epoch it holds nothing yet, so no audit waits for it.
      auditedFeed: sql`(select ${site.feed} from ${site} where ${site.id} = ${siteId})`,
      ...facts,
    })
    .where(and(its(siteId, id), isNull(gateway.revokedAt)))
    .returning();
  if (row) {
    await endHanded(tx, { site: siteId, gateway: id });
    await publish(tx, siteId, [toChange(row)], now);
  }
  tx.touch(siteId);
  return row;
}

/** What the other gateways of the site are told of this one. */
function toChange(row: GatewayRow): FeedChange {
  const { id, name, epoch, publicKey, lan, revokedAt } = row;
  if (publicKey === null || revokedAt !== null) return { kind: "gateway", id, gone: true };
  const body: PeerGateway = { id, name, epoch, publicKey, ...(lan !== null && { lan }) };
  return { kind: "gateway", id, body };
}

export async function readGateway(db: Queries, id: string): Promise<GatewayRow | undefined> {
  const [row] = await db
    .select()
    .from(gateway)
    .where(its(siteOf(id), id));
  return row;
}

export async function listGateways(db: Queries, siteId: string): Promise<GatewayRow[]> {
  return db.select().from(gateway).where(eq(gateway.siteId, siteId)).orderBy(asc(gateway.createdAt), asc(gateway.id));
}

/**
 * Revoked for ever, as when it is lost or stolen: it is refused from its next request on, no audit waits for it, and the entries
 * it has not reported stay spent, because it may have admitted with them. false: no such gateway.
 */
export async function revokeGateway(tx: Transaction, siteId: string, id: string, now: Instant): Promise<boolean> {
  const rows = await tx
    .update(gateway)
    .set({ revokedAt: sql`coalesce(${gateway.revokedAt}, ${now}::bigint)` })
    .where(its(siteId, id))
    .returning();
  await tx
    .delete(enrolmentCode)
    .where(and(eq(enrolmentCode.siteId, siteId), eq(enrolmentCode.gatewayId, id), isNull(enrolmentCode.usedAt)));
  if (rows[0]) await publish(tx, siteId, [toChange(rows[0])], now);
  tx.touch(siteId);
  return rows.length > 0;
}

/**
 * Stores what a poll acknowledges and vouches for. A cursor that has passed where a whole set began ends the sending of it; a journal
 * that has become shorter raises the alarm, which stays until the gateway is enrolled anew. undefined: another card has taken its place.
 */
export async function acknowledge(
  db: Database,
  row: GatewayRow,
  poll: { readonly cursor: Cursor; readonly lastCommand: number; readonly word?: Witness | undefined },
  now: Instant,
): Promise<GatewayRow | undefined> {
  const { feed, version } = poll.cursor;
  const { witness, cutAt } = poll.word ? afterWord(witnessOf(row), poll.word) : {};
  const [after] = await db
    .update(gateway)
    .set({
      cursorFeed: feed,
      cursorVersion: version,
      lastCommand: poll.lastCommand,
      seenAt: now,
      ...(witness && { witness: JSON.stringify(witness) }),
      ...(cutAt !== undefined && row.cutSeq === null && { cutSeq: cutAt, cutAt: now }),
      resettingFrom: sql`case when ${gateway.resettingFrom} > ${version}::bigint then ${gateway.resettingFrom} end`,
    })
    // Not for another card that has taken its place meanwhile.
    .where(and(its(row.siteId, row.id), eq(gateway.epoch, row.epoch)))
    .returning();
  return after;
}

export function witnessOf({ witness }: { readonly witness: string | null }): Witness | undefined {
  return witness === null ? undefined : JSON.parse(witness);
}

/** A whole set begins to be sent, the site standing at this version. */
export async function noteResetting(db: Database, row: GatewayRow, version: number): Promise<void> {
  await db
    .update(gateway)
    .set({ resettingFrom: version })
    .where(and(its(row.siteId, row.id), eq(gateway.epoch, row.epoch)));
}

/** Stores the report and registers its access points. Answers the id of one that another gateway in service serves. */
export async function takeReport(
  tx: Transaction,
  row: GatewayRow,
  report: Report,
  now: Instant,
): Promise<string | undefined> {
  const { siteId, id } = row;
  const named = report.accessPoints.map((one) => one.id);
  const [former] = await tx.select({ report: gateway.report }).from(gateway).where(its(siteId, id)).for("update");
  if (named.length > 0) {
    const taken = await tx
      .select({ id: accessPoint.id })
      .from(accessPoint)
      .innerJoin(gateway, and(eq(gateway.siteId, accessPoint.siteId), eq(gateway.id, accessPoint.gatewayId)))
      .where(
        and(
          eq(accessPoint.siteId, siteId),
          inArray(accessPoint.id, named),
          sql`${accessPoint.gatewayId} <> ${id}`,
          isNull(accessPoint.goneAt),
          isNull(gateway.revokedAt),
        ),
      );
    if (taken[0]) return taken[0].id;
    await tx
      .insert(accessPoint)
      .values(
        [...new Map(report.accessPoints.map((one) => [one.id, one])).values()]
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .map((one) => ({ siteId, id: one.id, gatewayId: id, reportedName: one.name, reportedAt: now })),
      )
      .onConflictDoUpdate({
        target: [accessPoint.siteId, accessPoint.id],
        set: {
          gatewayId: id,
          reportedName: sql`excluded.reported_name`,
          reportedAt: now,
          goneAt: null,
        },
      });
  }
  await tx.execute(
    sql`update access_point set gone_at = ${now}::bigint
        where site_id = ${siteId} and gateway_id = ${id} and gone_at is null
          and not (id = any (select json_array_elements_text(${JSON.stringify(named)}::json)))`,
  );
  const [after] = await tx
    .update(gateway)
    .set({ report: JSON.stringify(report), reportedAt: now, seenAt: now, lan: report.lan ?? null })
    .where(its(siteId, id))
    .returning();
  // A member who booked before a door opened to accounts gets one now.
  if (accountDoors(report) !== accountDoors(former && reportOf(former))) await lookAtAllOf(tx, siteId, undefined, now);
  if (after && after.lan !== row.lan) await publish(tx, siteId, [toChange(after)], now);
  tx.touch(siteId);
  return undefined;
}

function reportOf({ report }: Pick<GatewayRow, "report">): Report | undefined {
  return report === null ? undefined : JSON.parse(report);
}

/** Those that open to their members' accounts, told apart from another set. */
function accountDoors(report: Report | undefined): string {
  const ids = (report?.accessPoints ?? []).flatMap(({ id, accounts }) => (accounts ? [id] : []));
  return JSON.stringify([...new Set(ids)].sort());
}

export async function listAccessPoints(db: Queries, siteId: string): Promise<AccessPointRow[]> {
  return db.select().from(accessPoint).where(eq(accessPoint.siteId, siteId)).orderBy(asc(accessPoint.id));
}

export async function readAccessPoint(db: Queries, siteId: string, id: string): Promise<AccessPointRow | undefined> {
  const [row] = await db
    .select()
    .from(accessPoint)
    .where(and(eq(accessPoint.siteId, siteId), eq(accessPoint.id, id)));
  return row;
}

/** null: the name its gateway reports. */
export async function renameAccessPoint(
  tx: Transaction,
  siteId: string,
  id: string,
  name: string | null,
): Promise<AccessPointRow | undefined> {
  const [row] = await tx
    .update(accessPoint)
    .set({ name })
    .where(and(eq(accessPoint.siteId, siteId), eq(accessPoint.id, id)))
    .returning();
  return row;
}

/** Events of the gateway that no version so far could read. */
export async function countParked(db: Queries, siteId: string, gatewayId: string): Promise<number> {
  const [row] = await rowsOf<{ count: string | number }>(
    db,
    sql`select count(*) as count from event_parked where site_id = ${siteId} and gateway_id = ${gatewayId}`,
  );
  return Number(row?.count ?? 0);
}
