/**
 * Reads what Nuki Web says of a lock and of its log. Pure. The numbers are the maker's: state, action and door are those the lock has on all its
 * interfaces, completion, trigger and source those of the Web API's own description.
 */
import { z } from "zod";
import type { DoorState } from "../../domain/access-point.ts";
import { isOpening, lowBattery, type MotorState, readDoorSensor, readMotorState } from "../common/nuki.ts";
import type { LoggedEntry } from "../common/openings.ts";

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

export interface LockStatus extends MotorState {
  readonly serverState: number;
  readonly door?: DoorState;
  readonly tamper?: boolean;
  readonly battery?: number;
  readonly isKeypadBatteryLow: boolean;
}

/** undefined when it cannot be read. */
export function readStatus(body: unknown): LockStatus | undefined {
  const parsed = smartlockSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { serverState, state } = parsed.data;
  const battery = state?.batteryCharge ?? (state?.batteryCritical ? lowBattery : undefined);
  return {
    serverState: serverState ?? 0,
    ...readMotorState(state?.state),
    ...readDoorSensor(state?.doorState),
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
        isOpening: isOpening(action) && (state ?? 0) === 0,
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
