/** What a site file may say about weekly hours in a lock: whose wall clock it goes by, and how often it may be written for them. */
import { z } from "zod";

/** Of the lock's wall clock. */
export const zoneName = z.string().refine(isZone, "must be the name of a time zone, such as Europe/Madrid");

/** Each opening of a schedule that the lock cannot keep costs it a write or two and some readings; see HoursConstraints. */
export function openingsPerWeek(usual: number) {
  return z.number().int().min(0).max(100).default(usual);
}

/** For a lock that lives on batteries: a weekend, or two mornings. A code for one stay costs it two writes in all. */
export const openingsOnBatteries = 2;

/** Asks what will reckon with it; Intl would know as well, and brings in 6 MB of the world's calendars and languages. */
function isZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}
