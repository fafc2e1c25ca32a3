/**
 * Weekly windows and exceptions in site time. A window is compared with the clock on the wall: in the hour that a
 * daylight-saving change skips nothing is admitted, in the hour it repeats both passes count.
 */

/** ISO weekday: 1 Monday … 7 Sunday. */
export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** [from, until) on the wall clock, "HH:MM"; "24:00" ends a day. `until` at or before `from` runs past midnight and belongs to the day it starts on. */
export interface ScheduleWindow {
  readonly days: readonly Weekday[];
  readonly from: string;
  readonly until: string;
}

/** A date ("YYYY-MM-DD") whose windows replace the weekly ones; no windows: closed all day. */
export interface ScheduleException {
  readonly date: string;
  readonly windows: readonly { readonly from: string; readonly until: string }[];
}

export interface WeeklySchedule {
  readonly windows: readonly ScheduleWindow[];
  readonly exceptions?: readonly ScheduleException[];
}

/** A moment as the wall clock at the site shows it. */
export interface LocalTime {
  /** "YYYY-MM-DD". */
  readonly date: string;
  /** The day before, for windows that run past midnight. */
  readonly yesterday: string;
  readonly weekday: Weekday;
  /** Minutes since midnight, 0 … 1439. */
  readonly minute: number;
}

/** The wall clock of `zone` (IANA) at an instant. Throws a RangeError for a zone nobody knows. */
export function localTimeAt(instant: number, zone: string): LocalTime {
  const local = Temporal.Instant.fromEpochMilliseconds(Math.floor(instant)).toZonedDateTimeISO(zone);
  const date = local.toPlainDate();
  return {
    date: date.toString(),
    yesterday: date.subtract({ days: 1 }).toString(),
    weekday: local.dayOfWeek as Weekday,
    minute: local.hour * 60 + local.minute,
  };
}

/** Whether the schedule covers this wall-clock time. A window that cannot be read covers nothing. */
export function covers(schedule: WeeklySchedule, now: LocalTime): boolean {
  const yesterday = now.weekday === 1 ? 7 : ((now.weekday - 1) as Weekday);
  return (
    windowsOn(schedule, now.date, now.weekday).some(
      ({ from, until }) => from <= now.minute && now.minute < (until > from ? until : MINUTES_PER_DAY),
    ) || windowsOn(schedule, now.yesterday, yesterday).some(({ from, until }) => until <= from && now.minute < until)
  );
}

export const MINUTES_PER_DAY = 24 * 60;

/** [from, until) in minutes since midnight, 0 … 1440; `until` at or before `from`: on the next day. */
export interface MinuteSpan {
  readonly from: number;
  readonly until: number;
}

/** The windows that begin on a day and can be read. */
export function windowsOn(schedule: WeeklySchedule, date: string, weekday: Weekday): MinuteSpan[] {
  const exception = schedule.exceptions?.find((one) => one.date === date);
  const windows = exception ? exception.windows : schedule.windows.filter((one) => one.days.includes(weekday));
  return windows.flatMap((one) => {
    const from = minuteOf(one.from);
    const until = minuteOf(one.until);
    return from === undefined || until === undefined || from === MINUTES_PER_DAY ? [] : [{ from, until }];
  });
}

/** "HH:MM" → minutes since midnight; undefined when it is not a time of day. */
function minuteOf(text: string): number | undefined {
  const match = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text);
  if (!match) return undefined;
  const minute = Number(match[1]) * 60 + Number(match[2]);
  return minute <= MINUTES_PER_DAY ? minute : undefined;
}
