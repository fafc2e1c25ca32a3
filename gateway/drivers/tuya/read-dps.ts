/** What a lock's data points mean by its profile. Pure; what a profile does not name or cannot read says nothing. */
import type { BoltState, DoorState } from "../../domain/access-point.ts";
import type { DeviceReport } from "../../ports/device.ts";
import type { Profile } from "./profiles.ts";

type OpenedBy = Extract<DeviceReport, { type: "opened-at-lock" }>["by"];

export interface Meaning {
  readonly bolt?: BoltState;
  readonly door?: DoorState;
  /** Percent, 0 … 100. */
  readonly battery?: number;
  readonly tamper?: true;
  readonly opened: readonly OpenedBy[];
  /** Seconds for which someone's request to open can still be approved; 0: it is over. */
  readonly requestSeconds?: number;
  /** Our own command has opened it. */
  readonly commandOpened: boolean;
}

/** `isPush`: it happened just now. An answer to a query holds the last of each, however long ago: alarms and openings in it are old. */
export function readDps(profile: Profile, dps: Readonly<Record<string, unknown>>, isPush: boolean): Meaning {
  const { bolt, door, battery, alarm, openings = {}, unlock } = profile;
  const pushed = isPush ? dps : {};
  const alarmed = alarm && pushed[alarm.dp];
  const isJammed = alarmed !== undefined && alarm?.jammed.some((each) => each === alarmed) === true;
  const boltState = isJammed ? "jammed" : bolt && boltOf(dps[bolt.dp], bolt);
  const doorState = door && doorOf(dps[door.dp], door);
  const percent = battery && percentOf(dps[battery.dp], battery.levels);
  const seconds = unlock.by === "approval" ? pushed[unlock.request] : undefined;
  return {
    ...(boltState && { bolt: boltState }),
    ...(doorState && { door: doorState }),
    ...(percent !== undefined && { battery: percent }),
    ...(alarmed !== undefined && alarm?.pried.some((each) => each === alarmed) && { tamper: true }),
    opened: Object.entries(openings).flatMap(([dp, by]) => (pushed[dp] === undefined ? [] : [by])),
    ...(typeof seconds === "number" && { requestSeconds: Math.max(0, seconds) }),
    commandOpened: unlock.by === "approval" && unlock.opened !== undefined && pushed[unlock.opened] !== undefined,
  };
}

function boltOf(value: unknown, { released, secured }: NonNullable<Profile["bolt"]>): BoltState | undefined {
  if (value === released) return "released";
  return value === secured ? "secured" : undefined;
}

function doorOf(value: unknown, { open, closed }: NonNullable<Profile["door"]>): DoorState | undefined {
  if (value === open) return "open";
  return value === closed ? "closed" : undefined;
}

function percentOf(value: unknown, levels: Readonly<Record<string, number>> | undefined): number | undefined {
  const percent = levels && typeof value === "string" ? levels[value] : value;
  return typeof percent === "number" && percent >= 0 && percent <= 100 ? Math.round(percent) : undefined;
}
