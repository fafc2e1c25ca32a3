/** The maker's MQTT API as the simulated Nuki speaks it: topics and payloads as the maker's reference has them, at the real broker. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Faults } from "../../../firmware-sim/faults.ts";
import { NukiMqttLink, type NukiMqttManners, nukiId } from "../../../firmware-sim/links/nuki-mqtt.ts";
import { nukiState, SimNuki, type SimNukiOptions } from "../../../firmware-sim/sim-nuki.ts";
import { silentLogger } from "../../../gateway/ports/logger.ts";
import { givenMakersBroker } from "../../support/makers-broker.ts";
import { until } from "../../support/until.ts";

/** Type 4 in front, then 0x1A2B3C4D. */
const smartlockId = 4 * 2 ** 32 + 0x1a2b3c4d;
const dialect = {
  base: "nuki/1A2B3C4D",
  publishes: [
    "connected",
    "state",
    "mode",
    "commandResponse",
    "lockActionEvent",
    "batteryCritical",
    "batteryChargeState",
  ],
  subscribes: ["lockAction", "lock", "unlock"],
  will: "connected",
};

async function givenNuki(
  t: TestContext,
  manners: Partial<NukiMqttManners> = {},
  lockOptions: Partial<SimNukiOptions> = {},
) {
  const site = await givenMakersBroker(t, dialect);
  const { clock, at, login } = site;
  const lock = new SimNuki({ id: smartlockId, name: "Front door", clock, ...lockOptions });
  const faults = new Faults();
  const link = new NukiMqttLink({ lock, broker: at, login, manners, faults, clock, logger: silentLogger });
  t.after(() => link.stop());
  link.start();
  await until("it has said all of itself", () => site.count("batteryChargeState 100") > 0);
  await until("what it says besides has arrived", () => site.broker.stats().ignored >= 7);
  return { ...site, lock, faults, nuki: link };
}

/** Until it is there again: its pauses are of the clock that stands still. */
const comesBack = async ({ nuki, pass }: Awaited<ReturnType<typeof givenNuki>>) => {
  await until("it has gone", () => !nuki.connected);
  await until("it is back", async () => {
    await pass(500);
    return nuki.connected;
  });
};

test("its ID is the number at Nuki Web without the kind of device, in hex", () => {
  assert.equal(nukiId(smartlockId), "1A2B3C4D");
  assert.equal(nukiId(0x0f), "F");
});

test("connected it says all that it is", async (t) => {
  const { said } = await givenNuki(t);
  assert.deepEqual(said(), ["connected true", "mode 2", "state 1", "batteryCritical false", "batteryChargeState 100"]);
});

for (const [name, payload, action, states] of [
  ["lockAction", "1", 1, ["state 2", "state 3"]],
  ["unlock", "true", 1, ["state 2", "state 3"]],
  ["lockAction", "3", 3, ["state 7", "state 5", "state 3"]],
] as const)
  test(`${name} ${payload}: answered with 0, then its way and its event`, async (t) => {
    const { said, tell, pass, until: hear, nuki } = await givenNuki(t);
    said();
    await tell(name, payload);
    await hear(states[0]);
    await pass(10_000);
    await hear(states.at(-1)!);

    const order = said();
    assert.deepEqual(
      order.filter((line) => line.startsWith("state")),
      states,
    );
    assert.ok(order.includes("commandResponse 0"));
    assert.ok(order.includes(`lockActionEvent ${action},172,0,0,0`));
    assert.deepEqual(nuki.heard, [{ topic: `${dialect.base}/${name}`, payload, retain: false }]);
  });

test("lock, and what is no command", async (t) => {
  const { said, tell, pass, until: hear, lock } = await givenNuki(t);
  lock.turnKnob("unlocked");
  await hear("state 3");
  await hear("lockActionEvent 1,1,0,0,0");
  said();
  await tell("lock", "false");
  await tell("lockAction", "9");
  await hear("commandResponse 35");
  said();
  await tell("lockAction", "open");
  await hear("commandResponse 35");
  await tell("lock", "true");
  await hear("state 4");
  await pass(10_000);
  await hear("state 1");
});

test("while its motor runs, or it has not answered yet, it is busy", async (t) => {
  const { tell, pass, until: hear, said } = await givenNuki(t);
  await tell("lockAction", "1");
  await hear("state 2");
  await tell("lockAction", "2");
  await hear("commandResponse 69");
  await pass(10_000);
  await hear("state 3");
  assert.ok(said().includes("commandResponse 0"));
});

for (const [answers, expected] of [
  ["accepted", "commandResponse 0"],
  ["done", "commandResponse 66"],
] as const)
  test(`jammed it says state 254, and ${expected} when it answers what was ${answers}`, async (t) => {
    const { lock, tell, pass, until: hear, said } = await givenNuki(t, { answers });
    lock.jam();
    await tell("unlock", "true");
    await hear("state 2");
    await pass(10_000);
    await hear(`state ${nukiState.motorBlocked}`);
    await pass(1_000);
    await hear(expected);
    assert.deepEqual(
      said().filter((line) => line.startsWith("commandResponse")),
      [expected],
    );
  });

test("uncalibrated it says so", async (t) => {
  const { lock, tell, until: hear } = await givenNuki(t);
  lock.loseCalibration();
  await hear("state 0");
  await tell("unlock", "true");
  await hear("commandResponse 71");
});

test("a code at the keypad is an event with the code's number; a wrong one is none", async (t) => {
  const { lock, pass, until: hear, said } = await givenNuki(t);
  lock.keypad?.add({ name: "Guest", code: 345_678, enabled: true, allowed: {} });
  said();
  assert.equal(lock.enterCode("999999"), false);
  assert.equal(lock.enterCode("345678"), true);
  await pass(10_000);
  await hear("state 3");
  assert.deepEqual(said(), ["state 2", "lockActionEvent 1,0,0,1,1", "state 3"]);
});

test("a state that comes late, an event that comes twice", async (t) => {
  const { lock, pass, until: hear, said, count } = await givenNuki(t, { reportMs: 5_000, doublesEvents: true });
  said();
  lock.turnKnob("unlocked");
  await until("both have arrived", () => count("lockActionEvent 1,1,0,0,0") === 2);
  await pass(4_999);
  lock.pushDoor();
  assert.deepEqual(
    said().filter((line) => line.startsWith("state")),
    [],
  );
  await pass(1);
  await hear("state 3");
});

test("its last will says that it has gone; without one the broker hears nothing", async (t) => {
  const site = await givenNuki(t);
  site.said();
  site.nuki.breakOff();
  await site.until("connected false");
  await comesBack(site);
  await site.until("batteryChargeState 100");
  site.said();
  site.nuki.leaveWithoutWill();
  await comesBack(site);
  await site.until("batteryChargeState 100");
  assert.deepEqual(
    site.said().filter((line) => line.startsWith("connected")),
    ["connected true"],
  );
});

test("without power it is gone; with power it says where its bolt is", async (t) => {
  const site = await givenNuki(t);
  site.lock.cutPower();
  await site.until("connected false");
  site.lock.turnKnob("unlocked");
  site.said();
  site.lock.restorePower();
  await comesBack(site);
  await site.pass(5_000);
  await site.until("state 3");
});

test("after a restart it may say first what was true before", async (t) => {
  const site = await givenNuki(t, { beginsStale: true, reportMs: 2_000 });
  site.nuki.breakOff();
  await until("it has gone", () => !site.nuki.connected);
  site.lock.turnKnob("unlocked");
  site.said();
  await comesBack(site);
  await site.until("state 1");
  await site.pass(2_000);
  await site.until("state 3");
});

test("where the maker's app does not allow it, it asks for no commands and says the rest", async (t) => {
  const { link, lock, until: hear } = await givenNuki(t, { obeys: false });
  lock.turnKnob("unlocked");
  await hear("state 3");
  assert.equal(await link.publish(`${dialect.base}/lockAction`, "2"), false);
});

test("what it announces to others is not held against it", async (t) => {
  const { broker, nuki } = await givenNuki(t, { announces: true });
  await until("all of it has been dropped", () => broker.stats().ignored === 11);
  assert.equal(nuki.connected, true);
  assert.equal(broker.stats().publishesDenied, 0);
});

test("an answer that is lost stays lost; one that is late comes late", async (t) => {
  const { faults, tell, pass, until: hear, said } = await givenNuki(t);
  faults.rates = { ...faults.rates, noReply: 1 };
  await tell("unlock", "true");
  await hear("state 2");
  await pass(10_000);
  await hear("state 3");
  assert.ok(!said().some((line) => line.startsWith("commandResponse")));
  faults.rates = { ...faults.rates, noReply: 0, lateReplyMs: 20_000 };
  await tell("lock", "true");
  await hear("state 4");
  await pass(19_000);
  await hear("state 1");
  assert.ok(!said().some((line) => line.startsWith("commandResponse")));
  await pass(2_000);
  await hear("commandResponse 0");
});
