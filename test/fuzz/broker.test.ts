/** Whatever bytes come in at the broker: it stays, nobody speaks in another's name, and another box's press is still answered. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import mqttPacket, { type Packet } from "mqtt-packet";
import { connectPacket, dial, givenBroker, login, type RawClient } from "../support/mqtt-broker.ts";
import type { Random } from "../support/random.ts";
import { until } from "../support/until.ts";
import { fuzz } from "./fuzz.ts";

const packed = (...packets: readonly Packet[]) => Buffer.concat(packets.map((one) => mqttPacket.generate(one)));
const publish = (topic: string, qos: 0 | 1 | 2, payload = "{}"): Packet => ({
  cmd: "publish",
  topic,
  payload,
  qos,
  ...(qos > 0 && { messageId: 7 }),
  dup: false,
  retain: false,
});
const hello = packed(connectPacket("box-1"));
const rest: readonly Buffer[] = [
  packed(publish("postern/box-1/attempt", 1, '{"boot":1,"seq":1,"up":1,"kind":"pin","value":"471122"}')),
  packed(publish("postern/box-1/state", 2), { cmd: "pubrel", messageId: 7 }),
  packed(publish("postern/box-2/attempt", 1), publish("$SYS/x", 0), publish("postern/box-1/heartbeat", 0)),
  packed({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "postern/box-1/command", qos: 1 }] }),
  packed({
    cmd: "subscribe",
    messageId: 2,
    subscriptions: [
      { topic: "#", qos: 2 },
      { topic: "+/+/+", qos: 0 },
    ],
  }),
  packed({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["postern/box-1/command"] }),
  packed({ cmd: "puback", messageId: 7 }, { cmd: "pubrec", messageId: 7 }, { cmd: "pubcomp", messageId: 7 }),
  packed({ cmd: "pingreq" }),
  packed({ cmd: "disconnect" }),
  // What only a broker says, and a type that is none.
  Buffer.from([0x20, 0x02, 0x00, 0x00, 0x90, 0x03, 0x00, 0x01, 0x01, 0xd0, 0x00, 0x00, 0x00]),
];
const will = {
  topic: "postern/box-1/presence",
  payload: Buffer.from('{"online":false}'),
  qos: 1,
  retain: false,
} as const;
const seeds: readonly Buffer[] = [
  ...rest,
  ...rest.map((bytes) => Buffer.concat([hello, bytes])),
  Buffer.concat([hello, hello]),
  packed(connectPacket("box-1", { will }), publish("postern/box-1/state", 1)),
  packed(connectPacket("", { clean: true }), connectPacket("box-1", { protocolVersion: 5 })),
  packed(connectPacket("box-1", { protocolId: "MQIsdp", protocolVersion: 3 })),
  packed(connectPacket("box-1", { clean: false, keepalive: 0 }), publish("postern/box-1/battery", 1)),
];

/** After any number of connections that are gone. */
const keptBytesMax = 16 * 1024 * 1024;
const connectByte = 0x10;
/** As would keep the fuzzer itself out. */
const asMany = { perSecond: 1e6, burst: 1e6 };
/** Turns of the loop in which the broker takes in what it was sent. */
const turns = 25;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The box whose presses must go on being answered. */
async function aNeighbour(broker: Awaited<ReturnType<typeof givenBroker>>) {
  const client = await broker.client("box-2");
  return async () => {
    const payload = `press ${broker.received.length}`;
    client.publish("postern/box-2/attempt", payload);
    await client.next("puback");
    assert.equal(broker.received.at(-1)?.payload, payload);
  };
}

test("no bytes end the broker, or speak for another box, or keep it from being answered", async (t) => {
  const broker = await givenBroker(t, { penaltyMs: 0, loginMs: 500, denials: asMany, refusals: asMany });
  const press = await aNeighbour(broker);
  let [count, heard] = [0, 0];
  const before = heldBytes();
  await fuzz({
    target: "broker",
    seeds,
    runs: 700,
    words: ["box-2", "postern/box-2/attempt", "\xff\xff\xff\x7f", "\x00\x00", "#", "+"],
    check: async (input, random) => {
      const heardOf = broker.received.length;
      // Most of them behind a login that is as it should be, or few would ever be more than strangers.
      await poured(broker.plainPort, input[0] !== connectByte && random.chance(0.8) ? [hello, input] : [input], random);
      count += 1;
      if (count % 10 === 0) await press();
      const others = broker.received.slice(heardOf).filter(({ payload }) => !payload.startsWith("press"));
      heard += others.length;
      assert.ok(others.every(({ device, topic }) => device === "box-1" && topic.startsWith("postern/box-1/")));
      await until("the connection is gone", () => broker.broker.stats().connections === 1);
      broker.received.length = 0;
    },
  });
  await press();
  assert.equal(broker.broker.stats().sessions, 1);
  const { logins, publishesDenied } = broker.broker.stats();
  assert.ok(logins > count / 3 && heard + publishesDenied > count / 20, "most never got past the login");
  const kept = heldBytes() - before;
  assert.ok(kept < keptBytesMax, `${kept} bytes are still held after ${count} connections`);
});

test("a packet that says it is huge costs no more than its first bytes", async (t) => {
  const broker = await givenBroker(t, { penaltyMs: 0 });
  const press = await aNeighbour(broker);
  const { packetBytes, packetBytesBeforeLogin } = { packetBytes: 16_384, packetBytesBeforeLogin: 1_024 };
  for (const [start, bound] of [
    [Buffer.alloc(0), packetBytesBeforeLogin],
    [hello, packetBytes],
  ] as const) {
    const client = await dial(broker.plainPort);
    client.socket.write(Buffer.concat([start, Buffer.from([start.length > 0 ? 0x32 : 0x10, 0xff, 0xff, 0xff, 0x7f])]));
    await client.isClosed();
    assert.ok(client.socket.bytesWritten < bound, "it was let send more");
  }
  assert.equal(broker.broker.stats().packetsTooLarge, 2);
  await press();
});

test("boxes that speak one byte at a time and then not at all are shut out, and the others are answered meanwhile", async (t) => {
  const broker = await givenBroker(t, { loginMs: 400 });
  const press = await aNeighbour(broker);
  const slow: RawClient[] = [];
  for (let number = 0; number < 40; number += 1) slow.push(await dial(broker.plainPort));
  t.after(() => slow.forEach((client) => void client.end()));
  for (const byte of hello.subarray(0, -1)) {
    for (const { socket } of slow) if (!socket.destroyed) socket.write(Buffer.from([byte]));
    await press();
  }
  for (const client of slow) await client.isClosed();
  await press();
  // Its time to log in is short as well, and a busy machine may take that long.
  await until("a newcomer is let in", async () => {
    const newcomer = await dial(broker.plainPort);
    const code = await login(newcomer, connectPacket("box-1")).catch(() => undefined);
    newcomer.end();
    return code === 0;
  });
});

test("a box that stops in the middle of a packet keeps nobody waiting and is cut off by its own keep-alive", async (t) => {
  const broker = await givenBroker(t, { keepaliveSeconds: 2 });
  const press = await aNeighbourThatPings(t, broker);
  const stuck = await broker.client("box-1");
  stuck.socket.write(packed(publish("postern/box-1/attempt", 1, "x".repeat(300))).subarray(0, 40));
  await press();
  await stuck.isClosed();
  await press();
});

/** As aNeighbour, and keeps its connection where the keep-alive is short. */
async function aNeighbourThatPings(t: TestContext, broker: Awaited<ReturnType<typeof givenBroker>>) {
  const client = await broker.mqttjs("box-2", { keepalive: 1 });
  t.after(() => client.endAsync(true));
  return async () => {
    await client.publishAsync("postern/box-2/attempt", "press", { qos: 1 });
    assert.equal(broker.received.at(-1)?.device, "box-2");
  };
}

/** Sends each of these in pieces, says that there is no more, and waits until the broker has hung up. */
async function poured(port: number, sent: readonly Buffer[], random: Random): Promise<void> {
  const socket: Socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  // Not once(): a broker that has hung up already is no failure.
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await Promise.race([new Promise((resolve) => socket.once("connect", resolve)), closed]);
  socket.resume();
  for (const bytes of sent) {
    for (let at = 0; at < bytes.length && !socket.destroyed; ) {
      const piece = 1 + random.int(bytes.length);
      socket.write(bytes.subarray(at, at + piece));
      at += piece;
      if (random.chance(0.3)) await new Promise(setImmediate);
    }
    for (let turn = 0; turn < turns && !socket.destroyed; turn += 1) await new Promise(setImmediate);
  }
  socket.end();
  await closed;
}
