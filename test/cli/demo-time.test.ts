/** The time machine's own rules; that a whole demo leaps is shown in a browser (test/browser/demo-stays.test.ts). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DemoClock } from "../../cli/demo-clock.ts";
import { DemoTime, type DemoTimeOptions } from "../../cli/demo-time.ts";
import type { Landmark } from "../../firmware-sim/time-machine.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { until } from "../support/until.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

function givenTime(change: Partial<DemoTimeOptions> = {}) {
  const clock = change.clock ?? new DemoClock(0);
  const told: string[] = [];
  let isCut = false;
  const checkouts: Landmark[] = [];
  const time = new DemoTime({
    clock,
    zone: "UTC",
    services: ["gateway", "cloud"].map((name) => ({
      leapTo: async (aheadMs: number) => {
        told.push(`${name} ${aheadMs / hourMs} h${isCut ? "" : " with the line in"}`);
        return true;
      },
    })),
    internet: {
      interrupt: async (during) => {
        isCut = true;
        await during();
        isCut = false;
      },
    },
    landmarks: () => ({ checkIns: [], checkouts: checkouts.filter(({ at }) => at > clock.wall()) }),
    keep: async (aheadMs) => void told.push(`kept ${aheadMs / hourMs} h`),
    isInStep: async () => true,
    isNothingUnderWay: async () => true,
    onChange: () => undefined,
    logger: silentLogger,
    ...change,
  });
  return { clock, time, told, checkouts, there: () => until("time is there", () => time.view().leap === null) };
}

test("every program leaps to the same time while none can talk to another, once that time is written down", async () => {
  const { time, told, clock, there } = givenTime();

  await time.leap(hourMs);
  assert.deepEqual(time.view().leap, { fromMs: 0, toMs: hourMs });
  await there();

  assert.deepEqual(told, ["kept 1 h", "gateway 1 h", "cloud 1 h"]);
  assert.equal(clock.aheadMs, hourMs);
});

test("on its way it stops where somebody leaves", async () => {
  const { time, clock, checkouts, there } = givenTime();
  const seen: number[] = [];
  checkouts.push({ guest: "Greta", at: clock.wall() + hourMs / 2 });
  const leapTo = clock.leapTo.bind(clock);
  clock.leapTo = (aheadMs) => {
    leapTo(aheadMs);
    seen.push(time.view().nextCheckout ? 0 : aheadMs);
  };

  await time.leap(hourMs);
  await there();

  assert.equal(seen.length, 2);
  assert.ok(seen[0]! > 0 && seen[0]! <= hourMs / 2 + 1_000, "the first stop lies just behind the checkout");
  assert.equal(seen[1], hourMs);
});

test("one leap at a time, 8 days at most, and 60 days in all", async () => {
  const { time, told, there } = givenTime({ clock: new DemoClock(60 * dayMs - hourMs) });

  await assert.rejects(time.leap(8 * dayMs + 1), { code: "too-far" });
  await assert.rejects(time.leap(2 * hourMs), { code: "too-late" });
  assert.deepEqual(told, []);
  const first = time.leap(hourMs);
  await assert.rejects(time.leap(1), { code: "leaping" });
  await first;
  await there();
  assert.equal(time.view().leftMs, 0);
});

test("a time that cannot be written down is not leapt to", async () => {
  const { time, clock } = givenTime({ keep: () => Promise.reject(new Error("the disk is full")) });

  await assert.rejects(time.leap(hourMs), /the disk is full/);

  assert.deepEqual([clock.aheadMs, time.view().leap], [0, null]);
});

test("it ends when the demo does, wherever it has come to", async () => {
  const { time, clock } = givenTime();
  await time.leap(7 * dayMs);
  await until("it is on its way", () => clock.aheadMs > 0);

  await time.stop();

  assert.ok(clock.aheadMs < 7 * dayMs);
  assert.equal(time.view().leap, null);
});
