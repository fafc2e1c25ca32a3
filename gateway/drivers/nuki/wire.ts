/**
 * Reads what Nuki Web says of a lock and of its log. Pure. The numbers are the maker's: state, action and door are those the lock has on all its
 * interfaces, completion, trigger and source those of the Web API's own description.
 */
import { z } from "zod";
import type { BoltState, DoorState } from "../../domain/access-point.ts";
import type { LoggedEntry } from "../common/openings.ts";

export const actions = { unlock: 1, lock: 2, unlatch: 3 } as const;

const smartlockSchema = z.object({
  /** 0 ok · 4 offline · others: what the account holds of the lock is void. */
  serverState: z.number().nullish(),
  state: z
    .object({
      state: z.number(),
      doorState: z.number().nullish(),
      batteryCritical: z.boolean().nullish(),
      batteryCharge: z.number().min(0).max(100).nullish(),
      keypadBatteryCritical: z.boolean().nullish(),
    })
    .nullish(),
});

export interface LockStatus {
  readonly serverState: number;
  /** "moving": on its way, to be asked again. */
  readonly bolt: BoltState | "moving";
  /** The latch is pulled, or about to be: proof of an unlatch, however the bolt stood before. */
  readonly isLatchPulled: boolean;
  readonly door?: DoorState;
  readonly tamper?: boolean;
  readonly battery?: number;
  readonly isKeypadBatteryLow: boolean;
}

/** Locks without a charge in percent only say that it is low; that counts as this much. */
const lowBattery = 5;

const bolts: Readonly<Record<number, LockStatus["bolt"]>> = {
  1: "secured",
  2: "moving",
  3: "released",
  4: "moving",
  5: "released",
  6: "released", // lock'n'go: will lock by itself
  7: "moving",
  254: "jammed",
};
const doors: Readonly<Record<number, DoorState>> = { 2: "closed", 3: "open" };
/** No sensor, or one that is switched off. */
const noSensor = [undefined, null, 0, 1];
const sensorRemoved = 240;

/** undefined when it cannot be read. */
export function readStatus(body: unknown): LockStatus | undefined {
  const parsed = smartlockSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { serverState, state } = parsed.data;
  const battery = state?.batteryCharge ?? (state?.batteryCritical ? lowBattery : undefined);
  const hasSensor = !noSensor.includes(state?.doorState);
  return {
    serverState: serverState ?? 0,
    bolt: bolts[state?.state ?? 255] ?? "unknown",
    isLatchPulled: state?.state === 5 || state?.state === 7,
    ...(hasSensor && { door: doors[state?.doorState ?? 255] ?? "unknown", tamper: state?.doorState === sensorRemoved }),
    ...(battery !== undefined && { battery: Math.round(battery) }),
    isKeypadBatteryLow: state?.keypadBatteryCritical ?? false,
  };
}

const logEntrySchema = z.object({
  id: z.union([z.string().max(128), z.number()]).transform(String),
  date: z.string().transform((text) => Date.parse(text)),
  action: z.number(),
  trigger: z.number(),
  /** How it ended; 0 is success. */
  state: z.number().nullish(),
  source: z.number().nullish(),
  authId: z.union([z.string().max(128), z.number()]).nullish(),
});

/** One entry of the lock's log, as far as it matters here. */
export interface LogEntry extends LoggedEntry {
  readonly by: "code" | "card" | "fingerprint" | "hand" | "app";
  /** The permission it was done by, as the log names it. */
  readonly authId?: string;
}

/** The lock turns or pulls its latch so that the door can be opened. */
const openingActions = [actions.unlock, actions.unlatch, 4, 5] as readonly number[];

/** Newest first, as the log has them. An entry that cannot be read is left out; undefined when it is no log. */
export function readLogEntries(body: unknown): readonly LogEntry[] | undefined {
  if (!Array.isArray(body)) return undefined;
  return body.flatMap((entry): LogEntry[] => {
    const parsed = logEntrySchema.safeParse(entry);
    if (!parsed.success || Number.isNaN(parsed.data.date)) return [];
    const { id, date, action, trigger, state, source, authId } = parsed.data;
    return [
      {
        id,
        date,
        action,
        isOpening: openingActions.includes(action) && (state ?? 0) === 0,
        by: openedBy(trigger, source ?? 0),
        isThroughWeb: trigger === 0 || trigger === 4,
        ...(authId !== null && authId !== undefined && { authId: String(authId) }),
      },
    ];
  });
}

function openedBy(trigger: number, source: number): LogEntry["by"] {
  if (source === 1) return "code";
  if (source === 2) return "fingerprint";
  if (source === 3) return "card"; // held to the keypad
  if (trigger === 255) return "code";
  return trigger === 1 || trigger === 2 ? "hand" : "app";
}
