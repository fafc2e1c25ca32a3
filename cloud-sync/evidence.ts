/** What is known of grants' codes at their doors, gathered for a page of grants of one site at a time. */
import type { Credential } from "../gateway/domain/credential.ts";
import type { Grant } from "../gateway/domain/grant.ts";
import type { Instant } from "../gateway/domain/instant.ts";
import { integrationId } from "../gateway/domain/integration.ts";
import {
  byCode,
  type CodeEvidence,
  codeEvidence,
  codeKey,
  type EvidenceEvent,
  evidenceTypes,
} from "./domain/code-evidence.ts";
import { keepsKind } from "./domain/doors.ts";
import { entriesLeft, type RightsAccount } from "./domain/settle-rights.ts";
import { silentSince } from "./domain/silence.ts";
import { type Asked, type Verdict, willOpen } from "./domain/will-open.ts";
import { listedOf } from "./store/blacklist.ts";
import { type ReportedDoor, readDoors } from "./store/doors.ts";
import { newestOfCodes } from "./store/events.ts";
import { type GatewayRow, listGateways, type Report } from "./store/gateways.ts";
import { type PublishedGrant, toGrant } from "./store/grants.ts";
import { listIntegrations } from "./store/integrations.ts";
import { readAccounts } from "./store/rights.ts";
import type { SiteRow } from "./store/sites.ts";
import type { Queries } from "./store/store.ts";

/** All that the answers rest on. */
interface Known {
  readonly site: SiteRow;
  readonly doors: readonly ReportedDoor[];
  readonly gateways: readonly GatewayRow[];
  readonly accounts: ReadonlyMap<string, RightsAccount>;
  /** By codeKey(). */
  readonly events: ReadonlyMap<string, readonly EvidenceEvent[]>;
  /** Of the grants and their credentials those on the blacklist, by id. */
  readonly listed: ReadonlySet<string>;
  /** Makers' accounts that take nobody new, by gateway and driver as integrationId() joins them. */
  readonly off: ReadonlySet<string>;
  readonly now: Instant;
}

export interface DoorEvidence {
  readonly credential: Credential;
  readonly accessPoint: string;
  /** undefined: no gateway has reported the access point. */
  readonly door: ReportedDoor | undefined;
  readonly opens: Verdict;
  /** Its gateway has the present state of the grant on its disk. */
  readonly isConfirmed: boolean;
  /** Of the code inside the lock; undefined: the lock keeps none. */
  readonly code: CodeEvidence | undefined;
}

export type EvidenceOf = (
  published: PublishedGrant,
  about: { readonly accessPoint: string; readonly credential: Credential; readonly at: Instant },
) => DoorEvidence;

/** Reads once what the answers about these grants, and these access points besides theirs, rest on. */
export async function gatherEvidence(
  db: Queries,
  site: SiteRow,
  published: readonly PublishedGrant[],
  now: Instant,
  accessPoints: readonly string[] = [],
): Promise<EvidenceOf> {
  const grants = published.map(({ row }) => toGrant(row));
  const points = new Set([...accessPoints, ...grants.flatMap((grant) => grant.accessPoints)]);
  const ids = grants.map(({ id }) => id);
  const rows = await newestOfCodes(db, site.id, ids, evidenceTypes);
  const known: Known = {
    site,
    doors: await readDoors(db, site.id, [...points]),
    gateways: await listGateways(db, site.id),
    accounts: await readAccounts(db, site.id, grants),
    events: byCode(rows.map(({ gatewayId, body }) => ({ gateway: gatewayId, event: JSON.parse(body) }))),
    listed: await listedOf(db, site.id, grants),
    off: await switchedOff(db, site.id),
    now,
  };
  return ({ row, version }, { accessPoint, credential, at }) =>
    evidenceOf(known, { grant: toGrant(row), version, accessPoint, credential, at });
}

function evidenceOf(
  { site, doors, gateways, accounts, events, listed, off, now }: Known,
  {
    grant,
    version: of,
    accessPoint,
    credential,
    at,
  }: {
    readonly grant: Grant;
    /** Of the feed, at which gateways have the grant's state. */
    readonly version: number;
    readonly accessPoint: string;
    readonly credential: Credential;
    readonly at: Instant;
  },
): DoorEvidence {
  const door = doors.find(({ id }) => id === accessPoint);
  const gateway = gateways.find(({ id }) => id === door?.gateway);
  const account = accounts.get(grant.id);
  const lock = door?.lock;
  const keeps = door !== undefined && keepsKind(door, credential.kind) && lock !== undefined;
  const evidence = codeEvidence((keeps && events.get(codeKey(door.gateway, lock, credential.id))) || []);
  const driver = gateway && lock !== undefined ? driverOf(gateway, lock) : undefined;
  const isSwitchedOff = door !== undefined && driver !== undefined && off.has(integrationId(door.gateway, driver));
  const isBlacklisted = listed.has(grant.id) || listed.has(credential.id);
  // When it was listed is not kept with a version of its own: the present one counts.
  const version = isBlacklisted ? site.ver : of;
  const isConfirmed =
    gateway?.cursorFeed === site.feed && gateway.resettingFrom === null && gateway.cursorVersion >= version;
  const opens = willOpen({
    at,
    now,
    grant,
    credential,
    isFromAfar: credential.kind === "link" && isOfBooking(grant),
    door,
    gateway: {
      inService: gateway !== undefined && gateway.publicKey !== null && gateway.revokedAt === null,
      confirmed: isConfirmed,
      silentSince: gateway ? silentSince(gateway, now) : null,
    },
    site: {
      zone: site.zone,
      lockdown: site.lockdown,
      offlineMaxAgeMs: JSON.parse(site.offlinePolicy)[grant.kind] ?? null,
    },
    isBlacklisted,
    entries: account && entriesAt(account, door?.gateway),
    evidence,
    isSwitchedOff,
  });
  return { credential, accessPoint, door, opens, isConfirmed, code: keeps ? evidence : undefined };
}

async function switchedOff(db: Queries, site: string): Promise<ReadonlySet<string>> {
  const off = (await listIntegrations(db, [site])).filter(({ row }) => !row.isEnabled);
  return new Set(off.map(({ row: { gatewayId, provider } }) => integrationId(gatewayId, provider)));
}

function driverOf({ report }: GatewayRow, lock: string): string | undefined {
  const devices = report === null ? [] : (JSON.parse(report) as Report).devices;
  return devices.find(({ id }) => id === lock)?.driver;
}

/** Its guest has a page that presents the link (guest/). */
function isOfBooking({ about }: Grant): boolean {
  return typeof about.booking === "string";
}

function entriesAt(account: RightsAccount, gateway: string | undefined): Asked["entries"] {
  const left = entriesLeft(account);
  if (left.some((one) => one.gateway === gateway)) return "here";
  return left.length > 0 ? "elsewhere" : "none";
}
