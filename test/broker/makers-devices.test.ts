/** Devices that speak their maker's topics, call themselves what they like and know no TLS: what they may do, and what they must not. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { DeviceAccount } from "../../gateway/broker/accounts.ts";
import type { MqttDialect } from "../../gateway/ports/mqtt-link.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { boxAccount, connectPacket, dial, givenBroker, givenLog, login, passwordOf } from "../support/mqtt-broker.ts";
import { until } from "../support/until.ts";

function nukiAccount(id: string, base: string): DeviceAccount {
  const dialect: MqttDialect = {
    base,
    publishes: ["connected", "state", "lockActionEvent"],
    subscribes: ["lockAction"],
    will: "connected",
    ignores: [base, "homeassistant"],
    clientId: "any",
    tls: "never",
  };
  return { id, dialect, password: new SecretString(passwordOf(id)) };
}

const accounts = [nukiAccount("front", "nuki/1A2B3C4D"), nukiAccount("back", "nuki/5E6F7A8B"), boxAccount("box-1")];
const strict = { denials: { perSecond: 0.01, burst: 3 } };

/** The plain listener for makers' devices on one loopback address, the one for trials on the other; the devices come by the former. */
async function givenSite(t: TestContext, parts: Parameters<typeof givenBroker>[3] = {}) {
  const site = await givenBroker(t, strict, accounts, { plainLan: { host: "127.0.0.1", port: 0 }, ...parts });
  const come = async (id: string, connect: Parameters<typeof connectPacket>[1] = {}) => {
    const client = await dial(site.plainLanPort);
    const code = await login(client, connectPacket(id, { clientId: `Nuki_${id}`, ...connect }));
    t.after(() => client.end());
    return { client, code };
  };
  return { ...site, come };
}

const will = (topic: string) => ({ topic, payload: Buffer.from("false"), qos: 1 as const, retain: true });

test("a lock with its maker's topics and client id is heard, is commanded, and leaves its last will", async (t) => {
  const site = await givenSite(t);
  const { client, code } = await site.come("front", { will: will("nuki/1A2B3C4D/connected") });
  assert.equal(code, 0);
  client.publish("nuki/1A2B3C4D/state", "1", 1, 5, true);
  await client.next("puback");
  client.publish("nuki/1A2B3C4D/lockActionEvent", "1,172,0,0,0", 0);
  await client.ping();
  assert.equal(await client.subscribe("nuki/1A2B3C4D/lockAction", 0), 0);
  assert.equal(await site.broker.link("front").publish("nuki/1A2B3C4D/lockAction", "2"), true);
  const { topic, payload, qos, retain } = await client.next("publish");
  assert.deepEqual([topic, String(payload), qos, retain], ["nuki/1A2B3C4D/lockAction", "2", 0, false]);

  client.end();
  await until("its last will is heard", () => site.received.length === 3);
  assert.deepEqual(
    site.received.map(({ device, topic: on, payload: said }) => [device, on, said]),
    [
      ["front", "nuki/1A2B3C4D/state", "1"],
      ["front", "nuki/1A2B3C4D/lockActionEvent", "1,172,0,0,0"],
      ["front", "nuki/1A2B3C4D/connected", "false"],
    ],
  );
});

test("the driver sends where the device hears, and nowhere else", async (t) => {
  const site = await givenSite(t);
  const { client } = await site.come("front");
  await client.subscribe("nuki/1A2B3C4D/lockAction");
  const link = site.broker.link("front");
  for (const topic of ["nuki/1A2B3C4D/state", "nuki/5E6F7A8B/lockAction", "nuki/1A2B3C4D/lock", "homeassistant/status"])
    assert.equal(await link.publish(topic, "1"), false, topic);
  await client.ping();
  assert.deepEqual(client.packets, []);
});

const foreignFilters = [
  "nuki/5E6F7A8B/lockAction",
  "nuki/5E6F7A8B/state",
  "nuki/+/lockAction",
  "nuki/#",
  "#",
  "+/+/+",
  "$SYS/#",
  "postern/box-1/command",
];
for (const filter of foreignFilters)
  test(`a lock that keeps on asking for ${filter} is cut off`, async (t) => {
    const site = await givenSite(t);
    const { client } = await site.come("front");
    for (let n = 0; n < strict.denials.burst; n += 1) assert.equal(await client.subscribe(filter), 128);
    client.send({ cmd: "subscribe", messageId: 9, subscriptions: [{ topic: filter, qos: 0 }] });
    await client.isClosed();
    assert.equal(site.broker.stats().subscriptionsDenied, strict.denials.burst + 1);
  });

const foreignTopics = [
  "nuki/5E6F7A8B/lockAction",
  "nuki/5E6F7A8B/state",
  "nuki/+/lockAction",
  "postern/box-1/command",
  "postern/box-1/state",
];
for (const topic of foreignTopics)
  test(`a lock that keeps on publishing on ${topic} is cut off, nobody hears it, and nothing of it stays`, async (t) => {
    const site = await givenSite(t);
    const { client: victim } = await site.come("back");
    await victim.subscribe("nuki/5E6F7A8B/lockAction");
    const { client } = await site.come("front");
    await client.subscribe("nuki/1A2B3C4D/lockAction");
    for (let n = 0; n < strict.denials.burst; n += 1) {
      client.publish(topic, "1", 1, 7, true);
      await client.next("puback");
    }
    client.publish(topic, "1", 1, 7, true);
    await client.isClosed();

    victim.end();
    const { client: again } = await site.come("back");
    await again.subscribe("nuki/5E6F7A8B/lockAction");
    await again.ping();
    assert.deepEqual([...victim.packets, ...again.packets, ...client.packets], []);
    assert.deepEqual(site.received, []);
    assert.equal(site.broker.stats().cutOff, 1);
  });

test("what it says and asks besides, discovery for others among it, is acknowledged, dropped, counted and not held against it", async (t) => {
  const site = await givenSite(t);
  const { client } = await site.come("front");
  const besides = ["nuki/1A2B3C4D/name", "homeassistant/lock/1A2B3C4D/config", "nuki/1A2B3C4D/a/b/c/d/e/f/g/h/i/j"];
  for (let n = 0; n < 10; n += 1)
    for (const topic of besides) {
      client.publish(topic, "{}", 1, 7, true);
      await client.next("puback");
    }
  for (let n = 0; n < 10; n += 1) assert.equal(await client.subscribe("homeassistant/status"), 128);
  await client.ping();

  assert.deepEqual(site.received, []);
  const { ignored, publishesDenied, subscriptionsDenied, cutOff } = site.broker.stats();
  assert.deepEqual(
    { ignored, publishesDenied, subscriptionsDenied, cutOff },
    {
      ignored: 40,
      publishesDenied: 0,
      subscriptionsDenied: 0,
      cutOff: 0,
    },
  );
});

test("packets are as large as its dialect says, and no larger", async (t) => {
  const [front, back] = accounts;
  assert.ok(front && back);
  const wordy = { ...front, dialect: { ...front.dialect, packetBytesMax: 60_000 } };
  const site = await givenBroker(t, strict, [wordy, back]);
  const client = await site.client("front");
  client.publish("nuki/1A2B3C4D/state", "x".repeat(50_000));
  await client.next("puback");
  client.publish("nuki/1A2B3C4D/state", "x".repeat(60_000));
  await client.isClosed();
  const other = await site.client("back");
  other.publish("nuki/5E6F7A8B/state", "x".repeat(20_000));
  await other.isClosed();

  assert.deepEqual(
    site.received.map(({ payload }) => payload.length),
    [50_000],
  );
  assert.equal(site.broker.stats().packetsTooLarge, 2);
});

test("what it publishes on its own command topic, retained, comes back to nobody", async (t) => {
  const site = await givenSite(t);
  const { client } = await site.come("front");
  await client.subscribe("nuki/1A2B3C4D/lockAction");
  for (let n = 0; n < 10; n += 1) {
    client.publish("nuki/1A2B3C4D/lockAction", "1", 1, 7, true);
    await client.next("puback");
  }
  client.end();
  const { client: again } = await site.come("front");
  await again.subscribe("nuki/1A2B3C4D/lockAction");
  await again.ping();

  assert.deepEqual([...client.packets, ...again.packets], []);
  assert.deepEqual(site.received, []);
  assert.equal(site.broker.stats().ignored, 10);
});

test("a command that was sent while it was away, or to its former connection, is not sent to the next", async (t) => {
  const site = await givenSite(t);
  const link = site.broker.link("front");
  assert.equal(await link.publish("nuki/1A2B3C4D/lockAction", "1"), false);
  const { client } = await site.come("front", { clean: false });
  await client.subscribe("nuki/1A2B3C4D/lockAction");
  assert.equal(await link.publish("nuki/1A2B3C4D/lockAction", "1"), true);
  await client.next("publish"); // and no PUBACK for it
  client.end();
  await until("its end is noticed", () => site.broker.stats().sessions === 0);

  const { client: again } = await site.come("front", { clean: false });
  await again.subscribe("nuki/1A2B3C4D/lockAction");
  await again.ping();
  assert.deepEqual(again.packets, []);
});

const clientIds = ["box-1", "back", "back.pub", "", "+/#", "1A2B3C4D", "x".repeat(200)];
for (const clientId of clientIds)
  test(`whatever it calls itself ("${clientId.slice(0, 10)}"), it is who its user name says and throws nobody else out`, async (t) => {
    const site = await givenSite(t);
    const box = await site.client("box-1");
    const { client: back } = await site.come("back");
    const { client, code } = await site.come("front", { clientId });
    assert.equal(code, 0);
    client.publish("nuki/1A2B3C4D/state", "1");
    await client.next("puback");
    await box.ping();
    await back.ping();
    assert.deepEqual(
      site.received.map(({ device }) => device),
      ["front"],
    );
  });

test("two clients of one client id and two accounts stand side by side; two of one account do not", async (t) => {
  const site = await givenSite(t);
  const { client: front } = await site.come("front", { clientId: "Nuki" });
  const { client: back } = await site.come("back", { clientId: "Nuki" });
  await front.ping();
  await back.ping();
  const { client: twin } = await site.come("front", { clientId: "Nuki_2" });
  await front.isClosed();
  await twin.ping();
  assert.equal(site.broker.stats().takeovers, 1);
});

const refused: [what: string, id: string, connect: Parameters<typeof connectPacket>[1], code: number][] = [
  ["a wrong password", "front", { password: Buffer.from("wrong") }, 4],
  ["no password", "front", { password: undefined as never }, 4],
  ["another's password", "front", { password: Buffer.from(passwordOf("back")) }, 4],
  ["a client id alone", "front", { clientId: "front", username: undefined as never, password: undefined as never }, 4],
  ["a last will on another's topic", "front", { will: will("nuki/5E6F7A8B/connected") }, 5],
  ["a last will on its command topic", "front", { will: will("nuki/1A2B3C4D/lockAction") }, 5],
  ["a device that knows TLS, with its right password", "box-1", { clientId: "box-1" }, 4],
  ["a second line of a device that knows TLS", "box-1", { clientId: "box-1.pub" }, 4],
  ["a user name that is a wildcard", "+", {}, 2],
];
for (const [what, id, connect, code] of refused)
  test(`unencrypted from the LAN, refused: ${what}`, async (t) => {
    const site = await givenSite(t);
    const { client: honest } = await site.come("front");
    const { client, code: answer } = await site.come(id, connect);
    assert.equal(answer, code);
    await client.isClosed();
    await honest.ping();
    assert.equal(site.broker.stats().sessions, 1);
  });

test("that passwords cross the LAN unencrypted is told at every start", async (t) => {
  const { logger, warnings } = givenLog();
  const site = await givenSite(t, { logger });
  assert.deepEqual(warnings("passwords-cross-the-lan-unencrypted"), [{ host: "127.0.0.1", port: site.plainLanPort }]);
});
