/** What Nuki Web answers, in the maker's own words: a lock, a code, a line of its log. Dates are RFC 3339 in UTC with milliseconds. */
import { keypadCodeType } from "./nuki-auth-body.ts";
import type { CloudCode, CloudLogLine, NukiCloudLock } from "./nuki-cloud-lock.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A Smart Lock of the third generation. */
const deviceType = 4;
const online = 0;
const offline = 4;

export function smartlock(cloud: NukiCloudLock): Fields {
  const { id, name } = cloud.lock;
  const { keypadPaired, ...state } = cloud.report;
  return {
    smartlockId: id,
    accountId: 1_000_001,
    type: deviceType,
    lmType: 0,
    authId: 1,
    name,
    favorite: false,
    config: { name, keypadPaired, keypad2Paired: false, timezoneId: 0, deviceType },
    state: {
      mode: 2,
      ...state,
      batteryCharging: false,
      doorsensorBatteryCritical: false,
      ringToOpenTimer: 0,
      nightMode: false,
    },
    firmwareVersion: 199_175,
    hardwareVersion: 1_292,
    serverState: cloud.reachable ? online : offline,
    adminPinState: 0,
    virtualDevice: false,
    creationDate: date(0),
    updateDate: date(cloud.reportedAt),
  };
}

export function auth({ lock }: NukiCloudLock, code: CloudCode): Fields {
  const { fromDate, untilDate, weekDays, fromTime, untilTime } = code.allowed;
  return {
    id: code.id,
    smartlockId: lock.id,
    ...(code.authId !== undefined && { authId: code.authId }),
    code: code.code,
    type: keypadCodeType,
    name: code.name,
    enabled: code.enabled,
    remoteAllowed: false,
    lockCount: code.uses,
    ...(fromDate !== undefined && { allowedFromDate: date(fromDate) }),
    ...(untilDate !== undefined && { allowedUntilDate: date(untilDate) }),
    ...(weekDays !== undefined && { allowedWeekDays: weekDays }),
    ...(fromTime !== undefined && { allowedFromTime: fromTime }),
    ...(untilTime !== undefined && { allowedUntilTime: untilTime }),
    ...(code.lastUsed !== undefined && { lastActiveDate: date(code.lastUsed) }),
    creationDate: date(code.createdAt),
    updateDate: date(code.updatedAt),
    ...(code.operationId !== undefined && { operationId: code.operationId }),
  };
}

/** Whoever holds the token stands in every lock's list as an app. */
export function webAuth({ lock }: NukiCloudLock): Fields {
  return {
    id: `${lock.id.toString(16)}00web`,
    smartlockId: lock.id,
    authId: 0,
    type: 0,
    name: "Nuki Web",
    enabled: true,
    remoteAllowed: true,
    lockCount: 0,
    creationDate: date(0),
    updateDate: date(0),
  };
}

export function logLine({ lock }: NukiCloudLock, line: CloudLogLine): Fields {
  return {
    id: line.id,
    smartlockId: lock.id,
    deviceType,
    ...(line.codeId !== undefined && { authId: line.codeId }),
    name: line.name,
    action: line.action,
    trigger: line.trigger,
    state: line.state,
    autoUnlock: false,
    date: date(line.date),
    source: line.source,
  };
}

function date(at: number): string {
  return new Date(at).toISOString();
}
