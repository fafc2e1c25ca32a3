/** A temporary code as people see it: the grant, and how far it has come at each of its doors. */
import type { Instant } from "../gateway/domain/instant.ts";
import type { WeeklySchedule } from "../gateway/domain/schedule.ts";
import { type CodeStatus, codeMoment, codeStatus } from "./domain/code-status.ts";
import { liveAccount } from "./domain/member-account.ts";
import type { DoorEvidence, EvidenceOf } from "./evidence.ts";
import { type GrantState, grantState, type PublishedGrant, toGrant } from "./store/grants.ts";
import type { SiteRow } from "./store/sites.ts";

export interface TempCode {
  readonly id: string;
  readonly site: string;
  /** IANA; the wall clock that people there read. */
  readonly zone: string;
  readonly name: string;
  readonly state: GrantState;
  readonly createdBy: string;
  readonly createdAt: Instant;
  readonly from: Instant;
  readonly expiry: Instant;
  readonly revokedAt: Instant | null;
  readonly accessPoints: readonly string[];
  readonly windows: WeeklySchedule["windows"] | null;
  /** At a keypad the gateway asks, or as a lock has told. */
  readonly lastUsed: Instant | null;
  /** What a file said of it that was imported; null: it was made here. */
  readonly imported: Readonly<Record<string, unknown>> | null;
  readonly doors: readonly TempCodeDoor[];
}

export interface TempCodeDoor extends CodeStatus {
  readonly accessPoint: string;
}

export interface WantedTempCode {
  /** Left out: one is chosen that fits the locks. */
  readonly code?: string | undefined;
  readonly name: string;
  /** Left out: now. */
  readonly from?: Instant | undefined;
  readonly expiry: Instant;
  /** Left out: the only one the site has. */
  readonly accessPoints?: readonly string[] | undefined;
  readonly windows?: WeeklySchedule["windows"] | undefined;
}

export interface TempCodeChange {
  readonly name?: string | undefined;
  /** What is not in the future ends the code now. */
  readonly expiry?: Instant | undefined;
}

export function toTempCode(
  { row, version }: PublishedGrant,
  site: SiteRow,
  evidenceOf: EvidenceOf,
  now: Instant,
): TempCode {
  const grant = toGrant(row);
  const evidence = evidenceAtDoors({ row, version }, site, evidenceOf, now);
  const used = [row.lastUsedAt, ...evidence.map(({ code }) => code?.usedAt)].filter((at) => typeof at === "number");
  const { imported } = grant.about;
  return {
    id: grant.id,
    site: site.id,
    zone: site.zone,
    name: grant.holder.name,
    state: grantState(row, now),
    createdBy: grant.createdBy,
    createdAt: row.createdAt,
    from: grant.validity.from,
    expiry: grant.validity.until,
    revokedAt: row.revokedAt,
    accessPoints: grant.accessPoints,
    windows: grant.schedule?.windows ?? null,
    lastUsed: used.length > 0 ? Math.max(...used) : null,
    imported: typeof imported === "object" && imported !== null ? (imported as Record<string, unknown>) : null,
    doors: evidence.map(toDoor),
  };
}

/** How far the code of a grant has come at each of its doors. */
export function codeAtDoors(
  published: PublishedGrant,
  site: SiteRow,
  evidenceOf: EvidenceOf,
  now: Instant,
): TempCodeDoor[] {
  return evidenceAtDoors(published, site, evidenceOf, now).map(toDoor);
}

/** Of its holder's account where the door opens to those and it has one that is not revoked alone; else of its PIN; at a door that takes none, of the link that its guest's page presents there. */
export function evidenceAtDoors(
  published: PublishedGrant,
  site: SiteRow,
  evidenceOf: EvidenceOf,
  now: Instant,
): DoorEvidence[] {
  const grant = toGrant(published.row);
  const pin = grant.credentials.find(({ kind }) => kind === "pin") ?? grant.credentials[0];
  const link = grant.credentials.find(({ kind }) => kind === "link");
  const at = codeMoment(grant, site.zone, now);
  const isOver = grant.revoked || grant.validity.until <= now;
  const account = liveAccount(grant) ?? grant.credentials.findLast(({ kind }) => isOver && kind === "provider");
  return grant.accessPoints.flatMap((accessPoint) => {
    const ofAccount = account && evidenceOf(published, { accessPoint, credential: account, at });
    if (ofAccount?.door?.accounts) return ofAccount;
    const ofPin = pin && evidenceOf(published, { accessPoint, credential: pin, at });
    if (!ofPin || !link || ofPin.opens.why !== "no-way") return ofPin ?? [];
    return evidenceOf(published, { accessPoint, credential: link, at });
  });
}

/** Of accounts that the grant had before, or that were revoked by hand, at the doors that open to accounts. */
export function revokedAccountsAtDoors(
  published: PublishedGrant,
  evidenceOf: EvidenceOf,
  now: Instant,
): DoorEvidence[] {
  const { credentials, accessPoints } = toGrant(published.row);
  return credentials
    .filter(({ kind, revoked }) => kind === "provider" && revoked)
    .flatMap((credential) =>
      accessPoints.map((accessPoint) => evidenceOf(published, { accessPoint, credential, at: now })),
    )
    .filter(({ door }) => door?.accounts !== undefined);
}

function toDoor({ accessPoint, opens, code }: DoorEvidence): TempCodeDoor {
  return { accessPoint, ...codeStatus(opens, code) };
}
