/**
 * A guest opens a door of their stay from their page. The gate decides, by the link that the stay's grant holds and nobody is told; the cloud
 * asks it by a command, and asks nothing where it could not be answered in time.
 */
import type { Instant } from "../gateway/domain/instant.ts";
import { sealedLink } from "../gateway/wire/gateway-api.ts";
import type { SecretString } from "../gateway/wire/secret.ts";
import type { CloudParts } from "./cloud-parts.ts";
import type { Origin } from "./domain/audit-body.ts";
import { type PressResult, pressesAMinute, repeatWithinMs, resultOf, shownForMs } from "./domain/guest-press.ts";
import { silentSince } from "./domain/silence.ts";
import { endedCommand } from "./ended-command.ts";
import type { FoundStay } from "./guest/guest-stay.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { type CommandRow, findByNonce, issueCommand, lockByNonce, recentCommands } from "./store/commands.ts";
import { readDoors } from "./store/doors.ts";
import { type GatewayRow, readGateway } from "./store/gateways.ts";
import { type PublishedGrant, toGrant } from "./store/grants.ts";
import type { Queries, Transaction } from "./store/store.ts";

export interface GuestPress {
  readonly accessPoint: string;
  /** The press's own number: the same again is answered with what became of the first. */
  readonly nonce: string;
}

export interface PressedDoor {
  readonly accessPoint: string;
  readonly result: PressResult;
}

/** Waits for the house's word. `isKept`: readPress() tells it again. */
export async function openForGuest(
  parts: CloudParts,
  found: FoundStay,
  from: Origin,
  { accessPoint, nonce }: GuestPress,
): Promise<PressResult & { readonly isKept: boolean }> {
  const { store, siteKeys, clock } = parts;
  const { grant, site, standing, row: booking } = found;
  const pressedAt = clock.wall();
  const gateway = grant && standing === "now" ? await gatewayAt(store.db, grant, accessPoint) : undefined;
  const link = grant && linkOf(grant, await siteKeys.seal(store.db, site.id));
  if (!gateway || !link) return { is: "closed", isKept: false };
  const target = { site: site.id, gateway: gateway.id };
  const sealed = (await siteKeys.seal(store.db, site.id)).seal(sealedLink, link.reveal());
  const issued = await store.transaction(async (tx): Promise<CommandRow | PressResult> => {
    const known = await lockByNonce(tx, target, nonce);
    const isRepeat =
      known?.issuedBy === booking.id &&
      known.accessPoint === accessPoint &&
      pressedAt - known.createdAt < repeatWithinMs;
    if (known) return isRepeat ? known : { is: "again" };
    if (!isHeardOf(gateway, clock.wall())) return { is: "no-line" };
    if (await isTooOften(tx, target, { by: booking.id, accessPoint }, pressedAt)) return { is: "too-often" };
    const wanted = {
      ...target,
      accessPoint,
      action: "present",
      by: booking.id,
      nonce,
      details: { link: sealed },
    } as const;
    const row = await issueCommand(tx, wanted, pressedAt);
    const after = { gateway: gateway.id, command: row.id };
    const entry = { site: site.id, actor: booking.id, from, action: "doors.present", thing: accessPoint, after };
    await recordAudit(tx, entry, clock.wall());
    return row;
  });
  if ("is" in issued) return { ...issued, isKept: false };
  return { ...resultOf(await endedCommand(parts, issued), clock.wall()), isKept: true };
}

/** What became of a press a little while ago; undefined: there was none of this number. */
export async function readPress(
  { store, clock }: CloudParts,
  { grant, site, row: booking }: FoundStay,
  nonce: string,
): Promise<PressedDoor | undefined> {
  const doors = grant ? await readDoors(store.db, site.id, toGrant(grant.row).accessPoints) : [];
  const gateways = [...new Set(doors.map(({ gateway }) => gateway))];
  const row = await findByNonce(store.db, site.id, gateways, nonce);
  const now = clock.wall();
  if (row?.issuedBy !== booking.id || now - row.createdAt >= shownForMs) return undefined;
  return { accessPoint: row.accessPoint, result: resultOf(row, now) };
}

/** A press would reach the house, as far as anybody knows. */
export function isHeardOf(gateway: GatewayRow, now: Instant): boolean {
  return gateway.revokedAt === null && gateway.publicKey !== null && silentSince(gateway, now) === null;
}

/** undefined: the grant has none that opens. */
export function linkOf(
  { row }: PublishedGrant,
  seal: { open(place: string, sealed: string): SecretString | undefined },
): SecretString | undefined {
  const link = toGrant(row).credentials.find(({ kind, revoked }) => kind === "link" && !revoked);
  return link?.sealed === undefined ? undefined : seal.open(link.id, link.sealed);
}

async function gatewayAt(db: Queries, { row }: PublishedGrant, accessPoint: string): Promise<GatewayRow | undefined> {
  if (!toGrant(row).accessPoints.includes(accessPoint)) return undefined;
  const [door] = await readDoors(db, row.siteId, [accessPoint]);
  return door && readGateway(db, door.gateway);
}

async function isTooOften(
  tx: Transaction,
  { site, gateway }: { readonly site: string; readonly gateway: string },
  { by, accessPoint }: { readonly by: string; readonly accessPoint: string },
  now: Instant,
): Promise<boolean> {
  const recent = await recentCommands(tx, site, gateway);
  const mine = recent.filter(
    (one) => one.issuedBy === by && one.accessPoint === accessPoint && now - one.createdAt < 60_000,
  );
  return mine.length >= pressesAMinute;
}
