import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { type FaultRates, Faults, noFaults } from "../../firmware-sim/faults.ts";
import { ShellyServer } from "../../firmware-sim/links/shelly.ts";
import { SimRelay } from "../../firmware-sim/sim-relay.ts";
import { authorization, readChallenge } from "../../gateway/drivers/shelly/digest.ts";
import { shelly } from "../../gateway/drivers/shelly/driver.ts";
import { GatewayError } from "../../gateway/errors.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Device, DeviceReport } from "../../gateway/ports/device.ts";
import { type LogFields, type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import type { MqttLink } from "../../gateway/ports/mqtt-link.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { deviceContract } from "../contract/device.ts";
import { SimClock } from "../support/sim-clock.ts";
import { ToldClock } from "../support/told-clock.ts";
import { until } from "../support/until.ts";

const never = new AbortController().signal;
const deadlineMs = 3_000;
const noBroker: MqttLink = {
  publish: async () => false,
  onMessage: () => () => undefined,
  onSubscribed: () => () => undefined,
  onConnection: () => () => undefined,
};

interface Given {
  readonly options?: object;
  /** The relay's, and the one the driver is given; the same unless said otherwise. */
  readonly password?: string;
  readonly driverPassword?: string | null;
}

async function givenRelay(t: TestContext, { options = {}, password, driverPassword = password }: Given = {}) {
  const relayClock = new SimClock(1_900_000_000_000);
  const relay = new SimRelay({ id: "shellyplus1-a8032abe54dc", clock: relayClock });
  relay.setContact(true);
  const faults = new Faults();
  const server = new ShellyServer({ relay, clock: relayClock, faults, ...(password !== undefined && { password }) });
  const at = await server.start();
  await server.stop();
  t.after(() => server.stop());
  const clock = new NotingClock(deadlineMs);
  const [lines, logger] = aLog();
  const device = givenDevice(t, { ...at, deadlineMs, ...options }, clock, logger, driverPassword);
  return {
    relay,
    relayClock,
    faults,
    server,
    clock,
    device,
    lines,
    set: (rates: Partial<FaultRates>) => {
      faults.rates = { ...noFaults, ...rates };
    },
    appear: async () => {
      await server.start();
      await until("the relay is online", () => device.status().link === "online");
    },
    vanish: async () => {
      await server.stop();
      await until("the driver notices", () => device.status().link === "offline");
    },
    passRelayTime: async (ms: number) => {
      const end = relayClock.monotonic() + ms;
      while (relayClock.step(end)) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** Notes how long the driver wants to sleep. What is very long never ends by itself, so that a test sees what else wakes the driver. */
class NotingClock extends ToldClock {
  readonly slept: number[] = [];

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    if (ms < 100_000) return super.sleep(ms, signal);
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  }
}

type Respond = (asked: { readonly id: number; readonly method: string }, login: string | undefined) => BareReply;
interface BareReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A thing that answers each request as the test wants; `commands`: Switch.Set that came. */
async function givenBareThing(t: TestContext, respond: Respond) {
  const asked: string[] = [];
  const server = createHttpServer(async (request, response) => {
    const frame = JSON.parse(await text(request));
    asked.push(frame.method);
    const { status = 200, headers = {}, body } = respond(frame, request.headers.authorization);
    response.writeHead(status, { connection: "close", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const clock = new NotingClock(deadlineMs);
  const { port } = server.address() as AddressInfo;
  const device = givenDevice(t, { host: "127.0.0.1", port, deadlineMs }, clock, silentLogger, "secret");
  await device.start(never);
  return { device, clock, asked, commands: () => asked.filter((method) => method === "Switch.Set").length };
}

function givenDevice(t: TestContext, options: object, clock: Clock, logger: Logger, password?: string | null): Device {
  const device = shelly.create("gate-relay", options, {
    clock,
    logger,
    mqtt: noBroker,
    secret: () => (typeof password === "string" ? new SecretString(password) : undefined),
  });
  t.after(() => device.stop());
  return device;
}

const noReader = "it has no reader";
const noLocator = "it has nothing that beeps or blinks";
deviceContract(
  "shelly",
  async (t) => {
    const rig = await givenRelay(t);
    const { relay } = rig;
    return {
      device: rig.device,
      appear: rig.appear,
      vanish: rig.vanish,
      meet: (how) => {
        rig.set({ noReply: how === "ignore" ? 1 : 0 });
        if (how === "refuse") relay.overheat();
        else relay.coolDown();
        if (how === "obey-unmoved") relay.weld();
        else relay.unweld();
      },
      press: () => assert.fail(noReader),
      turn: (bolt) => {
        if (bolt === "jammed") relay.overheat();
        else relay.set(bolt === "released");
      },
      commands: () => rig.server.commands,
      passDeadline: () => rig.clock.passDeadline(),
    };
  },
  {
    "identifies: the thing says that it did, and nothing moves": noLocator,
    "identifies: refused when the thing cannot be reached": noLocator,
    "hands on what is presented at the reader": noReader,
  },
);

test("a release is one command with the relay's own timer, which ends it; the driver hears of it", async (t) => {
  const { device, relay, server, appear, passRelayTime } = await givenRelay(t);
  const reports = collect(device);
  await device.start(never);
  await appear();

  assert.equal(await device.lock?.release(2_500, never), "confirmed");
  assert.deepEqual([relay.output, relay.timer()?.durationMs, server.commands], [true, 2_500, 1]);

  await passRelayTime(2_500);
  await until("it is back", () => device.lock?.state().bolt === "secured");
  assert.deepEqual(bolts(reports), ["secured", "released", "secured"]);
  assert.equal(server.commands, 1);
});

test("it is asked when the relay's timer should have ended, not only when its turn comes", async (t) => {
  const { device, clock, appear } = await givenRelay(t, { options: { pollMs: 300_000 } });
  await device.start(never);
  await appear();
  await device.lock?.release(30_000, never);
  await until("it waits for that", () => clock.slept.some((ms) => ms > 10_000 && ms <= 30_200));
});

test("hold begins the timer anew, with at most ten minutes", async (t) => {
  const { device, relay, appear, passRelayTime } = await givenRelay(t);
  await device.start(never);
  await appear();
  await device.lock?.hold?.(60_000, never);
  await passRelayTime(50_000);
  assert.equal(await device.lock?.hold?.(3_600_000, never), "confirmed");
  await passRelayTime(599_000);
  assert.equal(relay.output, true);
  await passRelayTime(1_000);
  assert.equal(relay.output, false);
});

test("fail-safe: current secures, and a release takes it away for its time", async (t) => {
  const { device, relay, appear, passRelayTime } = await givenRelay(t, { options: { energised: "secures" } });
  relay.set(true);
  await device.start(never);
  await appear();
  assert.equal(device.lock?.state().bolt, "secured");

  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  assert.equal(relay.output, false);
  await passRelayTime(5_000);
  assert.equal(relay.output, true);
});

test("released without a timer when the gateway comes to it: it is told to secure; with a timer it is left", async (t) => {
  const { device, relay, server, appear, vanish } = await givenRelay(t);
  relay.set(true);
  const reports = collect(device);
  await device.start(never);
  await appear();
  assert.deepEqual([relay.output, server.commands, device.lock?.state().bolt], [false, 1, "secured"]);
  assert.deepEqual(bolts(reports), ["secured"]);

  await vanish();
  relay.set(true, 60_000);
  await appear();
  assert.deepEqual([relay.output, server.commands, device.lock?.state().bolt], [true, 1, "released"]);
});

test("a command that comes while it is told to secure waits for that, and comes last", async (t) => {
  const { device, relay, relayClock, server, set } = await givenRelay(t);
  relay.set(true);
  set({ lateReplyMs: 1_000 });
  const { host, port } = await server.start();
  await device.start(never);
  await until("it is told to secure", () => server.commands === 1 && relayClock.nextAt !== undefined);

  const result = device.lock?.release(5_000, never);
  // Sent at once it would have come before the last of these.
  for (let count = 0; count < 5; count += 1)
    await fetch(`http://${host}:${port}/rpc/Switch.GetStatus?id=0`, { headers: { connection: "close" } });
  assert.equal(server.commands, 1);
  set({});
  relayClock.step(1_000);

  assert.equal(await result, "confirmed");
  assert.deepEqual([relay.output, server.commands], [true, 2]);
});

test("released by hand while it is watched: reported, and left", async (t) => {
  const { device, relay, server, appear } = await givenRelay(t);
  await device.start(never);
  await appear();
  relay.set(true);
  await until("it is reported", () => device.lock?.state().bolt === "released");
  assert.deepEqual([relay.output, server.commands], [true, 0]);
});

test("welded contacts: told to secure and still released is jammed, until they come free", async (t) => {
  const { device, relay, appear, lines } = await givenRelay(t);
  const reports = collect(device);
  await device.start(never);
  await appear();
  await device.lock?.release(5_000, never);
  relay.weld();

  assert.equal(await device.lock?.secure(never), "accepted");
  assert.deepEqual(device.lock?.state(), { bolt: "jammed", basis: "reported" });
  assert.ok(lines.some(({ event, fields }) => event === "relay-fault" && fields?.errors === "stays-released"));
  relay.unweld();
  assert.equal(await device.lock?.secure(never), "confirmed");
  assert.deepEqual(bolts(reports), ["secured", "released", "jammed", "secured"]);
});

test("its own guard: overtemp is a fault and the bolt counts as jammed; a command is refused", async (t) => {
  const { device, relay, appear, lines } = await givenRelay(t);
  await device.start(never);
  await appear();
  relay.overheat();
  await until("jammed", () => device.lock?.state().bolt === "jammed");
  assert.equal(await device.lock?.release(5_000, never), "refused");
  relay.coolDown();
  await until("well again", () => device.lock?.state().bolt === "secured");
  const faults = lines.filter(({ event }) => event === "relay-fault" || event === "relay-well");
  assert.deepEqual(
    faults.map(({ event, fields }) => fields?.errors ?? event),
    ["overtemp", "relay-well"],
  );
});

for (const [contactOn, first, second] of [
  ["closed", "closed", "open"],
  ["open", "open", "closed"],
] as const)
  test(`the door contact, ${contactOn} while on: reported when it changes`, async (t) => {
    const { device, relay, appear } = await givenRelay(t, { options: { contactInput: 0, contactOn } });
    const reports = collect(device);
    await device.start(never);
    await appear();
    relay.setContact(false);
    await until("the door is reported", () => device.status().door === second);
    assert.deepEqual(
      reports.flatMap((report) => (report.type === "door" ? [report.state] : [])),
      [first, second],
    );
  });

test("with a password: let in, nonces that grow old are renewed, and no command is sent twice", async (t) => {
  const { device, server, appear } = await givenRelay(t, { password: "correct horse" });
  await device.start(never);
  await appear();
  server.forgetNonces();
  assert.equal(await device.lock?.release(1_000, never), "confirmed");
  server.forgetNonces();
  assert.equal(await device.lock?.secure(never), "confirmed");
  assert.equal(server.commands, 2);
  assert.equal(device.status().firmware, "2.0.0");
});

for (const [what, driverPassword] of [
  ["wrong", "battery staple"],
  ["missing", null],
] as const)
  test(`a ${what} password: logged once, offline, and nothing moves`, async (t) => {
    const { device, server, relay, clock, lines } = await givenRelay(t, { password: "correct horse", driverPassword });
    const reports = collect(device);
    await device.start(never);
    await server.start();
    await until("offline", () => device.status().link === "offline");

    await until("it waits a minute", () => clock.slept.includes(60_000));
    assert.equal(await device.lock?.release(1_000, never), "refused");
    assert.deepEqual([relay.output, server.commands], [false, 0]);
    await device.stop();
    assert.equal(lines.filter(({ event }) => event === "password-refused").length, 1);
    assert.deepEqual(reports, [], "it never was there");
    assert.doesNotMatch(JSON.stringify(lines), /staple|horse/);
  });

for (const [what, rates] of [
  ["after the deadline", { lateReplyMs: 60_000 }],
  ["never, for the line breaks", { disconnect: 1 }],
] as const)
  test(`an answer that comes ${what}: unknown, not tried again, and the driver finds out how it stands`, async (t) => {
    const { device, server, clock, appear, set } = await givenRelay(t, { options: { pollMs: 300_000 } });
    await device.start(never);
    await appear();
    set(rates);
    const result = device.lock?.release(1_000, never);
    await until("it arrives", () => server.commands === 1);
    if ("lateReplyMs" in rates) clock.passDeadline();
    assert.equal(await result, "unknown");
    set({});
    await until("the driver knows", () => device.lock?.state().bolt === "released");
    assert.equal(server.commands, 1);
  });

test("answers with a wrong byte never make a command that was obeyed look as if it was not, and none is sent twice", async (t) => {
  const { device, server, appear, set } = await givenRelay(t);
  await device.start(never);
  await appear();
  set({ garble: 1 });
  const outcomes = new Set<string | undefined>();
  for (let count = 1; count <= 60; count += 1) {
    outcomes.add(await device.lock?.release(1_000, never));
    assert.equal(server.commands, count);
  }
  assert.ok(!outcomes.has("refused"));
  assert.ok(outcomes.has("unknown"));
});

test("a command does not wait behind a question that hangs", async (t) => {
  const { device, relay, clock, appear, set } = await givenRelay(t);
  await device.start(never);
  await appear();
  set({ lose: 1 });
  await until("a question hangs", () => clock.waiting === 1);
  set({});
  assert.equal(await device.lock?.release(1_000, never), "confirmed");
  assert.equal(relay.output, true);
});

test("an access point that accepts and says nothing is not confused with one that is not there", async (t) => {
  const silent = createServer((socket) => socket.on("error", () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.after(() => silent.close());
  const clock = new ToldClock(deadlineMs);
  const { port } = silent.address() as AddressInfo;
  const device = givenDevice(t, { host: "127.0.0.1", port, deadlineMs }, clock, silentLogger);
  await device.start(never);
  const heard = new Promise<void>((resolve) =>
    silent.on("connection", (socket) => socket.on("data", (bytes) => `${bytes}`.includes("Switch.Set") && resolve())),
  );
  const result = device.lock?.release(1_000, never);
  await heard;
  clock.passDeadline();
  assert.equal(await result, "unknown");
  assert.equal(device.status().link, "unknown");
});

test("a thing that wants to speak another protocol: unknown at once, and neither it nor the stop hangs", async (t) => {
  let heard = 0;
  const other = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () => {
      heard += 1;
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const device = givenDevice(t, { host: "127.0.0.1", port }, new NotingClock(deadlineMs), silentLogger);
  await device.start(never);
  await until("it asks again", () => heard > 1);
  assert.equal(await device.lock?.release(1_000, never), "unknown");
  await device.stop();
});

test("at most four commands wait; the fifth is refused", async (t) => {
  const { device, server, clock, appear, set } = await givenRelay(t);
  await device.start(never);
  await appear();
  set({ noReply: 1 });
  const waiting = Array.from({ length: 4 }, () => device.lock?.release(1_000, never));
  assert.equal(await device.lock?.release(1_000, never), "refused");
  await until("the first arrives", () => server.commands === 1);
  clock.passDeadline();
  // The others' time was over before their turn: they were never sent.
  assert.deepEqual(await Promise.all(waiting), ["unknown", "refused", "refused", "refused"]);
  assert.equal(server.commands, 1);
});

test("a bolt that was not written down is reported again", async (t) => {
  const { device, relay, appear } = await givenRelay(t);
  let isBroken = true;
  const written: DeviceReport[] = [];
  device.subscribe(async (report) => {
    if (isBroken && report.type === "bolt" && report.state === "released") {
      isBroken = false;
      throw new Error("the disk failed");
    }
    written.push(report);
  });
  await device.start(never);
  await appear();
  relay.set(true);
  await until("it is written", () => bolts(written).includes("released"));
  assert.deepEqual(bolts(written), ["secured", "released"]);
});

test("one answer that is missing is no absence; a long absence is told once, and asked for ever more rarely", async (t) => {
  const { device, server, clock, lines, appear, vanish, set } = await givenRelay(t);
  const reports = collect(device);
  await device.start(never);
  await appear();
  set({ lose: 1 });
  await until("a question hangs", () => clock.waiting === 1);
  const before = clock.slept.length;
  clock.passDeadline();
  set({});
  await until("it was answered again", () => clock.slept.slice(before).includes(5_000));
  assert.equal(device.status().link, "online");

  const toldBefore = lines.length;
  await vanish();
  await until("it waits longer", () => clock.slept.some((ms) => ms > 8_000));
  await server.start();
  await until("it is back", () => device.status().link === "online");
  assert.deepEqual(
    reports.flatMap((report) => (report.type === "presence" ? [report.state] : [])),
    ["online", "offline", "online"],
  );
  // Broken off, then not there: each is told when it begins.
  const complaints = lines.slice(toldBefore).filter(({ event }) => event === "device-unreachable");
  const reasons = complaints.map(({ fields }) => fields?.why);
  assert.equal(new Set(reasons).size, reasons.length);
  assert.ok(reasons.length >= 1);
});

test("switched on and no timer to be seen: accepted, not confirmed", async (t) => {
  let output = false;
  const { device, commands } = await givenBareThing(t, ({ id, method }) => {
    if (method === "Switch.Set") output = true;
    return { body: { id, result: { output } } };
  });
  await until("online", () => device.status().link === "online");
  assert.equal(await device.lock?.release(1_000, never), "accepted");
  assert.equal(commands(), 1);
});

test("switched off by a timer that turns it on again: accepted, not confirmed", async (t) => {
  const { device } = await givenBareThing(t, ({ id }) => ({
    body: { id, result: { output: false, timer_started_at: 1_900_000_000, timer_duration: 5 } },
  }));
  await until("online", () => device.status().link === "online");
  assert.equal(await device.lock?.secure(never), "accepted");
});

const unreadable: [what: string, respond: Respond, result: string][] = [
  ["the answer to another request", ({ id }) => ({ body: { id: id + 1, result: { was_on: false } } }), "unknown"],
  ["an answer without end", ({ id }) => ({ body: { id, result: { was_on: "x".repeat(20_000) } } }), "unknown"],
  ["neither result nor error", ({ id }) => ({ body: { id } }), "unknown"],
  ["a failure of its own", () => ({ status: 500, body: "Internal Server Error" }), "unknown"],
  ["no such path", () => ({ status: 404, body: "Not Found" }), "refused"],
  ["a login that is not ours", () => ({ status: 401, headers: { "www-authenticate": "Basic" }, body: "" }), "refused"],
];
for (const [what, respond, result] of unreadable)
  test(`a command met with ${what}: ${result}, and not sent again`, async (t) => {
    const { device, commands } = await givenBareThing(t, (asked, login) =>
      asked.method === "Switch.Set" ? respond(asked, login) : { body: { id: asked.id, result: { output: false } } },
    );
    await until("online", () => device.status().link === "online");
    assert.equal(await device.lock?.release(1_000, never), result);
    assert.equal(commands(), 1);
  });

test("a nonce is used again, counted, until the thing says no", async (t) => {
  const logins: (string | undefined)[] = [];
  const challenge = { "www-authenticate": 'Digest qop="auth", realm="shelly-1", nonce="60dc2c65", algorithm=SHA-256' };
  const { device } = await givenBareThing(t, ({ id }, login) => {
    logins.push(login);
    if (login === undefined) return { status: 401, headers: challenge, body: "" };
    return { body: { id, result: { output: false, timer_duration: 1 } } };
  });
  await until("asked several times", () => logins.length > 5);
  await device.stop();
  assert.equal(logins.filter((login) => login === undefined).length, 1);
  assert.deepEqual(
    logins.slice(1, 5).map((login) => /nc=(\w+)/.exec(login ?? "")?.[1]),
    ["00000001", "00000002", "00000003", "00000004"],
  );
  assert.ok(logins.slice(1).every((login) => login?.includes('nonce="60dc2c65"') && login.includes('uri="/rpc"')));
});

test("no switch of that number: offline with the device's own word", async (t) => {
  const { device, server, lines } = await givenRelay(t, { options: { id: 3 } });
  await device.start(never);
  await server.start();
  await until("offline", () => device.status().link === "offline");
  assert.match(JSON.stringify(lines), /Bad id=3/);
});

test("digest: the answer of RFC 7616's own example, and what is not ours is not answered", () => {
  const header =
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, ' +
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
  const challenge = readChallenge(header);
  assert.ok(challenge);
  const answer = authorization({
    challenge,
    credentials: { username: "Mufasa", password: "Circle of Life" },
    method: "GET",
    uri: "/dir/index.html",
    count: 1,
    cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
  });
  assert.match(answer, /response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"/);
  assert.match(answer, /nc=00000001/);
  assert.match(answer, /opaque="FQhe/);
  for (const other of [
    "",
    "Basic realm=x",
    'Digest realm="x", nonce="y", qop="auth"',
    header.replace("SHA-256", "MD5"),
  ])
    assert.equal(readChallenge(other), undefined, other);
});

const refusedOptions: [options: object, key: string][] = [
  [{}, "host"],
  [{ host: "10.0.0.7", pollMs: 5 }, "pollMs"],
  [{ host: "10.0.0.7", energized: "releases" }, "energized"],
  [{ host: "10.0.0.7", energised: "sometimes" }, "energised"],
];
test("options are parsed strictly, and the fault names its key", () => {
  const create = (options: unknown) =>
    shelly.create("gate-relay", options, {
      clock: new ToldClock(1),
      logger: silentLogger,
      mqtt: noBroker,
      secret: () => undefined,
    });
  for (const [options, key] of refusedOptions)
    assert.throws(
      () => create(options),
      (error: unknown) =>
        error instanceof GatewayError && error.code === "config-invalid" && error.message.includes(key),
    );
  assert.equal(create({ host: "10.0.0.7" }).status().link, "unknown");
});

function collect(device: Device): DeviceReport[] {
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => {
    reports.push(report);
  });
  return reports;
}

function bolts(reports: readonly DeviceReport[]): string[] {
  return reports.flatMap((report) => (report.type === "bolt" ? [report.state] : []));
}

function aLog(): [lines: { event: string; fields: LogFields | undefined }[], logger: Logger] {
  const lines: { event: string; fields: LogFields | undefined }[] = [];
  const write = (event: string, fields?: LogFields) => void lines.push({ event, fields });
  return [lines, { ...silentLogger, info: write, warn: write, error: write }];
}
