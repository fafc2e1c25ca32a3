/** When the code of a stay works, and what there is to do about it: as tables, and for whatever booking. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isWeakPin, makePin, usualShape } from "../../cloud-sync/domain/pin-policy.ts";
import {
  bookingStatuses,
  codeWindow,
  phoneDigits,
  planStay,
  type StayGrant,
  type StayRules,
  stayMoments,
  usualRules,
  type WantedStay,
} from "../../cloud-sync/domain/stay-planner.ts";
import fc from "../support/fast-check.ts";

const hour = 3_600_000;
const instant = (text: string) => Date.parse(text);
const days = (arrival: string, departure: string, checkIn: string | null = null, checkOut: string | null = null) => ({
  arrival,
  departure,
  checkIn,
  checkOut,
});

describe("when a stay begins and ends", () => {
  for (const [what, zone, stay, rules, from, until] of [
    ["winter", "Europe/Madrid", days("2031-01-10", "2031-01-12"), {}, "2031-01-10T14:00Z", "2031-01-12T10:00Z"],
    ["summer", "Europe/Madrid", days("2031-07-10", "2031-07-12"), {}, "2031-07-10T13:00Z", "2031-07-12T09:00Z"],
    [
      "over the clocks' going forward",
      "Europe/Madrid",
      days("2026-03-28", "2026-03-29"),
      {},
      "2026-03-28T14:00Z",
      "2026-03-29T09:00Z",
    ],
    [
      "over their going back",
      "Europe/Madrid",
      days("2026-10-24", "2026-10-25"),
      {},
      "2026-10-24T13:00Z",
      "2026-10-25T10:00Z",
    ],
    [
      "the Canaries, an hour behind",
      "Atlantic/Canary",
      days("2026-10-24", "2026-10-25"),
      {},
      "2026-10-24T14:00Z",
      "2026-10-25T11:00Z",
    ],
    [
      "New York's own Sunday",
      "America/New_York",
      days("2026-10-31", "2026-11-01"),
      {},
      "2026-10-31T19:00Z",
      "2026-11-01T16:00Z",
    ],
    [
      "check-in in the hour that is skipped",
      "Europe/Madrid",
      days("2026-03-29", "2026-03-30", "02:30"),
      {},
      "2026-03-29T01:30Z",
      "2026-03-30T09:00Z",
    ],
    [
      "check-in in the hour that is repeated: the first",
      "Europe/Madrid",
      days("2026-10-25", "2026-10-26", "02:30"),
      {},
      "2026-10-25T00:30Z",
      "2026-10-26T10:00Z",
    ],
    [
      "checkout in the hour that is repeated: the second",
      "Europe/Madrid",
      days("2026-10-24", "2026-10-25", null, "02:30"),
      {},
      "2026-10-24T13:00Z",
      "2026-10-25T01:30Z",
    ],
    [
      "a zone that skipped a whole day",
      "Pacific/Apia",
      days("2011-12-29", "2011-12-31"),
      {},
      "2011-12-30T01:00Z",
      "2011-12-30T21:00Z",
    ],
    [
      "hours of the booking's own",
      "Europe/Madrid",
      days("2031-01-10", "2031-01-12", "12:15", "18:45"),
      {},
      "2031-01-10T11:15Z",
      "2031-01-12T17:45Z",
    ],
    [
      "hours of the property's",
      "Europe/Madrid",
      days("2031-01-10", "2031-01-12"),
      { checkIn: "16:00", checkOut: "10:30" },
      "2031-01-10T15:00Z",
      "2031-01-12T09:30Z",
    ],
  ] as const)
    test(what, () => {
      const moments = stayMoments(stay, { ...usualRules, ...rules }, zone);
      assert.deepEqual(moments, { from: instant(from), until: instant(until) });
    });

  test("the code works by as much longer as the property says, in true minutes", () => {
    const rules: StayRules = { ...usualRules, earlyMinutes: 30, lateMinutes: 90 };
    assert.deepEqual(codeWindow({ from: 10 * hour, until: 20 * hour }, rules), {
      from: 9.5 * hour,
      until: 21.5 * hour,
    });
  });

  test("of whatever days in whatever zone, a stay ends after it begins, and a code is never shorter than its stay", () => {
    const zones = ["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"];
    const time = fc.integer({ min: 0, max: 1_439 }).map((minute) => {
      const two = (number: number) => String(number).padStart(2, "0");
      return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 2, max: 60 }),
        time,
        time,
        (zone, start, nights, checkIn, checkOut) => {
          const arrival = Temporal.PlainDate.from("1990-01-01").add({ days: start });
          const stay = days(arrival.toString(), arrival.add({ days: nights }).toString(), checkIn, checkOut);
          const moments = stayMoments(stay, usualRules, zone);
          assert.ok(moments.from < moments.until);
          const window = codeWindow(moments, { ...usualRules, earlyMinutes: 15, lateMinutes: 15 });
          assert.ok(window.from < moments.from && moments.until < window.until);
        },
      ),
    );
  });
});

const now = 1_000 * hour;
const wanted: WantedStay = {
  status: "confirmed",
  window: { from: now + 10 * hour, until: now + 50 * hour },
  accessPoints: ["front", "flat"],
  guest: "Ada",
  aheadHours: 48,
};
const grant: StayGrant = { ...wanted, validity: wanted.window, revoked: false };
const running = { from: now - 10 * hour, until: now + 10 * hour };
const over = { from: now - 50 * hour, until: now };

describe("what there is to do for a booking", () => {
  const nothing = { do: "nothing", lookAt: null };
  const revokedByHand = { ...nothing, problem: "revoked" };
  for (const [what, change, its, step] of [
    ["it comes soon: its code is made", {}, undefined, { do: "make" }],
    ["it began without one: its code is made", { window: running }, undefined, { do: "make" }],
    [
      "it is far away: not yet",
      { window: { from: now + 49 * hour, until: now + 90 * hour } },
      undefined,
      { do: "nothing", lookAt: now + hour },
    ],
    ["it is over: nothing", { window: over }, undefined, nothing],
    ["tentative: none", { status: "tentative" }, undefined, nothing],
    ["tentative again: it keeps the one it has", { status: "tentative" }, grant, nothing],
    ["cancelled without a code: nothing", { status: "cancelled" }, undefined, nothing],
    ["as it is: nothing", {}, grant, nothing],
    ["the same doors in another order: nothing", { accessPoints: ["flat", "front"] }, grant, nothing],
    [
      "extended: the same code longer",
      { window: { ...wanted.window, until: now + 99 * hour } },
      grant,
      { do: "change" },
    ],
    ["extended after its code ended", { window: running }, { ...grant, validity: over }, { do: "change" }],
    [
      "moved to far away: the same code then",
      { window: { from: now + 900 * hour, until: now + 950 * hour } },
      grant,
      { do: "change" },
    ],
    ["another room", { accessPoints: ["front", "other"] }, grant, { do: "change" }],
    ["another guest's name", { guest: "Ada L." }, grant, { do: "change" }],
    ["cancelled: it goes", { status: "cancelled" }, grant, { do: "revoke" }],
    [
      "cancelled in the house: it goes",
      { status: "cancelled", window: running },
      { ...grant, validity: running },
      { do: "revoke" },
    ],
    [
      "left early: it goes",
      { status: "completed", window: running },
      { ...grant, validity: running },
      { do: "revoke" },
    ],
    ["shortened to before now: it goes", { window: over }, grant, { do: "revoke" }],
    [
      "completed after its code ended: nothing",
      { status: "completed", window: over },
      { ...grant, validity: over },
      nothing,
    ],
    ["somebody has revoked it by hand: it stays so", {}, { ...grant, revoked: true }, revokedByHand],
    ["extended, and revoked by hand: it stays so", { window: running }, { ...grant, revoked: true }, revokedByHand],
    ["tentative, in another room", { status: "tentative", accessPoints: ["other"] }, grant, { do: "change" }],
    ["tentative, and over: nothing", { status: "tentative", window: running }, { ...grant, validity: over }, nothing],
    [
      "it is to begin later, and its guest may be inside: it goes on working",
      { window: { from: now + hour, until: now + 20 * hour } },
      { ...grant, validity: running },
      { do: "change", window: { from: running.from, until: now + 20 * hour } },
    ],
    [
      "it is to begin later and does so far: nothing",
      { window: { from: now + hour, until: running.until } },
      { ...grant, validity: running },
      nothing,
    ],
    [
      "its hours are upside down: it is told, and the code stays",
      { window: { from: now + 9 * hour, until: now + 5 * hour } },
      grant,
      { ...nothing, problem: "no-time" },
    ],
    [
      "its hours are upside down, and it is cancelled: it goes",
      { status: "cancelled", window: { from: now + 9 * hour, until: now + 5 * hour } },
      grant,
      { do: "revoke" },
    ],
  ] as const)
    test(what, () => {
      const full = { ...wanted, ...change } as WantedStay;
      const withWindow = step.do === "make" || step.do === "change" ? { window: full.window, ...step } : step;
      assert.deepEqual(planStay(full, its as StayGrant | undefined, now), withWindow);
    });

  test("done once there is nothing more to do; and only what is clearly off takes a code away", () => {
    const moment = fc.integer({ min: -100, max: 100 }).map((hours) => now + hours * hour);
    const span = fc
      .tuple(moment, fc.integer({ min: 1, max: 100 }))
      .map(([from, hours]) => ({ from, until: from + hours * hour }));
    const doors = fc.constantFrom(["front"], ["front", "flat"]);
    const aStay = fc.record({
      status: fc.constantFrom(...bookingStatuses),
      window: span,
      accessPoints: doors,
      guest: fc.constantFrom("Ada", "Bo"),
      aheadHours: fc.constantFrom(1, 48, 72),
    });
    const aGrant = fc.option(
      fc.record({ validity: span, accessPoints: doors, guest: fc.constantFrom("Ada", "Bo"), revoked: fc.boolean() }),
      { nil: undefined },
    );
    fc.assert(
      fc.property(aStay, aGrant, (stay, its) => {
        const step = planStay(stay, its, now);
        if (step.do === "revoke") {
          assert.ok(stay.status === "cancelled" || stay.status === "completed" || stay.window.until <= now);
          assert.ok(its && !its.revoked);
        }
        if (step.do === "nothing") return;
        const { accessPoints, guest, window } = stay;
        if (step.do !== "revoke") {
          assert.equal(step.window.until, window.until);
          assert.ok(
            step.window.from === window.from || (its && its.validity.from <= now && step.window.from < window.from),
          );
        }
        const done = step.do === "revoke" ? undefined : { validity: step.window, accessPoints, guest, revoked: false };
        assert.equal(planStay(stay, done, now).do, "nothing");
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("the digits of a code", () => {
  for (const pin of ["1111", "999999", "1234", "34567", "987654", "4343", "434343", "571571", "0000"])
    test(`${pin} is weak`, () => assert.ok(isWeakPin(pin)));
  for (const pin of ["1357", "4434", "571572", "9182", "4321987", "12321"])
    test(`${pin} is not`, () => assert.ok(!isWeakPin(pin)));

  test("are never weak ones", () => {
    const order = [2, 2, 2, 2, 2, 2, 4, 6, 0, 8, 1, 3];
    assert.equal(
      makePin(6, usualShape, () => order.shift() ?? 0),
      "571924",
    );
  });

  for (const [phone, length, digits] of [
    ["+34 612 345 678", 4, "5678"],
    ["(0034) 612-34-56-78", 6, "345678"],
    ["678", 4, undefined],
    [null, 4, undefined],
    ["no number", 4, undefined],
  ] as const)
    test(`of ${phone}: ${digits}`, () => assert.equal(phoneDigits(phone, length), digits));
});
