/** Which schedules a lock keeps by itself, for which it may be written, and which it cannot honour. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HoursConstraints } from "../../gateway/domain/lock-code.ts";
import { covers, localTimeAt, type Weekday, type WeeklySchedule } from "../../gateway/domain/schedule.ts";
import { hoursCover, planHours } from "../../gateway/domain/week-hours.ts";
import fc from "../support/fast-check.ts";

const zone = "Europe/Madrid";
const validity = { from: Date.parse("2031-03-01T12:00Z"), until: Date.parse("2031-05-01T12:00Z") };
const nuki: HoursConstraints = { native: "one-span", zone, openingsPerWeekMax: 2 };
const everyDay = [1, 2, 3, 4, 5, 6, 7] as const;
const workdays = [1, 2, 3, 4, 5] as const;
const on = (days: readonly Weekday[], from: string, until: string) => ({ days, from, until });
const kept = (days: readonly Weekday[], from: number, until: number) => ({ by: "lock", hours: { days, from, until } });
const written = (openings: number) => ({ by: "writing", openings });
const not = (openings: number) => ({ by: "nobody", openings });

for (const [what, windows, expected, more] of [
  ["one span on some days", [on(workdays, "09:00", "12:30")], kept(workdays, 540, 750)],
  [
    "the same, day by day and hour by hour",
    [on([3], "09:00", "10:00"), on([1], "10:00", "12:00"), on([1], "09:00", "10:30"), on([3], "10:00", "12:00")],
    kept([1, 3], 540, 720),
  ],
  ["whole days", [on([6, 7], "00:00", "24:00")], kept([6, 7], 0, 1440)],
  ["whole days, of two halves", [on([6], "00:00", "12:00"), on([6], "12:00", "24:00")], kept([6], 0, 1440)],
  [
    "from one day's end to its end is the whole day and the next one's beginning",
    [on([6], "08:00", "08:00")],
    written(1),
  ],
  ["every hour of the week", [on(everyDay, "00:00", "24:00")], { by: "nothing" }],
  ["every hour, past midnight", [on(everyDay, "07:00", "07:00")], { by: "nothing" }],
  ["until midnight", [on([6], "18:00", "24:00")], written(1)],
  ["past midnight", [on([5, 6], "22:00", "02:00")], written(2)],
  ["past midnight every day", [on(everyDay, "22:00", "06:00")], not(7)],
  ["past the week's end, and on from there", [on([7], "22:00", "06:00"), on([1], "06:00", "08:00")], written(1)],
  ["two spans a day", [on([1], "09:00", "12:00"), on([1], "14:00", "18:00")], written(2)],
  ["other hours on another day", [on([1], "09:00", "12:00"), on([2], "09:00", "13:00")], written(2)],
  [
    "other hours on more days than the lock may be written for",
    [on([1], "08:00", "12:00"), on([2, 3, 4, 5], "09:00", "12:00")],
    not(5),
  ],
  ["never", [], written(0)],
  ["hours nobody can read", [on([1], "9", "12")], written(0)],
  ["by another zone's clock", [on([1], "09:00", "12:00")], written(1), { lock: { ...nuki, zone: "Europe/London" } }],
  [
    "by the same zone under its old name",
    [on([1], "09:00", "12:00")],
    kept([1], 540, 720),
    { zone: "Asia/Kolkata", lock: { ...nuki, zone: "Asia/Calcutta" } },
  ],
  [
    "a lock whose zone nobody has said",
    [on([1], "09:00", "12:00")],
    written(1),
    { lock: { native: "one-span", openingsPerWeekMax: 2 } },
  ],
  [
    "a lock that knows no hours and may not be written",
    [on([1], "09:00", "12:00")],
    not(1),
    { lock: { native: "none", openingsPerWeekMax: 0 } },
  ],
  ["a lock that says nothing of hours", [on([1], "09:00", "12:00")], not(1), { lock: undefined }],
  [
    "a day of the validity that is closed",
    [on([1], "09:00", "12:00")],
    written(1),
    { exceptions: [{ date: "2031-03-10", windows: [] }] },
  ],
  [
    "exceptions of other times",
    [on([1], "09:00", "12:00")],
    kept([1], 540, 720),
    {
      exceptions: [
        { date: "2031-02-27", windows: [] },
        { date: "2031-05-02", windows: [] },
      ],
    },
  ],
  [
    "more openings in one week",
    [on([1], "09:00", "12:00")],
    not(3),
    {
      exceptions: ["2031-03-11", "2031-03-13", "2031-03-25"].map((date) => ({
        date,
        windows: [{ from: "09:00", until: "12:00" }],
      })),
    },
  ],
] as const)
  test(`${what}: ${expected.by}`, () => {
    const given = { lock: nuki, zone, exceptions: undefined, ...(more as object) } as {
      lock: HoursConstraints;
      zone: string;
      exceptions?: WeeklySchedule["exceptions"];
    };
    const schedule = { windows, ...(given.exceptions && { exceptions: given.exceptions }) };
    assert.deepEqual(planHours(schedule, validity, given.zone, given.lock), expected);
  });

test("a zone nobody knows is no plan", () => {
  assert.throws(() => planHours({ windows: [] }, validity, "Europe/Atlantis", nuki), RangeError);
});

test("what a lock keeps is what the schedule says, at every minute of a week in which clocks are set", () => {
  const clock = fc.nat(48).map((n) => `${String(Math.floor(n / 2)).padStart(2, "0")}:${n % 2 === 0 ? "00" : "30"}`);
  const days = fc.uniqueArray(fc.integer({ min: 1, max: 7 }) as fc.Arbitrary<Weekday>, { minLength: 1 });
  const windows = fc.array(fc.record({ days, from: clock, until: clock }), { minLength: 1, maxLength: 2 });
  const sunday = fc.constantFrom(Date.parse("2031-03-30T00:00Z"), Date.parse("2031-10-26T00:00Z"));
  let keptOnes = 0;
  fc.assert(
    fc.property(windows, sunday, (given, night) => {
      const plan = planHours({ windows: given }, validity, zone, nuki);
      if (plan.by !== "lock") return;
      keptOnes += 1;
      for (let at = night - 3 * 86_400_000; at < night + 4 * 86_400_000; at += 600_000)
        assert.equal(hoursCover(plan.hours, at, zone), covers({ windows: given }, localTimeAt(at, zone)));
    }),
    { numRuns: 60 },
  );
  assert.ok(keptOnes >= 10, `${keptOnes} were looked at`);
});
