/** What tuyapi may not do here, whatever a device sends: connect again by itself, use a nonce twice, or end the process. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { encodeFrame } from "../../../firmware-sim/links/tuya-frame.ts";
import { Connection, commands, type Packet, type Version } from "../../../gateway/drivers/tuya/library.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import fc from "../../support/fast-check.ts";
import { until } from "../../support/until.ts";

const localKey = "0123456789abcdef";

/** A server that answers nothing by itself. */
async function givenPeer(t: TestContext) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    sockets.push(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const connectTo = (version: Version) => {
    const seen = { packets: [] as Packet[], opened: 0, closed: 0 };
    const connection = new Connection(
      { host: "127.0.0.1", port, deviceId: "bf01", localKey: new SecretString(localKey), version },
      {
        packet: (packet) => seen.packets.push(packet),
        reached: () => undefined,
        opened: () => {
          seen.opened += 1;
        },
        closed: () => {
          seen.closed += 1;
        },
      },
    );
    t.after(() => connection.close());
    return { connection, seen };
  };
  return { sockets, connectTo };
}

test("once closed it does not connect again, not even for a write that it is given", async (t) => {
  const { sockets, connectTo } = await givenPeer(t);
  const { connection, seen } = connectTo("3.3");
  connection.open();
  await until("it stands", () => seen.opened === 1);
  sockets[0]?.destroy();
  await until("it is over", () => seen.closed === 1);

  assert.equal(connection.write({ 1: true }, undefined), undefined);
  await connection.set({ multiple: true, data: { 1: true }, shouldWaitForResponse: false });
  await assert.rejects(connection.connect(), TypeError);
  const again = connectTo("3.3");
  again.connection.open();
  await until("another is in", () => again.seen.opened === 1);
  assert.equal(sockets.length, 2);
});

test("closed by us it is reset: what the kernel still holds for the device is not delivered later", async (t) => {
  const { sockets, connectTo } = await givenPeer(t);
  const { connection, seen } = connectTo("3.3");
  connection.open();
  await until("it stands", () => seen.opened === 1 && sockets.length === 1);
  const gone = once(sockets[0]!.resume(), "close");
  connection.close();
  await assert.rejects(gone, { code: "ECONNRESET" });
  assert.equal(seen.closed, 1);
});

test("a device that is gone without a word is noticed by a heartbeat that nobody answers", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { sockets, connectTo } = await givenPeer(t);
  const { connection, seen } = connectTo("3.3");
  connection.open();
  await until("it stands", () => seen.opened === 1);
  t.mock.timers.tick(10_000);
  await once(sockets[0]!, "data");
  await assert.rejects(once(sockets[0]!, "close"), { code: "ECONNRESET" });
  await until("it is given up", () => seen.closed === 1);
});

for (const [what, ask] of [
  ["write", (connection: Connection) => assert.equal(connection.write({ 1: true }, undefined), undefined)],
  ["query", (connection: Connection) => void connection.query(undefined)],
  ["heartbeat", (_connection: Connection, t: TestContext) => t.mock.timers.tick(10_000)],
] as const)
  test(`a ${what} after the last number that a frame can have ends the connection, and nothing else`, async (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const { connectTo } = await givenPeer(t);
    const { connection, seen } = connectTo("3.3");
    connection.open();
    await until("it stands", () => seen.opened === 1);
    connection._currentSequenceN = 2 ** 32 - 1;
    ask(connection, t);
    await until("it is over", () => seen.closed === 1);
  });

test("an object that was never opened does not connect for a write", async (t) => {
  const { sockets, connectTo } = await givenPeer(t);
  assert.equal(connectTo("3.3").connection.write({ 1: true }, undefined), undefined);
  assert.equal(sockets.length, 0);
});

test("nonces of 3.5 frames differ within one instant", async (t) => {
  const { sockets, connectTo } = await givenPeer(t);
  const nonces = new Set<string>();
  for (let tries = 0; tries < 5; tries += 1) connectTo("3.5").connection.open();
  await until("all have begun", () => sockets.length === 5);
  for (const socket of sockets) {
    const [frame] = (await once(socket, "data")) as [Buffer];
    nonces.add(frame.subarray(18, 30).toString("hex"));
  }
  assert.equal(nonces.size, 5);
  assert.ok(
    [...nonces].some((nonce) => !/^(3\d)+$/.test(nonce)),
    "and are not the digits of the time",
  );
});

for (const [what, at] of [
  ["its tag", -5],
  ["its return code", 33],
] as const)
  test(`3.5: a frame with a wrong bit in ${what} is not read, and ends the connection`, async (t) => {
    const { sockets, connectTo } = await givenPeer(t);
    const { connection, seen } = connectTo("3.5");
    connection.open();
    await until("it is in", () => sockets.length === 1);
    const message = { seq: 9, command: commands.controlNew, body: Buffer.alloc(0), returnCode: 0 };
    const frame = encodeFrame(message, { version: "3.5", key: Buffer.from(localKey) }, Buffer.alloc(12, 7));
    frame.writeUInt8(frame.at(at)! ^ 1, at < 0 ? frame.length + at : at);
    sockets[0]?.write(frame);
    await until("it was read", () => seen.packets.length + seen.closed > 0);
    assert.deepEqual([seen.packets, seen.closed], [[], 1]);
  });

for (const version of ["3.1", "3.3", "3.4", "3.5"] as const) {
  for (const returnCode of [0, 1])
    test(`${version}: an empty answer with return code ${returnCode} is read with its code`, async (t) => {
      const { sockets, connectTo } = await givenPeer(t);
      const { connection, seen } = connectTo(version);
      connection.open();
      await until("it is in", () => sockets.length === 1);
      const message = { seq: 9, command: commands.control, body: Buffer.alloc(0), returnCode };
      sockets[0]?.write(encodeFrame(message, { version, key: Buffer.from(localKey) }, Buffer.alloc(12, 7)));
      await until("it was read", () => seen.packets.length === 1);
      const [packet] = seen.packets;
      assert.deepEqual([packet?.commandByte, packet?.returnCode], [commands.control, returnCode]);
    });

  test(`${version}: no frame of a device with our key ends the process, whatever command and body it has`, async (t) => {
    const { sockets, connectTo } = await givenPeer(t);
    const bodies = [
      "",
      "null",
      "5",
      "[]",
      "{}",
      '{"data":null}',
      '{"dps":null}',
      '{"data":{"dps":[]}}',
      "\u0000",
      "x".repeat(200),
    ];
    let count = 0;
    for (const command of [0, commands.sessionAnswer, ...[7, 8, 9, 10, 13, 16, 18, 64]])
      for (const body of bodies) {
        const { connection, seen } = connectTo(version);
        connection.open();
        count += 1;
        await until("it is in", () => sockets.length === count);
        const message = { seq: 1, command, body: Buffer.from(body), returnCode: 0 };
        sockets.at(-1)?.write(encodeFrame(message, { version, key: Buffer.from(localKey) }, Buffer.alloc(12, 7)));
        await until("it was read", () => seen.packets.length + seen.closed > 0);
        connection.close();
        assert.equal(seen.closed, 1);
      }
  });

  test(`${version}: no noise ends the process`, async (t) => {
    const { sockets, connectTo } = await givenPeer(t);
    let count = 0;
    const starts = [
      "",
      "000055aa",
      "00006699",
      "000055aa00000001000000080000000c",
      "000066990000000000010000000800000010",
    ];
    const noise = fc.tuple(fc.constantFrom(...starts), fc.uint8Array({ minLength: 40, maxLength: 80 }));
    await fc.assert(
      fc.asyncProperty(noise, async ([start, bytes]) => {
        const { connection, seen } = connectTo(version);
        connection.open();
        count += 1;
        await until("it is in", () => sockets.length === count);
        sockets.at(-1)?.end(Buffer.concat([Buffer.from(start, "hex"), bytes]));
        await until("it is over", () => seen.closed === 1);
        connection.close();
      }),
      { numRuns: 40 },
    );
  });
}
