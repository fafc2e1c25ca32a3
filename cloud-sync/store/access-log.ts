/** What gateways have told of people's credentials at some devices: as a log, and each credential as it is now. */
import { sql } from "drizzle-orm";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { accessLogTypes } from "../domain/access-log.ts";
import { evidenceTypes } from "../domain/code-evidence.ts";
import { type Queries, rowsOf } from "./store.ts";

/** A device as its gateway names it. */
export interface DevicePlace {
  readonly site: string;
  readonly gateway: string;
  readonly device: string;
}

export interface LogPlace {
  readonly at: Instant;
  readonly site: string;
  readonly gateway: string;
  readonly epoch: number;
  readonly seq: number;
}

export interface LoggedEvent extends LogPlace {
  readonly body: string;
}

interface Page<Place> {
  readonly after: Place | undefined;
  readonly limit: number;
}

const among = (devices: readonly DevicePlace[]) =>
  sql`json_to_recordset(${JSON.stringify(devices)}::json) as d(site text, gateway text, device text)`;
const list = (values: readonly string[]) =>
  sql.join(
    values.map((one) => sql`${one}`),
    sql`, `,
  );

/** Newest first; what was merely taken by the maker is left out. */
export async function listAccessEvents(
  db: Queries,
  devices: readonly DevicePlace[],
  { after, limit }: Page<LogPlace>,
): Promise<readonly LoggedEvent[]> {
  if (devices.length === 0) return [];
  const rows = await rowsOf<{
    site_id: string;
    gateway_id: string;
    epoch: number | string;
    seq: number | string;
    at: number | string;
    body: string;
  }>(
    db,
    sql`select e.site_id, e.gateway_id, e.epoch, e.seq, e.at, e.body
        from event e join ${among(devices)} on d.site = e.site_id and d.gateway = e.gateway_id and d.device = e.device
        where e.type in (${list(accessLogTypes)})
          and not (e.type = 'code-answered' and e.body::json ->> 'result' = 'accepted')
          ${
            after
              ? sql`and (e.at, e.site_id, e.gateway_id, e.epoch, e.seq)
                  < (${after.at}::bigint, ${after.site}, ${after.gateway}, ${after.epoch}::integer, ${after.seq}::bigint)`
              : sql``
          }
        order by e.at desc, e.site_id desc, e.gateway_id desc, e.epoch desc, e.seq desc
        limit ${limit}`,
  );
  return rows.map(({ site_id, gateway_id, epoch, seq, at, body }) => ({
    ...{ site: site_id, gateway: gateway_id, body },
    ...{ epoch: Number(epoch), seq: Number(seq), at: Number(at) },
  }));
}

/** Names one credential at one device, and when it was first to be put there. */
export interface CredentialPlace extends DevicePlace {
  readonly createdAt: Instant;
  readonly credential: string;
}

export interface KnownCredential extends CredentialPlace {
  readonly grant: string;
}

/** Newest first. */
export async function listCredentialsAt(
  db: Queries,
  devices: readonly DevicePlace[],
  { after, limit }: Page<CredentialPlace>,
): Promise<readonly KnownCredential[]> {
  if (devices.length === 0) return [];
  const rows = await rowsOf<{
    site: string;
    gateway: string;
    device: string;
    grant_id: string;
    credential: string;
    created_at: number | string;
  }>(
    db,
    sql`select * from (
          select e.site_id as site, e.gateway_id as gateway, e.device, e.grant_id, e.credential_id as credential, min(e.at) as created_at
          from event e join ${among(devices)} on d.site = e.site_id and d.gateway = e.gateway_id and d.device = e.device
          where e.type = 'code-sent'
          group by e.site_id, e.gateway_id, e.device, e.grant_id, e.credential_id) c
        ${
          after
            ? sql`where (created_at, site, gateway, device, credential)
                < (${after.createdAt}::bigint, ${after.site}, ${after.gateway}, ${after.device}, ${after.credential})`
            : sql``
        }
        order by created_at desc, site desc, gateway desc, device desc, credential desc
        limit ${limit}`,
  );
  return rows.map(({ grant_id: grant, created_at, ...one }) => ({ ...one, grant, createdAt: Number(created_at) }));
}

/** The newest of each type, state and change of these credentials; each gateway's in its own order. */
export async function newestOfCredentials(
  db: Queries,
  credentials: readonly KnownCredential[],
): Promise<readonly { readonly site: string; readonly gateway: string; readonly body: string }[]> {
  if (credentials.length === 0) return [];
  const named = JSON.stringify(
    credentials.map(({ site, gateway, device, grant, credential }) => ({ site, gateway, device, grant, credential })),
  );
  return rowsOf(
    db,
    sql`select site_id as site, gateway_id as gateway, body from (
          select distinct on (e.site_id, e.gateway_id, e.device, e.credential_id, e.type, e.body::json ->> 'state',
            e.body::json ->> 'change') e.site_id, e.gateway_id, e.epoch, e.seq, e.body
          from event e join json_to_recordset(${named}::json) as c(site text, gateway text, device text, "grant" text, credential text)
            on c.site = e.site_id and c."grant" = e.grant_id and c.gateway = e.gateway_id and c.device = e.device and c.credential = e.credential_id
          where e.type in (${list(evidenceTypes)})
          order by e.site_id, e.gateway_id, e.device, e.credential_id, e.type, e.body::json ->> 'state',
            e.body::json ->> 'change', e.epoch desc, e.seq desc) newest
        order by site_id, gateway_id, epoch, seq`,
  );
}

/** How many credentials were last read back as standing there, by site and gateway and device. */
export async function countStanding(
  db: Queries,
  devices: readonly DevicePlace[],
): Promise<readonly (DevicePlace & { readonly count: number })[]> {
  if (devices.length === 0) return [];
  const rows = await rowsOf<DevicePlace & { readonly count: number | string }>(
    db,
    sql`select site, gateway, device, count(*) as count from (
          select distinct on (e.site_id, e.gateway_id, e.device, e.credential_id)
            e.site_id as site, e.gateway_id as gateway, e.device, e.body::json ->> 'state' as state
          from event e join ${among(devices)} on d.site = e.site_id and d.gateway = e.gateway_id and d.device = e.device
          where e.type = 'code-read'
          order by e.site_id, e.gateway_id, e.device, e.credential_id, e.epoch desc, e.seq desc) newest
        where state = 'present' group by site, gateway, device`,
  );
  return rows.map(({ count, ...one }) => ({ ...one, count: Number(count) }));
}

export interface Member {
  readonly id: string;
  readonly name: string;
  /** Of whose stay it is; null: of none. */
  readonly booking: string | null;
}

/** Whose these grants are, by site and grant as memberKey() joins them. One that is gone, or whose names are forgotten, says what it still knows. */
export async function membersOf(
  db: Queries,
  grants: readonly { readonly site: string; readonly grant: string }[],
): Promise<ReadonlyMap<string, Member>> {
  if (grants.length === 0) return new Map();
  const named = JSON.stringify(grants.map(({ site, grant }) => ({ site, id: grant })));
  const rows = await rowsOf<{ site_id: string; id: string; body: string }>(
    db,
    sql`select distinct r.site_id, r.id, r.body from grant_record r
        join json_to_recordset(${named}::json) as g(site text, id text) on g.site = r.site_id and g.id = r.id`,
  );
  return new Map(
    rows.map(({ site_id, id, body }) => {
      const { holder, about } = JSON.parse(body) as Grant;
      const booking = typeof about.booking === "string" ? about.booking : null;
      return [memberKey(site_id, id), { id: holder.id, name: holder.name, booking }];
    }),
  );
}

export function memberKey(site: string, grant: string): string {
  return `${site} ${grant}`;
}
