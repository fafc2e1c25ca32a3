/** A guest says on their page that it does not work: the owner is alarmed at once, with what is known of the doors and of what was tried there. */
import type { Instant } from "../gateway/domain/instant.ts";
import type { CloudParts } from "./cloud-parts.ts";
import type { Origin } from "./domain/audit-body.ts";
import { type Attempt, attemptsOf, attemptsWithinMs, levelNow } from "./domain/guest-trouble.ts";
import { silentSince } from "./domain/silence.ts";
import { gatherEvidence } from "./evidence.ts";
import type { FoundStay } from "./guest/guest-stay.ts";
import { giveSpare } from "./spare-codes.ts";
import { raiseAlarm } from "./stay-alarms.ts";
import { lockBooking } from "./store/bookings.ts";
import { readDoors } from "./store/doors.ts";
import { listEvents } from "./store/events.ts";
import { type GatewayRow, type Report, readGateway } from "./store/gateways.ts";
import { toGrant } from "./store/grants.ts";
import { listAlarms } from "./store/stay-alarms.ts";
import type { Queries } from "./store/store.ts";
import { codeAtDoors } from "./temp-code.ts";

export interface Trouble {
  /** undefined: all of them, or none in particular. */
  readonly accessPoint: string | undefined;
  /** In the guest's words; null: none. */
  readonly said: string | null;
}

/** Of a stay with very many doors the first. */
const doorsMax = 8;
const eventsMax = 50;

/** What is known of one door. */
interface DoorState {
  readonly accessPoint: string;
  /** How far the guest's code has come there, see domain/code-status.ts; null: there is none. */
  readonly code: { readonly state: string; readonly why: string } | null;
  readonly lock: "online" | "offline" | "unknown";
  /** Percent; null: it does not say. */
  readonly battery: number | null;
  /** Since when nothing was heard of its gateway; null: it is heard of. */
  readonly gatewaySilentSince: string | null;
}

/** `isTold` false: the owner was told a moment ago, and is not told again yet. `isGiven`: the stay has another code now. */
export async function tellTrouble(
  { store, clock, logger }: CloudParts,
  found: FoundStay,
  from: Origin,
  { accessPoint, said }: Trouble,
): Promise<{ readonly isTold: boolean; readonly isGiven: boolean }> {
  const { site, row, property, window, standing } = found;
  const now = clock.wall();
  const doors = await doorStates(store.db, found, accessPoint, now);
  const attempts = await recentAttempts(store.db, found, doors, now);
  const done = await store.transaction(async (tx) => {
    // Of two at once one tells.
    const locked = await lockBooking(tx, site.id, row.id);
    const stay = locked && standing === "now" ? { row: locked, property, site, ...window } : undefined;
    const given = stay && (await giveSpare(tx, stay, now, { actor: row.id, from }));
    const open = await listAlarms(tx, { sites: [site.id], about: row.id, isOpen: true, limit: 50 });
    const level = levelNow(
      open.find(({ kind }) => kind === "guest-says"),
      now,
    );
    const detail = { said, spareGiven: given !== undefined, doors, attempts };
    const alarm = { site: site.id, booking: row.id, kind: "guest-says", level, detail } as const;
    return { isTold: await raiseAlarm(tx, alarm, now), isGiven: given !== undefined };
  });
  logger.info("guest-says", { site: site.id, booking: row.id, told: done.isTold, spareGiven: done.isGiven });
  return done;
}

async function doorStates(
  db: Queries,
  { site, property, grant }: FoundStay,
  named: string | undefined,
  now: Instant,
): Promise<DoorState[]> {
  const points = grant ? toGrant(grant.row).accessPoints : property.accessPoints;
  const asked = points.filter((one) => named === undefined || one === named).slice(0, doorsMax);
  const evidenceOf = grant && (await gatherEvidence(db, site, [grant], now));
  const codes = grant && evidenceOf ? codeAtDoors(grant, site, evidenceOf, now) : [];
  const gateways = new Map<string, GatewayRow | undefined>();
  const states: DoorState[] = [];
  for (const { id, gateway: of, lock } of await readDoors(db, site.id, asked)) {
    if (!gateways.has(of)) gateways.set(of, await readGateway(db, of));
    const gateway = gateways.get(of);
    const code = codes.find((one) => one.accessPoint === id);
    const device = gateway && devicesOf(gateway).find((one) => one.id === lock);
    const silent = gateway ? silentSince(gateway, now) : null;
    states.push({
      accessPoint: id,
      code: code ? { state: code.state, why: code.why } : null,
      lock: device?.link ?? "unknown",
      battery: device?.battery ?? null,
      gatewaySilentSince: silent === null ? null : Temporal.Instant.fromEpochMilliseconds(silent).toString(),
    });
  }
  return states;
}

function devicesOf({ report }: Pick<GatewayRow, "report">): Report["devices"] {
  return report === null ? [] : (JSON.parse(report) as Report).devices;
}

async function recentAttempts(
  db: Queries,
  { site, grant }: FoundStay,
  doors: readonly DoorState[],
  now: Instant,
): Promise<readonly Attempt[]> {
  const recent = { from: now - attemptsWithinMs, limit: eventsMax };
  const events = [];
  for (const { accessPoint } of doors) events.push(...(await listEvents(db, site.id, { ...recent, accessPoint })));
  if (grant) events.push(...(await listEvents(db, site.id, { ...recent, grant: grant.row.id })));
  return attemptsOf(events, grant?.row.id);
}
