/** Weekly hours: the fields by which they are given, and how they are told. */
import type { WeeklySchedule } from "../../../gateway/domain/schedule.ts";
import type { FieldFaults } from "../own-api.ts";
import type { FormWords } from "../page-book.tsx";
import type { Words } from "../words/words.ts";
import { Choices, Field } from "./form.tsx";

type Windows = WeeklySchedule["windows"];

export interface GivenHours {
  readonly days: readonly string[];
  readonly hoursFrom: string;
  readonly hoursUntil: string;
}

export function readHours(form: FormWords): GivenHours {
  return { days: form.all("days"), hoursFrom: form.text("hoursFrom"), hoursUntil: form.text("hoursUntil") };
}

/** Without a day they would be left out, and the door would open at any hour. */
export function hoursFault({ days, hoursFrom, hoursUntil }: GivenHours, { codes }: Words): FieldFaults | undefined {
  return days.length === 0 && hoursFrom + hoursUntil !== "" ? { days: { own: codes.hoursNeedDays } } : undefined;
}

/** undefined: any hour. */
export function windowsOf({ days, hoursFrom, hoursUntil }: GivenHours): Windows | undefined {
  if (days.length === 0) return undefined;
  return [{ days: days.map(Number), from: hoursFrom || "00:00", until: hoursUntil || "24:00" }] as Windows;
}

/** Of windows that the fields can tell: one span of hours. undefined: they cannot. */
export function hoursOf(windows: Windows | null): GivenHours | undefined {
  const [first, ...others] = windows ?? [];
  if (others.length > 0) return undefined;
  if (!first) return { days: [], hoursFrom: "", hoursUntil: "" };
  return {
    days: first.days.map(String),
    hoursFrom: first.from,
    hoursUntil: first.until === "24:00" ? "" : first.until,
  };
}

/** "Monday, Friday 08:00–18:00; Saturday 10:00–12:00" */
export function hoursText(windows: Windows, { codes }: Words): string {
  return windows
    .map(({ days, from, until }) => `${days.map((day) => codes.days[day - 1]).join(", ")} ${from}–${until}`)
    .join("; ");
}

interface HoursProps {
  readonly words: Words;
  readonly faults: FieldFaults | undefined;
  readonly given: GivenHours | undefined;
}

/** Folded away, because they are seldom wanted; open when they were filled in. */
export function Hours({ words, faults, given }: HoursProps) {
  const { codes } = words;
  const isWanted = (given?.days.length ?? 0) > 0 || faults?.days !== undefined;
  return (
    <details open={isWanted}>
      <summary>{codes.hours}</summary>
      <Choices
        name="days"
        label={codes.hours}
        hint={codes.hoursHint}
        words={words}
        faults={faults}
        values={given?.days}
        choices={codes.days.map((label, index) => ({ value: String(index + 1), label }))}
      />
      <Field
        name="hoursFrom"
        type="time"
        label={codes.hoursFrom}
        words={words}
        faults={faults}
        value={given?.hoursFrom}
      />
      <Field
        name="hoursUntil"
        type="time"
        label={codes.hoursUntil}
        words={words}
        faults={faults}
        value={given?.hoursUntil}
      />
    </details>
  );
}
