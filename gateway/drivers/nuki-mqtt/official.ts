/** The maker's own MQTT, spoken by the lock itself: topics below nuki/<ID>, plain numbers and words. Pure. */
import type { MqttDialect } from "../../ports/mqtt-link.ts";
import { isOpening, readDoorSensor, readMotorState } from "../common/nuki.ts";
import { type Heard, type Opened, readNumber, type Speech } from "./speech.ts";

const commandTopic = "lockAction";

/** The lock's error codes that mean that it has not begun to move; with any other one it may have. */
const refusals: Readonly<Record<number, string>> = {
  32: "not authorised",
  33: "wrong PIN",
  35: "bad parameter",
  38: "remote control is not allowed: allow locking and unlocking by MQTT in the Nuki app",
  39: "not allowed at this time",
  40: "too many wrong PINs",
  69: "busy with another command",
  71: "not calibrated",
};

const triggers = { manual: 1, button: 2, mqtt: 172 } as const;
const keypadSources = { backKey: 0, fingerprint: 2 } as const;
/** Each event comes twice now and then; nobody does the same twice within this time. */
const repeatMs = 3_000;

/** `id`: the lock's, in hex, as the Nuki app shows it. */
export function officialSpeech(id: string): Speech {
  const base = `nuki/${id}`;
  const dialect: MqttDialect = {
    base,
    publishes: Object.keys(readers),
    subscribes: [commandTopic, "lock", "unlock"],
    will: "connected",
    ignores: [base, "homeassistant"],
    clientId: "any",
    tls: "never",
  };
  return {
    dialect,
    read: (name, payload) => (Object.hasOwn(readers, name) ? readers[name as Topic](payload) : undefined),
    command: (action) => ({ name: commandTopic, payload: String(action) }),
    questions: [],
    deafMs: 0,
    repeatMs,
  };
}

type Topic = keyof typeof readers;
type Reader = (payload: string) => readonly Heard[] | undefined;

const readers = {
  connected: (payload) => flag(payload, (online) => ({ is: "link", online })),
  state: (payload) => number(payload, (state) => ({ is: "motor", ...readMotorState(state) })),
  commandResponse: (payload) => number(payload, answerOf),
  lockActionEvent: readEvent,
  batteryChargeState: (payload) =>
    number(payload, (percent) => (percent <= 100 ? { is: "facts", facts: { battery: percent } } : undefined)),
  batteryCritical: (payload) => flag(payload, (isLow) => ({ is: "low-battery", of: "lock", isLow })),
  keypadBatteryCritical: (payload) => flag(payload, (isLow) => ({ is: "low-battery", of: "keypad", isLow })),
  doorsensorState: (payload) => number(payload, (state) => ({ is: "facts", facts: readDoorSensor(state) })),
  doorsensorBatteryCritical: (payload) => flag(payload, (isLow) => ({ is: "low-battery", of: "door-sensor", isLow })),
  firmware: (payload) =>
    /^[\x21-\x7e]{1,32}$/.test(payload) ? [{ is: "facts", facts: { firmware: payload } }] : undefined,
} as const satisfies Readonly<Record<string, Reader>>;

function flag(payload: string, heard: (value: boolean) => Heard): readonly Heard[] | undefined {
  return payload === "true" || payload === "false" ? [heard(payload === "true")] : undefined;
}

function number(payload: string, heard: (value: number) => Heard | undefined): readonly Heard[] | undefined {
  const value = readNumber(payload);
  const read = value === undefined ? undefined : heard(value);
  return read && [read];
}

function answerOf(code: number): Heard {
  if (code === 0) return { is: "answer", answer: "taken", why: "" };
  const { [code]: refusal } = refusals;
  return { is: "answer", answer: refusal ? "refused" : "unclear", why: refusal ?? `the lock's error ${code}` };
}

/**
 * "action, trigger, authorisation id, code id, context". The context is 0 or 1 for auto unlock, a number of presses, or what was
 * pressed at the keypad (0 back key, 1 code, 2 fingerprint); a code id other than 0 says that it was the keypad.
 */
function readEvent(payload: string): readonly Heard[] | undefined {
  const numbers = payload.split(",").map((part) => readNumber(part.trim()));
  const [action, trigger, , codeId, context] = numbers;
  if (numbers.length < 4 || action === undefined || trigger === undefined || codeId === undefined) return undefined;
  // Nobody else can command it by MQTT: it is connected to our broker, and there its driver alone may.
  if (!isOpening(action) || trigger === triggers.mqtt) return [];
  return [{ is: "opened", key: payload, ...openedBy(trigger, codeId, context) }];
}

function openedBy(trigger: number, codeId: number, context: number | undefined): Pick<Opened, "by" | "code"> {
  if (codeId === 0) return { by: trigger === triggers.manual || trigger === triggers.button ? "hand" : "app" };
  if (context === keypadSources.backKey) return { by: "hand" };
  return { by: context === keypadSources.fingerprint ? "fingerprint" : "code", code: String(codeId) };
}
