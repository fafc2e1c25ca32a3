/**
 * Weekly hours and a lock that keeps codes: whether it can keep the hours by itself, whether the code can be written into it anew for each
 * opening, or neither. Pure.
 */
import type { Instant } from "./instant.ts";
import type { CodeHours, HoursConstraints } from "./lock-code.ts";
import {
  localTimeAt,
  MINUTES_PER_DAY,
  type MinuteSpan,
  type Weekday,
  type WeeklySchedule,
  windowsOn,
} from "./schedule.ts";

/**
 * How a lock honours the schedule of a code: it leaves no moment out, so there is nothing to honour · the lock keeps `hours` by itself · the
 * code is in the lock during each opening alone, `openings` times a week · not at all.
 */
export type HoursPlan =
  | { readonly by: "nothing" }
  | { readonly by: "lock"; readonly hours: CodeHours }
  | { readonly by: "writing"; readonly openings: number }
  | { readonly by: "nobody"; readonly openings: number };

/** What a lock says of hours, as another program tells it: a newer one may know more ways of keeping them. */
export interface ToldHours {
  readonly native: HoursConstraints["native"] | (string & {});
  readonly zone?: string | undefined;
  readonly openingsPerWeekMax: number;
}

const weekdays = [1, 2, 3, 4, 5, 6, 7] as const satisfies readonly Weekday[];
/** The last day whose name sorts as text. */
const lastDay = Date.UTC(9999, 11, 30);

/**
 * `zone`: of the site, whose wall clock the schedule means. `lock`: absent where the lock, or its gateway, knows nothing of hours. Throws a
 * RangeError for a site's zone that nobody knows.
 */
export function planHours(
  schedule: WeeklySchedule,
  validity: { readonly from: Instant; readonly until: Instant },
  zone: string,
  lock: ToldHours | undefined,
): HoursPlan {
  const exceptions = exceptionsWithin(schedule, validity, zone);
  const week = weekdays.map((day) => minutesOn(schedule, day));
  if (exceptions.length === 0 && week.every(([span]) => span && isWholeDay(span))) return { by: "nothing" };
  const hours = exceptions.length === 0 ? oneSpan(week) : undefined;
  if (hours && lock && keepsOneSpan(lock, zone)) return { by: "lock", hours };
  const openings = openingsIn(week) + openingsMore(exceptions);
  return { by: openings <= (lock?.openingsPerWeekMax ?? -1) ? "writing" : "nobody", openings };
}

/** Whether a lock keeps the hours of a site in `zone` by itself, where they are one span on some days. */
export function keepsOneSpan(lock: ToldHours, zone: string): boolean {
  return lock.native === "one-span" && isSameZone(lock.zone, zone);
}

/** Whether hours that a lock keeps leave a moment of its wall clock open. */
export function hoursCover({ days, from, until }: CodeHours, at: Instant, zone: string): boolean {
  const { weekday, minute } = localTimeAt(at, zone);
  return days.includes(weekday) && from <= minute && minute < until;
}

export function isSameHours(one: CodeHours | undefined, other: CodeHours | undefined): boolean {
  if (!one || !other) return one === other;
  const isSameSpan = one.from === other.from && one.until === other.until;
  return isSameSpan && one.days.length === other.days.length && one.days.every((day) => other.days.includes(day));
}

function exceptionsWithin(
  { exceptions = [] }: WeeklySchedule,
  { from, until }: { readonly from: Instant; readonly until: Instant },
  zone: string,
): NonNullable<WeeklySchedule["exceptions"]> {
  const first = localTimeAt(Math.min(from, lastDay), zone).yesterday;
  if (exceptions.length === 0) return [];
  const last = localTimeAt(Math.min(until, lastDay), zone).date;
  return exceptions.filter(({ date }) => first <= date && date <= last);
}

/** Of a usual day: ascending, none touching another; what runs past midnight counts on both days. */
function minutesOn({ windows }: WeeklySchedule, day: Weekday): MinuteSpan[] {
  const on = (weekday: Weekday) => windowsOn({ windows }, "", weekday);
  const dayBefore = day === 1 ? 7 : ((day - 1) as Weekday);
  return merged([
    ...on(day).map(({ from, until }) => ({ from, until: until > from ? until : MINUTES_PER_DAY })),
    ...on(dayBefore).flatMap(({ from, until }) => (until <= from && until > 0 ? [{ from: 0, until }] : [])),
  ]);
}

function merged(spans: readonly MinuteSpan[]): MinuteSpan[] {
  const found: MinuteSpan[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last && span.from <= last.until)
      found[found.length - 1] = { from: last.from, until: Math.max(last.until, span.until) };
    else found.push(span);
  }
  return found;
}

/**
 * The same span on each day that has one. One that ends at midnight without being the whole day is none: a lock has no minute 24:00, and what
 * it makes of an end before its beginning is the maker's secret.
 */
function oneSpan(week: readonly (readonly MinuteSpan[])[]): CodeHours | undefined {
  const days = weekdays.filter((day) => week[day - 1]!.length > 0);
  const [span] = week[(days[0] ?? 1) - 1]!;
  if (!span || (span.until === MINUTES_PER_DAY && !isWholeDay(span))) return undefined;
  const isEach = days.every((day) => {
    const [own, ...more] = week[day - 1]!;
    return more.length === 0 && own?.from === span.from && own.until === span.until;
  });
  return isEach ? { days, ...span } : undefined;
}

function isWholeDay({ from, until }: MinuteSpan): boolean {
  return from === 0 && until === MINUTES_PER_DAY;
}

/** How often a week something opens that was shut before. */
function openingsIn(week: readonly (readonly MinuteSpan[])[]): number {
  const ends = (day: number) => week.at(day)?.at(-1)?.until === MINUTES_PER_DAY;
  return week.reduce((sum, spans, day) => {
    const goesOn = spans[0]?.from === 0 && ends(day - 1);
    return sum + spans.length - (goesOn ? 1 : 0);
  }, 0);
}

/** What exceptions add in the fullest of their weeks. */
function openingsMore(exceptions: NonNullable<WeeklySchedule["exceptions"]>): number {
  const byWeek = Map.groupBy(exceptions, ({ date }) => mondayOf(date));
  return Math.max(0, ...[...byWeek.values()].map((days) => days.reduce((sum, { windows }) => sum + windows.length, 0)));
}

function mondayOf(date: string): string {
  const day = Temporal.PlainDate.from(date);
  return day.subtract({ days: day.dayOfWeek - 1 }).toString();
}

/** Also by another name for the same one. */
function isSameZone(one: string | undefined, other: string): boolean {
  if (one === undefined) return false;
  if (one === other) return true;
  try {
    const at = Temporal.Instant.fromEpochMilliseconds(0);
    return at.toZonedDateTimeISO(one).equals(at.toZonedDateTimeISO(other));
  } catch {
    return false;
  }
}
