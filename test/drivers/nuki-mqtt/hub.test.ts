/** What a Nuki Hub says, written by hand after its own documentation and source, and what the driver makes of it; nobody else plays along. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { inspect } from "node:util";

import { nukiMqtt } from "../../../gateway/drivers/nuki-mqtt/driver.ts";
import { hubSpeech } from "../../../gateway/drivers/nuki-mqtt/hub.ts";
import type { CodeStore, CommandResult, Device, DeviceReport } from "../../../gateway/ports/device.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { indexOf } from "../../contract/code-store.ts";
import fc from "../../support/fast-check.ts";
import { givenLog } from "../../support/mqtt-broker.ts";
import { PlayedLine } from "../../support/played-line.ts";
import { SimClock } from "../../support/sim-clock.ts";

const never = new AbortController().signal;
const timeZone = "Europe/Madrid";
/** 13:00 in Madrid. */
const noon = Date.UTC(2031, 2, 4, 12);
const at = (text: string) => Date.parse(text);

/** The device runs; its hub is connected, hears commands, and has said that the lock is locked. */
async function givenHub(t: TestContext, hub: object = {}, options: object = {}) {
  const clock = new SimClock(noon);
  const line = new PlayedLine();
  const log = givenLog();
  const context = { clock, logger: log.logger, mqtt: line, secret: () => undefined };
  const device = nukiMqtt.create("front", { hub: { timeZone, ...hub }, ...options }, context) as Device & {
    readonly codes: CodeStore;
  };
  t.after(() => device.stop());
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => void reports.push(report));
  const say = (name: string, payload: string) => line.say(`nukihub/${name}`, payload);
  const connect = async () => {
    line.connect(
      ...["action", "query/keypad", "query/lockstate", "query/battery", "keypad/actionJson"].map(
        (name) => `nukihub/lock/${name}`,
      ),
    );
    await say("lock/action", "--");
    await say("maintenance/mqttConnectionState", "online");
  };
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end)) await turn();
    await turn();
  };
  await device.start(never);
  await connect();
  await say("lock/state", "locked");
  await pass(7_000);
  reports.length = 0;
  const sent = () => line.sent.splice(0);
  const asked = sent();
  /** Until something was sent. */
  const begun = async <Answer>(answer: Promise<Answer> | undefined) => {
    await turn();
    return { answer, sent: sent() };
  };
  return { ...{ clock, line, device, reports, say, connect, pass, sent, asked, begun }, warnings: log.warnings };
}

const guest = { label: "guest", digits: new SecretString("345678") };
const window = { from: at("2031-03-05T14:00:00Z"), until: at("2031-07-10T09:00:00Z") };

/** One entry of the list, as the hub writes it. */
const entry = (codeId: number, more: object = {}) => ({
  codeId,
  enabled: 1,
  name: `code ${codeId}`,
  dateCreated: "2031-03-01 10:00:00",
  lockCount: 3,
  dateLastActive: "2031-03-02 10:00:00",
  timeLimited: 0,
  allowedFrom: "0000-00-00 00:00:00",
  allowedUntil: "0000-00-00 00:00:00",
  allowedWeekdays: [],
  allowedFromTime: "00:00",
  allowedUntilTime: "00:00",
  ...more,
});

test("it asks for what a hub does not say again by itself, as soon as it can be asked", async (t) => {
  const { asked, connect, sent, line } = await givenHub(t);
  assert.deepEqual(asked, ["nukihub/lock/query/lockstate 1", "nukihub/lock/query/battery 1"]);
  line.disconnect();
  await connect();
  assert.deepEqual(sent(), asked);
});

test("its topics are the hub's; what it is told with it may write on, too, and nothing it writes there is a command", async (t) => {
  const { device, say, sent, warnings } = await givenHub(t);
  const { base, subscribes, will, ignores, tls } = device.mqtt ?? {};
  assert.deepEqual([base, will, tls], ["nukihub", "maintenance/mqttConnectionState", "never"]);
  assert.ok(subscribes?.includes("lock/action") && subscribes.includes("lock/keypad/actionJson"));
  assert.deepEqual(ignores, ["nukihub", "homeassistant", "nuki"]);
  assert.equal(
    hubSpeech({ topic: "flat", timeZone, tls: true, codesMax: 10, openingsPerWeekMax: 2, keypadMs: 60_000 }).dialect
      .tls,
    "always",
  );
  for (const payload of ["--", "ack", "unlock", ""]) await say("lock/action", payload);
  assert.deepEqual(sent(), []);
  assert.deepEqual(warnings("message-unreadable"), []);
});

for (const [options, verb, word] of [
  [{}, "release", "unlatch"],
  [{ unlatch: false }, "release", "unlock"],
  [{}, "secure", "lock"],
] as const)
  test(`${verb} ${JSON.stringify(options)} is "${word}"; ack is nothing, success is taken, the states are the proof`, async (t) => {
    const { device, say, begun } = await givenHub(t, {}, options);
    const { answer, sent } = await begun(
      verb === "release" ? device.lock?.release(5_000, never) : device.lock?.secure(never),
    );
    assert.deepEqual(sent, [`nukihub/lock/action ${word}`]);
    let result: CommandResult | undefined;
    void answer?.then((known) => (result = known));
    await say("lock/action", "ack");
    await say("lock/action", "--");
    await say("lock/commandResult", "failed"); // it tries again
    await say("lock/commandResult", "success");
    await turn();
    assert.equal(result, undefined);
    for (const state of verb === "secure" ? ["locking", "locked"] : ["unlatching", "unlatched"])
      await say("lock/state", state);
    assert.equal(await answer, "confirmed");
  });

for (const said of ["denied", "unknown_action", "error"])
  test(`"${said}" is a refusal`, async (t) => {
    const { device, say, begun } = await givenHub(t);
    const { answer } = await begun(device.lock?.secure(never));
    await say("lock/action", said);
    assert.equal(await answer, "refused");
  });

test("a hub that has heard and says no more: nobody knows", async (t) => {
  const { device, say, begun, pass } = await givenHub(t);
  const { answer } = await begun(device.lock?.release(5_000, never));
  await say("lock/action", "ack");
  await say("lock/commandResult", "timeOut");
  await pass(25_000);
  assert.equal(await answer, "unknown");
});

test("a hub that has just connected hears no commands: what can wait waits, what cannot is refused", async (t) => {
  const { device, line, connect, sent, pass } = await givenHub(t);
  line.disconnect();
  await connect();
  sent();
  assert.equal(await device.lock?.release(5_000, never), "refused");
  await pass(2_000);
  const waiting = device.lock?.secure(never);
  await pass(4_900);
  assert.deepEqual(sent(), []);
  await pass(100);
  assert.deepEqual(sent(), ["nukihub/lock/action lock"]);
  await device.stop();
  assert.equal(await waiting, "unknown");
});

test("door and battery are read from what it tells as JSON", async (t) => {
  const { device, say, reports, warnings } = await givenHub(t);
  await say(
    "lock/json",
    JSON.stringify({ lock_state: "locked", trigger: "manual", door_sensor_state: "doorOpened", auth_id: 0 }),
  );
  await say(
    "lock/battery/basicJson",
    '{"critical":"0","charging":"0","level":62,"keypadCritical":"1","doorSensorCritical":"0"}',
  );
  await say("lock/info/firmwareVersion", "3.9.7");
  assert.deepEqual(reports, [
    { type: "door", state: "open" },
    { type: "battery", percent: 62 },
  ]);
  assert.equal(device.status().firmware, "3.9.7");
  assert.deepEqual(warnings("accessory-battery-low"), [{ of: "keypad" }]);
});

/** An entry of the log of 12:59:30 in Madrid. */
const logged = (index: number, more: object) =>
  JSON.stringify({
    ...{ index, authorizationId: 9, authorizationName: "guest", timeYear: 2031, timeMonth: 3, timeDay: 4 },
    ...{ timeHour: 12, timeMinute: 59, timeSecond: 30, completionStatus: "success", ...more },
  });

for (const [what, more, told] of [
  ["by a code", { type: "KeypadAction", action: "Unlock", trigger: "code", codeId: 17 }, { by: "code", code: "17" }],
  [
    "by a finger",
    { type: "KeypadAction", action: "Unlatch", trigger: "fingerprint", codeId: 18 },
    { by: "fingerprint", code: "18" },
  ],
  ["by the back key", { type: "KeypadAction", action: "LockNgo", trigger: "arrowkey", codeId: 0 }, { by: "hand" }],
  ["by hand", { type: "LockAction", action: "Unlock", trigger: "manual" }, { by: "hand" }],
  ["by the app", { type: "LockAction", action: "Unlock", trigger: "system" }, { by: "app" }],
  [
    "by a wrong code",
    { type: "KeypadAction", action: "Unlock", trigger: "code", codeId: 0, completionStatus: "invalidCode" },
    undefined,
  ],
  ["not, for it was locked", { type: "LockAction", action: "Lock", trigger: "manual" }, undefined],
  ["days ago", { type: "LockAction", action: "Unlock", trigger: "manual", timeDay: 1 }, undefined],
  [
    "by UTC, if its log is kept so",
    { type: "LockAction", action: "Unlock", trigger: "manual", timeHour: 11 },
    { by: "hand" },
  ],
] as const)
  test(`its log: opened ${what}`, async (t) => {
    const { say, reports } = await givenHub(t);
    await say("lock/rollingLog", logged(40, more));
    await say("lock/rollingLog", logged(40, more));
    assert.deepEqual(reports, told ? [{ type: "opened-at-lock", ...told }] : []);
  });

test("what we did ourselves is not told, and hides one entry only", async (t) => {
  const { device, say, begun, reports } = await givenHub(t);
  const { answer } = await begun(device.lock?.release(5_000, never));
  await say("lock/commandResult", "success");
  await say("lock/state", "unlatched");
  assert.equal(await answer, "confirmed");
  await say("lock/rollingLog", logged(41, { type: "LockAction", action: "Unlatch", trigger: "system" }));
  assert.deepEqual(
    reports.filter(({ type }) => type === "opened-at-lock"),
    [],
  );
  await say("lock/rollingLog", logged(42, { type: "LockAction", action: "Unlatch", trigger: "system" }));
  assert.deepEqual(reports.at(-1), { type: "opened-at-lock", by: "app" });
});

test("a list is asked for; names, windows by the lock's wall clock, digits where they are told", async (t) => {
  const { device, say, begun } = await givenHub(t);
  const { answer, sent } = await begun(device.codes.list(indexOf, never));
  assert.deepEqual(sent, ["nukihub/lock/query/keypad 1"]);
  const limited = { timeLimited: 1, allowedFrom: "2031-03-05 15:00:00", allowedUntil: "2031-07-10 11:00:00" };
  await say(
    "lock/keypad/json",
    JSON.stringify([
      entry(1, { code: 345678 }),
      entry(2, limited),
      entry(3, { ...limited, allowedWeekdays: ["mon", "tue"] }),
      entry(4, { ...limited, allowedFromTime: "08:00", allowedUntilTime: "16:00" }),
      entry(7, { ...limited, allowedFromTime: "8", allowedUntilTime: "16:00" }),
      entry(5, { ...limited, enabled: 0 }),
      entry(6, { ...limited, allowedUntil: "0000-00-00 00:00:00" }),
    ]),
  );
  assert.deepEqual(await answer, [
    { ref: "1", label: "code 1", index: indexOf("345678"), window: null },
    { ref: "2", label: "code 2", index: "masked", window },
    {
      ref: "3",
      label: "code 3",
      index: "masked",
      window: { ...window, hours: { days: [1, 2], from: 0, until: 1440 } },
    },
    {
      ref: "4",
      label: "code 4",
      index: "masked",
      window: { ...window, hours: { ...everyDay, from: 480, until: 960 } },
    },
    { ref: "7", label: "code 7", index: "masked" },
    { ref: "5", label: "code 5", index: "masked", window: { from: 0, until: 0 } },
    { ref: "6", label: "code 6", index: "masked", window: { from: window.from, until: 8.64e15 } },
  ]);
});

for (const payload of ["--", "[{}]", '[{"codeId":"x"}]', '{"codeId":1}'])
  test(`${payload} is no list, and no empty one either`, async (t) => {
    const { device, say, begun } = await givenHub(t);
    const { answer } = await begun(device.codes.list(indexOf, never));
    await Promise.all([assert.rejects(answer!, { code: "device-refused" }), say("lock/keypad/json", payload)]);
  });

test("a list that may be cut short is no list: what it does not name may be there all the same", async (t) => {
  const { device, say, begun } = await givenHub(t, { codesMax: 2 });
  assert.equal(device.codes.constraints.capacity, 1);
  const cut = await begun(device.codes.list(indexOf, never));
  const rejected = assert.rejects(cut.answer!, {
    code: "device-refused",
    message: /Max keypad codes.*hub\.codesMax \(2\)/,
  });
  await say("lock/keypad/json", JSON.stringify([entry(1), entry(2)]));
  await rejected;
  const whole = await begun(device.codes.list(indexOf, never));
  await say("lock/keypad/json", JSON.stringify([entry(1)]));
  assert.equal((await whole.answer)?.length, 1);
});

test("a connection that ends takes the question with it: what the next one says is not its answer", async (t) => {
  const { device, line, say, connect, begun } = await givenHub(t);
  const { answer } = await begun(device.codes.list(indexOf, never));
  const rejected = assert.rejects(answer!, { code: "device-unreachable" });
  line.disconnect();
  await connect();
  await say("lock/keypad/json", "[]");
  await rejected;
});

const everyDay = { days: [1, 2, 3, 4, 5, 6, 7] as const };
const added = {
  ...{ action: "add", name: "guest", code: "345678", enabled: 1, timeLimited: 1 },
  ...{ allowedFrom: "2031-03-05 15:00:00", allowedUntil: "2031-07-10 11:00:00" },
  ...{ allowedWeekdays: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] },
  ...{ allowedFromTime: "00:00", allowedUntilTime: "00:00" },
};
for (const [what, code, action] of [
  ["a new code with a window", { ...guest, window }, added],
  [
    "a new code with weekly hours",
    { ...guest, window: { ...window, hours: { days: [1, 7], from: 5, until: 750 } } },
    { ...added, allowedWeekdays: ["mon", "sun"], allowedFromTime: "00:05", allowedUntilTime: "12:30" },
  ],
  [
    "a new code with whole days",
    { ...guest, window: { ...window, hours: { days: [3], from: 0, until: 1_440 } } },
    { ...added, allowedWeekdays: ["wed"] },
  ],
  ["a new code", guest, { action: "add", name: "guest", code: "345678", enabled: 1, timeLimited: 0 }],
  ["a change of a code, named as a whole", { ...guest, window, ref: "7" }, { ...added, action: "update", codeId: 7 }],
  [
    "a window taken away",
    { ...guest, ref: "7" },
    { action: "update", codeId: 7, name: "guest", code: "345678", enabled: 1, timeLimited: 0 },
  ],
] as const)
  test(`${what}, in the hub's words`, async (t) => {
    const { device, say, begun } = await givenHub(t);
    const { answer, sent } = await begun(device.codes.set(code, never));
    const [line = ""] = sent;
    assert.ok(line.startsWith("nukihub/lock/keypad/actionJson "));
    assert.deepEqual(JSON.parse(line.slice(line.indexOf("{"))), action);
    await say("lock/keypad/commandResultJson", "--");
    await say("lock/keypad/commandResultJson", "success");
    assert.equal(await answer, "confirmed");
  });

for (const [topic, said, result] of [
  ["lock/configuration/commandResultJson", "success", "confirmed"],
  ["lock/keypad/commandResultJson", "failed", "unknown"],
  ["lock/keypad/commandResultJson", "timeOut", "unknown"],
  ["lock/keypad/commandResultJson", "what nobody knows", "unknown"],
  ["lock/keypad/commandResultJson", "noValidPinSet", "refused"],
  ["lock/keypad/commandResultJson", "keypadControlDisabled", "refused"],
  ["lock/keypad/commandResultJson", "noExistingCodeIdSet", "refused"],
  ["lock/keypad/commandResultJson", "failedToRetrieveExistingKeypadEntry", "refused"],
] as const)
  test(`a change that ends with "${said}" is ${result}`, async (t) => {
    const { device, say, begun } = await givenHub(t);
    const { answer } = await begun(device.codes.set({ ...guest, ref: "7" }, never));
    await say(topic, said);
    assert.equal(await answer, result);
  });

test("what the hub does not know is absent only where it has told a list that is not full", async (t) => {
  const { device, say, begun } = await givenHub(t, { codesMax: 2 });
  const clear = async () => {
    const { answer, sent } = await begun(device.codes.clear("7", never));
    assert.deepEqual(sent, ['nukihub/lock/keypad/actionJson {"action":"delete","codeId":7}']);
    await say("lock/keypad/commandResultJson", "noExistingCodeIdSet");
    return answer;
  };
  assert.equal(await clear(), "unknown", "it may not have read its codes yet");
  await say("lock/keypad/json", JSON.stringify([entry(1), entry(2)]));
  assert.equal(await clear(), "unknown", "it may stand behind those that are listed");
  await say("lock/keypad/json", JSON.stringify([entry(1)]));
  assert.equal(await clear(), "confirmed");
});

test("a change without an answer is unknown, and makes the next one uncertain until the late answer has come", async (t) => {
  const { device, say, begun, pass } = await givenHub(t);
  const first = await begun(device.codes.set(guest, never));
  await pass(60_000);
  assert.equal(await first.answer, "unknown");
  const second = await begun(device.codes.clear("7", never));
  await say("lock/keypad/commandResultJson", "success");
  assert.equal(await second.answer, "unknown");

  const third = await begun(device.codes.set(guest, never));
  await pass(60_000);
  assert.equal(await third.answer, "unknown");
  await say("lock/keypad/commandResultJson", "success");
  const fourth = await begun(device.codes.clear("7", never));
  await say("lock/keypad/commandResultJson", "success");
  assert.equal(await fourth.answer, "confirmed");
});

test("a command does not come late because the hub is busy with a code", async (t) => {
  const { device, begun, pass, sent } = await givenHub(t);
  const { answer } = await begun(device.codes.set(guest, never));
  const release = device.lock?.release(5_000, never);
  await pass(5_000);
  assert.equal(await release, "refused");
  assert.deepEqual(sent(), []);
  await device.stop();
  assert.equal(await answer, "unknown");
});

test("a window that ends in the hour that comes twice is told wider, and listed as it was meant", async (t) => {
  const { device, say, begun } = await givenHub(t);
  const meant = { from: window.from, until: at("2031-10-26T01:30:00Z") };
  const { answer, sent } = await begun(device.codes.set({ ...guest, window: meant }, never));
  assert.match(sent[0] ?? "", /"allowedUntil":"2031-10-26 03:00:00"/);
  await say("lock/keypad/commandResultJson", "success");
  assert.equal(await answer, "confirmed");
  const asked = await begun(device.codes.list(indexOf, never));
  const limited = { timeLimited: 1, allowedFrom: "2031-03-05 15:00:00", allowedUntil: "2031-10-26 03:00:00" };
  await say("lock/keypad/json", JSON.stringify([entry(1, { ...limited, name: "guest" }), entry(2, limited)]));
  assert.deepEqual(
    (await asked.answer)?.map((code) => code.window),
    [meant, { from: window.from, until: at("2031-10-26T02:00:00Z") }],
  );
});

test("no digits in the log, whatever the hub answers", async (t) => {
  const { device, say, begun, warnings } = await givenHub(t);
  const { answer } = await begun(device.codes.set(guest, never));
  await say("lock/keypad/json", '[{"codeId":1,"code":345678,"enabled":"?"}]');
  await say("lock/keypad/commandResultJson", "345678 exists");
  await answer;
  assert.ok(!inspect([warnings("keypad-answer"), warnings("message-unreadable")]).includes("345678"));
});

test("whatever comes is read or not, and never thrown back", () => {
  const { read, dialect } = hubSpeech({
    topic: "nukihub",
    timeZone,
    tls: false,
    codesMax: 10,
    openingsPerWeekMax: 2,
    keypadMs: 60_000,
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...dialect.publishes, "lock/retry"),
      fc.oneof(fc.string(), fc.json()),
      (name, payload) => {
        const heard = read(name, payload);
        assert.ok(heard === undefined || Array.isArray(heard));
      },
    ),
  );
});
