/** What a source of bookings tells, against what is known: it is a hint, and a hint takes no code from a guest in the house, nor many at once. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  goneApartMs,
  goneTimes,
  isBlockOf,
  isGone,
  type KnownBooking,
  missedAgain,
  reconcile,
  type ToldBooking,
} from "../../cloud-sync/domain/reconcile-bookings.ts";
import { bookingStatuses } from "../../cloud-sync/domain/stay-planner.ts";
import fc from "../support/fast-check.ts";

const day = 24 * 3_600_000;
const now = 100 * day;

function aKnown(number: number, from: number, until: number, more: Partial<KnownBooking> = {}): KnownBooking {
  const text = (at: number) => new Date(at * day).toISOString().slice(0, 10);
  return {
    id: `b${number}`,
    externalId: `x${number}`,
    status: "confirmed",
    property: "flat",
    days: { arrival: text(from), departure: text(until), checkIn: null, checkOut: null },
    guest: { name: "Ada", phone: null, email: null, language: null },
    moments: { from: from * day, until: until * day },
    held: null,
    refused: null,
    ...more,
  };
}
const aTold = (number: number, from: number, until: number, more: Partial<ToldBooking> = {}): ToldBooking => {
  const { id: _, held: _h, refused: _r, ...told } = aKnown(number, from, until);
  return { ...told, ...more };
};

const staying = aKnown(1, 98, 103);
const coming = [aKnown(2, 105, 108), aKnown(3, 110, 112), aKnown(4, 115, 119)];
const known = [staying, ...coming];
const cancelled = { status: "cancelled" } as const;

describe("what follows from what is told", () => {
  for (const [what, told, steps] of [
    ["nothing at all: nothing", [], []],
    ["the same once more: nothing", [aTold(1, 98, 103), aTold(2, 105, 108)], []],
    ["a new one", [aTold(9, 120, 121)], [["add", "x9"]]],
    ["a new one that is cancelled already: nothing", [aTold(9, 120, 121, cancelled)], []],
    ["a new one that is over: nothing", [aTold(9, 90, 91)], []],
    ["the guest stays on", [aTold(1, 98, 105)], [["change", "b1"]]],
    ["one that comes is cancelled", [aTold(2, 105, 108, cancelled)], [["change", "b2"]]],
    ["one that comes is moved", [aTold(2, 106, 109)], [["change", "b2"]]],
    ["the guest in the house is cancelled", [aTold(1, 98, 103, cancelled)], [["hold", "b1", "in-house"]]],
    ["the guest in the house is moved to next month", [aTold(1, 130, 135)], [["hold", "b1", "in-house"]]],
    ["the guest in the house is to leave sooner", [aTold(1, 98, 101)], [["hold", "b1", "in-house"]]],
    [
      "the guest in the house is given another flat",
      [aTold(1, 98, 103, { property: "other" })],
      [["hold", "b1", "in-house"]],
    ],
    [
      "half of them are cancelled",
      [2, 3].map((one) => aTold(one, 98 + one, 99 + one, cancelled)),
      [
        ["hold", "b2", "many"],
        ["hold", "b3", "many"],
      ],
    ],
    [
      "all of them are longer",
      [aTold(1, 98, 104), aTold(2, 105, 109), aTold(3, 110, 113)],
      [
        ["change", "b1"],
        ["change", "b2"],
        ["change", "b3"],
      ],
    ],
  ] as const)
    test(what, () => {
      const found = reconcile(known, told as readonly ToldBooking[], now).map((step) =>
        step.do === "add"
          ? ["add", step.told.externalId]
          : step.do === "hold"
            ? ["hold", step.id, step.why]
            : [step.do, step.id],
      );
      assert.deepEqual(found, steps);
    });

  test("what waits for the owner's word, and what it was refused, is not asked again; told as before, nothing waits", () => {
    const off = aTold(1, 98, 103, cancelled);
    for (const asked of [{ held: off }, { refused: off }])
      assert.deepEqual(reconcile([{ ...staying, ...asked }], [off], now), []);
    assert.deepEqual(reconcile([{ ...staying, held: off }], [aTold(1, 98, 103)], now), [{ do: "release", id: "b1" }]);
    const [other] = reconcile([{ ...staying, refused: off }], [aTold(1, 98, 101)], now);
    assert.equal(other?.do, "hold");
  });

  test("of two hundred stays some are cancelled at once: up to a fifth go, more wait", () => {
    const many = Array.from({ length: 200 }, (_, number) => aKnown(number, 110, 115));
    const off = (count: number) => many.slice(0, count).map((_, number) => aTold(number, 110, 115, cancelled));
    assert.ok(reconcile(many, off(40), now).every((step) => step.do === "change"));
    assert.ok(reconcile(many, off(41), now).every((step) => step.do === "hold"));
  });
});

describe("one that is not there any more", () => {
  for (const [what, times] of [
    ["asked for by itself: off once it was not known twice, half an hour apart", goneTimes.asked],
    ["not listed: off once it was not there three times, half an hour apart", goneTimes.listed],
  ] as const)
    test(what, () => {
      let missing = missedAgain(null, now);
      assert.ok(!isGone(missing, times, now + day));
      for (let time = 2; time < times; time += 1) missing = missedAgain(missing, now);
      assert.ok(!isGone(missing, times, now + day));
      assert.ok(!isGone(missedAgain(missing, now), times, now + goneApartMs - 1));
      assert.ok(isGone(missedAgain(missing, now), times, now + goneApartMs));
    });

  const hour = day / 24;
  for (const [what, begins, doubt, step] of [
    ["cancelled in so many words, an hour before it begins: it goes", hour, undefined, "change"],
    ["not there, a day before it begins: it goes", day, "missing", "change"],
    ["not there, an hour before it begins: it waits", hour, "missing", "arriving"],
    ["not there, two hours before it begins: it waits", 2 * hour, "missing", "arriving"],
    ["not there, while the guest is in the house: it waits", -hour, "missing", "in-house"],
    ["nothing is there for a day: it waits, whenever it begins", 9 * day, "empty", "empty"],
  ] as const)
    test(what, () => {
      const from = aKnown(1, 0, 0, { moments: { from: now + begins, until: now + begins + 3 * day } });
      const [found] = reconcile([from], [{ ...from, ...cancelled, doubt }], now);
      assert.equal(found?.do === "hold" ? found.why : found?.do, step);
    });
});

describe("of two calendars that block each other's days the stay is one", () => {
  const days = { arrival: "2031-03-05", departure: "2031-03-08" };
  const told = { property: "flat", days: { ...days, checkIn: null, checkOut: null } };
  for (const [what, elsewhere, createdAt, isBlock] of [
    ["a guest there", { mayBeBlock: false }, undefined, true],
    ["a guest there, and known here for longer", { mayBeBlock: false }, now - day, true],
    ["closed days there, known before", { mayBeBlock: true }, now + 1, true],
    ["closed days there, known after", { mayBeBlock: true }, now - 1, false],
    ["a guest of these days and more", { days: { ...days, departure: "2031-03-09" } }, undefined, true],
    ["a guest of all these days but one", { days: { ...days, departure: "2031-03-07" } }, undefined, false],
    [
      "closed days there that are more",
      { mayBeBlock: true, days: { ...days, departure: "2031-03-09" } },
      undefined,
      false,
    ],
    ["a guest of another flat", { property: "other" }, undefined, false],
  ] as const)
    test(`${what}: ${isBlock ? "no" : "a"} stay here`, () => {
      const other = { property: "flat", days, mayBeBlock: false, createdAt: now, ...elsewhere };
      assert.equal(isBlockOf({ ...told, createdAt }, [other]), isBlock);
    });

  test("two guests there, one after the other: no stay here; with a night between them: a stay", () => {
    const guest = (arrival: string, departure: string) => ({
      property: "flat",
      days: { arrival, departure },
      mayBeBlock: false,
      createdAt: now,
    });
    const [first, next] = [guest("2031-03-04", "2031-03-06"), guest("2031-03-06", "2031-03-08")];
    assert.ok(isBlockOf(told, [next, first]));
    assert.ok(!isBlockOf(told, [first, guest("2031-03-07", "2031-03-09")]));
  });
});

test("whatever a source tells, a guest in the house keeps the code as it is or longer, and what is not told stays", () => {
  const told = fc.record({
    number: fc.integer({ min: 1, max: 8 }),
    from: fc.integer({ min: 80, max: 120 }),
    nights: fc.integer({ min: 1, max: 20 }),
    status: fc.constantFrom(...bookingStatuses),
    property: fc.constantFrom("flat", "other"),
  });
  fc.assert(
    fc.property(fc.uniqueArray(told, { selector: ({ number }) => number, maxLength: 8 }), (all) => {
      const answers = all.map(({ number, from, nights, status, property }) =>
        aTold(number, from, from + nights, { status, property }),
      );
      const steps = reconcile(known, answers, now);
      const changed = steps.flatMap((step) => (step.do === "change" ? [step] : []));
      for (const { id, to } of changed.filter((step) => step.id === "b1")) {
        assert.equal(id, "b1");
        assert.ok(to.moments.from <= now && to.moments.until >= staying.moments.until && to.property === "flat");
        assert.ok(to.status === "confirmed" || to.status === "tentative");
      }
      const gone = changed.filter(({ to }) => to.status === "cancelled" || to.status === "completed");
      assert.ok(gone.length <= 1);
      const named = new Set(answers.map(({ externalId }) => externalId));
      for (const step of steps)
        if (step.do !== "add") assert.ok(named.has(known.find(({ id }) => id === step.id)!.externalId));
    }),
    { numRuns: 2_000 },
  );
});
