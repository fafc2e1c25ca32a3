/** What a host is told of their visitors: put into the outbox in the transaction that takes in the event, so once and never without it. */
import { and, eq, sql } from "drizzle-orm";
import { z } from "zod";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { ReadEvent } from "../read-event.ts";
import { readDoors } from "./doors.ts";
import type { EventRow } from "./events.ts";
import type { GrantRow } from "./grants.ts";
import { readChoices } from "./notice-choices.ts";
import { putOut } from "./outbox.ts";
import { event, grantRecord } from "./schema.ts";
import { readSite, type SiteRow } from "./sites.ts";
import type { AlarmRow } from "./stay-alarms.ts";
import type { Queries, Transaction } from "./store.ts";

/** What happened before is in the pass's history, and nobody is told of it. */
const toldWithinMs: Millis = 7 * 24 * 3_600_000;
/** And so long it is tried. */
const noticeLifeMs: Millis = 24 * 3_600_000;

/** "denied": by the gateway · "turned-away": by the guard. */
const toldTypes: readonly ReadEvent["type"][] = ["admitted", "denied", "turned-away"];

const placeSchema = z.object({ site: z.string(), gateway: z.string(), epoch: z.number(), seq: z.number() });
/** Which event a notice is about. */
export type NoticePlace = z.infer<typeof placeSchema>;

/** A question to the host (./host-questions.ts). */
const askedSchema = z.object({ site: z.string(), gateway: z.string(), question: z.string() });
export type AskedPlace = z.infer<typeof askedSchema>;

/** An alarm of a stay (./stay-alarms.ts), at that level. */
const alarmSchema = z.object({ site: z.string(), alarm: z.string(), level: z.number() });
export type AlarmPlace = z.infer<typeof alarmSchema>;

/** What an outbox row of the kind "notice" holds: no name and no secret. `reached`, `failed`: ways that it need not be sent by again. */
const tried = { reached: z.array(z.string()), failed: z.array(z.string()) };
const noticeSchema = z.union([placeSchema.extend(tried), askedSchema.extend(tried), alarmSchema.extend(tried)]);
export type WaitingNotice = z.infer<typeof noticeSchema>;

export const readNotice = (body: string): WaitingNotice => noticeSchema.parse(JSON.parse(body));

/** `rows`: of the events' grants. */
export async function noteNotices(
  tx: Transaction,
  { site, gateway, epoch }: Omit<NoticePlace, "seq">,
  events: readonly (ReadEvent & { readonly grant: string })[],
  rows: readonly GrantRow[],
  now: Instant,
): Promise<void> {
  const hostOf = new Map(rows.flatMap((row) => (isByHost(row) ? [[row.id, row.createdBy]] : [])));
  const found = events.flatMap(({ type, seq, at, grant }) => {
    const host = hostOf.get(grant);
    const isTold = toldTypes.includes(type) && now - at <= toldWithinMs;
    return isTold && host !== undefined ? [{ type, seq, host }] : [];
  });
  if (found.length === 0) return;
  const choices = await readChoices(tx, [...new Set(found.map(({ host }) => host))]);
  for (const { type, seq, host } of found) {
    const { channel, entries, denials } = choices.get(host)!;
    if (channel === "none" || !(type === "admitted" ? entries : denials)) continue;
    const place: NoticePlace = { site, gateway, epoch, seq };
    const body = JSON.stringify({ ...place, reached: [], failed: [] } satisfies WaitingNotice);
    const id = `notice-${gateway}-${epoch}-${seq}`;
    await putOut(tx, { id, kind: "notice", personId: host, seal: () => body, expiresAt: now + noticeLifeMs }, now);
  }
}

/** false: the outbox is full. Nothing is sent after `expiresAt`. */
export function putQuestionOut(
  tx: Transaction,
  asked: AskedPlace,
  host: string,
  expiresAt: Instant,
  now: Instant,
): Promise<boolean> {
  const body = JSON.stringify({ ...asked, reached: [], failed: [] } satisfies WaitingNotice);
  const id = `notice-${asked.gateway}-${asked.question}`;
  return putOut(tx, { id, kind: "notice", personId: host, seal: () => body, expiresAt }, now);
}

/** false: the outbox is full. */
export function putAlarmOut(
  tx: Transaction,
  { siteId: site, id: alarm, level }: AlarmRow,
  person: string,
  now: Instant,
): Promise<boolean> {
  const body = JSON.stringify({ site, alarm, level, reached: [], failed: [] } satisfies WaitingNotice);
  const id = `notice-${alarm}-${level}-${person}`;
  return putOut(tx, { id, kind: "notice", personId: person, seal: () => body, expiresAt: now + noticeLifeMs }, now);
}

/** A person's, not a key's or a machine's. */
function isByHost({ kind, createdBy }: GrantRow): boolean {
  return kind === "visitor" && createdBy.startsWith("person-");
}

export interface NoticeFacts {
  readonly event: EventRow;
  readonly pass: GrantRow;
  readonly site: SiteRow;
  /** What people call the gate. */
  readonly gate: string;
}

/** The gate did not move for the admission, and its entry was given back. */
async function isTakenBack(db: Queries, { siteId, gatewayId, epoch, seq, type, grantId }: EventRow): Promise<boolean> {
  if (type !== "admitted" || grantId === null) return false;
  const [found] = await db
    .select({ seq: event.seq })
    .from(event)
    .where(
      and(
        eq(event.siteId, siteId),
        eq(event.grantId, grantId),
        eq(event.type, "void"),
        eq(event.gatewayId, gatewayId),
        eq(event.epoch, epoch),
        sql`(${event.body}::json ->> 'of')::bigint = ${seq}::bigint`,
      ),
    )
    .limit(1);
  return found !== undefined;
}

/** undefined: it is forgotten by now, or was taken back. */
export async function readNoticeFacts(
  db: Queries,
  { site: siteId, gateway, epoch, seq }: NoticePlace,
): Promise<NoticeFacts | undefined> {
  const [found] = await db
    .select({ event, pass: grantRecord })
    .from(event)
    .innerJoin(grantRecord, and(eq(grantRecord.siteId, event.siteId), eq(grantRecord.id, event.grantId)))
    .where(and(eq(event.siteId, siteId), eq(event.gatewayId, gateway), eq(event.epoch, epoch), eq(event.seq, seq)));
  const site = found && (await readSite(db, siteId));
  if (!site || (await isTakenBack(db, found.event))) return undefined;
  const { accessPoint } = found.event;
  const [door] = accessPoint === null ? [] : await readDoors(db, siteId, [accessPoint]);
  return { ...found, site, gate: door?.name ?? accessPoint ?? site.name };
}
