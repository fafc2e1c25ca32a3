/**
 * What a grant asks of its doors, and what they can: found out before a PIN is chosen, from what the gateways report. A grant that no lock
 * could honour is refused when it is made, not when the guest stands before it.
 */
import type { AccessPointId } from "../../gateway/domain/access-point.ts";
import type { CredentialKind } from "../../gateway/domain/credential.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import { takes } from "../../gateway/domain/lock-code.ts";
import type { WeeklySchedule } from "../../gateway/domain/schedule.ts";
import { keepsOneSpan, planHours, type ToldHours } from "../../gateway/domain/week-hours.ts";
import { type PinShape, usualShape } from "./pin-policy.ts";

export interface Door {
  readonly id: AccessPointId;
  /** What people call it, and what they are told when it cannot be; left out: its id. */
  readonly name?: string | undefined;
  /** Whether anything there reads credentials, so that the gateway is asked; undefined: its gateway does not say. */
  readonly reads: boolean | undefined;
  /** Which kinds; undefined: its gateway does not say, and whatever can be read is. */
  readonly kinds?: readonly string[] | undefined;
  /** What its lock lets a code be; absent: it keeps none. `windows`: "range": it is told ahead; else at the time, see CodeConstraints. */
  readonly codes?:
    | (PinShape & {
        readonly windows?: string | undefined;
        readonly keptBy?: string | undefined;
        readonly hours?: ToldHours | undefined;
      })
    | undefined;
  /** It opens to people's accounts at its maker, which credentials of the kind "provider" name; absent: it does not. */
  readonly accounts?: { readonly capacity: number } | undefined;
  /** Why it keeps none, in a sentence; absent: its gateway does not say. */
  readonly noCodes?: string | undefined;
}

/** What cannot be, by the field of the order that says it. */
export interface Impossible {
  readonly field: string;
  readonly why: string;
  /** What else whoever writes the grant could do. */
  readonly instead?: string;
}

export interface WantedHours {
  readonly schedule: WeeklySchedule;
  readonly validity: Grant["validity"];
  /** Of the site. */
  readonly zone: string;
}

export interface Order {
  readonly entriesAllowed: Grant["entriesAllowed"];
  /** With what it takes to know when it opens. */
  readonly hours?: WantedHours | undefined;
  readonly credentials: readonly {
    readonly kind: CredentialKind;
    readonly value?: string | undefined;
    readonly length?: number | undefined;
  }[];
}

/** Kinds that open from afar: nothing at the door has to read them. */
const remoteKinds: readonly CredentialKind[] = ["link", "provider"];
const addLink = 'or add a credential of the kind "link"';

/** Whether the lock of a door keeps such a credential by itself. */
export function keepsKind({ codes, accounts }: Pick<Door, "codes" | "accounts">, kind: CredentialKind): boolean {
  return (kind === "pin" && codes !== undefined) || (kind === "provider" && accounts !== undefined);
}

/** Whether something at a door reads such a credential; undefined: its gateway does not say. */
export function readsKind({ reads, kinds }: Pick<Door, "reads" | "kinds">, kind: CredentialKind): boolean | undefined {
  if (remoteKinds.includes(kind)) return false;
  return reads && kinds ? kinds.includes(kind) : reads;
}

/** `doors`: of the order's access points, in its order. undefined: nothing speaks against it. */
export function findImpossible(
  doors: readonly Door[],
  { credentials, entriesAllowed, hours }: Order,
): Impossible | undefined {
  const kinds = credentials.map(({ kind }) => kind);
  if (kinds.includes("link")) return undefined;
  for (const [index, door] of doors.entries()) {
    if (kinds.some((kind) => readsKind(door, kind) !== false)) continue;
    const { id, name = id, codes } = door;
    const field = `accessPoints[${index}]`;
    if (!kinds.some((kind) => keepsKind(door, kind)))
      return { field, why: `${whyNothing(door, kinds)}; leave it out`, instead: addLink };
    if (entriesAllowed !== null)
      return {
        field: "entriesAllowed",
        why: `the lock of ${name} opens by itself and counts no entries; leave out the limit or ${name}`,
      };
    const why = hours && whyNoHours(hours, codes?.hours);
    if (why !== undefined)
      return {
        field: "schedule",
        why: `the lock of ${name} opens by itself and ${why}; leave out the schedule or ${name}`,
      };
  }
  return undefined;
}

function whyNothing({ id, name = id, noCodes }: Door, kinds: readonly CredentialKind[]): string {
  if (kinds.includes("pin")) return whyNoPin(name, noCodes);
  if (kinds.includes("provider")) return `the lock of ${name} opens to no accounts of its maker`;
  return `nothing at ${name} reads a ${kinds[0]}`;
}

function whyNoHours({ schedule, validity, zone }: WantedHours, lock: ToldHours | undefined): string | undefined {
  const plan = planHours(schedule, validity, zone, lock);
  if (plan.by !== "nobody") return undefined;
  const most = lock?.openingsPerWeekMax ?? 0;
  const keeps = lock && keepsOneSpan(lock, zone) ? "keeps one span of hours on some days" : undefined;
  const written = most > 0 ? `may be written for ${most} openings a week` : undefined;
  if (!keeps && !written) return "knows no weekly hours";
  return `${[keeps, written].filter(Boolean).join(", or ")}: this schedule has ${plan.openings} openings a week`;
}

/** How often a week hours may open: hours that are the same on some days, and others; 0: such hours cannot be kept, null: as often as they like. */
export interface HoursLimits {
  readonly sameHoursMax: number | null;
  readonly otherHoursMax: number | null;
}

/**
 * What a door does with weekly hours of a PIN. Who keeps them: the gateway, any · the lock by itself, the same hours on some days · whoever writes
 * the code for each opening · nobody.
 */
export interface DoorHours extends HoursLimits {
  readonly by: "gateway" | "lock" | "writing" | "nobody";
}

export function hoursAt(door: Door, zone: string): DoorHours {
  if (readsKind(door, "pin") !== false) return { by: "gateway", sameHoursMax: null, otherHoursMax: null };
  const lock = door.codes?.hours;
  const most = lock?.openingsPerWeekMax ?? 0;
  if (lock && keepsOneSpan(lock, zone)) return { by: "lock", sameHoursMax: null, otherHoursMax: most };
  return { by: most > 0 ? "writing" : "nobody", sameHoursMax: most, otherHoursMax: most };
}

function whyNoPin(name: string, noCodes: string | undefined): string {
  return noCodes === undefined
    ? `PINs are not possible at ${name}: nothing there reads them, and its lock keeps none`
    : `nothing at ${name} reads PINs, and ${noCodes}`;
}

/** What a PIN must be so that every lock takes it that keeps codes itself; `start`: what it must be without them. */
export function pinShapeOf(doors: readonly Door[], start: PinShape = usualShape): PinShape | Impossible {
  let shape = start;
  let earlier: Door | undefined;
  for (const [index, door] of doors.entries()) {
    if (!door.codes) continue;
    const { lengths, digits, forbiddenPrefixes } = door.codes;
    shape = {
      lengths: shape.lengths.filter((length) => lengths.includes(length)),
      digits: [...shape.digits].filter((digit) => digits.includes(digit)).join(""),
      forbiddenPrefixes: [...new Set([...shape.forbiddenPrefixes, ...forbiddenPrefixes])],
    };
    if (!isEmpty(shape)) {
      earlier = door;
      continue;
    }
    const [field, own] = [`accessPoints[${index}]`, `the lock of ${door.name ?? door.id} takes ${wordsOf(door.codes)}`];
    return earlier?.codes
      ? {
          field,
          why: `no PIN fits all the locks: ${own}, that of ${earlier.name ?? earlier.id} ${wordsOf(earlier.codes)}; make one for each`,
        }
      : { field, why: `${own}, and PINs have ${start.lengths.at(0)} to ${start.lengths.at(-1)} digits` };
  }
  return shape;
}

/** Why a PIN that was named, or its length, is none for a lock. `field`: of the credential. */
export function findUnfit(
  doors: readonly Door[],
  { value, length }: { readonly value?: string | undefined; readonly length?: number | undefined },
  field: string,
): Impossible | undefined {
  for (const { id, name = id, codes } of doors) {
    if (!codes) continue;
    const why = `the lock of ${name} takes ${wordsOf(codes)}`;
    if (value !== undefined && !takes(codes, value)) return { field: `${field}.value`, why };
    if (length !== undefined && !codes.lengths.includes(length)) return { field: `${field}.length`, why };
  }
  return undefined;
}

/** Of one digit alone there would be one PIN. */
function isEmpty({ lengths, digits, forbiddenPrefixes }: PinShape): boolean {
  const first = [...digits].filter((digit) => !forbiddenPrefixes.includes(digit));
  return lengths.length === 0 || digits.length < 2 || first.length === 0;
}

/** "6 digits of 123456789, not beginning with 12". */
export function wordsOf({ lengths, digits, forbiddenPrefixes }: PinShape): string {
  const count = lengths.length === 1 ? `${lengths[0]}` : `${lengths.slice(0, -1).join(", ")} or ${lengths.at(-1)}`;
  const which = digits.length === 10 ? "" : ` of ${digits}`;
  const prefixes = forbiddenPrefixes.length === 0 ? "" : `, not beginning with ${forbiddenPrefixes.join(" or ")}`;
  return `${count} digits${which}${prefixes}`;
}
