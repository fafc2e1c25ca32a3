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
  const near = datesAround(start, last, zone);
  const found = openingOn(near, schedule, zone, start, last);
  const isCut = found && (found.from === Number.NEGATIVE_INFINITY || found.until === Number.POSITIVE_INFINITY);
  // Open for more than a week: only exceptions, or their end, can shut it.
  const whole = isCut ? openingOn([...near, ...datesOfExceptions(schedule)], schedule, zone, start, last) : found;
  return whole && { from: Math.max(whole.from, validity.from), until: Math.min(whole.until, validity.until) };
}

/** Between the days that are named nothing changes. Infinite where they tell no end. */
function openingOn(
  dates: readonly Temporal.PlainDate[],
  schedule: WeeklySchedule,
  zone: string,
  start: Instant,
  last: Instant,
): Opening | undefined {
  const edges = edgesOn(dates, schedule, zone).map((at) => ({ at, isOpen: covers(schedule, localTimeAt(at, zone)) }));
  const changes = edges.filter(({ isOpen }, index) => isOpen !== edges[index - 1]?.isOpen);
  const openings = changes.flatMap(({ at, isOpen }, index): Opening[] =>
    isOpen
      ? [
          {
            from: index === 0 ? Number.NEGATIVE_INFINITY : at,
            until: changes[index + 1]?.at ?? Number.POSITIVE_INFINITY,
          },
        ]
      : [],
  );
  return openings.find(({ from, until }) => start < until && from <= last);
}

/** Ascending: every instant on these days at which it may open or shut, and some more. */
function edgesOn(dates: readonly Temporal.PlainDate[], schedule: WeeklySchedule, zone: string): Instant[] {
  const edges = new Set<Instant>();
  for (const date of dates) {
    const add = (minute: number) => {
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
    const midnight = date.toZonedDateTime(zone);
    const clocksSet = midnight.getTimeZoneTransition("next");
    if (clocksSet && clocksSet.epochMilliseconds < midnight.add({ days: 1 }).epochMilliseconds)
      edges.add(clocksSet.epochMilliseconds);
  }
  return [...edges].sort((a, b) => a - b);
}

function datesAround(start: Instant, last: Instant, zone: string): Temporal.PlainDate[] {
  const dateOf = (at: Instant) => Temporal.PlainDate.from(localTimeAt(at, zone).date);
  return datesBetween(dateOf(start).subtract({ days: weekDays }), dateOf(last).add({ days: weekDays }));
}

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
