/** The requests at one door of Brivo. */
import type { Instant } from "../../domain/instant.ts";
import type { Question } from "./account.ts";
import { toTime } from "./wire.ts";

export const readDoor = (accessPointId: number): Question => ({
  method: "GET",
  path: `/device-status/${accessPointId}`,
});

/** Releases it for as long as the panel is set to. */
export const pulse = (accessPointId: number): Question => ({
  method: "POST",
  path: `/access-points/${accessPointId}/activate`,
});

const headers = { "accept-version": "2.0" };

/** Answers how the door stands then, if the panel says so within some seconds. */
export const holdUntil = (accessPointId: number, method: "POST" | "PUT", endTime: Instant): Question => ({
  method,
  path: `/schedules/change-state/${accessPointId}`,
  headers,
  // A second is the smallest that can be said: the next one, lest it end before it begins.
  body: { behavior: "UNLOCK", endTimeMode: "UNTIL_TIME", endTime: toTime(Math.ceil(endTime / 1_000) * 1_000) },
});

export const endHold = (accessPointId: number): Question => ({
  method: "DELETE",
  path: `/schedules/change-state/${accessPointId}`,
  headers,
});

const eventsMax = 100;
const hourMs = 3_600_000;

/** Newest first, of the last hours: the maker cuts the time to the hour. */
export const readEventsSince = (accessPointId: number, since: Instant): Question => ({
  method: "GET",
  path: `/events/access?pageSize=${eventsMax}&filter=${encodeURIComponent(
    `object__eq:${accessPointId};occurred__gt:${toTime(Math.floor(since / hourMs) * hourMs)}`,
  )}`,
});
