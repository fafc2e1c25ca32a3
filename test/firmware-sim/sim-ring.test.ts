/** The Ring lock and the intercom as things: what hands and motors do to them, without any service. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { SimRingIntercom } from "../../firmware-sim/sim-ring-intercom.ts";
import { SimRingLock } from "../../firmware-sim/sim-ring-lock.ts";
import { SimClock } from "../support/sim-clock.ts";

function givenLock() {
  const clock = new SimClock(Date.UTC(2031, 2, 4, 12));
  const lock = new SimRingLock({ zid: "zid-1", name: "Front door", clock });
  const intercom = new SimRingIntercom({ id: 1, name: "Street door", clock });
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end)) await turn();
    await turn();
  };
  return { lock, intercom, pass };
}

test("the motor takes its time, and turns round when it is told otherwise", async () => {
  const { lock, pass } = givenLock();
  lock.obey("unlock");
  await pass(1_000);
  assert.equal(lock.report().locked, "locked");
  lock.obey("lock");
  await pass(1_000);
  assert.equal(lock.bolt, "out", "the first command was overtaken");
  lock.obey("unlock");
  await pass(1_500);
  assert.deepEqual([lock.bolt, lock.report().locked], ["back", "unlocked"]);
});

test("a hand is quicker than the motor", async () => {
  const { lock, pass } = givenLock();
  lock.obey("unlock");
  await pass(500);
  lock.turnThumb("locked");
  await pass(5_000);
  assert.deepEqual([lock.bolt, lock.report().locked], ["out", "locked"]);
});

test("a jammed bolt stays, by motor and by hand, and is told of only once the motor has tried", async () => {
  const { lock, pass } = givenLock();
  lock.jam();
  assert.equal(lock.report().locked, "locked");
  lock.obey("lock");
  await pass(2_000);
  assert.equal(lock.report().locked, "locked", "it is there already");
  lock.obey("unlock");
  await pass(2_000);
  assert.deepEqual([lock.bolt, lock.report().locked], ["out", "jammed"]);
  lock.turnThumb("unlocked");
  assert.equal(lock.bolt, "out");
  lock.unjam();
  assert.equal(lock.report().locked, "jammed");
  lock.obey("unlock");
  await pass(2_000);
  assert.deepEqual([lock.bolt, lock.report().locked], ["back", "unlocked"]);
});

test("an empty lock obeys nobody, notices no hand, and does not know where its bolt is afterwards", async () => {
  const { lock, pass } = givenLock();
  const levels = [100, 60, 20, 0].map((percent) => {
    lock.drainBattery(percent);
    return lock.report().batteryStatus;
  });
  assert.deepEqual(levels, ["full", "ok", "low", "none"]);
  assert.equal(lock.inReach, false);
  lock.obey("unlock");
  await pass(2_000);
  assert.equal(lock.bolt, "out");
  lock.turnThumb("unlocked");
  assert.deepEqual([lock.bolt, lock.report().locked], ["back", "locked"]);
  lock.drainBattery(100);
  assert.equal(lock.report().locked, "unknown");
  lock.obey("lock");
  await pass(2_000);
  assert.equal(lock.report().locked, "locked");
  assert.throws(() => lock.drainBattery(101), RangeError);
});

test("each thing that changes is told", () => {
  const { lock } = givenLock();
  const told: string[] = [];
  const stop = lock.onChange(() => told.push(`${lock.report().tamperStatus} ${lock.inReach}`));
  lock.openCover();
  lock.closeCover();
  lock.leaveReach();
  lock.comeIntoReach();
  stop();
  lock.openCover();
  assert.deepEqual(told, ["tamper true", "ok true", "ok false", "ok true"]);
});

test("a second press of the intercom's button begins the strike's time anew", async () => {
  const { intercom, pass } = givenLock();
  intercom.pressDoorButton();
  await pass(2_000);
  intercom.pressDoorButton();
  await pass(2_000);
  assert.equal(intercom.strike, "released");
  await pass(1_000);
  assert.deepEqual([intercom.strike, intercom.pulses], ["secured", 2]);
  intercom.drainBattery(0);
  assert.equal(intercom.online, false);
});
