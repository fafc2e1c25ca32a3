/** How a door is held open or kept shut through Brivo, above its schedule: the body, and what is answered. */
import type { SimCloudDoor } from "../sim-cloud-door.ts";
import type { BrivoAccount } from "./brivo-account.ts";
import { badCriteria, brivoError } from "./brivo-errors.ts";
import { liveStatus } from "./brivo-shapes.ts";
import { readDate } from "./brivo-user-body.ts";
import type { CloudAnswer } from "./cloud-port.ts";

/** `version`: without 2.0 one gets an older endpoint, which is not played here. */
export function setOverride(account: BrivoAccount, door: SimCloudDoor, version: unknown, body: unknown): CloudAnswer {
  if (version !== "2.0") return badCriteria;
  const { behavior, endTimeMode, endTime } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (behavior !== "LOCK" && behavior !== "UNLOCK") return badCriteria;
  if (endTimeMode === "UNTIL_NEXT_SCHEDULE_CHANGE")
    return brivoError(412, "This door does not have an unlock schedule");
  if (endTimeMode !== "UNTIL_TIME" && endTimeMode !== "INDEFINITE") return badCriteria;
  const at = readDate(endTime);
  if (endTimeMode === "UNTIL_TIME" && (at === undefined || at <= account.now)) return badCriteria;
  const end = endTimeMode === "UNTIL_TIME" && at !== undefined ? { endTime: at } : {};
  if (account.setOverride(door, { behavior, endTimeMode, ...end }) === "done")
    return { status: 200, json: liveStatus(account, door) };
  return brivoError(417, "Could not reach device to set your schedule override.");
}
