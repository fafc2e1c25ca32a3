/** How many spare codes a property holds, and which go: as a table, and over time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { planPool, type Spare, spareTimes } from "../../cloud-sync/domain/spare-pool.ts";
import fc from "../support/fast-check.ts";

const hour = 3_600_000;
const day = 24 * hour;
const now = Date.UTC(2031, 2, 4, 12);
const spare = (id: string, more: Partial<Spare> = {}): Spare => ({
  ...{ id, madeAt: now - day, isOfDoors: true, standing: "ready" },
  ...more,
});
const waiting = { standing: "waiting" } as const;
const failed = { standing: "failed" } as const;

describe("a pool", () => {
  for (const [what, wanted, spares, failedAt, retired, make, lookAfter] of [
    ["is made", 2, [], null, [], 2, spareTimes.waitingLookMs],
    ["that is whole is looked at now and then", 1, [spare("a")], null, [], 0, spareTimes.readyLookMs],
    ["waits for its locks", 1, [spare("a", waiting)], null, [], 0, spareTimes.waitingLookMs],
    ["is not wanted", 0, [spare("a"), spare("b", waiting)], null, ["a surplus", "b surplus"], 0, null],
    ["has nothing and is not wanted", 0, [], null, [], 0, null],
    [
      "is wanted smaller: the proven stay",
      1,
      [spare("a", waiting), spare("b")],
      null,
      ["a surplus"],
      0,
      spareTimes.readyLookMs,
    ],
    [
      "of other doors is made anew",
      1,
      [spare("a", { isOfDoors: false })],
      null,
      ["a doors"],
      1,
      spareTimes.waitingLookMs,
    ],
    ["has failed: made anew an hour later", 1, [spare("a", failed)], null, ["a failed"], 0, hour],
    ["has failed half an hour ago", 1, [], now - hour / 2, [], 0, hour / 2],
    ["has failed an hour ago", 1, [], now - hour, [], 1, spareTimes.waitingLookMs],
    ["has a successor in time", 1, [spare("a", { madeAt: now - 83 * day })], null, [], 1, spareTimes.waitingLookMs],
    [
      "goes after 90 days",
      1,
      [spare("a", { madeAt: now - 90 * day }), spare("b")],
      null,
      ["a old"],
      0,
      spareTimes.readyLookMs,
    ],
    [
      "one day before that it stays beside its successor",
      1,
      [spare("a", { madeAt: now - 89 * day }), spare("b")],
      null,
      [],
      0,
      spareTimes.readyLookMs,
    ],
  ] as const)
    test(what, () => {
      const plan = planPool({ wanted, spares, failedAt }, now);
      assert.deepEqual(
        [plan.retire.map(({ id, why }) => `${id} ${why}`), plan.make, plan.lookAt === null ? null : plan.lookAt - now],
        [retired, make, lookAfter],
      );
    });

  test("whatever happens to its codes, it is never larger than wanted and their successors, and comes to rest", () => {
    const standings = fc.constantFrom("ready", "waiting", "failed") as fc.Arbitrary<Spare["standing"]>;
    const anySpare = fc.record({
      madeAt: fc.integer({ min: now - 100 * day, max: now }),
      isOfDoors: fc.boolean(),
      standing: standings,
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.array(anySpare, { maxLength: 12 }), (wanted, made) => {
        const spares = made.map((one, index) => ({ id: `spare-${index}`, ...one }));
        const plan = planPool({ wanted, spares, failedAt: null }, now);
        const gone = new Set(plan.retire.map(({ id }) => id));
        assert.equal(gone.size, plan.retire.length, "each goes once");
        const left = spares.filter(({ id }) => !gone.has(id));
        const young = left.filter(({ madeAt }) => now - madeAt < spareTimes.rotateMs - spareTimes.successorMs);
        assert.ok(left.every(({ isOfDoors, standing }) => isOfDoors && standing !== "failed"));
        assert.ok(young.length + plan.make <= wanted);
        const fresh = Array.from({ length: plan.make }, (_, index) => spare(`new-${index}`, { madeAt: now }));
        const again = planPool({ wanted, spares: [...left, ...fresh], failedAt: null }, now);
        assert.deepEqual(again.retire, []);
      }),
    );
  });
});
