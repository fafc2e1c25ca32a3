/** The words in which Nuki Hub tells what a lock says in numbers, and the shapes of its JSON. */
import {
  type NukiLogLine,
  type NukiReport,
  nukiAction,
  nukiDoor,
  nukiOutcome,
  nukiState,
  nukiTrigger,
} from "../sim-nuki.ts";
import type { NukiAllowed, StoredNukiCode } from "../sim-nuki-keypad.ts";

const states: Readonly<Record<number, string>> = {
  [nukiState.uncalibrated]: "uncalibrated",
  [nukiState.locked]: "locked",
  [nukiState.unlocking]: "unlocking",
  [nukiState.unlocked]: "unlocked",
  [nukiState.locking]: "locking",
  [nukiState.unlatched]: "unlatched",
  [nukiState.unlockedLockNGo]: "unlockedLnga",
  [nukiState.unlatching]: "unlatching",
  [nukiState.calibration]: "calibration",
  [nukiState.bootRun]: "bootRun",
  [nukiState.motorBlocked]: "motorBlocked",
};
const triggers: Readonly<Record<number, string>> = {
  [nukiTrigger.system]: "system",
  [nukiTrigger.manual]: "manual",
  [nukiTrigger.button]: "button",
  [nukiTrigger.automatic]: "automatic",
  [nukiTrigger.autoLock]: "autoLock",
  [nukiTrigger.keypad]: "system",
};
const doors: Readonly<Record<number, string>> = {
  [nukiDoor.unavailable]: "unavailable",
  [nukiDoor.closed]: "doorClosed",
  [nukiDoor.open]: "doorOpened",
};
const actionsDone: Readonly<Record<number, string>> = {
  [nukiAction.unlock]: "Unlock",
  [nukiAction.lock]: "Lock",
  [nukiAction.unlatch]: "Unlatch",
  [nukiAction.lockNGo]: "LockNgo",
  [nukiAction.lockNGoUnlatch]: "LockNgoUnlatch",
  [nukiAction.fullLock]: "FullLock",
};
const doorActions: Readonly<Record<number, string>> = { 240: "DoorOpened", 241: "DoorClosed", 242: "SensorJammed" };
const outcomes: Readonly<Record<number, string>> = {
  [nukiOutcome.success]: "success",
  [nukiOutcome.motorBlocked]: "motorBlocked",
  [nukiOutcome.busy]: "busy",
  [nukiOutcome.wrongCode]: "invalidCode",
};
/** What may be asked for on `lock/action`. */
const actionsAsked: Readonly<Record<string, number>> = {
  unlock: nukiAction.unlock,
  lock: nukiAction.lock,
  unlatch: nukiAction.unlatch,
  lockNgo: nukiAction.lockNGo,
  lockNgoUnlatch: nukiAction.lockNGoUnlatch,
  fullLock: nukiAction.fullLock,
};
const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export function stateWord(state: number): string {
  return states[state] ?? "undefined";
}

export function doorWord(doorState: number): string {
  return doors[doorState] ?? "undefined";
}

export function outcomeWord(outcome: number): string {
  return outcomes[outcome] ?? "unknown";
}

export function actionWord(action: number): string {
  return actionsDone[action] ?? "undefined";
}

/** undefined: there is no such action. */
export function actionAsked(word: string): number | undefined {
  return Object.hasOwn(actionsAsked, word) ? actionsAsked[word] : undefined;
}

/** The sum that a list of days is to the lock: 64 for Monday … 1 for Sunday. The hub looks for the words anywhere in the text. */
export function daysSum(text: string): number {
  return days.reduce((sum, day, index) => sum + (text.includes(day) ? 64 >> index : 0), 0);
}

export interface Author {
  readonly id: number;
  readonly name: string;
}

/** The payload of `lock/json`. */
export function stateJson(report: NukiReport, outcome: number, author: Author): string {
  return JSON.stringify({
    lock_state: stateWord(report.state),
    lockngo_state: 0,
    trigger: triggers[report.trigger] ?? "undefined",
    last_lock_action: actionWord(report.lastAction),
    last_lock_action_trigger: triggers[report.trigger] ?? "undefined",
    lock_completion_status: outcomeWord(outcome),
    door_sensor_state: doorWord(report.doorState),
    auth_id: author.id,
    auth_name: author.name,
  });
}

/** The payload of `lock/battery/basicJson`. */
export function batteryJson(report: NukiReport): string {
  return JSON.stringify({
    critical: flag(report.batteryCritical),
    charging: "0",
    level: report.batteryCharge,
    keypadCritical: flag(report.keypadBatteryCritical),
    doorSensorCritical: "0",
  });
}

/** The payload of `lock/rollingLog`: one line of the lock's log, its time by the clock on the lock's wall. */
export function logJson(line: NukiLogLine, index: number, zone: string): string {
  const at = Temporal.Instant.fromEpochMilliseconds(Math.floor(line.date)).toZonedDateTimeISO(zone);
  const isKeypad = line.trigger === nukiTrigger.keypad;
  const door = doorActions[line.action];
  return JSON.stringify({
    index,
    authorizationId: line.authId ?? 0,
    authorizationName: line.name,
    ...{ timeYear: at.year, timeMonth: at.month, timeDay: at.day },
    ...{ timeHour: at.hour, timeMinute: at.minute, timeSecond: at.second },
    type: door ? "DoorSensor" : isKeypad ? "KeypadAction" : "LockAction",
    action: door ?? actionWord(line.action),
    ...(!door && {
      trigger: isKeypad ? "code" : (triggers[line.trigger] ?? "undefined"),
      completionStatus: outcomeWord(line.state),
    }),
    ...(isKeypad && { codeId: line.authId ?? 0 }),
  });
}

/** The payload of `lock/keypad/json`. */
export function codesJson(codes: readonly StoredNukiCode[], zone: string, publishesCodes: boolean): string {
  return JSON.stringify(
    codes.map(({ authId, name, code, enabled, allowed, uses, lastUsed }) => ({
      codeId: authId,
      ...(publishesCodes && { code }),
      enabled: enabled ? 1 : 0,
      name: name.slice(0, 20),
      dateCreated: never,
      lockCount: uses,
      dateLastActive: localDate(lastUsed, zone),
      timeLimited: isTimeLimited(allowed) ? 1 : 0,
      allowedFrom: localDate(allowed.fromDate, zone),
      allowedUntil: localDate(allowed.untilDate, zone),
      allowedWeekdays: days.filter((_, index) => (allowed.weekDays ?? 0) & (64 >> index)),
      allowedFromTime: time(allowed.fromTime),
      allowedUntilTime: time(allowed.untilTime),
    })),
  );
}

export function isTimeLimited(allowed: NukiAllowed): boolean {
  return Object.keys(allowed).length > 0;
}

export function flag(value: boolean): "0" | "1" {
  return value ? "1" : "0";
}

const never = "0000-00-00 00:00:00";

function localDate(at: number | undefined, zone: string): string {
  if (at === undefined) return never;
  const local = Temporal.Instant.fromEpochMilliseconds(Math.floor(at)).toZonedDateTimeISO(zone).toPlainDateTime();
  return local.toString({ smallestUnit: "second" }).replace("T", " ");
}

function time(minutes = 0): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");
}
