/** When the code of a stay works beside other stays: as a table, over changes of the clocks, and for whatever stays. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stayMoments, usualRules } from "../../cloud-sync/domain/stay-planner.ts";
import { type BookedStay, windowBetween } from "../../cloud-sync/domain/stay-window.ts";
import fc from "../support/fast-check.ts";

const minute = 60_000;
const hour = 60 * minute;
const noon = Date.UTC(2031, 2, 4, 12);
const stay = (from: number, until: number, extraMinutes = 0): BookedStay => ({
  ...{ from: noon + from * hour, until: noon + until * hour, extraMinutes },
});
const rules = (cleaningMinutes: number, earlyMinutes = 0, lateMinutes = 0) => ({
  ...usualRules,
  ...{ cleaningMinutes, earlyMinutes, lateMinutes },
});
const hoursOf = (instant: number) => (instant - noon) / hour;

describe("the window", () => {
  for (const [what, one, beside, with_, expected, tight] of [
    ["alone: early, late and extra", stay(0, 20, 120), {}, rules(180, 60, 30), [-1, 22.5], false],
    [
      "late minutes end where the cleaning begins",
      stay(0, 20),
      { next: stay(24, 40) },
      rules(180, 0, 120),
      [0, 21],
      false,
    ],
    ["extra hours end there, too", stay(0, 20, 300), { next: stay(24, 40) }, rules(180), [0, 21], false],
    ["with room they go as they are", stay(0, 20, 60), { next: stay(24, 40) }, rules(180), [0, 21], false],
    [
      "too tight: checkout is checkout, and it is told",
      stay(0, 20, 60),
      { next: stay(22, 40) },
      rules(180, 0, 60),
      [0, 20],
      true,
    ],
    ["early minutes begin when it is clean", stay(24, 40), { before: stay(0, 20) }, rules(180, 120), [23, 40], false],
    [
      "early minutes after late ones of the stay before",
      stay(24, 40),
      { before: stay(0, 20) },
      rules(60, 240, 120),
      [23, 42],
      false,
    ],
    ["never later than check-in", stay(21, 40), { before: stay(0, 20, 300) }, rules(180, 60), [21, 40], false],
    ["a stay long before hinders nobody", stay(24, 40), { before: stay(-90, -80) }, rules(180, 120), [22, 40], false],
    ["nothing is kept: late minutes stay", stay(0, 20), { next: stay(20, 40) }, rules(0, 0, 60), [0, 21], false],
    [
      "nothing is kept: extra hours end with the next stay",
      stay(0, 20, 300),
      { next: stay(22, 40) },
      rules(0),
      [0, 22],
      false,
    ],
    [
      "nothing is kept, and nobody waits for cleaning",
      stay(20, 40),
      { before: stay(0, 20) },
      rules(0, 60),
      [19, 40],
      false,
    ],
  ] as const)
    test(what, () => {
      const { window, isTight } = windowBetween(one, beside, with_);
      assert.deepEqual([[hoursOf(window.from), hoursOf(window.until)], isTight], [expected, tight]);
    });

  for (const [what, checkOut, checkIn, expected] of [
    ["an ordinary Sunday", "2031-03-23", "2031-03-23", 2],
    ["the clocks go forward between checkout and check-in at night: an hour less", "2031-03-30", "2031-03-30", 1],
    ["the clocks go back: an hour more", "2031-10-26", "2031-10-26", 3],
  ] as const)
    test(`free for extra hours: ${what}`, () => {
      const days = (arrival: string, departure: string, from: string, until: string) =>
        stayMoments({ arrival, departure, checkIn: from, checkOut: until }, usualRules, "Europe/Madrid");
      const first = { ...days("2031-03-01", checkOut, "15:00", "01:00"), extraMinutes: 24 * 60 };
      const next = { ...days(checkIn, "2031-11-30", "06:00", "11:00"), extraMinutes: 0 };
      const { window, latest } = windowBetween(first, { next }, rules(180));
      assert.equal((window.until - first.until) / hour, expected);
      assert.equal(latest, window.until);
    });

  test("whatever stays: the stay itself is always covered, and neither code reaches into the cleaning where there is room for it", () => {
    const minutes = fc.integer({ min: 0, max: 1_440 });
    const gap = fc.integer({ min: 0, max: 96 * 60 });
    fc.assert(
      fc.property(gap, minutes, minutes, minutes, minutes, (gapMinutes, cleaning, early, late, extra) => {
        const first = stay(0, 20, extra);
        const next = {
          from: first.until + gapMinutes * minute,
          until: first.until + gapMinutes * minute + hour,
          extraMinutes: 0,
        };
        const of = rules(cleaning, early, late);
        const ended = windowBetween(first, { next }, of);
        const begun = windowBetween(next, { before: first }, of);
        assert.ok(ended.window.from <= first.from && ended.window.until >= first.until);
        assert.ok(begun.window.from <= next.from && begun.window.until >= next.until);
        assert.equal(ended.isTight, gapMinutes < cleaning);
        if (cleaning === 0) return;
        const free = Math.min(begun.window.from, next.from) - ended.window.until;
        if (!ended.isTight) assert.ok(free >= cleaning * minute, `${free / minute} of ${cleaning}`);
      }),
    );
  });
});
