/** Times, durations and sizes as the gateway's pages tell them, on the site's wall clock. */
import type { Language } from "../domain/denial-text.ts";

const locales: Readonly<Record<Language, string>> = { en: "en-GB", es: "es-ES" };
const unknown: Readonly<Record<Language, string>> = { en: "time unknown", es: "hora desconocida" };
const notBeforeWords: Readonly<Record<Language, string>> = { en: "not before", es: "no antes de" };

export interface Moments {
  readonly language: Language;
  /** "long" names the offset too: an hour that a clock change repeats is shown twice. */
  at(instant: number, timeStyle?: "medium" | "long"): string;
  /** While the clock is unset; 0: no time was ever written down. */
  notBefore(instant: number): string;
}

/** `zone`: one that is known (knownZone). */
export function momentsIn(language: Language, zone: string): Moments {
  const at = (instant: number, timeStyle: "medium" | "long" = "medium") =>
    Temporal.Instant.fromEpochMilliseconds(Math.round(instant))
      .toZonedDateTimeISO(zone)
      .toLocaleString(locales[language], { dateStyle: "medium", timeStyle });
  const notBefore = (instant: number) =>
    instant === 0 ? unknown[language] : `${notBeforeWords[language]} ${at(instant)}`;
  return { language, at, notBefore };
}

/** UTC where the site's zone is unknown or not one of this version's. */
export function knownZone(zone = "UTC"): string {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return zone;
  } catch {
    return "UTC";
  }
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

export function size(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** `one` and `more`: the noun by number. */
export function counted(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}
