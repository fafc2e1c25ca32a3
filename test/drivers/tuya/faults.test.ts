/** What goes wrong between a Tuya lock and us, one thing at a time: each has been seen with tuyapi, and none may hang, repeat or kill. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";
import type { Version } from "../../../gateway/drivers/tuya/library.ts";
import type { Device } from "../../../gateway/ports/device.ts";
import { collect, deadlineMs, givenTuyaSite, localKey, remoteKey, switchProfile } from "../../support/tuya-site.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
const cid = "a4c138d2f0b1";
const behindGateway = { cids: [cid] };
const board = { family: "access-control", profile: switchProfile } as const;
const isOnline = (device: Device) => () => device.status().link === "online";

for (const version of ["3.1", "3.3", "3.4", "3.5"] as const satisfies readonly Version[]) {
  for (const segmentBytes of [1, 7])
    test(`${version}: frames that come ${segmentBytes} byte(s) at a time are read`, async (t) => {
      const { device, server, appear } = await givenTuyaSite(t, { version });
      server.trouble = { segmentBytes };
      await device.start(never);
      await appear();
      assert.equal(await device.lock?.release(5_000, never), "confirmed");
    });

  test(`${version}: frames that come together are read, each`, async (t) => {
    const { device, server, appear } = await givenTuyaSite(t, { version });
    server.trouble = { merges: true };
    await device.start(never);
    await appear();
    assert.equal(await device.lock?.release(5_000, never), "confirmed");
  });

  test(`${version}: a device that takes no plain query is asked by data point`, async (t) => {
    const { device, server, lock, appear } = await givenTuyaSite(t, { version, ...board });
    lock.turnThumb("released");
    server.trouble = { isDevice22: true };
    await device.start(never);
    await appear();
    await until("the bolt is known", () => device.lock?.state().bolt === "released");
    assert.equal(server.commands, 0);
  });

  test(`${version}: an answer under a number that nobody asked with confirms nothing by itself, and its report does`, async (t) => {
    const { device, server, appear } = await givenTuyaSite(t, { version });
    await device.start(never);
    await appear();
    server.trouble = { misnumbers: true };
    assert.equal(await device.lock?.release(5_000, never), "confirmed");
  });
}

for (const version of ["3.3", "3.4", "3.5"] as const)
  test(`${version}: with a key that is not the lock's it says so once, sends nothing, and goes on trying`, async (t) => {
    const heldKey = "fedcba9876543210";
    const { device, server, clock, logged } = await givenTuyaSite(t, { version, heldKey });
    const reports = collect(device);
    await server.start();
    await device.start(never);
    await until("it has given up", () => {
      if (server.clients > 0) clock.passDeadline(); // up to 3.3 the lock says nothing
      return device.status().link === "offline";
    });
    assert.equal(await device.lock?.release(5_000, never), "refused");
    assert.equal(server.commands, 0);
    assert.deepEqual(reports, []);

    server.pairAnew(heldKey);
    await until("it is in", isOnline(device));
    assert.deepEqual(
      logged.map(({ event }) => event),
      ["key-rejected?"],
    );
    assert.ok(!JSON.stringify(logged).includes(heldKey));
  });

test("paired anew while we hold the old key: offline, and said why", async (t) => {
  const { device, server, clock, appear, logged } = await givenTuyaSite(t, { version: "3.4" });
  await device.start(never);
  await appear();
  server.pairAnew("another-key-4711");
  await until("it is said", () => {
    if (device.status().link === "offline") clock.passDeadline();
    return logged.some(({ event }) => event === "key-rejected?");
  });
  assert.equal(device.status().link, "offline");
});

for (const closesAt of ["connect", "session-start", "session-finish", "query"] as const)
  test(`closed at ${closesAt}: tried again until it goes well`, async (t) => {
    const { device, server, appear } = await givenTuyaSite(t, { version: "3.4" });
    server.trouble = { closesAt };
    await server.start();
    await device.start(never);
    await until("it was closed on", () => device.status().link === "offline");
    server.trouble = {};
    await appear();
    assert.equal(await device.lock?.release(5_000, never), "confirmed");
  });

test("sessions that stand and soon break are begun ever more rarely, until one has stood for a minute", async (t) => {
  const { device, server, clock, appear } = await givenTuyaSite(t, { version: "3.4" });
  server.trouble = { closesAt: "query" };
  await server.start();
  await device.start(never);
  await until("it waits for longer than at first", () => clock.longestMs > 2_000);
  server.trouble = {};
  await appear();
  for (let minute = 0; minute < 60_000; minute += deadlineMs) clock.passDeadline();
  clock.longestMs = 0;
  server.cutOff();
  await until("it is noticed", () => device.status().link === "offline");
  await appear();
  assert.ok(clock.longestMs <= 2_000);
});

test("silent while they agree on a key: given up at the deadline, and tried again", async (t) => {
  const { device, server, clock, appear } = await givenTuyaSite(t, { version: "3.5" });
  server.trouble = { isSilent: true };
  await server.start();
  await device.start(never);
  await until("it waits", () => clock.waiting > 0);
  assert.equal(await device.lock?.release(5_000, never), "refused");
  clock.passDeadline();
  await until("it has given up", () => device.status().link === "offline");
  server.trouble = {};
  await appear();
});

test("3.5: data points asked for by name and never acknowledged do not hide the answer to a command", async (t) => {
  const { device, server, clock, appear } = await givenTuyaSite(t, { version: "3.5", ...board });
  server.trouble = { isDevice22: true, isCurt: true };
  await device.start(never);
  await appear();
  await until("the acknowledgement is waited for", () => clock.waiting > 0);
  clock.passDeadline();
  server.trouble = { refuses: true };
  assert.equal(await device.lock?.release(5_000, never), "refused");
});

test("closed after the command was carried out: unknown, never sent again, and the state is read anew", async (t) => {
  const { device, server, lock, appear } = await givenTuyaSite(t, { version: "3.5" });
  await device.start(never);
  await appear();
  server.trouble = { closesAt: "control" };
  assert.equal(await device.lock?.release(5_000, never), "unknown");
  server.trouble = {};
  await until("the bolt is known", () => device.lock?.state().bolt === "released");
  assert.equal(server.commands, 1);
  assert.equal(lock.view().bolt, "released");
});

test("closed on while it releases: what the bolt was before is not what it is", async (t) => {
  const { device, server, appear } = await givenTuyaSite(t, { version: "3.4" });
  await device.start(never);
  await appear();
  await until("the bolt is known", () => device.lock?.state().bolt === "secured");
  server.trouble = { closesAt: "control" };
  assert.equal(await device.lock?.release(5_000, never), "unknown");
  assert.equal(device.lock?.state().bolt, "unknown");
});

test("a release that is refused: where the bolt is now is read anew", async (t) => {
  const { device, server, appear } = await givenTuyaSite(t, { version: "3.4" });
  await device.start(never);
  await appear();
  await until("the bolt is known", () => device.lock?.state().bolt === "secured");
  server.trouble = { refuses: true };
  assert.equal(await device.lock?.release(5_000, never), "refused");
  await until("the bolt is known again", () => device.lock?.state().bolt === "secured");
});

test("no answer within the deadline: unknown, never sent again, and what came of it is read", async (t) => {
  const { device, faults, clock, server, appear } = await givenTuyaSite(t, { version: "3.4" });
  await device.start(never);
  await appear();
  faults.rates = { ...faults.rates, noReply: 1 };
  const result = device.lock?.release(5_000, never);
  await until("it arrives", () => server.commands === 1);
  clock.passDeadline();
  assert.equal(await result, "unknown");
  await until("it is known", () => device.lock?.state().bolt === "released");
  assert.equal(server.commands, 1);
});

for (const [version, ends] of [
  ["3.4", false],
  ["3.5", true],
] as const)
  test(`${version}: an unanswered command ${ends ? "ends" : "keeps"} the connection of a lock that speaks otherwise`, async (t) => {
    const { device, faults, lock, clock, server, appear } = await givenTuyaSite(t, { version });
    await device.start(never);
    await appear();
    faults.rates = { ...faults.rates, noReply: 1 };
    const reports = collect(device);
    const result = device.lock?.release(5_000, never);
    await until("it arrives", () => server.commands === 1);
    lock.drainBattery(40);
    await until("the battery is known", () => device.status().battery === 40);
    clock.passDeadline();
    assert.equal(await result, "unknown");
    await until("the bolt is known", () => device.lock?.state().bolt === "released");
    const presence = reports.filter(({ type }) => type === "presence").length;
    assert.equal(
      presence > 0,
      ends,
      "3.5 numbers its answers by itself: a late one would be taken for the next command's",
    );
  });

test("a lock that floods us with reports nobody has taken is cut off, and heard again", async (t) => {
  const { device, lock, logged, appear } = await givenTuyaSite(t, { version: "3.4" });
  const taken = Promise.withResolvers<void>();
  device.subscribe(() => taken.promise);
  await device.start(never);
  await appear();
  for (let turns = 0; turns < 100; turns += 1) lock.turnThumb(turns % 2 === 0 ? "released" : "secured");
  await until("it is cut off", () => device.status().link === "offline");
  assert.equal(logged.at(-1)?.event, "reports-flood");
  taken.resolve();
  await until("it is back", isOnline(device));
});

test("a report of another lock behind the gateway proves nothing", async (t) => {
  const { device, server, clock, lock, appear } = await givenTuyaSite(t, { version: "3.5", ...behindGateway });
  await device.start(never);
  await appear();
  lock.uncoupleMotor();
  server.trouble = { tellsOf: "somebody-else" };
  const result = device.lock?.release(5_000, never);
  await until("it arrives", () => server.commands === 1);
  const reports = collect(device);
  lock.useCode("password", 1);
  await until("the answer was read", () => reports.length > 0);
  clock.passDeadline();
  assert.equal(await result, "accepted");
});

test("garbled frames end the connection, and the next is read", async (t) => {
  const { device, faults, server, lock, appear } = await givenTuyaSite(t, { version: "3.3" });
  const reports = collect(device);
  await device.start(never);
  await appear();
  faults.rates = { ...faults.rates, garble: 1 };
  lock.drainBattery(70);
  await until("it has noticed", () => device.status().link === "offline");
  faults.rates = { ...faults.rates, garble: 0 };
  await until("it is back", isOnline(device));
  await until("the battery is known", () => device.status().battery === 70);
  assert.ok(reports.some((report) => report.type === "presence" && report.state === "offline"));
  assert.equal(server.commands, 0);
});

test("what comes twice is told once", async (t) => {
  const { device, faults, lock, appear } = await givenTuyaSite(t, { version: "3.4" });
  await device.start(never);
  await appear();
  faults.rates = { ...faults.rates, repeat: 1 };
  const reports = collect(device);
  lock.turnThumb("released");
  lock.drainBattery(40);
  await until("the battery is known", () => device.status().battery === 40);
  assert.deepEqual(reports, [
    { type: "bolt", state: "released" },
    { type: "battery", percent: 40 },
  ]);
});

test("what could not be written down is told again when it is heard again", async (t) => {
  const { device, lock, server, logged, appear } = await givenTuyaSite(t, { version: "3.4" });
  lock.turnThumb("released");
  const told: string[] = [];
  device.subscribe(async (report) => {
    if (report.type !== "bolt") return;
    told.push(report.state);
    if (told.length === 1) throw new Error("the disk is full");
  });
  await device.start(never);
  await appear();
  await until("it was told", () => logged.some(({ event }) => event === "report-lost"));
  assert.deepEqual(device.lock?.state(), { bolt: "released", basis: "reported" });
  server.cutOff();
  await until("it is told again", () => told.length === 2);
  lock.turnThumb("secured");
  await until("it goes on", () => told.length === 3);
  assert.deepEqual(told, ["released", "released", "secured"]);
});

test("data points of every odd kind are passed over", async (t) => {
  const { device, lock, appear } = await givenTuyaSite(t, { version: "3.4" });
  await device.start(never);
  await appear();
  const reports = collect(device);
  lock.tellOdd({
    1: null,
    8: "full",
    12: null,
    21: 7,
    47: "ajar",
    61: 3,
    200: { deep: [1, 2] },
    constructor: 1,
    __proto__: 2,
  });
  lock.drainBattery(40);
  await until("the battery is known", () => device.status().battery === 40);
  assert.deepEqual(
    reports.filter(({ type }) => type !== "battery" && type !== "opened-at-lock"),
    [],
  );
  assert.ok(isOnline(device)());
});

test("another client holds the only connection: said once, and ours when it goes", async (t) => {
  const { device, server, logged } = await givenTuyaSite(t, { version: "3.3" });
  const { host, port } = await server.start();
  const other = connect(port, host);
  await once(other, "connect");
  t.after(() => other.destroy());
  await until("the other is in", () => server.clients === 1);
  await device.start(never);
  await until("ours is turned away", () => device.status().link === "offline");
  assert.deepEqual(
    logged.map(({ event }) => event),
    ["key-rejected?"],
  );
  other.destroy();
  await until("ours is in", isOnline(device));
});

test("locks behind one gateway share its only connection, and each has its own state and commands", async (t) => {
  const cids = ["lock-1", "lock-2", "lock-3"];
  const { devices, server, locks, appear } = await givenTuyaSite(t, { version: "3.5", cids });
  for (const device of devices) await device.start(never);
  await appear();
  assert.equal(server.clients, 1);
  const results = await Promise.all(devices.map((device) => device.lock?.release(5_000, never)));
  assert.deepEqual(results, ["confirmed", "confirmed", "confirmed"]);

  locks["lock-2"]?.turnThumb("secured");
  await until("it is known", () => devices[1]?.lock?.state().bolt === "secured");
  assert.equal(devices[0]?.lock?.state().bolt, "released");
  await devices[0]?.stop();
  assert.equal(await devices[2]?.lock?.secure(never), "confirmed");
  assert.equal(await devices[0]?.lock?.secure(never), "refused");
  await devices[1]?.stop();
  await devices[2]?.stop();
  await until("the connection is over", () => server.clients === 0);
});

test("3.3: a lock behind a gateway that has nothing to say yet does not cost the connection", async (t) => {
  const { server, clock, aDevice } = await givenTuyaSite(t, { version: "3.3", ...behindGateway });
  const asleep = aDevice("far-away");
  t.after(() => asleep.stop());
  await server.start();
  await asleep.start(never);
  await until("its gateway takes commands", async () => {
    await asleep.lock?.release(5_000, never); // the gateway knows no such lock, and refuses
    return server.commands > 0;
  });
  clock.passDeadline();
  assert.equal(await asleep.lock?.release(5_000, never), "refused");
  assert.equal(server.clients, 1);
  assert.equal(server.commands, 2);
  assert.notEqual(asleep.status().link, "online");
});

test("two keys for one device are refused where the second starts", async (t) => {
  const { device, aDevice } = await givenTuyaSite(t, { version: "3.4", ...behindGateway });
  await device.start(never);
  await assert.rejects(aDevice("lock-2", "fedcba9876543210").start(never), /deviceId: another device/);
});

test("a command whose turn does not come in time is not sent later", async (t) => {
  const { devices, server, appear } = await givenTuyaSite(t, { version: "3.4", cids: ["lock-1", "lock-2"] });
  for (const device of devices) await device.start(never);
  await appear();
  server.trouble = { isSilent: true };
  const first = devices[0]?.lock?.release(5_000, never);
  await until("the first is under way", () => server.commands === 1);
  const abort = new AbortController();
  const second = devices[1]?.lock?.release(5_000, abort.signal);
  abort.abort();
  assert.equal(await second, "refused");
  await devices[0]?.stop();
  assert.equal(await first, "unknown");
  await until("the silent connection is given up", () => devices[1]?.status().link === "offline");
  server.trouble = {};
  await until("it is back", () => devices[1]?.status().link === "online");
  assert.equal(await devices[1]?.lock?.release(5_000, never), "confirmed");
  assert.equal(server.commands, 2);
});

test("a remote key that the lock does not know, and a lock bolted from inside: refused, and said", async (t) => {
  for (const [heldRemoteKey, isDoubleLocked] of [
    ["00000000", false],
    [remoteKey, true],
  ] as const) {
    const { device, lock, logged, appear } = await givenTuyaSite(t, { version: "3.4", heldRemoteKey });
    lock.doubleLock(isDoubleLocked);
    await device.start(never);
    await appear();
    assert.equal(await device.lock?.release(5_000, never), "refused");
    assert.equal(lock.view().bolt, "secured");
    assert.equal(logged.at(-1)?.event, "remote-key-refused");
    await device.stop();
  }
});

for (const [what, command, refusal] of [
  ["another member's key refused while we release", "release", [2, 0, 7]],
  ["a key refused while we secure", "secure", [2, 0, 1]],
] as const)
  test(`${what} is no answer to us`, async (t) => {
    const { device, server, lock, clock, appear } = await givenTuyaSite(t, { version: "3.4" });
    if (command === "secure") lock.turnThumb("released");
    await device.start(never);
    await appear();
    lock.uncoupleMotor();
    const result = command === "release" ? device.lock?.release(5_000, never) : device.lock?.secure(never);
    await until("it arrives", () => server.commands === 1);
    lock.tellOdd({ 61: Buffer.from(refusal).toString("base64") });
    lock.drainBattery(40);
    await until("both were read", () => device.status().battery === 40);
    clock.passDeadline();
    assert.equal(await result, "accepted");
  });

test("a bolt that does not get where it should: unknown, reported as jammed, and no reason to hang up", async (t) => {
  const { device, lock, appear } = await givenTuyaSite(t, { version: "3.5" });
  await device.start(never);
  await appear();
  lock.jam();
  const reports = collect(device);
  assert.equal(await device.lock?.release(5_000, never), "unknown");
  assert.deepEqual(device.lock?.state(), { bolt: "jammed", basis: "reported" });
  lock.drainBattery(40);
  await until("the battery is known", () => device.status().battery === 40);
  assert.ok(!reports.some(({ type }) => type === "presence"));
});

for (const version of ["3.3", "3.4", "3.5"] as const)
  test(`${version}: without a report of the bolt an acknowledgement is accepted, and one with a return code refused`, async (t) => {
    const { device, server, appear } = await givenTuyaSite(t, {
      ...{ version, family: "access-control" },
      profile: { unlock: { by: "write", dp: 104, value: false }, relocks: "by-itself" },
    });
    await device.start(never);
    await appear();
    assert.equal(await device.lock?.release(5_000, never), "accepted");
    server.trouble = { refuses: "by-code" };
    assert.equal(await device.lock?.release(5_000, never), "refused");
    assert.deepEqual(device.lock?.state(), { bolt: "unknown", basis: "assumed" });
  });

test("a lock that opens only on request: refused before it is asked, approved while it is, and refused again", async (t) => {
  const { device, server, lock, clock, appear } = await givenTuyaSite(t, {
    ...{ version: "3.3", family: "residential", profile: "residential-wifi" },
  });
  const reports = collect(device);
  await device.start(never);
  await appear();
  assert.equal(await device.lock?.release(5_000, never), "refused");
  assert.equal(await device.lock?.secure(never), "refused");
  assert.equal(server.commands, 0);

  lock.ring();
  lock.useCode("card", 1); // told after the bell: once it is read, so is the request
  await until("the card is reported", () => reports.some(({ type }) => type === "opened-at-lock"));
  const result = device.lock?.release(5_000, never);
  await until("it arrives", () => server.commands === 1);
  lock.useCode("fingerprint", 1);
  await until("the answer was read", () => reports.filter(({ type }) => type === "opened-at-lock").length === 2);
  clock.passDeadline();
  assert.equal(await result, "accepted", "it has no data point that shows the bolt");
  assert.equal(lock.view().bolt, "released");
  assert.deepEqual(device.lock?.state(), { bolt: "unknown", basis: "assumed" });
  assert.equal(await device.lock?.release(5_000, never), "refused");
});

test("what is done at the lock is reported as what it was", async (t) => {
  const { device, lock, appear } = await givenTuyaSite(t, { version: "3.5", ...behindGateway });
  await device.start(never);
  await appear();
  const reports = collect(device);
  lock.useCode("fingerprint", 3);
  lock.turnThumb("secured");
  lock.pry();
  await until("all is told", () => reports.some(({ type }) => type === "tamper"));
  assert.deepEqual(reports, [
    { type: "bolt", state: "released" },
    { type: "opened-at-lock", by: "fingerprint" },
    { type: "bolt", state: "secured" },
    { type: "tamper", active: true },
  ]);
  assert.equal(device.status().tamper, true);
});

test("an alarm and an opening that were before we came are not reported as news", async (t) => {
  const { device, lock, appear } = await givenTuyaSite(t, { version: "3.4" });
  lock.useCode("fingerprint", 3);
  lock.pry();
  const reports = collect(device);
  await device.start(never);
  await appear();
  await until("the bolt is known", () => device.lock?.state().bolt === "released");
  assert.deepEqual(
    reports.filter(({ type }) => type === "opened-at-lock" || type === "tamper"),
    [],
  );
});

test("no secret is in a log, a report, an error or a printed device", async (t) => {
  const { device, server, lock, logged, clock, appear } = await givenTuyaSite(t, { version: "3.4" });
  const reports = collect(device);
  await device.start(never);
  await appear();
  await device.lock?.release(5_000, never);
  lock.doubleLock(true);
  await device.lock?.release(5_000, never);
  server.pairAnew("another-key-4711");
  await until("it is said", () => {
    if (device.status().link === "offline") clock.passDeadline();
    return logged.length > 1;
  });
  const printed = [JSON.stringify(logged), inspect(logged), JSON.stringify(reports), inspect(device, { depth: 20 })];
  for (const secret of [localKey, remoteKey])
    assert.deepEqual(
      printed.filter((text) => text.includes(secret)),
      [],
    );
});
