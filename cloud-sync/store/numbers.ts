/** How a site's gates are used: visits counted by day, hour, kind, refusal and guard, in one pass over the events. */
import { sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { everySite } from "./people.ts";
import { type Queries, rowsOf } from "./store.ts";

export interface Span {
  readonly from: Instant;
  readonly until: Instant;
}

export interface Numbers {
  /** Let in, by passes and on guards' words; those taken back because the gate did not move do not count. */
  readonly entries: number;
  readonly refused: number;
  /** Milliseconds from a guard's first look to the entry: the middle one, and that of the slowest tenth; null: nobody has measured any. */
  readonly waitMedianMs: number | null;
  readonly waitP90Ms: number | null;
  /** On the site's calendar, "2031-03-04"; days without visits are left out. */
  readonly days: { readonly day: string; readonly entries: number; readonly refused: number }[];
  /** weekday: 1 is Monday; on the site's wall clock. */
  readonly hours: { readonly weekday: number; readonly hour: number; readonly entries: number }[];
  /** null: nobody knows any more. "walk-in": without a pass. */
  readonly types: { readonly type: string | null; readonly entries: number }[];
  readonly reasons: { readonly reason: string; readonly refused: number }[];
  readonly guards: {
    /** null: at a gate that nobody watches. */
    readonly guard: string | null;
    readonly entries: number;
    readonly refused: number;
    readonly waitMedianMs: number | null;
  }[];
  readonly residents: { readonly all: number; readonly inviting: number };
}

interface Grouped {
  readonly grouped: string | number;
  readonly day: string | null;
  readonly weekday: string | number | null;
  readonly hour: string | number | null;
  readonly kind: string | null;
  readonly reason: string | null;
  readonly guard: string | null;
  readonly entries: string | number;
  readonly refused: string | number;
  readonly wait_median: string | number | null;
  readonly wait_p90: string | number | null;
}

/** grouping() has a bit for each column that a row is not grouped by, the first the highest. */
const by = {
  day: 0b01_1111,
  hour: 0b10_0111,
  kind: 0b11_1011,
  reason: 0b11_1101,
  guard: 0b11_1110,
  nothing: 0b11_1111,
};

/** `zone`: an IANA name the database knows. */
export async function countVisits(db: Queries, site: string, zone: string, { from, until }: Span): Promise<Numbers> {
  const within = sql`site_id = ${site} and at >= ${from}::bigint and at < ${until}::bigint`;
  const rows = await rowsOf<Grouped>(
    db,
    sql`with told as (
          select gateway_id, epoch, seq, at, type, reason, grant_id, body::json as body
          from event where ${within}
            and type in ('admitted', 'void', 'denied', 'turned-away', 'staff-command', 'staff-command-ended')),
        undone as (
          select gateway_id, epoch, (body ->> 'of')::bigint as seq from told
          where type = 'void' or (type = 'staff-command-ended' and body ->> 'result' in ('refused', 'expired'))),
        visit as (
          select to_timestamp(at / 1000.0) at time zone ${zone} as local, told.type, told.grant_id,
            body #>> '{scan,staff}' as guard, (body #>> '{scan,waitedMs}')::bigint as waited,
            case told.type when 'turned-away' then 'TURNED_AWAY' when 'denied' then coalesce(reason, '') end as reason
          from told
          where (type = 'denied' and body ->> 'via' = 'pass') or type = 'turned-away'
            or (((type = 'admitted' and body ->> 'via' = 'pass') or (type = 'staff-command' and body -> 'scan' is not null))
              and (gateway_id, epoch, seq) not in (select gateway_id, epoch, seq from undone))),
        known as (
          select to_char(local, 'YYYY-MM-DD') as day, extract(isodow from local)::integer as weekday,
            extract(hour from local)::integer as hour, guard, visit.reason, waited,
            case when type = 'staff-command' then 'walk-in' else g.body::json #>> '{about,visitorType}' end as kind
          from visit left join grant_record g on g.site_id = ${site} and g.id = visit.grant_id)
        select grouping(day, weekday, hour, kind, reason, guard) as grouped, day, weekday, hour, kind, reason, guard,
          count(*) filter (where reason is null) as entries, count(reason) as refused,
          percentile_disc(0.5) within group (order by waited) filter (where reason is null) as wait_median,
          percentile_disc(0.9) within group (order by waited) filter (where reason is null) as wait_p90
        from known
        group by grouping sets ((day), (weekday, hour), (kind), (reason), (guard), ())
        order by day, weekday, hour, kind, reason, guard`,
  );
  const of = (set: number) => rows.filter(({ grouped }) => Number(grouped) === set);
  const counts = ({ entries, refused }: Grouped) => ({ entries: Number(entries), refused: Number(refused) });
  const ms = (value: string | number | null) => (value === null ? null : Number(value));
  const [all] = of(by.nothing);
  return {
    ...(all ? counts(all) : { entries: 0, refused: 0 }),
    waitMedianMs: ms(all?.wait_median ?? null),
    waitP90Ms: ms(all?.wait_p90 ?? null),
    days: of(by.day).map((row) => ({ day: row.day ?? "", ...counts(row) })),
    hours: of(by.hour)
      .map((row) => ({ weekday: Number(row.weekday), hour: Number(row.hour), entries: Number(row.entries) }))
      .filter(({ entries }) => entries > 0),
    types: of(by.kind)
      .map((row) => ({ type: row.kind, entries: Number(row.entries) }))
      .filter(({ entries }) => entries > 0),
    reasons: of(by.reason).flatMap((row) =>
      row.reason === null ? [] : [{ reason: row.reason, refused: Number(row.refused) }],
    ),
    guards: of(by.guard).map((row) => ({ guard: row.guard, ...counts(row), waitMedianMs: ms(row.wait_median) })),
    residents: await countResidents(db, site, { from, until }),
  };
}

/** Those who belong to the site, and how many of them have invited somebody in the time. */
async function countResidents(db: Queries, site: string, { from, until }: Span): Promise<Numbers["residents"]> {
  const [row] = await rowsOf<{ all: string | number; inviting: string | number }>(
    db,
    sql`select count(*) as all, count(*) filter (where exists (
            select 1 from grant_record g where g.site_id = ${site} and g.kind = 'visitor' and g.created_by = p.id
              and g.created_at >= ${from}::bigint and g.created_at < ${until}::bigint)) as inviting
        from person p join person_site s on s.person_id = p.id and s.site_id = ${site}
        where p.site_id = ${everySite} and p.role = 'resident' and p.disabled_at is null`,
  );
  return { all: Number(row?.all ?? 0), inviting: Number(row?.inviting ?? 0) };
}
