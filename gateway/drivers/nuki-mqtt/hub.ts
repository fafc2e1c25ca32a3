/** Nuki Hub: a small board that reaches the lock by Bluetooth, and speaks MQTT of its own. The lock and its log; the keypad is keypad-json.ts. Pure. */
import { z } from "zod";
import type { Instant } from "../../domain/instant.ts";
import type { MqttDialect } from "../../ports/mqtt-link.ts";
import { actions, isOpening, readDoorSensor, readMotorState } from "../common/nuki.ts";
import type { HubOptions } from "./options.ts";
import type { Heard, Opened, Speech } from "./speech.ts";

export const hubTopics = {
  action: "lock/action",
  queryState: "lock/query/lockstate",
  queryBattery: "lock/query/battery",
  queryCodes: "lock/query/keypad",
  codes: "lock/keypad/json",
  changeCode: "lock/keypad/actionJson",
} as const;

const commands: Readonly<Record<number, string>> = {
  [actions.unlock]: "unlock",
  [actions.lock]: "lock",
  [actions.unlatch]: "unlatch",
};

const states: Readonly<Record<string, number>> = {
  uncalibrated: 0,
  locked: 1,
  unlocking: 2,
  unlocked: 3,
  locking: 4,
  unlatched: 5,
  unlockedlnga: 6,
  unlatching: 7,
  calibration: 252,
  bootrun: 253,
  motorblocked: 254,
  undefined: 255,
};
const doorSensors: Readonly<Record<string, number>> = {
  unavailable: 0,
  deactivated: 1,
  doorclosed: 2,
  dooropened: 3,
  tampered: 240,
};
const unknownDoor = 255;
const loggedActions: Readonly<Record<string, number>> = {
  unlock: actions.unlock,
  unlatch: actions.unlatch,
  lockngo: actions.lockNGo,
  lockngounlatch: actions.lockNGoUnlatch,
};
const refusals: Readonly<Record<string, string>> = {
  denied: "the hub's access level does not allow it",
  unknown_action: "the hub does not know the action",
  error: "the hub does not take actions",
};

/** Its list of all codes comes in one message, some 350 bytes each. */
const packetBytesMax = 128 * 1024;

export function hubSpeech({ topic, timeZone, tls }: HubOptions): Speech {
  const dialect: MqttDialect = {
    base: topic,
    publishes: Object.keys(readers),
    subscribes: [...Object.values(hubTopics).filter((name) => name !== hubTopics.codes)],
    will: "maintenance/mqttConnectionState",
    // In hybrid mode it would hear what the lock says itself; nothing is relayed here.
    ignores: [topic, "homeassistant", "nuki"],
    clientId: "any",
    packetBytesMax,
    tls: tls ? "always" : "never",
  };
  return {
    dialect,
    read: (name, payload) => (Object.hasOwn(readers, name) ? readers[name as Topic](payload, timeZone) : undefined),
    command: (action) => ({ name: hubTopics.action, payload: commands[action] ?? "" }),
    questions: [
      { name: hubTopics.queryState, payload: "1" },
      { name: hubTopics.queryBattery, payload: "1" },
    ],
    deafMs: 7_000,
    repeatMs: Number.POSITIVE_INFINITY,
  };
}

type Topic = keyof typeof readers;
type Reader = (payload: string, timeZone: string) => readonly Heard[] | undefined;

const readers = {
  "maintenance/mqttConnectionState": (payload) =>
    payload === "online" || payload === "offline" ? [{ is: "link", online: payload === "online" }] : undefined,
  [hubTopics.action]: (payload) => {
    const { [payload]: why } = refusals;
    // What it writes there besides is "ack", that it has heard, and "--", that it waits for the next.
    return why === undefined ? [] : [{ is: "answer", answer: "refused", why }];
  },
  "lock/commandResult": readResult,
  "lock/state": (payload) => {
    const { [payload.toLowerCase()]: state } = states;
    return state === undefined ? undefined : [{ is: "motor", ...readMotorState(state) }];
  },
  "lock/json": readStatus,
  "lock/battery/basicJson": readBattery,
  "lock/rollingLog": readLogEntry,
  "lock/info/firmwareVersion": (payload) =>
    /^[\x21-\x7e]{1,32}$/.test(payload) ? [{ is: "facts", facts: { firmware: payload } }] : undefined,
  [hubTopics.codes]: (payload) => [{ is: "codes", payload }],
  "lock/keypad/commandResultJson": (payload) => [{ is: "codes-answer", payload }],
  // As its README has it; its source writes the one above.
  "lock/configuration/commandResultJson": (payload) => [{ is: "codes-answer", payload }],
} as const satisfies Readonly<Record<string, Reader>>;

/** It tries again by itself where this is not "success", so nothing else is the end of it. */
function readResult(payload: string): readonly Heard[] {
  if (payload === "success") return [{ is: "answer", answer: "taken", why: "" }];
  if (payload === "notPaired") return [{ is: "answer", answer: "refused", why: "the hub is not paired with a lock" }];
  return [];
}

const statusSchema = z.object({ door_sensor_state: z.string().optional() });

function readStatus(payload: string): readonly Heard[] | undefined {
  const status = statusSchema.safeParse(json(payload));
  if (!status.success) return undefined;
  const { door_sensor_state: door } = status.data;
  const state = door === undefined ? undefined : (doorSensors[door.toLowerCase()] ?? unknownDoor);
  return [{ is: "facts", facts: readDoorSensor(state) }];
}

const truth = z
  .union([z.literal(["0", "1"]), z.literal([0, 1]), z.boolean()])
  .transform((value) => Number(value) === 1);
const batterySchema = z.object({
  level: z.number().min(0).max(100),
  keypadCritical: truth.optional(),
  doorSensorCritical: truth.optional(),
});

function readBattery(payload: string): readonly Heard[] | undefined {
  const battery = batterySchema.safeParse(json(payload));
  if (!battery.success) return undefined;
  const { level, keypadCritical = false, doorSensorCritical = false } = battery.data;
  return [
    { is: "facts", facts: { battery: Math.round(level) } },
    { is: "low-battery", of: "keypad", isLow: keypadCritical },
    { is: "low-battery", of: "door-sensor", isLow: doorSensorCritical },
  ];
}

const count = z.number().int().min(0);
const entrySchema = z.object({
  index: count,
  timeYear: count,
  timeMonth: count,
  timeDay: count,
  timeHour: count,
  timeMinute: count,
  timeSecond: count,
  type: z.string(),
  action: z.string().optional(),
  trigger: z.string().optional(),
  completionStatus: z.string().optional(),
  codeId: count.optional(),
});
type Entry = z.infer<typeof entrySchema>;

/** One entry of the lock's log; the hub writes it when "publish auth data" is switched on. */
function readLogEntry(payload: string, timeZone: string): readonly Heard[] | undefined {
  const parsed = entrySchema.safeParse(json(payload));
  if (!parsed.success) return undefined;
  const entry = parsed.data;
  const { [entry.action?.toLowerCase() ?? ""]: action } = loggedActions;
  const isDone = entry.completionStatus?.toLowerCase() === "success";
  if (action === undefined || !isOpening(action) || !isDone) return [];
  const opened = openedBy(entry, action);
  return opened ? [{ is: "opened", key: String(entry.index), at: timesOf(entry, timeZone), ...opened }] : [];
}

function openedBy({ type, trigger = "", codeId = 0 }: Entry, action: number): Omit<Opened, "key" | "at"> | undefined {
  const how = trigger.toLowerCase();
  if (type === "KeypadAction") {
    const code = codeId > 0 ? { code: String(codeId) } : {};
    if (how === "arrowkey") return { by: "hand" };
    return { by: how === "fingerprint" ? "fingerprint" : "code", ...code };
  }
  if (type !== "LockAction") return undefined;
  if (how === "manual" || how === "button") return { by: "hand" };
  return { by: "app", ...(how === "system" && { byProgram: { action } }) };
}

/** Nobody says whether the log's clock is the lock's wall clock or UTC, so it counts as both. */
function timesOf(entry: Entry, timeZone: string): readonly Instant[] {
  const {
    timeYear: year,
    timeMonth: month,
    timeDay: day,
    timeHour: hour,
    timeMinute: minute,
    timeSecond: second,
  } = entry;
  try {
    const wall = Temporal.PlainDateTime.from({ year, month, day, hour, minute, second }, { overflow: "reject" });
    return [wall.toZonedDateTime("UTC").epochMilliseconds, wall.toZonedDateTime(timeZone).epochMilliseconds];
  } catch {
    return []; // no such date: its clock was never set
  }
}

function json(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}
