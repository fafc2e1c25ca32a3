/** What the tables say besides the events: who may have admitted how often, what was revoked, which commands there were. */
import type { Grant } from "../../gateway/domain/grant.ts";
import { readBackup } from "../store/backup-file.ts";

export interface GatewayFacts {
  readonly site: string;
  readonly id: string;
  readonly publicKey: string | null;
  readonly epoch: number;
  readonly next: number;
  readonly head: string | null;
  readonly headSignature: string | null;
  readonly forkSeq: number | null;
  readonly cutSeq: number | null;
  /** What it vouched for in this epoch. */
  readonly witness: { readonly seq: number; readonly head: string; readonly signature: string } | undefined;
}

/** Where an epoch's journal begins, since what came before is forgotten. */
export interface CutFacts {
  readonly site: string;
  readonly gateway: string;
  readonly epoch: number;
  readonly next: number;
  readonly chain: string;
}

export interface GrantFacts {
  readonly site: string;
  readonly id: string;
  /** Of a strict limit; null: none, or lenient. */
  readonly limit: number | null;
  readonly entriesUsed: number;
  /** Entries placed less entries returned, over all holders: more than the limit after it was lowered. */
  placed: number;
  /** Admissions less voids, by the events and by what was counted when some were forgotten. */
  used: number;
  /** The same without those that were made while there was no limit. */
  usedOfLimit: number;
}

export interface CommandFacts {
  readonly createdAt: number;
  readonly ttlMs: number;
  taken: string | undefined;
}

export interface RevokedFacts {
  /** The feed's version, and when it was written, from which on it was certainly known to be revoked. */
  readonly ver: number;
  readonly writtenAt: number;
}

export interface Ledger {
  /** Ids → whether the site has ever lost history. */
  readonly sites: ReadonlyMap<string, { readonly lostHistory: boolean }>;
  /** By id. */
  readonly gateways: ReadonlyMap<string, GatewayFacts>;
  /** By epochKey(). */
  readonly cuts: ReadonlyMap<string, CutFacts>;
  /** By inSite(). */
  readonly grants: ReadonlyMap<string, GrantFacts>;
  /** Grants and credentials, by inSite(). */
  readonly revoked: ReadonlyMap<string, RevokedFacts>;
  /** By commandKey(). */
  readonly commands: ReadonlyMap<string, CommandFacts>;
}

export const inSite = (site: string, id: string) => JSON.stringify([site, id]);
export const epochKey = (gateway: string, epoch: number) => JSON.stringify([gateway, epoch]);
export const commandKey = (gateway: string, id: number) => JSON.stringify([gateway, id]);

type Row = ReturnType<typeof JSON.parse>;

/** Reads it from the backup at `path`. What it keeps grows with the grants and commands, not with the events. */
export async function readLedger(path: string): Promise<Ledger> {
  const sites = new Map<string, { lostHistory: boolean }>();
  const gateways = new Map<string, GatewayFacts>();
  const cuts = new Map<string, CutFacts>();
  const grants = new Map<string, GrantFacts>();
  const revoked = new Map<string, RevokedFacts>();
  const commands = new Map<string, CommandFacts>();
  const readers: Record<string, (row: Row) => void> = {
    site: (row) => sites.set(row.site_id, { lostHistory: row.epoch_floor > 0 }),
    gateway: (row) => gateways.set(row.id, toGateway(row)),
    event_cut({ site_id: site, gateway_id: gateway, epoch, next, chain }) {
      cuts.set(epochKey(gateway, epoch), { site, gateway, epoch, next, chain });
    },
    grant_record: (row) => grants.set(inSite(row.site_id, row.id), toGrantFacts(row)),
    holding(row) {
      const grant = grants.get(inSite(row.site_id, row.grant_id));
      if (grant) grant.placed += row.granted - row.returned;
    },
    feed_row(row) {
      const facts = { ver: row.ver, writtenAt: row.written_at };
      for (const id of JSON.parse(row.revoked ?? "[]")) revoked.set(inSite(row.site_id, id), facts);
    },
    command: (row) =>
      commands.set(commandKey(row.gateway_id, row.id), {
        createdAt: row.created_at,
        ttlMs: row.ttl_ms,
        taken: undefined,
      }),
  };
  let read: ((row: Row) => void) | undefined;
  for await (const entry of readBackup(path)) {
    if (entry.kind === "table") read = readers[entry.table.table];
    if (entry.kind === "row") read?.(JSON.parse(entry.json));
  }
  return { sites, gateways, cuts, grants, revoked, commands };
}

function toGateway(row: Row): GatewayFacts {
  return {
    site: row.site_id,
    id: row.id,
    publicKey: row.public_key,
    epoch: row.epoch,
    next: row.next,
    head: row.head,
    headSignature: row.head_signature,
    forkSeq: row.fork_seq,
    cutSeq: row.cut_seq ?? null,
    witness: row.witness ? JSON.parse(row.witness) : undefined,
  };
}

function toGrantFacts(row: Row): GrantFacts {
  const { entriesAllowed, limitMode }: Grant = JSON.parse(row.body);
  return {
    site: row.site_id,
    id: row.id,
    limit: limitMode === "strict" ? entriesAllowed : null,
    entriesUsed: row.entries_used,
    placed: 0,
    used: row.entries_forgotten ?? 0,
    usedOfLimit: row.limited_entries_forgotten ?? 0,
  };
}
