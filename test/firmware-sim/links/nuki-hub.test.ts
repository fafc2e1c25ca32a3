/** Nuki Hub as the simulator plays it: topics and payloads as its own documentation and source have them, at the real broker. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Faults } from "../../../firmware-sim/faults.ts";
import { NukiHubLink, type NukiHubSettings } from "../../../firmware-sim/links/nuki-hub.ts";
import { SimNuki, type SimNukiOptions } from "../../../firmware-sim/sim-nuki.ts";
import { silentLogger } from "../../../gateway/ports/logger.ts";
import { givenMakersBroker } from "../../support/makers-broker.ts";
import { until } from "../../support/until.ts";

const dialect = {
  base: "nukihub",
  publishes: [
    "maintenance/mqttConnectionState",
    "lock/action",
    "lock/state",
    "lock/doorSensorState",
    "lock/completionStatus",
    "lock/commandResult",
    "lock/rollingLog",
    "lock/json",
    "lock/battery/basicJson",
    "lock/keypad/json",
    "lock/keypad/commandResultJson",
  ],
  subscribes: ["lock/action", "lock/keypad/actionJson", "lock/query/lockstate", "lock/query/keypad"],
  will: "maintenance/mqttConnectionState",
};

async function givenHub(
  t: TestContext,
  settings: Partial<NukiHubSettings> = {},
  options: Partial<SimNukiOptions> = {},
) {
  const site = await givenMakersBroker(t, dialect);
  const { clock, at, login, pass, said, count } = site;
  const lock = new SimNuki({ id: 1, name: "Front door", clock, zone: "Europe/Berlin", ...options });
  const faults = new Faults();
  const hub = new NukiHubLink({ lock, broker: at, login, settings, faults, clock, logger: silentLogger });
  t.after(() => hub.stop());
  hub.start();
  const greeted = async () => {
    await site.until("maintenance/mqttConnectionState online");
    await pass(10_000);
  };
  await greeted();
  const lines = (name: string) => said().filter((line) => line.startsWith(`${name} `));
  /** What the hub says to a change of codes, once it has told its list, too. */
  const change = async (wish: object | string) => {
    said();
    await site.tell("lock/keypad/actionJson", typeof wish === "string" ? wish : JSON.stringify(wish));
    let result: string | undefined;
    await until("it says what came of it", async () => {
      await pass(1_000);
      result = lines("lock/keypad/commandResultJson")[0]?.split(" ")[1];
      return result !== undefined;
    });
    await pass(20_000);
    return result;
  };
  /** The list it tells when it is asked. */
  const list = async () => {
    said();
    await site.tell("lock/query/keypad", "1");
    let told: string | undefined;
    await until("it tells its list", async () => {
      await pass(1_000);
      told = lines("lock/keypad/json")[0];
      return told !== undefined;
    });
    return JSON.parse(told!.slice("lock/keypad/json ".length)) as readonly Record<string, unknown>[];
  };
  return { ...site, lock, hub, faults, count, lines, change, list, greeted };
}

const guest = { action: "add", code: "345678", name: "Guest" };

test("connected it clears its commands, is online and says what the lock is", async (t) => {
  const { said, until: hear } = await givenHub(t);
  await hear("lock/keypad/json []");
  const lines = said();
  assert.deepEqual(lines.slice(0, 6), [
    "lock/action --",
    "maintenance/mqttConnectionState online",
    "lock/state locked",
    "lock/completionStatus success",
    "lock/doorSensorState doorClosed",
    'lock/battery/basicJson {"critical":"0","charging":"0","level":100,"keypadCritical":"0","doorSensorCritical":"0"}',
  ]);
  assert.deepEqual(JSON.parse(lines.find((line) => line.startsWith("lock/json"))!.slice("lock/json ".length)), {
    ...{ lock_state: "locked", lockngo_state: 0, trigger: "system", last_lock_action: "Lock" },
    ...{ last_lock_action_trigger: "system", lock_completion_status: "success", door_sensor_state: "doorClosed" },
    ...{ auth_id: 0, auth_name: "" },
  });
});

for (const [word, states] of [
  ["unlock", ["unlocking", "unlocked"]],
  ["unlatch", ["unlatching", "unlatched", "unlocked"]],
  ["lockNgo", ["unlocking", "unlockedLnga", "locking", "locked"]],
] as const)
  test(`${word}: ack, its result, the states on its way`, async (t) => {
    const { tell, said, pass, until: hear } = await givenHub(t);
    said();
    await tell("lock/action", word);
    await hear("lock/action ack");
    await pass(60_000);
    await hear(`lock/state ${states.at(-1)}`);
    const lines = said();
    assert.deepEqual(
      lines.filter((line) => line.startsWith("lock/state")),
      states.map((state) => `lock/state ${state}`),
    );
    assert.equal(lines.filter((line) => line === "lock/commandResult success").length, 1);
  });

test("no action, one that is not allowed, and its own answers", async (t) => {
  const { tell, until: hear, lock } = await givenHub(t, { actions: [2] });
  await tell("lock/action", "open");
  await hear("lock/action unknown_action");
  await tell("lock/action", "ack");
  await tell("lock/action", "unlock");
  await hear("lock/action denied");
  assert.equal(lock.report().state, 1);
});

test("just connected it ignores actions without a word", async (t) => {
  const { tell, hub, pass, said, lock, until: hear } = await givenHub(t);
  hub.breakOff();
  await hear("maintenance/mqttConnectionState offline");
  said();
  await until("it is back", async () => {
    await pass(500);
    return hub.connected;
  });
  await tell("lock/action", "unlock");
  await until("it has heard it", () => hub.heard.some(({ payload }) => payload === "unlock"));
  await tell("lock/query/lockstate", "1");
  await until("it has dealt with both", async () => {
    await pass(100);
    return said().includes("lock/state locked");
  });
  assert.equal(lock.report().state, 1);
  await pass(6_000);
  await tell("lock/action", "unlock");
  await hear("lock/action ack");
});

test("after a reconnect it says nothing of the lock until it is asked", async (t) => {
  const { tell, hub, pass, said, until: hear, count } = await givenHub(t);
  hub.breakOff();
  await hear("maintenance/mqttConnectionState offline");
  said();
  await until("it is back", async () => {
    await pass(500);
    return hub.connected;
  });
  await hear("maintenance/mqttConnectionState online");
  await tell("lock/query/keypad", "1"); // what it says by itself would come before the answer
  await until("it answers", async () => {
    await pass(1_000);
    return count("lock/keypad/json []") > 0;
  });
  assert.deepEqual(said(), ["lock/action --", "maintenance/mqttConnectionState online", "lock/keypad/json []"]);
  await tell("lock/query/lockstate", "1");
  await until("it says its state", async () => {
    await pass(1_000);
    return count("lock/state locked") > 0;
  });
});

test("jammed: motorBlocked, in its state and in how its last action ended", async (t) => {
  const { tell, pass, until: hear, lock } = await givenHub(t);
  lock.jam();
  await tell("lock/action", "unlock");
  await hear("lock/action ack");
  await pass(20_000);
  await hear("lock/state motorBlocked");
  await hear("lock/completionStatus motorBlocked");
});

test("while the motor runs it is busy: the hub fails, tries again, and an action comes late", async (t) => {
  const { tell, pass, until: hear, lock } = await givenHub(t, {}, { motorMs: 1_200 });
  lock.pressButton();
  await hear("lock/state unlocking");
  await tell("lock/action", "lock");
  await hear("lock/action ack");
  await pass(20_000);
  await hear("lock/state locked");
  await hear("lock/commandResult failed");
  await hear("lock/commandResult success");
});

for (const [fault, times, result, state] of [
  ["time-out", 4, "timeOut", 1],
  ["failure", 4, "failed", 1],
  ["lost-answer", 1, "timeOut", 3],
] as const)
  test(`Bluetooth ends in ${fault}: ${result}`, async (t) => {
    const { tell, pass, until: hear, lock, hub, said } = await givenHub(t);
    said();
    hub.failBluetooth(fault, times);
    await tell("lock/action", "unlock");
    await hear("lock/action ack");
    await pass(20_000);
    await until("it has said so", () => said().includes(`lock/commandResult ${result}`));
    assert.equal(lock.report().state, state);
  });

test("a code is added, told without its digits, changed and deleted", async (t) => {
  const { change, list, lock } = await givenHub(t);
  const window = {
    ...{ timeLimited: 1, allowedFrom: "2031-03-04 10:00:00", allowedUntil: "2031-03-06 11:00:00" },
    ...{ allowedWeekdays: ["tue", "wed"], allowedFromTime: "08:00", allowedUntilTime: "20:30" },
  };
  assert.equal(await change({ ...guest, ...window }), "success");
  const expected = {
    ...{ codeId: 1, enabled: 1, name: "Guest", dateCreated: "0000-00-00 00:00:00", lockCount: 0 },
    ...{ dateLastActive: "0000-00-00 00:00:00", ...window },
  };
  assert.deepEqual(await list(), [expected]);
  assert.equal(lock.enterCode("345678"), true, "13:00 on the wall in Berlin");

  assert.equal(
    await change({ action: "update", codeId: 1, timeLimited: 1, allowedUntil: "2031-03-07 11:00:00" }),
    "success",
  );
  const [changed] = await list();
  assert.deepEqual(changed, {
    ...expected,
    ...{ allowedUntil: "2031-03-07 11:00:00" },
    lockCount: 1,
    dateLastActive: changed?.dateLastActive,
  });
  assert.equal(await change({ action: "update", codeId: "1", enabled: "0" }), "success");
  const [off] = await list();
  assert.deepEqual([off?.enabled, off?.timeLimited], [0, 0], "and its window is gone");
  assert.equal(await change({ action: "delete", codeId: 1 }), "success");
  assert.deepEqual(await list(), []);
});

test("the window is by the clock on the lock's wall", async (t) => {
  const { change, lock } = await givenHub(t);
  const until13 = { ...guest, timeLimited: 1, allowedUntil: "2031-03-04 13:00:00" };
  assert.equal(await change(until13), "success");
  assert.equal(lock.keypad?.codes()[0]?.allowed.untilDate, Date.UTC(2031, 2, 4, 12));
  assert.equal(lock.enterCode("345678"), false);
});

test("a code at the keypad is in its log, with the code's number; a wrong one as well", async (t) => {
  const { change, lock, lines, pass, until: hear } = await givenHub(t);
  await change(guest);
  lock.enterCode("999999");
  lock.enterCode("345678");
  await pass(10_000);
  await hear("lock/state unlocked");
  const told = lines("lock/rollingLog").map((line) => JSON.parse(line.slice("lock/rollingLog ".length)));
  const of = { type: "KeypadAction", action: "Unlock", trigger: "code" };
  assert.partialDeepStrictEqual(told, [
    { index: 1, ...of, completionStatus: "invalidCode", codeId: 0 },
    { index: 2, ...of, completionStatus: "success", codeId: 1, authorizationName: "Guest", timeHour: 13 },
  ]);
});

const untilDate = (value: unknown) => ({ ...guest, timeLimited: 1, allowedUntil: value });
const refusals: [what: object | string, result: string][] = [
  ["{", "invalidJson"],
  [{}, "noActionSet"],
  [{ action: "open" }, "invalidAction"],
  [{ action: "delete" }, "noExistingCodeIdSet"],
  [{ action: "delete", codeId: 7 }, "noExistingCodeIdSet"],
  [{ action: "add", code: 345_678 }, "noNameSet"],
  [{ action: "add", name: "Guest" }, "noCodeSet"],
  [{ ...guest, code: 34_567 }, "noValidCodeSet"],
  [{ ...guest, code: "345670" }, "noValidCodeSet"],
  [{ ...guest, code: 3_456_789 }, "noValidCodeSet"],
  [{ ...guest, code: 123_456 }, "failed"],
  [{ ...guest, timeLimited: 1, allowedFrom: "tomorrow" }, "invalidAllowedFrom"],
  [untilDate("2031-13-01 00:00:00"), "invalidAllowedUntil"],
  [untilDate("2031-03-06T11:00Z"), "invalidAllowedUntil"],
  [{ ...guest, timeLimited: 1, allowedFromTime: "8:00" }, "invalidAllowedFromTime"],
  [{ ...guest, timeLimited: 1, allowedUntilTime: "24:00" }, "invalidAllowedUntilTime"],
  [{ action: "update", name: "Guest" }, "noCodeIdSet"],
  [{ action: "update", codeId: 7, name: "Guest" }, "noExistingCodeIdSet"],
  [{ action: "check", codeId: 7, code: 345_678 }, "noExistingCodeIdSet"],
];
test("what it refuses, and in what words", async (t) => {
  const { change, lock } = await givenHub(t);
  for (const [what, result] of refusals) assert.equal(await change(what), result, JSON.stringify(what));
  assert.deepEqual(lock.keypad?.codes(), []);
});

for (const [settings, result] of [
  [{ hasPin: false }, "noValidPinSet"],
  [{ controlsKeypad: false }, "keypadControlDisabled"],
] as const)
  test(`with ${JSON.stringify(settings)} it says ${result}`, async (t) => {
    const { change, lock } = await givenHub(t, settings);
    assert.equal(await change(guest), result);
    lock.removeKeypad();
    assert.equal(await change(guest), result);
  });

test("without a keypad it says so; the same code again and a full list fail", async (t) => {
  const { change, lock } = await givenHub(t, {}, { codesMax: 2 });
  assert.equal(await change(guest), "success");
  assert.equal(await change({ ...guest, name: "Other" }), "failed");
  assert.equal(await change({ ...guest, code: 456_789 }), "success");
  assert.equal(await change({ ...guest, code: 567_891 }), "failed");
  lock.removeKeypad();
  assert.equal(await change(guest), "keypadNotAvailable");
});

test("of its list it tells ten, those with the lowest numbers; what is not told cannot be changed", async (t) => {
  const { list, change, lock } = await givenHub(t);
  for (let n = 1; n <= 12; n += 1)
    lock.keypad?.add({ name: `Guest ${n}`, code: 345_610 + n + Math.floor(n / 10) * 10, enabled: true, allowed: {} });
  assert.equal(lock.keypad?.codes().length, 11, "one of them had a zero in it");
  assert.deepEqual(
    (await list()).map(({ codeId }) => codeId),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.equal(await change({ action: "delete", codeId: 11 }), "noExistingCodeIdSet");
  assert.equal(await change({ action: "delete", codeId: 1 }), "success");
  assert.deepEqual(
    (await list()).map(({ codeId }) => codeId),
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  );
});

test("an answer that got lost makes it try again: it failed, it says, and the code is there", async (t) => {
  const { change, hub, list } = await givenHub(t);
  hub.failBluetooth("lost-answer");
  assert.equal(await change(guest), "failed");
  assert.equal((await list()).length, 1);
  hub.failBluetooth("time-out", 4);
  assert.equal(await change({ action: "delete", codeId: 1 }), "timeOut");
  assert.equal((await list()).length, 1);
});

test("where its settings allow it, it tells the digits and checks them", async (t) => {
  const { change, list } = await givenHub(t, { publishesCodes: true, checksCodes: true });
  assert.equal(await change(guest), "success");
  assert.equal((await list())[0]?.code, 345_678);
  assert.equal(await change({ action: "check", codeId: 1, code: 345_678 }), "codeValid");
  assert.equal(await change({ action: "check", codeId: 1, code: 345_679 }), "codeInvalid");
});

test("the lock's power fails: the hub stays online, its state stays what it was, and what it is told times out", async (t) => {
  const { change, lock, hub, said, pass } = await givenHub(t);
  said();
  lock.cutPower();
  assert.equal(await change(guest), "timeOut");
  await pass(1_000);
  assert.equal(hub.connected, true);
  assert.ok(!said().some((line) => line.startsWith("lock/state")));
});

test("a hub whose power failed carries out nothing any more, and reads the lock anew", async (t) => {
  const site = await givenHub(t);
  await site.tell("lock/action", "unlock");
  await site.until("lock/action ack");
  await site.hub.stop();
  await site.until("maintenance/mqttConnectionState offline");
  await site.pass(20_000);
  assert.equal(site.lock.report().state, 1);
  site.lock.turnKnob("unlocked");
  site.said();
  site.hub.start();
  await site.greeted();
  await site.until("lock/state unlocked");
});
