/** The laws of the simulated Nuki: what its motor shows on its way, and that it alone decides about its codes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type NukiLogLine, nukiAction, nukiState, nukiTrigger, SimNuki } from "../../firmware-sim/sim-nuki.ts";
import type { NukiAllowed } from "../../firmware-sim/sim-nuki-keypad.ts";
import { SimClock } from "../support/sim-clock.ts";

/** A Tuesday. */
const noon = Date.UTC(2031, 2, 4, 12);

const givenNuki = (options: Partial<ConstructorParameters<typeof SimNuki>[0]> = {}) => {
  const clock = new SimClock(noon);
  const lock = new SimNuki({ id: 18_144_801_511, name: "Front door", clock, ...options });
  const states: number[] = [];
  lock.onChange(() => {
    const { state } = lock.report();
    if (state !== states.at(-1)) states.push(state);
  });
  const log: NukiLogLine[] = [];
  lock.onLog((line) => log.push(line));
  const pass = async (ms: number) => {
    const until = clock.monotonic() + ms;
    while (clock.step(until)) await turn();
    await turn();
  };
  return { clock, lock, states, log, pass };
};

for (const [what, action, states, bolt] of [
  ["unlock", nukiAction.unlock, [2, 3], "back"],
  ["lock", nukiAction.lock, [4, 1], "out"],
  ["unlatch", nukiAction.unlatch, [7, 5, 3], "back"],
  ["lock'n'go", nukiAction.lockNGo, [2, 6, 4, 1], "out"],
  ["lock'n'go with unlatch", nukiAction.lockNGoUnlatch, [7, 5, 6, 4, 1], "out"],
] as const)
  test(`${what} passes the states ${states.join(", ")}`, async () => {
    const { lock, states: seen, pass } = givenNuki();
    lock.obey(action, "Anna");
    await pass(60_000);
    assert.deepEqual(seen, states);
    assert.equal(lock.bolt, bolt);
  });

test("the bolt is where it was until the motor is through", async () => {
  const { lock, pass } = givenNuki({ motorMs: 2_000 });
  lock.obey(nukiAction.unlock, "Anna");
  await pass(1_999);
  assert.equal(lock.pushDoor(), false);
  await pass(1);
  assert.equal(lock.pushDoor(), true);
  assert.equal(lock.report().doorState, 3);
});

test("while the motor runs a second command is busy; a hand is stronger", async () => {
  const { lock, log, pass } = givenNuki();
  lock.obey(nukiAction.unlock, "Anna");
  lock.obey(nukiAction.lock, "Ben");
  assert.deepEqual(
    log.map(({ name, state }) => [name, state]),
    [["Ben", 4]],
  );
  lock.turnKnob("locked");
  await pass(60_000);
  assert.equal(lock.report().state, nukiState.locked);
  assert.equal(lock.report().trigger, nukiTrigger.manual);
});

test("a hand in the very moment in which the motor is through has the last word", async () => {
  const { clock, lock, pass } = givenNuki({ motorMs: 2_000 });
  lock.obey(nukiAction.unlock, "Anna");
  clock.step(2_000);
  lock.turnKnob("locked");
  await pass(10_000);
  assert.equal(lock.bolt, "out");
  assert.equal(lock.report().state, nukiState.locked);
});

test("jammed it says that its motor is blocked and the bolt stays; freed it goes when it is told again", async () => {
  const { lock, log, pass } = givenNuki();
  lock.jam();
  lock.obey(nukiAction.unlock, "Anna");
  await pass(10_000);
  assert.equal(lock.report().state, nukiState.motorBlocked);
  assert.equal(log[0]?.state, 1);
  assert.equal(lock.pushDoor(), false);
  lock.turnKnob("unlocked");
  assert.equal(lock.bolt, "out", "nor by hand");
  lock.unjam();
  assert.equal(lock.report().state, nukiState.motorBlocked);
  lock.obey(nukiAction.unlock, "Anna");
  await pass(10_000);
  assert.equal(lock.report().state, nukiState.unlocked);
});

test("its auto-lock counts from the unlocking, and a hand that locked before has ended it", async () => {
  const { lock, pass, log } = givenNuki({ autoLockMs: 60_000 });
  lock.turnKnob("unlocked");
  await pass(59_999);
  assert.equal(lock.report().state, nukiState.unlocked);
  await pass(2_000);
  assert.equal(lock.report().state, nukiState.locked);
  assert.equal(log.at(-1)?.trigger, nukiTrigger.autoLock);
  lock.turnKnob("unlocked");
  lock.turnKnob("locked");
  const before = log.length;
  await pass(120_000);
  assert.equal(log.length, before);
});

test("without power nothing moves and nothing is noticed; with power it finds its bolt", async () => {
  const { lock, log, states, pass } = givenNuki();
  lock.drainBattery(20);
  assert.equal(lock.report().batteryCritical, true);
  lock.drainBattery(0);
  assert.equal(lock.powered, false);
  lock.obey(nukiAction.unlock, "Anna");
  lock.turnKnob("unlocked");
  assert.equal(lock.pushDoor(), true);
  assert.deepEqual(log, []);
  lock.restorePower();
  assert.equal(lock.report().state, nukiState.bootRun);
  await pass(3_000);
  assert.deepEqual(states, [nukiState.locked, nukiState.bootRun, nukiState.unlocked]);
  assert.equal(lock.report().batteryCharge, 100);

  lock.drainBattery(0);
  lock.drainBattery(60);
  assert.deepEqual([lock.powered, lock.report().batteryCharge], [true, 60]);
  lock.cutPower();
  lock.drainBattery(50);
  assert.equal(lock.powered, false);
});

test("put on anew it obeys nobody until it is calibrated", async () => {
  const { lock, pass } = givenNuki();
  lock.loseCalibration();
  lock.obey(nukiAction.unlock, "Anna");
  await pass(10_000);
  assert.equal(lock.report().state, nukiState.uncalibrated);
  assert.equal(lock.bolt, "out");
  lock.calibrate();
  assert.equal(lock.report().state, nukiState.calibration);
  await pass(20_000);
  assert.equal(lock.report().state, nukiState.locked);
});

test("a bolt that is out keeps the open door from closing", async () => {
  const { lock, pass } = givenNuki();
  lock.turnKnob("unlocked");
  lock.pushDoor();
  lock.turnKnob("locked");
  assert.equal(lock.closeDoor(), false);
  lock.turnKnob("unlocked");
  assert.equal(lock.closeDoor(), true);
  await pass(0);
  assert.equal(lock.report().doorState, 2);
});

const minutes = (hour: number) => hour * 60;
for (const [what, allowed, opens] of [
  ["nothing restricts it", {}, true],
  ["it begins now", { fromDate: noon }, true],
  ["it begins in a moment", { fromDate: noon + 1 }, false],
  ["it ends in a moment", { untilDate: noon + 1 }, true],
  ["it ends now", { untilDate: noon }, false],
  ["its day is Tuesday", { weekDays: 32 }, true],
  ["its days are all but Tuesday", { weekDays: 127 - 32 }, false],
  ["its time begins now", { fromTime: minutes(13), untilTime: minutes(14) }, true],
  ["its time ends now", { fromTime: minutes(12), untilTime: minutes(13) }, false],
  ["its time is the night", { fromTime: minutes(22), untilTime: minutes(6) }, false],
  ["its time is all but the night", { fromTime: minutes(6), untilTime: minutes(22) }, true],
  ["its time goes over midnight until after now", { fromTime: minutes(22), untilTime: minutes(14) }, true],
] as const satisfies readonly (readonly [string, NukiAllowed, boolean])[])
  test(`a code of which ${what} ${opens ? "opens" : "does not open"}, by the clock on the lock's wall`, async () => {
    const { lock, log, pass } = givenNuki({ zone: "Europe/Berlin" });
    assert.equal(lock.keypad?.add({ name: "Guest", code: 345_678, enabled: true, allowed }), "done");
    assert.equal(lock.enterCode("345678"), opens);
    await pass(10_000);
    assert.equal(lock.bolt, opens ? "back" : "out");
    assert.deepEqual(
      log.map(({ authId, state, trigger }) => [authId, state, trigger]),
      [[opens ? 1 : undefined, opens ? 0 : 224, 255]],
    );
  });

test("a lock whose clock is wrong goes by its clock", () => {
  const { lock } = givenNuki();
  lock.keypad?.add({ name: "Guest", code: 345_678, enabled: true, allowed: { untilDate: noon + 60_000 } });
  lock.keypad!.clockErrorMs = 60_000;
  assert.equal(lock.enterCode("345678"), false);
});

test("its list takes six digits of 1 to 9, each once, until it is full; a number is never given again", () => {
  const { lock } = givenNuki({ codesMax: 2 });
  const keypad = lock.keypad!;
  const add = (code: number) => keypad.add({ name: "Guest", code, enabled: true, allowed: {} });
  assert.deepEqual([120_000, 123_456, 345_078, 34_567, 3_456_789].map(add), Array(5).fill("invalid"));
  assert.deepEqual([345_678, 345_678, 345_679, 345_687].map(add), ["done", "exists", "done", "full"]);
  const [first, second] = keypad.codes();
  assert.equal(keypad.change(second!.authId, { ...second!, code: first!.code }), "exists");
  assert.equal(keypad.change(first!.authId, { ...first!, enabled: false }), "done");
  assert.equal(lock.enterCode("345678"), false);
  assert.equal(keypad.remove(first!.authId), "done");
  assert.equal(keypad.remove(first!.authId), "unknown");
  assert.equal(add(345_687), "done");
  assert.deepEqual(
    keypad.codes().map(({ authId }) => authId),
    [2, 3],
  );
});

test("its keypad takes the codes with it", () => {
  const { lock } = givenNuki();
  lock.keypad?.add({ name: "Guest", code: 345_678, enabled: true, allowed: {} });
  lock.removeKeypad();
  assert.equal(lock.enterCode("345678"), false);
  assert.equal(lock.report().keypadPaired, false);
  lock.pairKeypad();
  assert.equal(lock.enterCode("345678"), false);
});
