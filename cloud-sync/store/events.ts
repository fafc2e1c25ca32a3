/** The events of a site, as received: filtered and newest first, or in each gateway's own order from where a listener stopped. */
import { and, asc, desc, eq, gte, lt, or, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { event, gateway } from "./schema.ts";
import { type Queries, rowsOf } from "./store.ts";

export type EventRow = typeof event.$inferSelect;

export interface EventPlace {
  readonly at: Instant;
  readonly gateway: string;
  readonly epoch: number;
  readonly seq: number;
}

export interface EventFilter {
  readonly gateway?: string | undefined;
  readonly accessPoint?: string | undefined;
  readonly grant?: string | undefined;
  readonly type?: string | undefined;
  /** [from, until) on the event's own time. */
  readonly from?: Instant | undefined;
  readonly until?: Instant | undefined;
  readonly after?: EventPlace | undefined;
  readonly limit: number;
}

/** Newest first by the events' own time. */
export async function listEvents(db: Queries, siteId: string, filter: EventFilter): Promise<EventRow[]> {
  const { after } = filter;
  return db
    .select()
    .from(event)
    .where(
      and(
        eq(event.siteId, siteId),
        filter.gateway === undefined ? undefined : eq(event.gatewayId, filter.gateway),
        filter.accessPoint === undefined ? undefined : eq(event.accessPoint, filter.accessPoint),
        filter.grant === undefined ? undefined : eq(event.grantId, filter.grant),
        filter.type === undefined ? undefined : eq(event.type, filter.type),
        filter.from === undefined ? undefined : gte(event.at, filter.from),
        filter.until === undefined ? undefined : lt(event.at, filter.until),
        after &&
          sql`(${event.at}, ${event.gatewayId}, ${event.epoch}, ${event.seq})
            < (${after.at}::bigint, ${after.gateway}, ${after.epoch}::integer, ${after.seq}::bigint)`,
      ),
    )
    .orderBy(desc(event.at), desc(event.gatewayId), desc(event.epoch), desc(event.seq))
    .limit(filter.limit);
}

/**
 * The newest event of each type (and state) of every code of these grants in every lock, each gateway's in its own order: however often
 * somebody has opened with a code, what was last read from its lock is among them.
 */
export async function newestOfCodes(
  db: Queries,
  siteId: string,
  grants: readonly string[],
  types: readonly string[],
): Promise<{ readonly gatewayId: string; readonly body: string }[]> {
  if (grants.length === 0) return [];
  const list = (values: readonly string[]) =>
    sql.join(
      values.map((one) => sql`${one}`),
      sql`, `,
    );
  const rows = await rowsOf<{ gateway_id: string; body: string }>(
    db,
    sql`select gateway_id, body from (
          select distinct on (grant_id, gateway_id, device, credential_id, type, body::json ->> 'state')
            gateway_id, epoch, seq, body
          from event
          where site_id = ${siteId} and grant_id in (${list(grants)}) and type in (${list(types)})
          order by grant_id, gateway_id, device, credential_id, type, body::json ->> 'state', epoch desc, seq desc) newest
        order by gateway_id, epoch, seq`,
  );
  return rows.map(({ gateway_id, body }) => ({ gatewayId: gateway_id, body }));
}

/** How far a listener has heard each gateway: its epoch and the first event not heard. */
export type Heard = ReadonlyMap<string, { readonly epoch: number; readonly next: number }>;

/** Where all journals of the site end now. */
export async function journalEnds(db: Queries, siteId: string): Promise<Heard> {
  const rows = await db
    .select({ id: gateway.id, epoch: gateway.epoch, next: gateway.next })
    .from(gateway)
    .where(eq(gateway.siteId, siteId));
  return new Map(rows.map(({ id, epoch, next }) => [id, { epoch, next }]));
}

/** Events a listener has not heard, each gateway's in order. */
export async function eventsSince(db: Queries, siteId: string, heard: Heard, limit: number): Promise<EventRow[]> {
  const ends = await journalEnds(db, siteId);
  const behind = [...ends].flatMap(([id, end]) => {
    const from = heard.get(id) ?? { epoch: 0, next: 1 };
    if (from.epoch === end.epoch && from.next >= end.next) return [];
    return [
      and(
        eq(event.gatewayId, id),
        sql`(${event.epoch}, ${event.seq}) >= (${from.epoch}::integer, ${from.next}::bigint)`,
      ),
    ];
  });
  if (behind.length === 0) return [];
  return db
    .select()
    .from(event)
    .where(and(eq(event.siteId, siteId), or(...behind)))
    .orderBy(asc(event.gatewayId), asc(event.epoch), asc(event.seq))
    .limit(limit);
}
