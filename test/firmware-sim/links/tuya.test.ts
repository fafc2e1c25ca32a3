/** The simulated Tuya device, asked by the tuyapi library, which shares no code with it, and by bare frames where it goes wrong. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { type FaultRates, Faults } from "../../../firmware-sim/faults.ts";
import { TuyaServer, type TuyaServerOptions } from "../../../firmware-sim/links/tuya.ts";
import {
  decodeFrame,
  encodeFrame,
  splitFrames,
  type TuyaMessage,
  type TuyaVersion,
  tuyaCommands,
} from "../../../firmware-sim/links/tuya-frame.ts";
import { SimTuyaLock, type TuyaFamily } from "../../../firmware-sim/sim-tuya-lock.ts";
import { closed } from "../../support/closed.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { until } from "../../support/until.ts";

interface Told {
  readonly dps?: Readonly<Record<string, unknown>>;
  readonly cid?: string;
}
interface Library {
  on(event: string, listener: (told: Told, command: number, number: number) => void): void;
  connect(): Promise<boolean>;
  disconnect(): void;
  isConnected(): boolean;
  get(options: { schema: true; cid?: string }): Promise<Told>;
  set(options: { dps: number; set: unknown; cid?: string; shouldWaitForResponse?: boolean }): Promise<Told>;
}
const TuyaLibrary: new (options: object) => Library = createRequire(import.meta.url)("tuyapi");

const id = "bf0123456789abcdefghij";
const key = "0123456789abcdef";
const versions = ["3.1", "3.3", "3.4", "3.5"] as const;
const cid = "a4c138fffe000001";

async function givenDevice(
  t: TestContext,
  version: TuyaVersion,
  more: { family?: TuyaFamily; rates?: Partial<FaultRates>; isGateway?: boolean; firstNumber?: number } = {},
) {
  const clock = new SimClock(1_700_000_000_000);
  const lock = new SimTuyaLock({ family: more.family ?? "bluetooth", clock });
  const faults = new Faults(more.rates);
  const options: TuyaServerOptions = {
    ...{ id, key, version, clock, faults },
    ...(more.firstNumber !== undefined && { firstNumber: more.firstNumber }),
    ...(more.isGateway ? { locks: { [cid]: lock } } : { lock }),
  };
  const server = new TuyaServer(options);
  const at = await server.start();
  t.after(() => server.stop());
  const library = (keyUsed = key) => {
    const client = new TuyaLibrary({
      ...{ id, key: keyUsed, ip: at.host, port: at.port, version, issueGetOnConnect: false },
    });
    const told: Told[] = [];
    const collect = (heard: Told) => void told.push(heard);
    client.on("data", collect);
    client.on("dp-refresh", collect);
    client.on("error", () => undefined);
    t.after(() => client.disconnect());
    return { client, told };
  };
  return { clock, lock, faults, server, at, library };
}

for (const version of versions) {
  test(`${version}: the library reads all data points, writes one, and hears of both what it wrote and what happened by hand`, async (t) => {
    const { server, lock, library } = await givenDevice(t, version);
    const { client, told } = library();
    await client.connect();
    assert.deepEqual((await client.get({ schema: true })).dps, lock.dps());

    await client.set({ dps: 36, set: 7 });
    assert.equal(lock.dps()[36], 7);
    assert.equal(server.commands, 1);
    await until("the write is told", () => told.some(({ dps }) => dps?.[36] === 7));
    lock.turnThumb("released");
    await until("the thumb is told", () => told.some(({ dps }) => dps?.[47] === true));
  });

  test(`${version}: a lock behind a gateway is asked and told by its own name`, async (t) => {
    const { lock, library } = await givenDevice(t, version, { isGateway: true });
    const { client, told } = library();
    await client.connect();
    const read = await client.get({ schema: true, cid });
    assert.deepEqual([read.cid, read.dps], [cid, lock.dps()]);

    lock.turnThumb("released");
    // The library takes any report for its answer, so the promise proves nothing.
    await client.set({ dps: 46, set: true, cid });
    await until("it obeys", () => lock.view().bolt === "secured");
    await until("it is told", () => told.some((heard) => heard.cid === cid && heard.dps?.[47] === false));
  });

  test(`${version}: it keeps its address, and a client comes back after it was away`, async (t) => {
    const { server, at, lock, library } = await givenDevice(t, version);
    const { client } = library();
    await client.connect();
    await server.stop();
    await until("the client notices", () => !client.isConnected());
    lock.turnThumb("released");

    assert.deepEqual(await server.start(), at);
    const again = library().client;
    await again.connect();
    assert.equal((await again.get({ schema: true })).dps?.[47], true);
  });
}

for (const version of ["3.1", "3.3"] as const)
  test(`${version}: torn into single bytes, every frame arrives whole at who puts it together`, async (t) => {
    const { server, lock } = await givenDevice(t, version);
    server.trouble = { segmentBytes: 1 };
    const bare = await bareClient(t, server, version);
    bare.say(tuyaCommands.query, { devId: id, gwId: id });
    await until("it is whole", () => bare.heard.length === 1);
    assert.deepEqual(JSON.parse(`${bare.heard[0]?.body}`).dps, lock.dps());
    assert.ok(bare.segments() > 20, `${bare.segments()} segments`);
  });

for (const version of ["3.4", "3.5"] as const) {
  test(`${version}: torn into small segments, the library, which puts nothing together, gets no session`, async (t) => {
    const { server, library } = await givenDevice(t, version);
    server.trouble = { segmentBytes: 30 };
    const { client } = library();
    const failed = new Promise<void>((resolve) => client.on("error", () => resolve()));
    void client.connect().catch(() => undefined);
    await failed;
    assert.equal(server.clients, 0);
  });

  test(`${version}: with another key it closes during the handshake; paired anew, the new key holds`, async (t) => {
    const { server, library } = await givenDevice(t, version);
    void library("fedcba9876543210")
      .client.connect()
      .catch(() => undefined);
    await until("it has closed", () => server.closed === 1);
    assert.equal(server.clients, 0);

    server.pairAnew("fedcba9876543210");
    assert.equal(await library("fedcba9876543210").client.connect(), true);
  });

  for (const closesAt of ["session-start", "session-finish"] as const)
    test(`${version}: closes at ${closesAt} when told to`, async (t) => {
      const { server, library } = await givenDevice(t, version);
      server.trouble = { closesAt };
      const { client } = library();
      void client.connect().catch(() => undefined);
      await until("it has closed", () => server.closed === 1);
      assert.equal(server.clients, 0);
    });
}

test("one client at a time: a second one is closed and the first one goes on", async (t) => {
  const { at, library } = await givenDevice(t, "3.3");
  const { client } = library();
  await client.connect();
  const second = connect(at.port, at.host);
  await closed(second);
  assert.ok((await client.get({ schema: true })).dps);
});

test("a command that fails the lock is answered with the lock's word for it; a refusal with a code", async (t) => {
  const { server, lock } = await givenDevice(t, "3.3");
  const bare = await bareClient(t, server, "3.3");
  const write = (dps: object) => bare.say(tuyaCommands.control, { devId: id, gwId: id, uid: "", t: 1, dps });
  lock.jam();
  write({ 46: true });
  await until("acknowledged, and told", () => bare.heard.length === 2);
  assert.deepEqual(
    bare.heard.map(({ command, returnCode }) => [command, returnCode]),
    [
      [tuyaCommands.control, 0],
      [tuyaCommands.status, 0],
    ],
  );
  write({ 4711: true });
  await until("answered", () => bare.heard.length === 3);
  server.trouble = { refuses: true };
  write({ 46: true });
  await until("answered again", () => bare.heard.length === 4);
  assert.deepEqual(
    bare.heard.slice(2).map(({ returnCode, body }) => [returnCode, `${body}`]),
    [
      [1, "data format error"],
      [1, "data format error"],
    ],
  );
  assert.equal(server.commands, 3);
});

test("silent: it hears and does nothing; no reply: it does and says nothing", async (t) => {
  const { server, lock, faults } = await givenDevice(t, "3.3");
  const bare = await bareClient(t, server, "3.3");
  const write = (dps: object) => bare.say(tuyaCommands.control, { devId: id, gwId: id, uid: "", t: 1, dps });
  lock.turnThumb("released");
  await until("told", () => bare.heard.length === 1);
  server.trouble = { isSilent: true };
  write({ 46: true });
  await until("it arrives", () => server.commands === 1);
  assert.equal(lock.view().bolt, "released");

  server.trouble = {};
  faults.rates = { ...faults.rates, noReply: 1 };
  write({ 46: true });
  await until("it arrives", () => server.commands === 2);
  assert.equal(lock.view().bolt, "secured");
  bare.say(tuyaCommands.heartbeat, {});
  await until("it is still there", () => bare.heard.length === 2);
  assert.equal(bare.heard[1]?.command, tuyaCommands.heartbeat);
});

test("late, twice, garbled, misnumbered, of somebody else, remembered, merged: as told", async (t) => {
  const { server, lock, clock, faults } = await givenDevice(t, "3.3");
  const bare = await bareClient(t, server, "3.3");
  const query = () => bare.say(tuyaCommands.query, { devId: id, gwId: id });
  const answered = (what: string, count: number) => until(what, () => bare.heard.length === count);

  faults.rates = { ...faults.rates, repeat: 1 };
  query();
  await answered("twice", 2);
  faults.rates = { ...faults.rates, repeat: 0, lateReplyMs: 3_000 };
  bare.say(tuyaCommands.control, { devId: id, gwId: id, uid: "", t: 1, dps: { 36: 9 } });
  await until("it sleeps", () => clock.nextAt !== undefined);
  assert.equal(bare.heard.length, 2);
  clock.step(3_000);
  await answered("late", 4);
  faults.rates = { ...faults.rates, lateReplyMs: 0 };
  server.trouble = { misnumbers: true, tellsOf: "somebody", remembers: { 47: "long ago" }, merges: true };
  const before = bare.segments();
  query();
  await answered("both", 6);
  assert.equal(bare.segments(), before + 1);
  assert.equal(JSON.parse(`${bare.heard[4]?.body}`).cid, "somebody");
  assert.deepEqual(JSON.parse(`${bare.heard[5]?.body}`).dps, { 47: "long ago" });
  assert.equal(bare.heard[5]?.seq, 1_000 + bare.said());
  server.trouble = { isDevice22: true };
  query();
  await answered("a text", 7);
  assert.equal(`${bare.heard[6]?.body}`, "json obj data unvalid");
  bare.say(tuyaCommands.control, { devId: id, gwId: id, uid: "", t: 1, dps: { 8: null } });
  await answered("the data point", 9);
  assert.deepEqual(JSON.parse(`${bare.heard[8]?.body}`).dps, { 8: 100 });
  lock.tellOdd({ 101: { a: [1] }, 102: null });
  await answered("what nobody knows", 10);
  faults.rates = { ...faults.rates, garble: 1 };
  query();
  await until("noise", () => bare.noise() > 0);
});

test("3.5: its numbers go round at 2^32", async (t) => {
  const { lock, library } = await givenDevice(t, "3.5", { firstNumber: 0xffff_fffe });
  const { client } = library();
  const numbers: number[] = [];
  for (const event of ["data", "dp-refresh"]) client.on(event, (_told, _command, number) => void numbers.push(number));
  await client.connect();
  await client.get({ schema: true });
  lock.turnThumb("released");
  await until("both are heard", () => numbers.length === 2);
  assert.deepEqual(numbers, [0xffff_ffff, 0]);
});

/** Speaks 3.1 and 3.3 frame by frame. */
async function bareClient(t: TestContext, server: TuyaServer, version: "3.1" | "3.3") {
  const { host, port } = await server.start();
  const socket = connect(port, host);
  t.after(() => socket.destroy());
  await once(socket, "connect");
  const seal = { version, key: Buffer.from(key) };
  const heard: TuyaMessage[] = [];
  let begun: Buffer = Buffer.alloc(0);
  let [segments, said, noise] = [0, 0, 0];
  socket.on("data", (bytes: Buffer) => {
    segments += 1;
    try {
      const { frames, rest } = splitFrames(Buffer.concat([begun, bytes]));
      begun = rest;
      for (const frame of frames) heard.push(decodeFrame(frame, seal, "device"));
    } catch {
      noise += 1;
    }
  });
  return {
    heard,
    segments: () => segments,
    said: () => said,
    noise: () => noise,
    say: (command: number, body: object) => {
      said += 1;
      socket.write(
        encodeFrame({ seq: said, command, body: Buffer.from(JSON.stringify(body)) }, seal, Buffer.alloc(12)),
      );
    },
  };
}
