/** What a Nuki is on all of its maker's interfaces: the numbers of its states and actions, and what its keypad takes. Pure. */
import type { BoltState, DoorState } from "../../domain/access-point.ts";
import { type CodeConstraints, type CodeHours, takes } from "../../domain/lock-code.ts";
import type { Weekday } from "../../domain/schedule.ts";
import type { CodeToSet } from "../../ports/device.ts";

export const actions = { unlock: 1, lock: 2, unlatch: 3, lockNGo: 4, lockNGoUnlatch: 5 } as const;

const openingActions: readonly number[] = [actions.unlock, actions.unlatch, actions.lockNGo, actions.lockNGoUnlatch];

/** The lock turns its bolt back or pulls its latch, so that the door can be opened. */
export function isOpening(action: number): boolean {
  return openingActions.includes(action);
}

/** How the motor stands. "moving": on its way; the next state tells. */
export interface MotorState {
  readonly bolt: BoltState | "moving";
  /** The latch is pulled, or about to be: proof of an unlatch, however the bolt stood before. */
  readonly isLatchPulled: boolean;
}

const bolts: Readonly<Record<number, MotorState["bolt"]>> = {
  1: "secured",
  2: "moving",
  3: "released",
  4: "moving",
  5: "released",
  6: "released", // lock'n'go: will lock by itself
  7: "moving",
  254: "jammed",
};

/** Of a lock's state; one that is not told, or of a lock that is not set up, is unknown. */
export function readMotorState(state: number | undefined): MotorState {
  return { bolt: bolts[state ?? 255] ?? "unknown", isLatchPulled: state === 5 || state === 7 };
}

const doors: Readonly<Record<number, DoorState>> = { 2: "closed", 3: "open" };
/** No sensor, or one that is switched off. */
const noSensor = [0, 1];
const sensorRemoved = 240;

/** Of a door sensor's state; empty where there is none. Taken off counts as tampering. */
export function readDoorSensor(state: number | null | undefined): {
  readonly door?: DoorState;
  readonly tamper?: boolean;
} {
  if (state === undefined || state === null || noSensor.includes(state)) return {};
  return { door: doors[state] ?? "unknown", tamper: state === sensorRemoved };
}

/** Locks without a charge in percent only say that it is low; that counts as this much. */
export const lowBattery = 5;

const labelMax = 20;

/** Exactly six digits from 1 to 9 that do not begin with 12. */
export const keypadTakes = { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"] } as const satisfies Pick<
  CodeConstraints,
  "lengths" | "digits" | "forbiddenPrefixes"
>;

/** What the keypad does not take is not sent: whoever stands between would take it, and the lock refuse it later without a word. */
export function isKeypadCode({ label, digits, window }: CodeToSet): boolean {
  const isCode = takes(keypadTakes, digits.reveal());
  const isWindow = !window || (window.from < window.until && (!window.hours || isKeypadHours(window.hours)));
  return isCode && label.length > 0 && label.length <= labelMax && isWindow;
}

/** How long a code opens on each of its days, in minutes after midnight on the lock's wall. */
export type KeypadSpan = Pick<CodeHours, "from" | "until">;

const wholeDay: KeypadSpan = { from: 0, until: 24 * 60 };
const allDays: readonly Weekday[] = [1, 2, 3, 4, 5, 6, 7];
const lastMinute = 24 * 60 - 1;

/**
 * Of what the lock says: no day stands for all of them, the same minute twice for the whole day. Absent where nothing is left out. What ends before
 * it begins is handed on as it is: none of ours does.
 */
export function readKeypadHours(days: readonly Weekday[], { from, until }: KeypadSpan): CodeHours | undefined {
  const isWhole = from === until || (from === 0 && until >= lastMinute);
  if (isWhole && (days.length === 0 || days.length === allDays.length)) return undefined;
  return { days: days.length === 0 ? allDays : days, ...(isWhole ? wholeDay : { from, until }) };
}

/** As readKeypadHours() takes it; without hours: all days, and the whole of them. */
export function toKeypadHours(hours: CodeHours | undefined): Pick<CodeHours, "days" | "from" | "until"> {
  const { days, from, until } = hours ?? { days: allDays, ...wholeDay };
  return { days, ...(from === 0 && until === wholeDay.until ? { from: 0, until: 0 } : { from, until }) };
}

function isKeypadHours({ days, from, until }: CodeHours): boolean {
  const isSpan = 0 <= from && from < until && (until <= lastMinute || (from === 0 && until === wholeDay.until));
  return days.length > 0 && isSpan;
}
