import assert from "node:assert/strict";
import { test } from "node:test";
import { type DpValue, SimTuyaLock, type SimTuyaLockOptions } from "../../firmware-sim/sim-tuya-lock.ts";
import { SimClock } from "../support/sim-clock.ts";

const wall = 1_700_000_000_000;

function givenLock(options: Omit<SimTuyaLockOptions, "clock">) {
  const clock = new SimClock(wall);
  const lock = new SimTuyaLock({ ...options, clock });
  const told: Record<string, unknown>[] = [];
  lock.onReport((dps) => void told.push(dps));
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    do await new Promise((resolve) => setImmediate(resolve));
    while (clock.step(end));
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { lock, told, clock, pass };
}

/** Written by hand from the published layout: not by the simulator's own reading. */
const base64 = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex").toString("base64");
const ascii = "3132333435363738"; // 12345678
const setKey = (from: number, until: number, uses: string) =>
  base64(`00 0007 ${from.toString(16)} ${until.toString(16)} ${uses} ${ascii}`);
const seconds = wall / 1_000;
const unlock = base64(`01 0007 ${ascii} 0001`);

test("residential: it opens from afar only while somebody has rung, for thirty seconds, and locks itself", async () => {
  const { lock, told, pass } = givenLock({ family: "residential" });
  assert.deepEqual(lock.write({ 10: true }), { isTaken: true, told: {} });
  assert.equal(lock.view().bolt, "secured");

  lock.ring();
  assert.deepEqual(told, [{ 19: true, 9: 30 }]);
  await pass(3_000);
  assert.equal(lock.dps()[9], 27);
  assert.deepEqual(lock.write({ 10: true }).told, { 9: 0, 10: true });
  assert.equal(lock.view().bolt, "released");
  await pass(5_000);
  assert.equal(lock.view().bolt, "secured");

  lock.ring();
  await pass(30_000);
  assert.equal(told.at(-1)?.[9], 0);
  lock.write({ 10: true });
  assert.equal(lock.view().bolt, "secured");
});

test("bluetooth: a remote key opens it and locks it, and each reason against is told", async () => {
  const { lock, told, pass } = givenLock({ family: "bluetooth" });
  const status = (dp: DpValue | undefined) => Buffer.from(`${dp}`, "base64").toString("hex");
  const use = (bytes = unlock) => lock.write({ 61: bytes }).told;
  assert.equal(status(use()[61]), "020007");

  assert.equal(lock.write({ 60: setKey(seconds - 300, seconds + 300, "0002") }).isTaken, true);
  const opened = use();
  assert.deepEqual([status(opened[61]), opened[47]], ["000007", true]);
  await pass(5_000);
  assert.deepEqual(told, [{ 47: false }]);
  assert.equal(status(use(base64(`01 0008 ${ascii} 0001`))[61]), "020008");
  lock.doubleLock(true);
  assert.equal(status(use()[61]), "060007");
  lock.doubleLock(false);
  lock.jam();
  assert.equal(status(use()[61]), "010007");
  assert.equal(lock.dps()[21], "tongue_bad");
  lock.unjam();
  assert.equal(status(use()[61]), "020007"); // used up: it had two uses

  lock.write({ 60: setKey(seconds + 600, seconds + 900, "0000") });
  assert.equal(status(use()[61]), "040007");
  await pass(600_000);
  assert.equal(status(use()[61]), "000007");
  assert.equal(lock.write({ 46: true }).told[47], false);
  assert.equal(lock.write({ 61: "nonsense" }).isTaken, false);
});

test("bluetooth: an uncoupled motor says that it opened, and nothing moves; a jammed bolt stays out until it is freed", async () => {
  const { lock, pass } = givenLock({
    family: "bluetooth",
    remoteKey: { member: 7, key: "12345678", from: 0, until: 2 ** 32, uses: 0 },
    keyIsWritable: false,
    motorTrueIs: "secured",
  });
  assert.equal(lock.write({ 60: setKey(seconds, seconds + 300, "0000") }).isTaken, false);
  lock.uncoupleMotor();
  assert.deepEqual(Object.keys(lock.write({ 61: unlock }).told), ["61"]);
  assert.deepEqual([lock.view().bolt, lock.dps()[47]], ["secured", true]);

  lock.coupleMotor();
  lock.write({ 61: unlock });
  assert.equal(lock.dps()[47], false);
  lock.jam();
  await pass(5_000);
  assert.deepEqual([lock.view().bolt, lock.dps()[21]], ["jammed", "tongue_not_out"]);
});

test("access-control: a switch releases, by either polarity; door, exit button and codes are told", async () => {
  const { lock, told, pass } = givenLock({ family: "access-control" });
  assert.deepEqual(lock.write({ 104: false }).told, { 104: false });
  assert.equal(lock.pushDoor(), true);
  await pass(5_000);
  assert.deepEqual(told, [{ 34: true }, { 104: true }]);
  lock.closeDoor();
  assert.equal(lock.pushDoor(), false);
  lock.pressExit();
  lock.useCode("card", 12);
  assert.deepEqual(told.slice(2), [{ 34: false }, { 36: true, 104: false }, { 12: 12 }]);
  assert.throws(() => lock.useCode("face", 1), RangeError);

  const other = givenLock({ family: "access-control", boltSwitch: { command: "28", state: "40", trueIs: "released" } });
  assert.deepEqual(other.lock.write({ 28: true }).told, { 40: true });
});

test("a battery that falls is told, and low is an alarm; auto-lock can be turned off", async () => {
  const { lock, told, pass } = givenLock({ family: "bluetooth" });
  lock.drainBattery(40);
  lock.drainBattery(8);
  assert.deepEqual(told, [
    { 8: 40, 9: "medium" },
    { 8: 8, 9: "low", 21: "low_battery" },
  ]);
  lock.write({ 33: false });
  lock.useCode("password", 3);
  await pass(60_000);
  assert.equal(lock.view().bolt, "released");
});
