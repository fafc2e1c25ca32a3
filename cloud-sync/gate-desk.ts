/**
 * A guard asks the cloud instead of the gate. Whether a visitor may come in is judged by the gates' own rule (decide()) on what the cloud knows,
 * entries as the gate in question should hold them; it moves nothing. An entry is the gate's: it goes there as a command, which decides, counts,
 * writes down and opens, or expires in seconds. So there is one count and one journal, and the cloud can admit nobody beyond what a gate holds.
 */
import { type Candidate, type Decision, decide, type SiteView } from "../gateway/domain/decide.ts";
import type { Grant } from "../gateway/domain/grant.ts";
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import type { SignedPass } from "../gateway/domain/signed-pass.ts";
import { commandTtlMs } from "../gateway/wire/gateway-api.ts";
import { sealedEntry } from "../gateway/wire/guard-api.ts";
import { openSignedPass } from "../gateway/wire/signed-pass.ts";
import { fieldProblem, HttpProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { commandState } from "./domain/command-state.ts";
import { entriesLeft, type RightsAccount } from "./domain/settle-rights.ts";
import { silentSince } from "./domain/silence.ts";
import { endedCommand } from "./ended-command.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { listedOf } from "./store/blacklist.ts";
import { type CommandRow, issueCommand, lockByNonce } from "./store/commands.ts";
import { type GatewayRow, listAccessPoints, readGateway } from "./store/gateways.ts";
import { findByIndex, readGrant, toGrant } from "./store/grants.ts";
import { readAccounts } from "./store/rights.ts";
import { type SiteRow, toSite } from "./store/sites.ts";
import { staffEverOf } from "./store/staff.ts";

/** A gate, and the gateway that keeps it. */
export interface Gate {
  readonly site: SiteRow;
  readonly accessPoint: string;
  readonly gateway: GatewayRow;
}

/** The gate that was named, or the only one of the site. */
export async function gateOf({ store }: CloudParts, site: SiteRow, named: string | undefined): Promise<Gate> {
  const points = await listAccessPoints(store.db, site.id);
  const [only] = points;
  const point = named === undefined ? (points.length === 1 ? only : undefined) : points.find(({ id }) => id === named);
  if (!point)
    throw fieldProblem("body.access_point", named === undefined ? "name the gate" : "the site has no such door");
  const gateway = await readGateway(store.db, point.gatewayId);
  if (!gateway || gateway.revokedAt !== null)
    throw fieldProblem("body.access_point", "its gateway is not in service", 409);
  return { site, accessPoint: point.id, gateway };
}

export interface GateVerdict {
  readonly decision: Decision;
  /** Whose pass it is; undefined: nobody's, as far as is known. */
  readonly pass:
    | { readonly grant: Grant; readonly entriesUsed: number; readonly entriesLeft: number | null }
    | undefined;
  /** Name of the gateway that should hold the entries, where this gate's does not. */
  readonly heldAt: string | undefined;
}

/** Counts nothing, opens nothing, writes nothing down. */
export async function checkAtGate(parts: CloudParts, gate: Gate, uid: string): Promise<GateVerdict> {
  const { db } = parts.store;
  const { site, accessPoint, gateway } = gate;
  const now = parts.clock.wall();
  const seal = await parts.siteKeys.seal(db, site.id);
  const signed = signedOf(gate, uid, now);
  const presented = { kind: "pass", index: seal.index("pass", uid), ...(signed && { signed }) } as const;
  const found = signed
    ? await readGrant(db, site.id, signed.grant)
    : await findByIndex(db, site.id, "pass", presented.index);
  const grant = found && toGrant(found.row);
  const account = grant && (await readAccounts(db, site.id, [grant])).get(grant.id);
  const candidates = grant ? candidatesOf(grant, presented) : [];
  const listed = await listedOf(db, site.id, grant ? [grant] : []);
  const left = account ? entriesLeft(account) : [];
  const heldHere = left.find((one) => one.gateway === gateway.id)?.held ?? 0;
  const view: SiteView = {
    revision: site.ver,
    site: toSite(site),
    suspect: false,
    isArriving: false,
    knowsAccessPoint: (id) => id === accessPoint,
    candidates: () => candidates,
    isRevoked: () => false,
    isBlacklisted: (one) => listed.has(one.grant.id) || listed.has(one.credential.id),
    rights: () => ({ held: heldHere, elsewhere: left.some((one) => one.gateway !== gateway.id) }),
  };
  const circumstances = { time: { earliest: now, latest: now }, sinceSyncMs: 0, lockedOutMs: 0 };
  const decision = decide({ accessPoint, presented }, view, circumstances);
  const isElsewhere = decision.outcome === "denied" && decision.reason === "HELD_AT_OTHER_GATE";
  const holder = isElsewhere ? left[0] : undefined;
  return {
    decision,
    pass: found && grant && candidates.length > 0 ? passOf(grant, found.row.entriesUsed, account, heldHere) : undefined,
    heldAt: holder && ((await readGateway(db, holder.gateway))?.name ?? holder.gateway),
  };
}

function signedOf({ site, gateway, accessPoint }: Gate, uid: string, now: Instant): SignedPass | undefined {
  const { passKeys: keys } = toSite(site);
  if (!keys) return undefined;
  const { id, epoch } = gateway;
  const here = { site: site.id, keys, now, gateway: id, epoch, peers: () => [], accessPoints: () => [accessPoint] };
  return openSignedPass(uid.trim(), here);
}

/** As a gateway finds them in its records. */
function candidatesOf(
  grant: Grant,
  { index, signed }: { readonly index: string; readonly signed?: SignedPass },
): readonly Candidate[] {
  const isIt = (one: Grant["credentials"][number]) => (signed ? one.id === signed.credential : one.index === index);
  return grant.credentials
    .filter((one) => one.kind === "pass" && isIt(one))
    .map((credential) => ({ grant, credential }));
}

function passOf(grant: Grant, entriesUsed: number, account: RightsAccount | undefined, heldHere: number) {
  return { grant, entriesUsed, entriesLeft: account ? Math.max(0, heldHere) : null };
}

export interface EntryWord {
  readonly nonce: string;
  /** Who vouches for the visitor: of the site's staff. */
  readonly staff: string;
  /** Since the guard pressed. */
  readonly ageMs: Millis;
}

/** What the gate has made of it. `reason`: why not, where it said so. */
export interface EntryAtGate {
  readonly result: string;
  readonly entry: number | null;
  readonly reason: string | null;
}

/**
 * The gate's answer, of the first request of this number. Rejects with a 503 when the gate could not be asked, or has not answered: sent again
 * it is the same entry.
 */
export async function enterAtGate(
  parts: CloudParts,
  { actor, from }: Asker,
  gate: Gate,
  uid: string,
  { nonce, staff, ageMs }: EntryWord,
): Promise<EntryAtGate> {
  const { store, clock } = parts;
  const { site, gateway, accessPoint } = gate;
  // Its life begins when it is asked for, not when the store comes to it.
  const pressedAt = clock.wall() - Math.round(ageMs);
  const seal = await parts.siteKeys.seal(store.db, site.id);
  if (!(await staffEverOf(store.db, site.id, [staff])).has(staff))
    throw fieldProblem("body.guard_id", "is nobody who works at this site");
  const target = { site: site.id, gateway: gateway.id };
  const row = await store.transaction(async (tx): Promise<CommandRow> => {
    const known = await lockByNonce(tx, target, nonce);
    if (known && !isOf(known, uid)) throw numberUsed();
    const state = known && commandState(known, clock.wall());
    // One that has run or may still run is the answer; the gate itself knows the number of what it has counted.
    if (known && state !== "expired" && state !== "unknown") return known;
    if (silentSince(gateway, clock.wall()) !== null) throw gateAway();
    if (ageMs >= commandTtlMs) throw again("too-late", "It was pressed too long ago: nothing was counted. Press anew.");
    const pass = seal.seal(sealedEntry, uid);
    const by = actor.id;
    const wanted = { ...target, accessPoint, action: "enter", by, nonce, details: { pass, staff } } as const;
    const issued = await issueCommand(tx, wanted, pressedAt);
    const after = { gateway: gateway.id, command: issued.id, guard: staff };
    await recordAudit(
      tx,
      { site: site.id, actor: by, from, action: "doors.enter", thing: accessPoint, after },
      clock.wall(),
    );
    return issued;
  });
  return answerOf(await endedCommand(parts, row), clock.wall());

  function isOf({ details, accessPoint: at }: CommandRow, text: string): boolean {
    const { pass = "" } = JSON.parse(details ?? "{}") as { pass?: string };
    return at === accessPoint && seal.open(sealedEntry, pass)?.reveal() === text;
  }
}

function answerOf(row: CommandRow, now: Instant): EntryAtGate {
  const { result } = row;
  const { of = null, reason = null } = JSON.parse(row.outcome ?? "{}") as { of?: number; reason?: string };
  if (result === "refused" && of === null && reason === null)
    throw new HttpProblem(409, "gate-unaware", "The gate does not know this guard, or not any more.");
  if (commandState(row, now) === "expired") throw gateAway();
  if (result === null || (result === "unknown" && of === null))
    throw again("gate-silent", "The gate has not said what became of it. Send the same again: it counts once.");
  return { result, entry: of, reason };
}

function gateAway(): HttpProblem {
  return again(
    "gate-away",
    "The gate could not be asked in time. Nothing was counted and nothing moved: send the same again, or ask at the gate itself.",
  );
}

function again(code: string, detail: string): HttpProblem {
  return new HttpProblem(503, code, detail, { headers: { "retry-after": "1" } });
}

function numberUsed(): HttpProblem {
  return fieldProblem("body.nonce", "another pass was counted under it; make a new one", 409);
}
