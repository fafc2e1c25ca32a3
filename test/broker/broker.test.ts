import assert from "node:assert/strict";
import { randomBytes, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { TLSSocket } from "node:tls";
import type { Packet } from "mqtt-packet";
import { Broker } from "../../gateway/broker/broker.ts";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { GatewayError } from "../../gateway/errors.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import {
  boxAccount,
  connectPacket,
  dial,
  dialTls,
  givenBroker,
  givenLog,
  login,
  passwordOf,
} from "../support/mqtt-broker.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";

test("PUBACK goes out when the listener has the message, not before", async (t) => {
  const site = await givenBroker(t);
  site.deafen();
  let taken: (() => void) | undefined;
  site.broker.link("box-1").onMessage(
    () =>
      new Promise((resolve) => {
        taken = resolve;
      }),
  );
  const box = await site.client("box-1");

  box.publish("postern/box-1/attempt", "{}", 1, 7);
  await until("the listener is asked", () => taken !== undefined);
  await box.ping();

  assert.deepEqual(box.packets, []);
  taken?.();
  assert.equal((await box.next("puback")).messageId, 7);
});

test("what a device says right behind its CONNECT, without waiting for the answer, reaches the listener as well", async (t) => {
  const { plainPort, received } = await givenBroker(t);
  const client = await dial(plainPort);

  const press = { cmd: "publish", topic: "postern/box-1/attempt", payload: "{}", qos: 1, messageId: 7 } as const;
  client.send(connectPacket("box-1"), { ...press, dup: false, retain: false });

  assert.equal((await client.next("puback")).messageId, 7);
  assert.deepEqual(received, [{ device: "box-1", topic: press.topic, payload: "{}" }]);
  client.end();
});

test("when the listener rejects, the connection ends without PUBACK, so that the device sends again", async (t) => {
  const site = await givenBroker(t);
  site.deafen();
  site.broker.link("box-1").onMessage(async () => {
    throw new Error("the disk failed");
  });
  const box = await site.client("box-1");

  box.publish("postern/box-1/attempt", "{}");
  await box.isClosed();

  assert.deepEqual(box.packets, []);
  assert.equal(site.broker.stats().failures, 1);
});

test("a device whose driver does not listen is not let in: its events would be lost", async (t) => {
  const site = await givenBroker(t);
  site.deafen();
  const box = await dial(site.plainPort);

  assert.equal(await login(box, connectPacket("box-1")), 3);
  await box.isClosed();
});

test("commands reach the device in order, and only when it is connected and subscribed", async (t) => {
  const site = await givenBroker(t);
  const line = site.broker.link("box-1");
  const heard: string[] = [];
  const news: (boolean | string)[] = [];
  line.onConnection((connected) => news.push(connected));
  line.onSubscribed((topic) => news.push(topic));

  assert.equal(await line.publish("postern/box-1/command", "0"), false);
  const box = await site.mqttjs("box-1");
  box.on("message", (_topic, payload, packet) => heard.push(`${payload} ${packet.qos} ${packet.retain}`));
  assert.equal(await line.publish("postern/box-1/command", "1"), false);
  await box.subscribeAsync("postern/box-1/command", { qos: 1 });
  const sent = await Promise.all(["2", "3", "4"].map((n) => line.publish("postern/box-1/command", n)));
  await until("three commands arrive", () => heard.length === 3);
  assert.equal(await line.publish("postern/box-2/command", "5"), false);
  await box.unsubscribeAsync("postern/box-1/command");
  assert.equal(await line.publish("postern/box-1/command", "6"), false);
  await box.endAsync();
  await until("the end is told", () => news.length === 3);

  assert.deepEqual(sent, [true, true, true]);
  assert.deepEqual(heard, ["2 1 false", "3 1 false", "4 1 false"]);
  assert.deepEqual(news, [true, "postern/box-1/command", false]);
});

const refusedLogins: [what: string, code: number, connect: Parameters<typeof connectPacket>[1]][] = [
  ["a wrong password", 4, { password: Buffer.from("wrong") }],
  ["no password", 4, { username: "box-1", password: undefined as never }],
  ["another device's password", 4, { password: Buffer.from(passwordOf("box-2")) }],
  ["another device's user name and password", 4, { username: "box-2", password: Buffer.from(passwordOf("box-2")) }],
  ["a device that does not exist", 4, { clientId: "box-9", username: "box-9" }],
  ["a client id with a slash", 2, { clientId: "box-1/x" }],
  ["a client id that is a wildcard", 2, { clientId: "+" }],
  ["an empty client id", 2, { clientId: "" }],
  ["a last will on a foreign topic", 5, { will: will("postern/box-2/presence") }],
  ["a last will on its command topic", 5, { will: will("postern/box-1/command") }],
  ["MQTT 5", 1, { protocolVersion: 5 }],
];
for (const [what, code, connect] of refusedLogins) {
  test(`login refused: ${what}`, async (t) => {
    const site = await givenBroker(t);
    const box = await dial(site.plainPort);

    assert.equal(await login(box, connectPacket("box-1", connect)), code);
    if (code !== 1) await box.isClosed();
    assert.equal(site.broker.stats().sessions, 0);
    box.end();
  });
}

test("who brings wrong passwords waits for the answer, and the log hears of it once a minute; the right password waits for nobody", async (t) => {
  const clock = new SimClock(Date.now());
  const { logger, warnings } = givenLog();
  const limits = { refusals: { perSecond: 0.01, burst: 3 } };
  const site = await givenBroker(t, limits, undefined, { clock, logger });
  const guess = connectPacket("box-1", { password: Buffer.from("a guess") });
  for (let n = 1; n <= 3; n += 1) assert.equal(await login(await dial(site.plainPort), guess), 4);

  const fourth = await dial(site.plainPort);
  fourth.send(guess);
  await until("the answer waits", () => clock.nextAt !== undefined);
  const box = await site.client("box-1");
  assert.deepEqual(fourth.packets, []);
  assert.deepEqual(
    warnings("login-refused").map(({ times }) => times),
    [1],
  );
  clock.step(60_000);
  assert.equal((await fourth.next("connack")).returnCode, 4);

  clock.step(60_000);
  const fifth = await dial(site.plainPort);
  fifth.send(guess);
  await until("it is told", () => warnings("login-refused").length === 2);
  assert.equal(warnings("login-refused")[1]?.times, 4);
  await box.ping();
});

test("guesses from another address at the same device wait as well, and those at no device by their address", async (t) => {
  const clock = new SimClock(Date.now());
  const site = await givenBroker(t, { refusals: { perSecond: 0.01, burst: 1 } }, undefined, { clock });
  const guess = (id: string) => connectPacket(id, { password: Buffer.from("a guess") });
  assert.equal(await login(await dial(site.plainPort, "127.0.0.2"), guess("box-1")), 4);
  assert.equal(await login(await dial(site.plainPort, "127.0.0.3"), guess("box-7")), 4);

  const sameDevice = await dial(site.plainPort, "127.0.0.4");
  sameDevice.send(guess("box-1"));
  await until("the first waits", () => clock.nextAt !== undefined);
  const sameAddress = await dial(site.plainPort, "127.0.0.3");
  sameAddress.send(guess("box-8"));

  assert.equal(await login(await dial(site.plainPort, "127.0.0.5"), guess("box-7")), 4);
  assert.deepEqual([...sameDevice.packets, ...sameAddress.packets], []);
  while (clock.nextAt !== undefined) clock.step(clock.nextAt);
  assert.equal((await sameDevice.next("connack")).returnCode, 4);
  assert.equal((await sameAddress.next("connack")).returnCode, 4);
});

test("two copies of a box that drive each other out are told of once a minute", async (t) => {
  const clock = new SimClock(Date.now());
  const { logger, warnings } = givenLog();
  const site = await givenBroker(t, {}, undefined, { clock, logger });

  for (let n = 1; n <= 8; n += 1) await site.client("box-1");
  assert.deepEqual(warnings("device-cloned"), [{ device: "box-1", times: 1 }]);
  clock.step(60_000);
  for (let n = 1; n <= 4; n += 1) await site.client("box-1");

  assert.deepEqual(warnings("device-cloned"), [
    { device: "box-1", times: 1 },
    { device: "box-1", times: 4 },
  ]);
});

const foreignFilters = [
  "postern/box-2/command",
  "postern/+/command",
  "postern/#",
  "#",
  "+/+/+",
  "$SYS/#",
  "postern/box-1/attempt",
  "postern/box-1/command/#",
];
test("a device subscribes to its own command topic, literally, and to nothing else", async (t) => {
  const site = await givenBroker(t);
  const box = await site.client("box-1");

  for (const filter of foreignFilters) assert.equal(await box.subscribe(filter), 128, filter);
  assert.equal(await box.subscribe("postern/box-1/command"), 1);
  assert.equal(site.broker.stats().subscriptionsDenied, foreignFilters.length);
});

test("a foreign publish is acknowledged, dropped and counted, and reaches nobody", async (t) => {
  const site = await givenBroker(t);
  const victim = await site.client("box-2");
  await victim.subscribe("postern/box-2/command");
  const box = await site.client("box-1");

  const foreign = ["postern/box-2/command", "postern/box-1/command", "postern/box-2/attempt", "$SYS/x", "anything"];
  foreign.push("postern/+/command", "postern/box-2/#", "a/b/c/d/e/f/g/h/i"); // aedes would end the connection for these
  for (const topic of foreign) {
    box.publish(topic, "unlock");
    await box.next("puback");
  }
  await victim.ping();

  assert.deepEqual(victim.packets, []);
  assert.deepEqual(site.received, []);
  assert.equal(site.broker.stats().publishesDenied, foreign.length);
});

test("who keeps on publishing what it may not is cut off and kept out for a while", async (t) => {
  const site = await givenBroker(t, { denials: { perSecond: 0.01, burst: 3 } });
  const box = await site.client("box-1");

  for (let n = 1; n <= 4; n += 1) box.publish("postern/box-2/command", "unlock", 1, n);
  await box.isClosed();
  const again = await dial(site.plainPort);

  assert.equal(await login(again, connectPacket("box-1")), 3);
  assert.equal(site.broker.stats().cutOff, 1);
  const other = await site.client("box-2");
  await other.ping();
});

test("a new connection brings no new allowance for what a device may not do", async (t) => {
  const site = await givenBroker(t, { denials: { perSecond: 0.01, burst: 3 } });
  const first = await site.client("box-1");
  for (let n = 1; n <= 3; n += 1) assert.equal(await first.subscribe("#"), 128);
  first.end();

  const again = await site.client("box-1");
  again.publish("postern/box-2/command", "unlock");
  await again.isClosed();

  assert.equal(site.broker.stats().cutOff, 1);
});

const floods: [what: string, packets: Packet[]][] = [
  [
    "in one SUBSCRIBE",
    [
      {
        cmd: "subscribe",
        messageId: 1,
        subscriptions: Array.from({ length: 2_000 }, (_, n) => ({ topic: `${n}`, qos: 0 as const })),
      },
    ],
  ],
  [
    "in one write of publishes",
    Array.from({ length: 5_000 }, () => ({
      cmd: "publish" as const,
      topic: "x",
      payload: "",
      qos: 0 as const,
      retain: false,
      dup: false,
    })),
  ],
];
for (const [what, packets] of floods) {
  test(`who asks for thousands of forbidden things ${what} is cut off once, and told of once`, async (t) => {
    const { logger, warnings } = givenLog();
    const site = await givenBroker(t, { denials: { perSecond: 0.01, burst: 3 } }, undefined, { logger });
    const box = await site.client("box-1");

    box.send(...packets);
    await box.isClosed();
    await until("the broker has noticed", () => site.broker.stats().sessions === 0);

    const { cutOff, publishesDenied, subscriptionsDenied } = site.broker.stats();
    assert.deepEqual({ cutOff, denied: publishesDenied + subscriptionsDenied }, { cutOff: 1, denied: 4 });
    assert.equal(warnings("device-cut-off").length, 1);
  });
}

test("a retained unlock is kept for nobody", async (t) => {
  const site = await givenBroker(t);
  const box = await site.client("box-1");

  for (const topic of ["postern/box-2/command", "postern/box-1/command", "postern/box-1/state"]) {
    box.publish(topic, "unlock", 1, 1, true);
    await box.next("puback");
  }
  const victim = await site.client("box-2");
  await victim.subscribe("postern/box-2/command");
  await box.subscribe("postern/box-1/command");
  await victim.ping();
  await box.ping();

  assert.deepEqual([...victim.packets, ...box.packets], []);
});

test("a newer login replaces the older one; the line reports nothing and no will is told", async (t) => {
  const site = await givenBroker(t);
  const news: boolean[] = [];
  site.broker.link("box-1").onConnection((connected) => news.push(connected));
  const older = await site.client("box-1", { will: will("postern/box-1/presence") });

  const newer = await site.client("box-1");
  await older.isClosed();
  await newer.subscribe("postern/box-1/command");
  assert.equal(await site.broker.link("box-1").publish("postern/box-1/command", "still here"), true);
  await newer.next("publish");

  assert.deepEqual(news, [true]);
  assert.deepEqual(site.received, []);
  assert.equal(site.broker.stats().takeovers, 1);
  assert.equal(site.broker.stats().sessions, 1);
});

test("the last will of a lost connection reaches the driver; that of a proper goodbye does not", async (t) => {
  const site = await givenBroker(t);
  const lost = await site.client("box-1", { will: will("postern/box-1/presence") });
  const polite = await site.client("box-2", { will: will("postern/box-2/presence") });

  polite.send({ cmd: "disconnect" });
  await polite.isClosed();
  lost.end();
  await until("the will arrives", () => site.received.length > 0);

  assert.deepEqual(site.received, [{ device: "box-1", topic: "postern/box-1/presence", payload: '{"online":false}' }]);
});

test("the second line of a device publishes for it beside its own connection, and hears nothing", async (t) => {
  const site = await givenBroker(t);
  const box = await site.client("box-1");
  const second = await site.client("box-1", { clientId: "box-1.pub" });

  second.publish("postern/box-1/state", "{}");
  await second.next("puback");
  second.publish("postern/box-2/state", "{}");
  await second.next("puback");

  assert.equal(await second.subscribe("postern/box-1/command"), 128);
  assert.deepEqual(site.received, [{ device: "box-1", topic: "postern/box-1/state", payload: "{}" }]);
  await box.ping();
});

test("a device that is taken away, or gets another password, is cut off at once", async (t) => {
  const site = await givenBroker(t);
  const box = await site.client("box-1");
  const other = await site.client("box-2");

  site.broker.setDevices([boxAccount("box-2", { certificate: true })]);
  await box.isClosed();
  await other.ping();

  const again = await dial(site.plainPort);
  assert.equal(await login(again, connectPacket("box-1")), 4);
  site.broker.setDevices([boxAccount("box-2", { password: new SecretString("a new one") })]);
  await other.isClosed();
});

test("by certificate: the device's own lets it in, without a password", async (t) => {
  const site = await givenBroker(t);
  const box = await dialTls(site.port, { ca: site.authority.certificate, ...site.authority.issueDevice("box-1") });

  assert.equal(await login(box, connectPacket("box-1", noPassword)), 0);
  box.publish("postern/box-1/state", "{}");
  await box.next("puback");
  assert.equal(site.received.length, 1);
  box.end();
});

test("by certificate: another device's, another authority's and a revoked one are refused", async (t) => {
  const site = await givenBroker(t);
  const ca = site.authority.certificate;
  const foreign = await CertificateAuthority.open(`${site.folder}/foreign`, systemClock);
  const tryWith = async (pair: { key: string; cert: string }) => {
    const box = await dialTls(site.port, { ca, ...pair });
    const code = await login(box, connectPacket("box-1", noPassword));
    await box.isClosed();
    return code;
  };

  assert.equal(await tryWith(site.authority.issueDevice("box-2")), 4);
  assert.equal(await tryWith(foreign.issueDevice("box-1")), 5);
  const stolen = site.authority.issueDevice("box-1");
  const current = site.authority.issueDevice("box-1");
  site.broker.setDevices([boxAccount("box-1", { fingerprint: new X509Certificate(current.cert).fingerprint256 })]);
  assert.equal(await tryWith(stolen), 4);
  const box = await dialTls(site.port, { ca, ...current });
  assert.equal(await login(box, connectPacket("box-1", noPassword)), 0);
  box.end();
});

const year = 365 * 86_400_000;
const moments: [when: string, passedMs: number, clockOffMs: number, code: number][] = [
  ["as long as it is good", 0, 0, 0],
  ["not when it has certainly ended meanwhile", 11 * year, 0, 5],
  ["whatever the machine's clock shows: the far future", 0, 60 * year, 0],
  ["whatever the machine's clock shows: 1970", 0, -systemClock.wall(), 0],
];
for (const [when, passedMs, clockOffMs, code] of moments) {
  test(`by certificate on a resumed TLS session: ${when}`, async (t) => {
    let passed = 0;
    const clock = { ...systemClock, wall: () => systemClock.wall() + clockOffMs };
    const passedTime = () => systemClock.wall() + passed;
    const site = await givenBroker(t, {}, undefined, { clock, passedTime });
    const tls = { ca: site.authority.certificate, ...site.authority.issueDevice("box-1") };
    const first = await dialTls(site.port, tls);
    const session = once(first.socket, "session");
    assert.equal(await login(first, connectPacket("box-1", noPassword)), 0);
    first.end();

    passed = passedMs;
    const again = await dialTls(site.port, { ...tls, session: (await session)[0] });

    assert.ok(again.socket instanceof TLSSocket && again.socket.isSessionReused());
    assert.equal(await login(again, connectPacket("box-1", noPassword)), code);
    again.end();
  });
}

test("sessions resume over a renewed certificate as long as the ticket keys are the same", async (t) => {
  const site = await givenBroker(t);
  const certificate = await site.authority.serverCertificate(["localhost", "127.0.0.1"]);
  const [today, tomorrow] = [randomBytes(48), randomBytes(48)];
  site.broker.renewCertificate(certificate, today);
  const box = await dialTls(site.port, { ca: site.authority.certificate });
  const [session] = await once(box.socket, "session");
  box.end();
  const isResumed = async () => {
    const again = await dialTls(site.port, { ca: site.authority.certificate, session });
    assert.equal(await login(again, connectPacket("box-1")), 0);
    const isReused = again.socket instanceof TLSSocket && again.socket.isSessionReused();
    again.end();
    return isReused;
  };

  site.broker.renewCertificate(certificate, today);
  assert.equal(await isResumed(), true);
  site.broker.renewCertificate(certificate, tomorrow);
  assert.equal(await isResumed(), false);
});

test("over TLS with a password, the broker's certificate is the authority's and names its hosts", async (t) => {
  const site = await givenBroker(t);
  const box = await dialTls(site.port, { ca: site.authority.certificate });

  assert.equal(await login(box, connectPacket("box-1")), 0);
  await assert.rejects(dialTls(site.port, {}), { code: "SELF_SIGNED_CERT_IN_CHAIN" });
  box.end();
});

test("connections are bounded in all and arrivals from one address; whoever is in stays in", async (t) => {
  const site = await givenBroker(t, { connections: 20, arrivalsPerNetwork: 12 });
  const box = await site.client("box-1");

  const crowd = await Promise.all(Array.from({ length: 60 }, () => dial(site.plainPort)));
  await until("the surplus is turned away", () => site.broker.stats().turnedAway === 48);

  assert.equal(site.broker.stats().connections, 13);
  box.publish("postern/box-1/attempt", "{}");
  await box.next("puback");
  for (const client of crowd) client.end();
  await until("the crowd is gone", () => site.broker.stats().connections === 1);
  await site.client("box-2");
});

test("who does not log in is shut out when the time is up, and its place is free again", async (t) => {
  const site = await givenBroker(t, { loginMs: 1_000, logins: 2 });

  const silent = await Promise.all([dial(site.plainPort), dial(site.plainPort), dial(site.port)]);
  silent[1]?.socket.write(Buffer.from([0x10, 0x20, 0x00])); // the first bytes of a CONNECT, and then nothing
  await Promise.all(silent.map((client) => client.isClosed()));

  // A busy machine may take the short time itself.
  await until("a box logs in", () => site.client("box-1").then(Boolean, () => false));
  assert.ok(site.broker.stats().loginsTimedOut >= 1);
});

test("an occupied port is an error that names its key", async (t) => {
  const site = await givenBroker(t);
  const { key, cert } = await site.authority.serverCertificate(["localhost", "127.0.0.1"]);
  const tls = { key, cert, ca: site.authority.certificate };
  const start = (ports: { port: number; plainPort?: number }) =>
    new Broker({ host: "127.0.0.1", ...ports, tls, devices: [], clock: systemClock, logger: silentLogger }).start();

  const isAbout = (key: string) => (error: unknown) =>
    error instanceof GatewayError &&
    error.code === "port-in-use" &&
    error.detail.key === key &&
    error.message.includes(key);
  await assert.rejects(start({ port: site.port }), isAbout("broker.port"));
  await assert.rejects(start({ port: 0, plainPort: site.plainPort }), isAbout("broker.plainPort"));
});

test("the broker starts and stops again, and tells the lines that their devices are gone", async (t) => {
  const site = await givenBroker(t);
  const news: boolean[] = [];
  site.broker.link("box-1").onConnection((connected) => news.push(connected));
  const box = await site.client("box-1", { will: will("postern/box-1/presence") });

  await site.broker.stop();
  await site.broker.stop();
  await box.isClosed();
  assert.deepEqual(news, [true, false]);
  assert.deepEqual(site.received, []);

  await site.broker.start();
  const again = await dial(site.broker.address?.plainPort ?? 0);
  assert.equal(await login(again, connectPacket("box-1")), 0);
});

const noPassword = { username: "box-1", password: undefined as never };

function will(topic: string) {
  return { topic, payload: Buffer.from('{"online":false}'), qos: 1 as const, retain: true };
}
