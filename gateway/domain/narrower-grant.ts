/** What both versions of a grant allow: it holds while the set that brings the newer one is still arriving. */
import type { Grant } from "./grant.ts";
import type { WeeklySchedule } from "./schedule.ts";

/** `known` with everything taken away that `coming` does not give. */
export function narrowerGrant(known: Grant, coming: Grant): Grant {
  const schedule = narrowerSchedule(known.schedule, coming.schedule);
  const mustUnderstand = [...new Set([...(known.mustUnderstand ?? []), ...(coming.mustUnderstand ?? [])])];
  return {
    ...known,
    accessPoints: known.accessPoints.filter((id) => coming.accessPoints.includes(id)),
    validity: {
      from: Math.max(known.validity.from, coming.validity.from),
      until: Math.min(known.validity.until, coming.validity.until),
    },
    ...(schedule && { schedule }),
    entriesAllowed: lowerLimit(known.entriesAllowed, coming.entriesAllowed),
    limitMode: coming.limitMode === "strict" ? "strict" : known.limitMode,
    credentials: known.credentials.filter(({ id, kind, index }) =>
      coming.credentials.some((one) => one.id === id && one.kind === kind && one.index === index && !one.revoked),
    ),
    revoked: known.revoked || coming.revoked,
    ...(mustUnderstand.length > 0 && { mustUnderstand }),
  };
}

function lowerLimit(known: number | null, coming: number | null): number | null {
  if (known === null || coming === null) return known ?? coming;
  return Math.min(known, coming);
}

/** Two that differ are not intersected: for the moment until the set is whole, nothing is open. */
function narrowerSchedule(known?: WeeklySchedule, coming?: WeeklySchedule): WeeklySchedule | undefined {
  if (!known || !coming) return known ?? coming;
  return JSON.stringify(known) === JSON.stringify(coming) ? known : { windows: [] };
}
