/** openingAt() beside covers(), which looks at single moments: open throughout, shut before and after, and nothing that is open is left out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openingAt } from "../../gateway/domain/opening.ts";
import { covers, localTimeAt, type Weekday, type WeeklySchedule } from "../../gateway/domain/schedule.ts";
import fc from "../support/fast-check.ts";

const hour = 3_600_000;
const day = 24 * hour;
const quarter = 900_000;
const zone = "Europe/Madrid";
const ever = { from: 0, until: Date.parse("2100-01-01T00:00:00Z") };
const everyDay = [1, 2, 3, 4, 5, 6, 7] as const;

const at = (wall: string) => Temporal.ZonedDateTime.from(`${wall}[${zone}]`).epochMilliseconds;
const opening = (schedule: WeeklySchedule, after: number, validity = ever, aheadMs = 3 * day) => {
  const found = openingAt(schedule, validity, zone, after, aheadMs);
  const text = (instant: number) => Temporal.Instant.fromEpochMilliseconds(instant).toString();
  return found && `${text(found.from)} ${text(found.until)}`;
};
const window = (from: string, until: string, days: readonly Weekday[] = everyDay) => ({
  windows: [{ days, from, until }],
});

for (const [what, schedule, after, expected, validity] of [
  ["in the middle of one", window("09:00", "12:00"), "2031-03-04T10:00", "2031-03-04T08:00:00Z 2031-03-04T11:00:00Z"],
  ["when it ends, the next", window("09:00", "12:00"), "2031-03-04T12:00", "2031-03-05T08:00:00Z 2031-03-05T11:00:00Z"],
  [
    "past midnight is one",
    window("22:00", "06:00", [5]),
    "2031-03-08T01:00",
    "2031-03-07T21:00:00Z 2031-03-08T05:00:00Z",
  ],
  [
    "whole days beside each other are one",
    window("00:00", "24:00", [6, 7]),
    "2031-03-09T12:00",
    "2031-03-07T23:00:00Z 2031-03-09T23:00:00Z",
  ],
  ["further away than asked for", window("09:00", "12:00", [1]), "2031-03-04T12:00", undefined],
  [
    "cut by the validity",
    window("09:00", "12:00"),
    "2031-03-04T08:00",
    "2031-03-04T09:00:00Z 2031-03-04T10:00:00Z",
    ["2031-03-04T10:00", "2031-03-04T11:00"],
  ],
  [
    "a validity that is over",
    window("09:00", "12:00"),
    "2031-03-04T12:00",
    undefined,
    ["2031-03-04T10:00", "2031-03-04T12:00"],
  ],
  [
    "nothing left out: the validity",
    window("00:00", "24:00"),
    "2031-03-04T12:00",
    "2031-01-01T11:00:00Z 2031-12-31T11:00:00Z",
    ["2031-01-01T12:00", "2031-12-31T12:00"],
  ],
  [
    "nothing left out but one day far away",
    { ...window("00:00", "24:00"), exceptions: [{ date: "2031-09-10", windows: [] }] },
    "2031-03-04T12:00",
    "2031-01-01T11:00:00Z 2031-09-09T22:00:00Z",
    ["2031-01-01T12:00", "2031-12-31T12:00"],
  ],
  ["never", { windows: [] }, "2031-03-04T12:00", undefined],
  // Spring: 02:00 to 03:00 does not exist on 30 March.
  [
    "over the hour that is missing",
    window("01:00", "04:00", [7]),
    "2031-03-30T00:30",
    "2031-03-30T00:00:00Z 2031-03-30T02:00:00Z",
  ],
  ["within the hour that is missing", window("02:15", "02:45", [7]), "2031-03-30T00:30", undefined],
  // Autumn: 02:00 to 03:00 comes twice on 26 October, and counts twice.
  [
    "over the hour that comes twice",
    window("01:00", "04:00", [7]),
    "2031-10-26T00:30",
    "2031-10-25T23:00:00Z 2031-10-26T03:00:00Z",
  ],
  [
    "within it, the first time",
    window("02:15", "02:45", [7]),
    "2031-10-26T00:30",
    "2031-10-26T00:15:00Z 2031-10-26T00:45:00Z",
  ],
  [
    "ends within it, the first time",
    window("01:00", "02:30", [7]),
    "2031-10-26T00:30",
    "2031-10-25T23:00:00Z 2031-10-26T00:30:00Z",
  ],
] as const)
  test(`the opening: ${what}`, () => {
    const valid = validity && { from: at(validity[0]), until: at(validity[1]) };
    assert.equal(opening(schedule, at(after), valid), expected);
  });

test("an opening that ends in the hour that comes twice opens again when clocks are set back", () => {
  const after = Date.parse("2031-10-26T00:30:00Z");
  assert.equal(opening(window("01:00", "02:30", [7]), after), "2031-10-26T01:00:00Z 2031-10-26T01:30:00Z");
});

const clock = fc
  .nat(96)
  .map((n) => `${String(Math.floor(n / 4)).padStart(2, "0")}:${String((n % 4) * 15).padStart(2, "0")}`);
const hours = fc.record({ from: clock, until: clock });
const schedules: fc.Arbitrary<WeeklySchedule> = fc.record({
  windows: fc.array(
    fc
      .record({ days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }) as fc.Arbitrary<Weekday>, { minLength: 1 }) })
      .chain(({ days }) => hours.map((one) => ({ days, ...one }))),
    { maxLength: 3 },
  ),
  exceptions: fc.array(
    fc.record({
      date: fc.constantFrom("2031-03-29", "2031-03-30", "2031-10-26", "2031-10-25"),
      windows: fc.array(hours, { maxLength: 2 }),
    }),
    { maxLength: 2 },
  ),
});

test("whatever the schedule and the night, it is the first stretch that covers() calls open, as long as it is", () => {
  const around = fc.constantFrom(Date.parse("2031-03-30T00:00Z"), Date.parse("2031-10-26T00:00Z"));
  fc.assert(
    fc.property(schedules, around, fc.integer({ min: -200, max: 200 }), (schedule, night, quarters) => {
      const after = night + quarters * quarter;
      const isOpen = (instant: number) => covers(schedule, localTimeAt(instant, zone));
      const validity = { from: night - 20 * day, until: night + 20 * day };
      const found = openingAt(schedule, validity, zone, after, 3 * day);
      let first = after;
      while (!isOpen(first) && first <= after + 3 * day) first += quarter;
      if (first > after + 3 * day) return assert.equal(found, undefined);
      assert.ok(found);
      assert.ok(found.from <= first && first < found.until);
      if (found.from > after) assert.equal(found.from, first);
      if (found.from > validity.from) assert.ok(!isOpen(found.from - 1), "begins where it was shut");
      for (let instant = found.from; instant < found.until; instant += quarter) assert.ok(isOpen(instant));
      if (found.until < validity.until) assert.ok(!isOpen(found.until), "ends where it is shut");
      assert.deepEqual(openingAt(schedule, validity, zone, found.until - 1, 0), found, "the same one until it ends");
    }),
    { numRuns: 60 },
  );
});
