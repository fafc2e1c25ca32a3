/** covers() and localTimeAt() beside an oracle that knows nothing of minutes and weekdays: it builds each window as PlainDateTimes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { covers, localTimeAt, type Weekday, type WeeklySchedule } from "../../gateway/domain/schedule.ts";
import fc from "../support/fast-check.ts";

const minute = 60_000;

/** Every window of the days around, from its begin to its end as the wall clock shows them. */
function oracle(schedule: WeeklySchedule, instant: number, zone: string): boolean {
  const wall = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone).toPlainDateTime();
  return [-1, 0].some((offset) => {
    const day = wall.toPlainDate().add({ days: offset });
    const special = schedule.exceptions?.find(({ date }) => Temporal.PlainDate.from(date).equals(day));
    const windows = special?.windows ?? schedule.windows.filter(({ days }) => days.includes(day.dayOfWeek as Weekday));
    return windows.some(({ from, until }) => {
      const [begin, end] = [at(day, from), at(day, until)];
      if (!begin || !end || from === "24:00") return false;
      const close = Temporal.PlainDateTime.compare(end, begin) > 0 ? end : end.add({ days: 1 });
      return Temporal.PlainDateTime.compare(begin, wall) <= 0 && Temporal.PlainDateTime.compare(wall, close) < 0;
    });
  });
}

function at(day: Temporal.PlainDate, time: string): Temporal.PlainDateTime | undefined {
  if (time === "24:00") return day.add({ days: 1 }).toPlainDateTime();
  try {
    return /^\d\d:\d\d$/.test(time) ? day.toPlainDateTime(Temporal.PlainTime.from(time)) : undefined;
  } catch {
    return undefined;
  }
}

const clock = fc.oneof(
  { weight: 12, arbitrary: fc.nat(1439).map((n) => `${two(Math.floor(n / 60))}:${two(n % 60)}`) },
  { weight: 3, arbitrary: fc.constantFrom("00:00", "01:00", "01:30", "02:00", "02:30", "03:00", "24:00") },
  { weight: 1, arbitrary: fc.constantFrom("24:01", "25:00", "7:00", "", "noon", "12:60", "١٢:٠٠") },
);
const window = fc.record({
  days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }) as fc.Arbitrary<Weekday>, { minLength: 1 }),
  from: clock,
  until: clock,
});

function two(n: number): string {
  return String(n).padStart(2, "0");
}

/** Zone and a midnight in UTC near both of its changes in a year. */
const changes = [
  ["Europe/Madrid", "2031-03-30", "2031-10-26"],
  ["America/Mexico_City", "2022-04-03", "2022-10-30"],
  ["Australia/Lord_Howe", "2031-04-06", "2031-10-05"],
  ["America/Santiago", "2031-04-06", "2031-09-07"],
] as const;

for (const [zone, ...dates] of changes)
  for (const date of dates) {
    test(`${zone} around ${date}: minute by minute the schedule covers what its windows say`, () => {
      const local = localTimes(zone, date);
      const spread = new Set(local.map(({ time }) => time.minute));
      assert.ok(spread.size < local.length, "the clock shows some minute twice, on two days or on one");
      const exception = fc.record({
        date: fc.constantFrom(date, next(date, -1), next(date, 1)),
        windows: fc.array(window, { maxLength: 2 }),
      });
      const schedule = fc.record(
        {
          windows: fc.array(window, { maxLength: 3 }),
          exceptions: fc.uniqueArray(exception, { selector: (one) => one.date, maxLength: 2 }),
        },
        { requiredKeys: ["windows"] },
      );
      fc.assert(
        fc.property(schedule, fc.nat(local.length - 60), (one, start) => {
          for (const { instant, time } of local.slice(start, start + 60))
            assert.equal(covers(one, time), oracle(one, instant, zone), new Date(instant).toISOString());
        }),
        { numRuns: 60 },
      );
    });

    test(`${zone} around ${date}: the hours of the change itself, each minute, with windows that touch it`, () => {
      for (const [from, until] of [
        ["00:30", "01:30"],
        ["01:30", "02:00"],
        ["02:00", "03:00"],
        ["22:00", "02:15"],
        ["00:00", "24:00"],
        ["23:30", "00:30"],
      ] as const) {
        const one = { windows: [{ days: [6, 7] as const, from, until }] };
        for (const { instant, time } of localTimes(zone, date))
          assert.equal(
            covers(one, time),
            oracle(one, instant, zone),
            `${from}-${until} ${new Date(instant).toISOString()}`,
          );
      }
    });
  }

test("seconds do not matter to a window, nor do fractions of a millisecond to the clock", () => {
  const base = Date.UTC(2031, 2, 4, 12);
  assert.deepEqual(localTimeAt(base + 59_999.75, "UTC"), localTimeAt(base, "UTC"));
});

test("a zone nobody knows, or a time that is none, throws", () => {
  assert.throws(() => localTimeAt(0, "Europe/Atlantis"), RangeError);
  assert.throws(() => localTimeAt(Number.POSITIVE_INFINITY, "UTC"), RangeError);
});

/** Each minute from 26 hours before to 26 hours after the date's noon in UTC. */
function localTimes(zone: string, date: string) {
  const middle = Date.parse(`${date}T12:00Z`);
  return Array.from({ length: 52 * 60 }, (_, n) => {
    const instant = middle + (n - 26 * 60) * minute;
    return { instant, time: localTimeAt(instant, zone) };
  });
}

function next(date: string, days: number): string {
  return Temporal.PlainDate.from(date).add({ days }).toString();
}
