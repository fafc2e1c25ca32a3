import assert from "node:assert/strict";
import { test } from "node:test";
import { mqttLockbox } from "../../gateway/drivers/mqtt-lockbox/driver.ts";
import { GatewayError } from "../../gateway/errors.ts";
import type { Device, DeviceReport } from "../../gateway/ports/device.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import type { MqttLink } from "../../gateway/ports/mqtt-link.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { deviceContract } from "../contract/device.ts";
import { givenLockbox } from "../support/lockbox-player.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";

const never = new AbortController().signal;

deviceContract("mqtt-lockbox", async (t) => {
  const { device, box, clock } = await givenLockbox(t);
  return {
    device,
    appear: () => box.appear(),
    vanish: async () => {
      box.vanish();
      await until("the driver notices", () => device.status().link === "offline");
    },
    meet: (how) => {
      box.meet = how;
    },
    press: (pin) => void box.press(pin),
    turn: (bolt) => {
      box.bolt = bolt;
      void box.state();
    },
    commands: () => box.heard.length,
    passDeadline: () => advance(clock, 10_000),
  };
});

test("a command is for this boot, and expires on the box's own clock a few seconds from now", async (t) => {
  const { device, box, clock } = await givenLockbox(t, { commandTtlMs: 3_000 });
  await device.start(never);
  await box.appear();
  advance(clock, 1_000);

  await device.lock?.release(30_000, never);

  const [command] = box.heard;
  assert.equal(command?.action, "release");
  assert.equal(command?.holdMs, 30_000);
  assert.equal(command?.boot, 1);
  const latest = box.up + 3_000;
  assert.ok(command.notAfterUp <= latest && command.notAfterUp >= latest - 10, `${command.notAfterUp} of ${latest}`);
});

test("when all the gateway knows of the box's clock is old or came late, commands expire earlier, never later", async (t) => {
  const { device, box, clock } = await givenLockbox(t, { commandTtlMs: 5_000 });
  await device.start(never);
  await box.appear();
  advance(clock, 3_600_000);
  const late = { boot: 1, seq: 90, up: box.up - 60_000, percent: 50 };
  await box.say("battery", late); // it happened a minute ago

  await device.lock?.release(30_000, never);

  const latest = box.up + 5_000;
  const [command] = box.heard;
  assert.ok(command && command.notAfterUp <= latest && command.notAfterUp >= latest - 1_000);
});

test("after a restart of the box nothing is sent before it has spoken, and then for the new boot", async (t) => {
  const { device, box } = await givenLockbox(t);
  await device.start(never);
  await box.appear();
  box.vanish();
  await until("offline", () => device.status().link === "offline");

  box.boot = 2;
  box.startedAt = 5;
  await box.appear();
  await device.lock?.release(30_000, never);

  assert.equal(box.heard[0]?.boot, 2);
  assert.ok((box.heard[0]?.notAfterUp ?? 0) <= box.up + 5_000);
});

test("a box that starts anew is told its intervals anew, although the first try named the boot it was in", async (t) => {
  const { device, box } = await givenLockbox(t);
  await device.start(never);
  await box.appear();
  await box.leave();

  box.boot = 2;
  await box.appear();

  await until("it is told for its new boot", () => box.configured.at(-1)?.boot === 2);
});

test("what was kept from an earlier boot is handed on as too old to open anything", async (t) => {
  const { device, box } = await givenLockbox(t);
  const reports = collect(device);
  await device.start(never);
  box.boot = 2;
  await box.appear();

  await box.say("attempt", { boot: 1, seq: 900, up: 999_999, kind: "pin", value: "4711" });

  const press = reports.find((report) => report.type === "credential-presented");
  assert.ok(press?.type === "credential-presented");
  assert.equal(press.pressedAt, Number.NEGATIVE_INFINITY);
  assert.equal(press.origin, undefined, "its number must not hide the numbers of this boot");
  await device.lock?.release(30_000, never);
  assert.equal(box.heard[0]?.boot, 2);
});

for (const [name, message] of [
  ["attempt", { boot: 999, seq: 1, up: 5, kind: "pin", value: "4711" }],
  ["heartbeat", { boot: 999, up: 5 }],
  ["state", { boot: 999, seq: 1, up: 5, bolt: "released", door: "open" }],
] as const)
  test(`a boot number out of nowhere, in ${name}, counts for nothing, is told once, and the box is heard as before`, async (t) => {
    const { device, box, clock } = await givenLockbox(t);
    const reports = collect(device);
    await device.start(never);
    await box.appear();

    await box.say(name, message);
    await box.say(name, message);
    await box.press("1234");
    await device.lock?.release(30_000, never);

    assert.deepEqual(
      presses(reports).map(({ pressedAt }) => clock.monotonic() - pressedAt),
      name === "attempt" ? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0] : [0],
    );
    assert.equal(box.heard[0]?.boot, 1);
    assert.deepEqual(
      reports.filter(({ type }) => type === "boot-doubted"),
      [{ type: "boot-doubted", boot: 1, other: 999 }],
    );
    assert.equal(device.status().bootDoubted, true);
    assert.equal(device.status().door, "closed");
  });

test("a boot number that went back is told; presses from the next hello on count, those before do not, whatever they say", async (t) => {
  const { device, box, clock } = await givenLockbox(t);
  const reports = collect(device);
  await device.start(never);
  box.boot = 7;
  await box.appear();
  await box.press("4711");
  await box.leave();

  box.boot = 3;
  await box.appear();
  await box.say("attempt", { boot: 7, seq: 900, up: box.up, kind: "pin", value: "4711" });
  await box.say("attempt", { ...box.stamp, up: box.up - 1, kind: "pin", value: "4711" });
  await box.press("1234");

  assert.deepEqual(
    presses(reports).map(({ pressedAt, origin }) => [clock.monotonic() - pressedAt, origin?.boot]),
    [
      [0, 7],
      [Number.POSITIVE_INFINITY, undefined],
      [Number.POSITIVE_INFINITY, 3],
      [0, 3],
    ],
  );
  assert.deepEqual(
    reports.filter(({ type }) => type === "boot-doubted"),
    [{ type: "boot-doubted", boot: 3, other: 7 }],
  );
  assert.equal(device.status().bootDoubted, true);

  await box.leave();
  box.boot = 4;
  await box.appear();
  assert.equal(device.status().bootDoubted, false);
});

test("a press is as old as it can be", async (t) => {
  const { device, box, clock } = await givenLockbox(t);
  const reports = collect(device);
  await device.start(never);
  await box.appear();
  advance(clock, 10_000);

  await box.say("attempt", { ...box.stamp, up: box.up - 4_000, kind: "pin", value: "4711" });

  const press = reports.find((report) => report.type === "credential-presented");
  assert.ok(press?.type === "credential-presented");
  const age = clock.monotonic() - press.pressedAt;
  assert.ok(age >= 4_000 && age < 4_100, `${age}`);
});

for (const [name, boot] of [
  ["a gateway restart", 1],
  ["a reboot of the box", 2],
] as const)
  test(`after ${name} a press that comes before the hello is too late, one after it is new`, async (t) => {
    const { site, device, box } = await givenLockbox(t);
    await device.start(never);
    await box.appear();
    await box.leave();
    if (boot === 1) {
      await device.stop();
      await device.start(never);
    }
    const reports = collect(device);
    const client = await site.mqttjs("box-1");
    await client.subscribeAsync("postern/box-1/command", { qos: 1 });
    box.boot = boot;
    const say = (name: string, message: object) =>
      client.publishAsync(`postern/box-1/${name}`, JSON.stringify(message), { qos: 1 });
    await say("attempt", { ...box.stamp, kind: "pin", value: "1111" });
    await say("presence", { online: true, boot, up: box.up });
    await say("attempt", { ...box.stamp, kind: "pin", value: "2222" });

    const ages = reports.flatMap((report) => (report.type === "credential-presented" ? [report.pressedAt] : []));
    assert.equal(ages[0], Number.NEGATIVE_INFINITY);
    assert.ok(Number.isFinite(ages[1]));
  });

test("a time later than an answer allows moves no command's expiry", async (t) => {
  const { device, box } = await givenLockbox(t);
  await device.start(never);
  await box.appear();
  await until("its clock is bounded", () => box.configured.length === 1);
  await device.lock?.release(1_000, never);
  await box.say("battery", { ...box.stamp, up: box.up + 900_000_000, percent: 50 });
  await device.lock?.release(1_000, never);
  assert.ok((box.heard.at(-1)?.notAfterUp ?? Infinity) <= box.up + 5_000);
});

test("at most eight commands wait for an answer; the ninth is refused and not sent", async (t) => {
  const { device, box, clock } = await givenLockbox(t);
  await device.start(never);
  await box.appear();
  await until("configured", () => box.configured.length > 0);
  box.meet = "ignore";

  const waiting = Array.from({ length: 8 }, () => device.lock?.release(1_000, never));
  assert.equal(await device.lock?.release(1_000, never), "refused");
  await until("eight arrive", () => box.heard.length === 8);
  advance(clock, 10_000);

  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(["unknown"]));
  assert.equal(box.heard.length, 8);
});

test("a reply counts once, for the command it names", async (t) => {
  const { device, box } = await givenLockbox(t);
  await device.start(never);
  await box.appear();
  box.meet = "ignore";
  const [first, second] = [device.lock?.release(1_000, never), device.lock?.secure(never)];
  await until("both arrive", () => box.heard.length === 2);

  await box.reply("nobody-asked", "done");
  await box.reply(box.heard[1]?.id ?? "", "expired");
  box.bolt = "released";
  await box.reply(box.heard[0]?.id ?? "", "done");
  await box.reply(box.heard[0]?.id ?? "", "refused");

  assert.deepEqual(await Promise.all([first, second]), ["confirmed", "refused"]);
});

test("a reply of another boot than the command's says nothing of the command", async (t) => {
  const { device, box } = await givenLockbox(t);
  await device.start(never);
  box.boot = 2;
  await box.appear();
  box.meet = "ignore";
  const result = device.lock?.release(1_000, never);
  await until("it arrives", () => box.heard.length === 1);

  const { id } = box.heard[0]!;
  for (const boot of [1, 3])
    await box.say("reply", { ...box.stamp, boot, id, result: "done", bolt: "released", door: "closed" });
  await box.reply(id, "refused");

  assert.equal(await result, "refused");
});

const unreadable = ["", "{", "null", "[]", "4711", '{"boot":1}', '{"boot":1,"seq":1,"up":1,"kind":"pin","value":4711}'];
test("what cannot be read is acknowledged, counted and logged without its content, and never thrown", async (t) => {
  const [lines, logger] = aWarningLog();
  const { site, clock, box } = await givenLockbox(t);
  const device = mqttLockbox.create(
    "box-1",
    {},
    {
      clock,
      logger,
      mqtt: site.broker.link("box-1"),
      secret: () => new SecretString(Buffer.alloc(32, 0x5a).toString("base64url")),
    },
  );
  const reports = collect(device);
  await device.start(never);
  t.after(() => device.stop());
  await box.appear();
  const before = reports.length;

  for (const payload of unreadable) await box.raw("attempt", payload);

  assert.equal(reports.length, before);
  const logged = lines.filter(({ event }) => event === "message-unreadable");
  assert.equal(logged.length, unreadable.length);
  assert.equal(logged.at(-1)?.fields?.count, unreadable.length);
  assert.ok(!JSON.stringify(logged).includes("4711"));
});

test("no log line names the device once more: the logger it is given does", async (t) => {
  const [lines, logger] = aWarningLog();
  const { device, box, clock } = await givenLockbox(t, { reconnectGraceMs: 0 }, logger);
  device.subscribe(async (report) => {
    if (report.type === "presence" && report.state === "offline") throw new Error("the disk failed");
  });
  await device.start(never);
  await box.appear();
  await box.raw("attempt", "{");
  await box.say("heartbeat", { boot: 99, up: 5 });
  await until("the doubt is logged", () => lines.some(({ event }) => event === "boot-doubted"));
  await box.leave();
  await until("the loss is logged", () => {
    clock.step(clock.monotonic());
    return lines.some(({ event }) => event === "report-lost");
  });

  assert.deepEqual(
    lines.map(({ event }) => event),
    ["message-unreadable", "boot-doubted", "device-lost", "report-lost"],
  );
  for (const { event, fields } of lines) assert.ok(!Object.hasOwn(fields ?? {}, "device"), event);
});

test("bolt and door are told when they change; the last report of a message carries its origin", async (t) => {
  const { device, box } = await givenLockbox(t);
  const reports = collect(device);
  await device.start(never);
  await box.appear();
  await box.state();
  box.door = "open";
  await box.state();
  await box.say("battery", { ...box.stamp, percent: 80 });
  await box.say("battery", { ...box.stamp, percent: 80 });
  await box.say("tamper", { ...box.stamp, active: true });

  const told = reports.map((report) => [
    report.type,
    "state" in report ? report.state : "percent" in report ? report.percent : report.type === "tamper" && report.active,
    "origin" in report,
  ]);
  assert.deepEqual(told, [
    ["presence", "online", false],
    ["bolt", "secured", false],
    ["door", "closed", true],
    ["door", "open", true],
    ["battery", 80, true],
    ["tamper", true, true],
  ]);
  const { link, firmware, battery, tamper, door } = device.status();
  assert.deepEqual([link, firmware, battery, tamper, door], ["online", "1.2.3", 80, true, "open"]);
});

test("what was not written down is reported again when it comes again", async (t) => {
  const { site, device, box } = await givenLockbox(t);
  await device.start(never);
  await box.appear();
  const reports: DeviceReport[] = [];
  let disk: "broken" | "fine" = "broken";
  device.subscribe(async (report) => {
    if (disk === "broken") throw new Error("the disk failed");
    reports.push(report);
  });

  box.door = "open";
  void box.state();
  await until("the broker ends the connection instead of an answer", () => site.broker.stats().failures === 1);
  disk = "fine";
  await box.appear();

  assert.ok(reports.some((report) => report.type === "door" && report.state === "open"));
});

test("a second copy, on another connection, is acknowledged only when the first one is written down", async () => {
  let deliver: Parameters<MqttLink["onMessage"]>[0] = () => Promise.reject(new Error("nobody listens"));
  const device = mqttLockbox.create(
    "box-1",
    {},
    {
      clock: new SimClock(0),
      logger: silentLogger,
      mqtt: {
        publish: async () => false,
        onMessage: (listener) => {
          deliver = listener;
          return () => undefined;
        },
        onSubscribed: () => () => undefined,
        onConnection: () => () => undefined,
      },
      secret: () => new SecretString(Buffer.alloc(32, 1).toString("base64url")),
    },
  );
  await device.start(never);
  const disk = Promise.withResolvers<void>();
  let isWritten = false;
  device.subscribe(() => disk.promise);
  const copy = () =>
    deliver("postern/box-1/state", '{"boot":1,"seq":1,"up":5,"bolt":"secured","door":"open"}').then(() => isWritten);

  const copies = [copy(), copy()];
  await new Promise((resolve) => setImmediate(resolve));
  isWritten = true;
  disk.resolve();

  assert.deepEqual(await Promise.all(copies), [true, true]);
  await device.stop();
});

test("two heartbeats missed: offline; the next one: online", async (t) => {
  const { device, box, clock } = await givenLockbox(t, { heartbeatMs: 60_000, reconnectGraceMs: 5_000 });
  const reports = collect(device);
  await device.start(never);
  await box.appear();

  await advanceWaking(clock, 119_000);
  assert.equal(device.status().link, "online");
  await advanceWaking(clock, 7_000);
  assert.equal(device.status().link, "offline");
  await box.say("heartbeat", { boot: 1, up: box.up });
  await until("online again", () => device.status().link === "online");

  const presence = reports.flatMap((report) => (report.type === "presence" ? [report.state] : []));
  assert.deepEqual(presence, ["online", "offline", "online"]);
});

test("a connection that ends with a goodbye and comes back within the grace time is no absence", async (t) => {
  const { site, device, box, clock } = await givenLockbox(t, { reconnectGraceMs: 10_000 });
  const reports = collect(device);
  await device.start(never);
  await box.appear();
  const sayGoodbye = async () => {
    const { sessions } = site.broker.stats();
    await box.leave();
    await until("the broker notices", () => site.broker.stats().sessions < sessions);
  };

  await sayGoodbye();
  await advanceWaking(clock, 9_000);
  await box.appear();
  await advanceWaking(clock, 20_000);
  assert.equal(device.status().link, "online");
  await sayGoodbye();
  await advanceWaking(clock, 11_000);
  assert.equal(device.status().link, "offline");

  assert.equal(reports.filter(({ type }) => type === "presence").length, 2);
});

test("the box is told its intervals when it comes, and feedback reaches it", async (t) => {
  const { device, box } = await givenLockbox(t, { heartbeatMs: 30_000, batteryMs: 60_000 });
  await device.start(never);
  await box.appear();
  await device.reader?.feedback("locked-out", never);
  await until("the feedback arrives", () => box.heard.length === 1);

  assert.equal(box.configured.length, 1);
  assert.equal(box.configured[0]?.heartbeatMs, 30_000);
  assert.equal(box.heard[0]?.outcome, "locked-out");
});

const refusedOptions: [options: object, key: string][] = [
  [{ heartbeatMs: 5 }, "heartbeatMs"],
  [{ heartbeatMs: "5 min" }, "heartbeatMs"],
  [{ hearbeatMs: 60_000 }, "hearbeatMs"],
];
test("options are parsed strictly, and the fault names its key", () => {
  const create = (options: unknown, key: SecretString | undefined) =>
    mqttLockbox.create("box-1", options, {
      clock: new SimClock(0),
      logger: silentLogger,
      mqtt: {
        publish: async () => false,
        onMessage: () => () => undefined,
        onSubscribed: () => () => undefined,
        onConnection: () => () => undefined,
      },
      secret: () => key,
    });
  const good = new SecretString(Buffer.alloc(32, 1).toString("base64url"));
  const names = (key: string) => (error: unknown) =>
    error instanceof GatewayError && error.code === "config-invalid" && error.message.includes(key);

  for (const [options, key] of refusedOptions) assert.throws(() => create(options, good), names(key));
  assert.throws(() => create({}, undefined), names('"key" is missing'));
  assert.throws(() => create({}, new SecretString("c2hvcnQ")), names("32 bytes"));
  assert.equal(create(undefined, good).status().link, "unknown");
});

function aWarningLog(): [lines: { event: string; fields: LogFields | undefined }[], logger: Logger] {
  const lines: { event: string; fields: LogFields | undefined }[] = [];
  const write = (event: string, fields?: LogFields) => void lines.push({ event, fields });
  return [lines, { ...silentLogger, warn: write, error: write }];
}

function presses(reports: readonly DeviceReport[]) {
  return reports.filter((report) => report.type === "credential-presented");
}

function collect(device: Device): DeviceReport[] {
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => {
    reports.push(report);
  });
  return reports;
}

function advance(clock: SimClock, ms: number): void {
  const target = clock.monotonic() + ms;
  while (clock.step(target));
}

/** The same, giving whoever wakes the time to act before the next one wakes. */
async function advanceWaking(clock: SimClock, ms: number): Promise<void> {
  const target = clock.monotonic() + ms;
  while (clock.step(target)) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}
