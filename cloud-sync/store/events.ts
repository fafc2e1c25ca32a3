/** The events of a site, as received: filtered and newest first, or in each gateway's own order from where a listener stopped. */
import { and, asc, desc, eq, gte, inArray, lt, or, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { event, gateway } from "./schema.ts";
import type { Queries } from "./store.ts";

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

/** The newest `limit` of a grant's events of these types, each gateway's in its own order. */
export async function grantEvents(
  db: Queries,
  siteId: string,
  grant: string,
  types: readonly string[],
  limit: number,
): Promise<EventRow[]> {
  const newest = await db
    .select()
    .from(event)
    .where(and(eq(event.siteId, siteId), eq(event.grantId, grant), inArray(event.type, [...types])))
    .orderBy(desc(event.epoch), desc(event.seq), desc(event.gatewayId))
    .limit(limit);
  return newest.reverse();
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
