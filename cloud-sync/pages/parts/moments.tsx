/** Moments as people read them: in the site's zone and the visitor's language. */
import type { Instant } from "../../../gateway/domain/instant.ts";
import type { Language } from "../words/words.ts";

/** How each language writes days and hours. */
const locales = { en: "en-GB", es: "es-ES" } as const satisfies Record<Language, string>;

/** UTC where the zone is unknown to this version. */
export function knownZone(zone: string | undefined): string {
  if (zone === undefined) return "UTC";
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return zone;
  } catch {
    return "UTC";
  }
}

/** "4 Mar 2031, 14:00". `iso`: as the API tells it. */
export function inZone(iso: string, zone: string, lang: Language): string {
  return Temporal.Instant.from(iso)
    .toZonedDateTimeISO(zone)
    .toLocaleString(locales[lang], { dateStyle: "medium", timeStyle: "short" });
}

/** "March 2031". `day`: any of it. */
export function monthName(day: Temporal.PlainDate, lang: Language): string {
  return day.toLocaleString(locales[lang], { month: "long", year: "numeric" });
}

export function Moment({ iso, zone, lang }: { iso: string; zone: string; lang: Language }) {
  return <time datetime={iso}>{inZone(iso, zone, lang)}</time>;
}

/** The value of a datetime-local input. */
export function toLocalInput(iso: string, zone: string): string {
  return Temporal.Instant.from(iso).toZonedDateTimeISO(zone).toPlainDateTime().toString({ smallestUnit: "minute" });
}

/** For such an input: six o'clock, today if that is more than an hour ahead. */
export function nextEvening(now: Instant, zone: string): string {
  const local = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone);
  const today = local.hour < 17 ? local : local.add({ days: 1 });
  return `${today.toPlainDate()}T18:00`;
}
