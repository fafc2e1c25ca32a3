/** What a Nuki says by its own MQTT, written by hand after the maker's specification, and what the driver makes of it; nobody else plays along. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { nukiMqtt } from "../../../gateway/drivers/nuki-mqtt/driver.ts";
import { officialSpeech } from "../../../gateway/drivers/nuki-mqtt/official.ts";
import { parseOptions } from "../../../gateway/drivers/nuki-mqtt/options.ts";
import { GatewayError } from "../../../gateway/errors.ts";
import type { CommandResult, DeviceReport } from "../../../gateway/ports/device.ts";
import fc from "../../support/fast-check.ts";
import { givenLog } from "../../support/mqtt-broker.ts";
import { PlayedLine } from "../../support/played-line.ts";
import { SimClock } from "../../support/sim-clock.ts";

const never = new AbortController().signal;
const base = "nuki/1A2B3C4D";
const noSecret = () => undefined;

/** The device runs; its lock is connected, listens, and has said that it is locked. */
async function givenLock(t: TestContext, options: object = {}) {
  const clock = new SimClock(Date.UTC(2031, 2, 4, 12));
  const line = new PlayedLine();
  const log = givenLog();
  const context = { clock, logger: log.logger, mqtt: line, secret: noSecret };
  const device = nukiMqtt.create("front", { id: "1A2B3C4D", ...options }, context);
  t.after(() => device.stop());
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => void reports.push(report));
  const say = (name: string, payload: string) => line.say(`${base}/${name}`, payload);
  const appear = async (...states: string[]) => {
    line.connect(`${base}/lockAction`, `${base}/lock`, `${base}/unlock`);
    await say("connected", "true");
    for (const state of states) await say("state", state);
  };
  await device.start(never);
  await appear("1");
  clock.step(clock.monotonic() + 5_000);
  reports.length = 0;
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end)) await turn();
    await turn();
  };
  /** A command that has been sent; what became of it, once that is known. */
  const commanded = async (begin: () => Promise<CommandResult> | undefined) => {
    const before = line.sent.length;
    const ended: { result?: CommandResult | undefined } = {};
    const result = begin()?.then((known) => (ended.result = known));
    await turn();
    assert.equal(line.sent.length, before + 1, "it was sent");
    return { ended, result };
  };
  const release = () => commanded(() => device.lock?.release(5_000, never));
  const secure = () => commanded(() => device.lock?.secure(never));
  return { ...{ clock, line, device, reports, say, appear, pass, release, secure, commanded }, warnings: log.warnings };
}

for (const [what, options, key] of [
  ["neither id nor hub", {}, "id"],
  ["both id and hub", { id: "1A2B3C4D", hub: { timeZone: "Europe/Madrid" } }, "id"],
  ["an id that is none", { id: "smart lock" }, "id"],
  ["an unknown key", { id: "1A2B3C4D", colour: "red" }, "colour"],
  ["less time than a motor takes", { id: "1A2B3C4D", deadlineMs: 5_000 }, "deadlineMs"],
  ["a hub without the lock's time zone", { hub: {} }, "hub.timeZone"],
  ["a time zone nobody knows", { hub: { timeZone: "Mars/Olympus" } }, "hub.timeZone"],
  ["a topic with a wildcard", { hub: { timeZone: "UTC", topic: "nuki/#" } }, "hub.topic"],
] as const)
  test(`refuses ${what} by its key`, () => {
    const context = { clock: new SimClock(0), logger: givenLog().logger, mqtt: new PlayedLine(), secret: noSecret };
    assert.throws(
      () => nukiMqtt.create("front", options, context),
      (error) => error instanceof GatewayError && error.code === "config-invalid" && error.message.startsWith(key),
    );
  });

test("its topics are those of the maker's specification, its commands are none that it could publish itself", () => {
  const { dialect } = officialSpeech("1A2B3C4D");
  assert.equal(dialect.base, base);
  assert.deepEqual(dialect.subscribes, ["lockAction", "lock", "unlock"]);
  assert.equal(dialect.will, "connected");
  assert.equal(dialect.clientId, "any");
  assert.equal(dialect.tls, "never");
  for (const name of [
    "connected",
    "state",
    "commandResponse",
    "lockActionEvent",
    "batteryChargeState",
    "doorsensorState",
  ])
    assert.ok(dialect.publishes.includes(name), name);
  assert.ok(!dialect.publishes.some((name) => dialect.subscribes.includes(name)));
  assert.ok(dialect.ignores.includes(base));
});

for (const [options, verb, sent] of [
  [{}, "release", "3"],
  [{ unlatch: false }, "release", "1"],
  [{}, "secure", "2"],
] as const)
  test(`${verb} ${JSON.stringify(options)} is lockAction ${sent}`, async (t) => {
    const { line, release, secure } = await givenLock(t, options);
    await (verb === "release" ? release() : secure());
    assert.deepEqual(line.sent, [`${base}/lockAction ${sent}`]);
  });

test("an answer of 0 is no proof; the states that follow are", async (t) => {
  const { device, say, release, secure } = await givenLock(t);
  const opening = await release();
  await say("commandResponse", "0");
  await say("state", "2");
  await say("state", "7");
  await turn();
  assert.equal(opening.ended.result, undefined);
  assert.equal(device.lock?.state().bolt, "unknown", "it is on its way");
  await say("state", "5");
  assert.equal(await opening.result, "confirmed");
  assert.deepEqual(device.lock?.state(), { bolt: "released", basis: "reported" });

  const closing = await secure();
  await say("commandResponse", "0");
  await say("state", "4");
  await turn();
  assert.equal(closing.ended.result, undefined);
  await say("state", "1");
  assert.equal(await closing.result, "confirmed");
  assert.deepEqual(device.lock?.state(), { bolt: "secured", basis: "reported" });
});

test("states may come before the answer; both are needed", async (t) => {
  const { say, release } = await givenLock(t, { unlatch: false });
  const opening = await release();
  await say("state", "2");
  await say("state", "3");
  await turn();
  assert.equal(opening.ended.result, undefined);
  await say("commandResponse", "0");
  assert.equal(await opening.result, "confirmed");
});

test("an unlatch is proven by the latch, not by a bolt that was back already", async (t) => {
  const { say, release, pass } = await givenLock(t);
  await say("state", "3");
  const opening = await release();
  await say("commandResponse", "0");
  await say("state", "3");
  await turn();
  assert.equal(opening.ended.result, undefined);
  await pass(25_000);
  assert.equal(await opening.result, "accepted");
});

test("a lock that is jammed on the way has taken the command, and no more", async (t) => {
  const { device, say, release } = await givenLock(t);
  const opening = await release();
  await say("commandResponse", "0");
  await say("state", "2");
  await say("state", "254");
  assert.equal(await opening.result, "accepted");
  assert.equal(device.lock?.state().bolt, "jammed");
});

for (const [code, result] of [
  [69, "refused"], // 0x45 busy
  [38, "refused"], // 0x26 remote not allowed
  [71, "refused"], // 0x47 not calibrated
  [66, "unknown"], // 0x42 motor blocked: it has tried
  [70, "unknown"], // 0x46 cancelled
  [253, "unknown"],
] as const)
  test(`error ${code} is ${result}`, async (t) => {
    const { device, say, release, warnings } = await givenLock(t);
    const opening = await release();
    await say("commandResponse", String(code));
    assert.equal(await opening.result, result);
    assert.equal(device.lock?.state().bolt, result === "refused" ? "secured" : "unknown");
    assert.equal(warnings("command-not-taken").length, 1);
  });

test("a command that arrives twice is taken once, and busy is no refusal of what was taken", async (t) => {
  const { say, release } = await givenLock(t);
  const opening = await release();
  await say("commandResponse", "0");
  await say("commandResponse", "69");
  await turn();
  assert.equal(opening.ended.result, undefined);
  await say("state", "5");
  assert.equal(await opening.result, "confirmed");
});

test("an error on the way is the end of a command that was taken", async (t) => {
  const { say, release } = await givenLock(t);
  const opening = await release();
  await say("commandResponse", "0");
  await say("commandResponse", "66");
  assert.equal(await opening.result, "accepted");
});

test("a motor has the time it needs: proof after 20 s is proof, and without any it is accepted", async (t) => {
  const { say, release, secure, pass } = await givenLock(t);
  const opening = await release();
  await say("commandResponse", "0");
  await pass(20_000);
  assert.equal(opening.ended.result, undefined);
  await say("state", "5");
  assert.equal(await opening.result, "confirmed");
  const closing = await secure();
  await say("commandResponse", "0");
  await pass(25_000);
  assert.equal(await closing.result, "accepted");
});

test("what it says after it has connected anew proves nothing of before, and a stale secured is not taken for the truth", async (t) => {
  const { device, line, say, appear, release, pass } = await givenLock(t);
  const opening = await release();
  await say("commandResponse", "0");
  await say("state", "2");
  line.disconnect();
  assert.equal(await opening.result, "accepted");
  assert.equal(device.status().link, "offline");

  await appear("1");
  assert.equal(device.status().link, "online");
  assert.equal(device.lock?.state().bolt, "unknown");
  await pass(1_000);
  await say("state", "3");
  assert.equal(device.lock?.state().bolt, "released");
});

test("what it says when it has just connected, an answer of before among it, proves nothing of a command that met it there", async (t) => {
  const { line, say, appear, secure, pass } = await givenLock(t);
  line.disconnect();
  await appear();
  const closing = await secure();
  await say("commandResponse", "0");
  await say("state", "1");
  await turn();
  assert.equal(closing.ended.result, undefined);
  await pass(5_000);
  await say("state", "1");
  assert.equal(await closing.result, "confirmed");
});

test("a bolt that is seen to move when it has just connected is proof", async (t) => {
  const { line, say, appear, secure } = await givenLock(t);
  line.disconnect();
  await appear("3");
  const closing = await secure();
  for (const [name, payload] of [
    ["commandResponse", "0"],
    ["state", "4"],
    ["state", "1"],
  ] as const)
    await say(name, payload);
  assert.equal(await closing.result, "confirmed");
});

test("a connection that takes an older one's place ends the wait as well", async (t) => {
  const { say, appear, release } = await givenLock(t);
  const opening = await release();
  await appear("5");
  assert.equal(await opening.result, "unknown");
  await say("commandResponse", "0");
});

test("one command at a time: the next one waits for the end of the one before, and a few seconds at most", async (t) => {
  const { device, line, say, secure, pass } = await givenLock(t);
  const closing = await secure();
  const opening = device.lock?.release(5_000, never);
  await turn();
  assert.equal(line.sent.length, 1);
  await say("commandResponse", "0");
  await say("state", "1");
  assert.equal(await closing.result, "confirmed");
  await turn();
  assert.deepEqual(line.sent, [`${base}/lockAction 2`, `${base}/lockAction 3`]);

  const late = device.lock?.secure(never);
  await pass(5_000);
  assert.equal(await late, "refused", "nobody is told what he wanted long ago");
  assert.equal(line.sent.length, 2);
  await pass(25_000);
  assert.equal(await opening, "unknown");
});

test("a command that was taken and shows no proof gives way after a few seconds", async (t) => {
  const { device, line, say, secure, pass } = await givenLock(t);
  const closing = await secure();
  await say("commandResponse", "0");
  const opening = device.lock?.release(5_000, never);
  await pass(5_000);
  assert.equal(await closing.result, "accepted");
  assert.equal(line.sent.length, 2);
  await say("commandResponse", "0");
  await say("state", "5");
  assert.equal(await opening, "confirmed");
});

test("a refusal that may be of the command before is no refusal", async (t) => {
  const { say, release, pass } = await givenLock(t);
  const unanswered = await release();
  await pass(25_000);
  assert.equal(await unanswered.result, "unknown");
  const next = await release();
  await say("commandResponse", "69");
  assert.equal(await next.result, "unknown");
});

test("a late answer that nobody waits for makes the next one certain again", async (t) => {
  const { say, release, pass } = await givenLock(t);
  const unanswered = await release();
  await pass(25_000);
  assert.equal(await unanswered.result, "unknown");
  await say("commandResponse", "0");
  const next = await release();
  await say("commandResponse", "69");
  assert.equal(await next.result, "refused");
});

const event = (...numbers: number[]) => numbers.join(",");
for (const [what, payload, told] of [
  ["by a code, with its id", event(3, 0, 4711, 17, 1), { by: "code", code: "17" }],
  ["by a finger, with its id", event(1, 0, 4711, 18, 2), { by: "fingerprint", code: "18" }],
  ["by the keypad's back key", event(4, 0, 4711, 19, 0), { by: "hand" }],
  ["by hand", event(1, 1, 0, 0, 0), { by: "hand" }],
  ["by its button", event(1, 2, 0, 0, 2), { by: "hand" }],
  ["by the app", event(3, 0, 33, 0, 0), { by: "app" }],
  ["by auto unlock", event(1, 0, 33, 0, 1), { by: "app" }],
  ["by HomeKit", event(1, 171, 0, 0, 0), { by: "app" }],
  ["by our own command", event(3, 172, 0, 0, 0), undefined],
  ["locked by a code", event(2, 0, 4711, 17, 1), undefined],
  ["a fob without an action", event(80, 0, 5, 0, 1), undefined],
] as const)
  test(`an event ${what} is told as ${JSON.stringify(told)}`, async (t) => {
    const { say, reports } = await givenLock(t);
    await say("lockActionEvent", payload);
    assert.deepEqual(reports, told ? [{ type: "opened-at-lock", ...told }] : []);
  });

test("an event that comes twice is told once; the same again later is another one", async (t) => {
  const { say, reports, pass } = await givenLock(t);
  await Promise.all([say("lockActionEvent", "3,0,4711,17,1"), say("lockActionEvent", "3,0,4711,17,1")]);
  assert.equal(reports.length, 1);
  await pass(3_000);
  await say("lockActionEvent", "3,0,4711,17,1");
  assert.equal(reports.length, 2);
});

test("it is acknowledged only once the report is taken, both copies of it, and told again when it was not", async (t) => {
  const { device, say } = await givenLock(t);
  let failures = 1;
  const taken: DeviceReport[] = [];
  device.subscribe(async (report) => {
    if (report.type !== "opened-at-lock") return;
    await turn();
    failures -= 1;
    if (failures >= 0) throw new Error("the disk is full");
    taken.push(report);
  });
  const copies = [say("lockActionEvent", "3,0,4711,17,1"), say("lockActionEvent", "3,0,4711,17,1")];
  const ended = await Promise.allSettled(copies);
  assert.deepEqual(
    ended.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  await say("lockActionEvent", "3,0,4711,17,1");
  assert.equal(taken.length, 1);
});

test("what it says of itself becomes facts, each told once", async (t) => {
  const { device, say, reports, warnings } = await givenLock(t);
  for (const [name, payload] of [
    ["doorsensorState", "2"],
    ["batteryChargeState", "64"],
    ["batteryCritical", "true"],
    ["keypadBatteryCritical", "true"],
    ["keypadBatteryCritical", "true"],
    ["firmware", "4.3.9"],
    ["doorsensorState", "3"],
    ["doorsensorState", "240"],
    ["state", "1"],
  ] as const)
    await say(name, payload);

  const { door, tamper, battery, firmware } = device.status();
  assert.deepEqual(
    { door, tamper, battery, firmware },
    { door: "unknown", tamper: true, battery: 64, firmware: "4.3.9" },
  );
  assert.deepEqual(reports, [
    { type: "door", state: "closed" },
    { type: "battery", percent: 64 },
    { type: "door", state: "open" },
    { type: "door", state: "unknown" },
    { type: "tamper", active: true },
  ]);
  assert.equal(warnings("accessory-battery-low").length, 1);
});

test("a lock that only says that its battery is low has little", async (t) => {
  const { device, say } = await givenLock(t);
  await say("batteryCritical", "false");
  assert.equal(device.status().battery, undefined);
  await say("batteryCritical", "true");
  assert.equal(device.status().battery, 5);
});

test("its last will and the end of its connection are its going, told once", async (t) => {
  const { device, line, say, appear, reports } = await givenLock(t);
  await say("connected", "false");
  line.disconnect();
  assert.equal(device.status().link, "offline");
  assert.equal(await device.lock?.release(5_000, never), "refused");
  await appear();
  line.disconnect();
  await turn();
  assert.deepEqual(
    reports.flatMap((report) => (report.type === "presence" ? [report.state] : [])),
    ["offline", "online", "offline"],
  );
  assert.deepEqual(line.sent, []);
});

test("what cannot be read is acknowledged, counted and left at that", async (t) => {
  const { device, say, warnings } = await givenLock(t);
  for (const [name, payload] of [
    ["state", "locked"],
    ["state", "-1"],
    ["commandResponse", ""],
    ["lockActionEvent", "3,172"],
    ["connected", "yes"],
    ["batteryChargeState", "101"],
    ["name", "Front door"],
  ] as const)
    await say(name, payload);
  assert.equal(device.lock?.state().bolt, "secured");
  assert.equal(warnings("message-unreadable").at(-1)?.count, 7);
});

test("whatever comes is read or not, and never thrown back", () => {
  const { read, dialect } = officialSpeech("1A2B3C4D");
  fc.assert(
    fc.property(fc.constantFrom(...dialect.publishes, "name"), fc.string(), (name, payload) => {
      const heard = read(name, payload);
      assert.ok(heard === undefined || Array.isArray(heard));
    }),
  );
});

test("the README names every option, with what it is without being named", () => {
  const readme = readFileSync(new URL("../../../gateway/drivers/nuki-mqtt/README.md", import.meta.url), "utf8");
  const { hub, ...own } = parseOptions({ hub: { timeZone: "UTC" } });
  const inHub = Object.entries(hub ?? {}).map(([key, value]) => [`hub.${key}`, value] as const);
  for (const [key, value] of [...Object.entries(own), ...inHub])
    if (key === "hub.timeZone") assert.match(readme, /\| `hub.timeZone` \|/);
    else
      assert.ok(
        [`| \`${key}\` (${value})`, `| \`${key}\` (\`${value}\`)`].some((text) => readme.includes(text)),
        key,
      );
});
