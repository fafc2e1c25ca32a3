/**
 * Defects of aedes 1.2.0 that the broker must not show, each by its number in our notes on the library; and the private parts of it
 * that the guards need. Run against every new version before it is taken.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import mqttPacket from "mqtt-packet";
import { connectPacket, dial, givenBroker, login, type RawClient } from "../support/mqtt-broker.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";

test("D1: commands sent in one tick all arrive, in order, whatever else is published meanwhile", async (t) => {
  const site = await givenBroker(t);
  const box = await site.client("box-1");
  await box.subscribe("postern/box-1/command");
  const noisy = await site.client("box-2");

  const sent = Array.from({ length: 100 }, async (_, n) => {
    noisy.publish("postern/box-2/heartbeat", "{}", n % 2 === 0 ? 0 : 1, n + 1);
    return site.broker.link("box-1").publish("postern/box-1/command", `${n}`);
  });
  assert.ok((await Promise.all(sent)).every(Boolean));
  await until("a hundred commands arrive", () => box.packets.length === 100);

  const payloads = box.packets.map((packet) => (packet.cmd === "publish" ? Number(packet.payload) : -1));
  assert.deepEqual(
    payloads,
    Array.from({ length: 100 }, (_, n) => n),
  );
});

test("D2: an allowed filter does not carry a forbidden one along, not even over a reconnect that wants its session", async (t) => {
  const site = await givenBroker(t);
  const spy = await site.client("box-1", { clean: false });
  const filters = ["postern/box-1/command", "postern/box-2/command"].map((topic) => ({ topic, qos: 1 as const }));
  spy.send({ cmd: "subscribe", messageId: 1, subscriptions: filters });
  assert.deepEqual((await spy.next("suback")).granted, [1, 128]);
  const victim = await site.client("box-2");
  await victim.subscribe("postern/box-2/command");

  spy.end();
  await until("the spy is gone", () => site.broker.stats().sessions === 1);
  assert.equal(await site.broker.link("box-2").publish("postern/box-2/command", "unlock"), true);
  await victim.next("publish");
  const again = await dial(site.plainPort);
  again.send(connectPacket("box-1", { clean: false }));

  assert.equal((await again.next("connack")).sessionPresent, false);
  await again.ping();
  assert.deepEqual(again.packets, []);
  assert.equal(await site.broker.link("box-1").publish("postern/box-1/command", "x"), false);
});

test("D3: a reader that has stopped reading is cut off at its bound; meanwhile the others are served", async (t) => {
  const site = await givenBroker(t, { unreadBytes: 256 * 1024 });
  const frozen = await site.client("box-1");
  await frozen.subscribe("postern/box-1/command");
  const other = await site.client("box-2");
  await other.subscribe("postern/box-2/command");
  frozen.socket.pause();

  const payload = "x".repeat(8_192);
  let sent = 0;
  while (await site.broker.link("box-1").publish("postern/box-1/command", payload)) {
    sent += 1;
    assert.ok(sent < 10_000, "nothing bounds what waits for the frozen reader");
    if (sent % 50 > 0) continue;
    assert.equal(await site.broker.link("box-2").publish("postern/box-2/command", `${sent}`), true);
    assert.equal(String((await other.next("publish")).payload), `${sent}`);
  }
  await until("the frozen reader is cut off", () => site.broker.stats().cutOff === 1);
  other.publish("postern/box-2/attempt", "{}");
  await other.next("puback");
  frozen.end();
});

test("D4: many small publishes beside a frozen reader leave the process standing", async (t) => {
  const site = await givenBroker(t, {
    packets: { perSecond: 1e6, burst: 1e6 },
    denials: { perSecond: 1e6, burst: 1e6 },
  });
  const frozen = await site.client("box-1");
  await frozen.subscribe("postern/box-1/command");
  frozen.socket.pause();
  const noisy = await site.client("box-2");

  for (let n = 0; n < 10_000; n += 1) noisy.publish(n % 2 ? "a/b" : "postern/box-1/command", "", 0);
  await noisy.ping();

  assert.equal(site.broker.stats().publishesDenied, 10_000);
  frozen.end();
});

test("D5: a refused CONNECT with a device's name leaves its half-finished QoS 2 exchanges alone", async (t) => {
  const site = await givenBroker(t);
  const box = await site.client("box-1");
  const exchanges = Array.from({ length: 32 }, (_, n) => n + 1); // as many as may be open at once
  for (const id of exchanges) {
    box.publish("postern/box-1/tamper", "{}", 2, id);
    await box.next("pubrec");
  }

  const stranger = await dial(site.plainPort);
  assert.equal(await login(stranger, connectPacket("box-1", { password: Buffer.from("wrong") })), 4);
  await stranger.isClosed();

  for (const id of exchanges) {
    box.send({ cmd: "pubrel", messageId: id });
    assert.equal((await box.next("pubcomp")).messageId, id);
  }
  // an exchange that aedes has forgotten is never over, and with 32 of those it ends the connection
  box.publish("postern/box-1/tamper", "{}", 2, 33);
  assert.equal((await box.next("pubrec")).messageId, 33);
});

const tooLarge: [what: string, bytes: Buffer, before: boolean][] = [
  ["a CONNECT of 256 MB, by its header", Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), true],
  ["a CONNECT over 1 KiB", Buffer.from([0x10, 0x81, 0x08]), true],
  ["a PUBLISH over 16 KiB", Buffer.from([0x32, 0x81, 0x80, 0x01]), false],
];
for (const [what, bytes, before] of tooLarge) {
  test(`D6: refused by its length, before its body: ${what}`, async (t) => {
    const site = await givenBroker(t);
    const client = before ? await dial(site.plainPort) : await site.client("box-1");

    client.socket.write(bytes);
    await client.isClosed();

    assert.equal(site.broker.stats().packetsTooLarge, 1);
    await site.client("box-2");
  });
}

test("D6: a publish of 16 KiB is taken", async (t) => {
  const site = await givenBroker(t);
  const box = await site.client("box-1");
  box.publish("postern/box-1/attempt", "x".repeat(16_384 - 2 - "postern/box-1/attempt".length - 2));
  await box.next("puback");
});

test("D7: an empty client id that wants a session is refused with code 2", async (t) => {
  const site = await givenBroker(t);
  const client = await dial(site.plainPort);
  const bytes = mqttPacket.generate({ ...connectPacket(""), clean: true });
  const flags = 2 + 2 + "MQTT".length + 1; // fixed header, protocol name, level
  bytes.writeUInt8(bytes.readUInt8(flags) & ~0x02, flags);

  client.socket.write(bytes);

  assert.equal((await client.next("connack")).returnCode, 2);
  await client.isClosed();
});

test("D8: answers keep the order of the messages, whatever order the listener finishes them in", async (t) => {
  const site = await givenBroker(t);
  site.deafen();
  const finish: (() => void)[] = [];
  site.broker.link("box-1").onMessage(() => new Promise((resolve) => finish.push(resolve)));
  const box = await site.client("box-1");

  box.send(...[1, 2, 3, 4, 5].map((messageId) => attempt(messageId)));
  await until("all five are with the listener at once", () => finish.length === 5);
  for (const done of finish.toReversed()) done();
  await until("five answers", () => box.packets.length === 5);

  assert.deepEqual(
    box.packets.map((packet) => packet.messageId),
    [1, 2, 3, 4, 5],
  );
});

test("D9: a forbidden filter gets 0x80 and never shuts its device out", async (t) => {
  const site = await givenBroker(t);
  for (let visit = 1; visit <= 3; visit += 1) {
    const box: RawClient = await site.client("box-1", { clean: false });
    assert.equal(await box.subscribe("postern/#"), 128);
    assert.equal(await box.subscribe("postern/box-1/command"), 1);
    box.end();
    await until("gone", () => site.broker.stats().sessions === 0);
  }
});

test("a device over its rate waits, loses nothing and keeps its order; another device does not wait", async (t) => {
  const clock = new SimClock(Date.now());
  const site = await givenBroker(t, { packets: { perSecond: 100, burst: 5 } }, undefined, { clock });
  const fast = await site.client("box-1");
  const other = await site.client("box-2");

  fast.send(...Array.from({ length: 25 }, (_, n) => attempt(n + 1)));
  other.publish("postern/box-2/attempt", "{}");
  await other.next("puback");
  assert.ok(fast.packets.length <= 5);
  await until("all are answered in the end", () => {
    if (clock.nextAt !== undefined) clock.step(clock.nextAt);
    return fast.packets.length === 25;
  });

  assert.deepEqual(
    fast.packets.map((packet) => packet.messageId),
    Array.from({ length: 25 }, (_, n) => n + 1),
  );
});

test("pings, subscriptions and their ends wait as messages do, in the order they came", async (t) => {
  const clock = new SimClock(Date.now());
  const site = await givenBroker(t, { packets: { perSecond: 1, burst: 3 } }, undefined, { clock });
  const fast = await site.client("box-1");
  const topic = "postern/box-1/command";

  fast.send({ cmd: "pingreq" }, { cmd: "pingreq" }, { cmd: "pingreq" });
  fast.send({ cmd: "subscribe", messageId: 4, subscriptions: [{ topic, qos: 1 }] }, { cmd: "pingreq" });
  await until("three are answered and the next one waits", () => fast.packets.length === 3 && clock.nextAt === 1_000);
  fast.send({ cmd: "unsubscribe", messageId: 6, unsubscriptions: [topic] }, attempt(7));
  for (let answers = 4; answers <= 7; answers += 1) {
    await until(`answer ${answers} waits`, () => clock.nextAt !== undefined);
    assert.equal(fast.packets.length, answers - 1);
    clock.step(clock.nextAt ?? 0);
    await until(`answer ${answers}`, () => fast.packets.length === answers);
  }

  assert.deepEqual(
    fast.packets.map(({ cmd }) => cmd),
    ["pingresp", "pingresp", "pingresp", "suback", "pingresp", "unsuback", "puback"],
  );
});

test("packets before the CONNACK are bounded, and a second CONNECT ends the connection", async (t) => {
  const site = await givenBroker(t);
  const eager = await dial(site.plainPort);
  eager.send(connectPacket("box-1"), ...Array.from({ length: 40 }, (_, n) => attempt(n + 1)));
  await eager.isClosed();

  const twice = await site.client("box-1");
  twice.send(connectPacket("box-1"));
  await twice.isClosed();
});

function attempt(messageId: number) {
  const facts = { qos: 1 as const, retain: false, dup: false };
  return { cmd: "publish" as const, topic: "postern/box-1/attempt", payload: "{}", messageId, ...facts };
}
