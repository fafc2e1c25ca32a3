/** When a schedule opens next, as instants: exact in the nights in which clocks are set. Pure. */
import type { Instant, Millis } from "./instant.ts";
import { covers, localTimeAt, MINUTES_PER_DAY, type Weekday, type WeeklySchedule, windowsOn } from "./schedule.ts";

/** [from, until), open throughout. */
export interface Opening {
  readonly from: Instant;
  readonly until: Instant;
}

/** Longer than a usual week goes on without repeating itself, windows past midnight included. */
const weekDays = 9;

/**
 * The opening at `after`, or else the next one that begins within `aheadMs` from then; undefined: none. As long as it is: a schedule that leaves
 * nothing out is one opening, the validity. Throws a RangeError for a zone nobody knows.
 */
export function openingAt(
  schedule: WeeklySchedule,
  validity: Opening,
  zone: string,
  after: Instant,
  aheadMs: Millis,
): Opening | undefined {
  const start = Math.max(after, validity.from);
  const last = Math.min(after + aheadMs, validity.until - 1);
  if (start >= validity.until || last < start) return undefined;
  const dateOf = (at: Instant) => Temporal.PlainDate.from(localTimeAt(at, zone).date);
  const [first, end] = [dateOf(start), dateOf(last)];
  const around = (days: number) => datesBetween(first.subtract({ days }), end.add({ days }));
  // Most openings begin and end near by; of one that is open for more than a week only exceptions, or their end, can tell.
  const near = openingOn(around(1), schedule, zone, start, last);
  if (!near) return undefined;
  const found =
    whole(near) ??
    whole(openingOn(around(weekDays), schedule, zone, start, last)) ??
    openingOn([...around(weekDays), ...datesOfExceptions(schedule)], schedule, zone, start, last);
  return found && { from: Math.max(found.from, validity.from), until: Math.min(found.until, validity.until) };
}

/** Infinite where the days that were looked at tell no end. */
function whole(found: Opening | undefined): Opening | undefined {
  return found && Number.isFinite(found.from) && Number.isFinite(found.until) ? found : undefined;
}

/** Between the days that are named nothing changes. */
function openingOn(
  dates: readonly Temporal.PlainDate[],
  schedule: WeeklySchedule,
  zone: string,
  start: Instant,
  last: Instant,
): Opening | undefined {
  const edges = edgesOn(dates, schedule, zone);
  // Asked for as few as need be: each costs more than all that is around it.
  const isOpen = (index: number) => covers(schedule, localTimeAt(edges[index]!, zone));
  const now = edges.findLastIndex((at) => at <= start);
  let begin = now;
  if (now >= 0 && isOpen(now)) while (begin > 0 && isOpen(begin - 1)) begin -= 1;
  else
    do begin += 1;
    while (begin < edges.length && edges[begin]! <= last && !isOpen(begin));
  const from = edges[begin];
  if (from === undefined || from > last) return undefined;
  let end = Math.max(begin, now) + 1;
  while (end < edges.length && isOpen(end)) end += 1;
  return { from: begin === 0 ? Number.NEGATIVE_INFINITY : from, until: edges[end] ?? Number.POSITIVE_INFINITY };
}

/** Ascending: every instant on these days at which it may open or shut, and some more. */
function edgesOn(dates: readonly Temporal.PlainDate[], schedule: WeeklySchedule, zone: string): Instant[] {
  const edges = new Set<Instant>();
  for (const date of dates) {
    const midnight = date.toZonedDateTime(zone);
    const clocksSet = midnight.subtract({ nanoseconds: 1 }).getTimeZoneTransition("next")?.epochMilliseconds;
    const isUsual = clocksSet === undefined || clocksSet > midnight.epochMilliseconds + 2 * dayMs;
    const add = (minute: number) => {
      if (isUsual) return void edges.add(midnight.epochMilliseconds + minute * 60_000);
      const wall = date.toPlainDateTime().add({ minutes: minute });
      // A wall time that comes twice is an edge each time.
      for (const disambiguation of ["earlier", "later"] as const)
        edges.add(wall.toZonedDateTime(zone, { disambiguation }).epochMilliseconds);
    };
    add(0);
    for (const { from, until } of windowsOn(schedule, date.toString(), date.dayOfWeek as Weekday)) {
      add(from);
      add(until > from ? until : until + MINUTES_PER_DAY);
    }
    if (clocksSet !== undefined && !isUsual) edges.add(clocksSet);
  }
  return [...edges].sort((a, b) => a - b);
}

const dayMs: Millis = 24 * 3_600_000;

function datesOfExceptions({ exceptions = [] }: WeeklySchedule): Temporal.PlainDate[] {
  return exceptions.flatMap(({ date }) => {
    const day = Temporal.PlainDate.from(date);
    return datesBetween(day.subtract({ days: weekDays }), day.add({ days: weekDays }));
  });
}

function datesBetween(first: Temporal.PlainDate, last: Temporal.PlainDate): Temporal.PlainDate[] {
  const days = first.until(last, { largestUnit: "days" }).days;
  return Array.from({ length: days + 1 }, (_, more) => first.add({ days: more }));
}
