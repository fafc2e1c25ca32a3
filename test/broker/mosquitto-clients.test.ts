/** Clients written by others, at our broker. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { givenBroker, passwordOf } from "../support/mqtt-broker.ts";
import { missing } from "../support/needs.ts";
import { until } from "../support/until.ts";

const skip = missing("mosquitto_pub");
const login = (id: string) => ["-i", id, "-u", id, "-P", passwordOf(id)];

async function run(program: string, args: string[]): Promise<{ code: number; out: string }> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes) => {
      out += bytes;
    });
  const [code] = await once(child, "close");
  return { code, out };
}

for (const version of ["mqttv31", "mqttv311"]) {
  test(`mosquitto_pub ${version} publishes with QoS 0, 1 and 2, retained or not`, { skip }, async (t) => {
    const site = await givenBroker(t);
    for (const qos of ["0", "1", "2"]) {
      const publish = [
        "-p",
        `${site.plainPort}`,
        "-V",
        version,
        ...login("box-1"),
        "-q",
        qos,
        "-t",
        "postern/box-1/state",
      ];
      assert.equal((await run("mosquitto_pub", [...publish, "-m", qos, "-r"])).code, 0);
    }
    await until("three messages arrive", () => site.received.length === 3);
    assert.deepEqual(
      site.received.map(({ payload }) => payload),
      ["0", "1", "2"],
    );
  });

  test(`mosquitto_sub ${version} hears its commands`, { skip }, async (t) => {
    const site = await givenBroker(t);
    const topic = "postern/box-1/command";
    const subscribed = new Promise((resolve) => site.broker.link("box-1").onSubscribed(resolve));
    const options = ["-p", `${site.plainPort}`, "-V", version, ...login("box-1"), "-q", "1", "-t", topic, "-C", "2"];
    const box = run("mosquitto_sub", options);
    await subscribed;
    for (const payload of ["one", "two"]) assert.equal(await site.broker.link("box-1").publish(topic, payload), true);
    assert.deepEqual(await box, { code: 0, out: "one\ntwo\n" });
  });
}

test("over TLS: by password and by certificate; not with a wrong password, a foreign topic or MQTT 5", {
  skip,
}, async (t) => {
  const site = await givenBroker(t);
  const pair = site.authority.issueDevice("box-1");
  const path = (name: string) => join(site.folder, name);
  await Promise.all([writeFile(path("box.key"), pair.key), writeFile(path("box.crt"), pair.cert)]);
  const tls = ["-h", "localhost", "-p", `${site.port}`, "--cafile", path("ca/ca.crt"), "-q", "1", "-m", "x"];
  const own = ["-t", "postern/box-1/state"];
  const publish = (...args: string[]) => run("mosquitto_pub", [...tls, ...args]);

  assert.equal((await publish("-V", "mqttv311", ...own, ...login("box-1"))).code, 0);
  assert.equal(
    (await publish("-V", "mqttv311", ...own, "-i", "box-1", "--cert", path("box.crt"), "--key", path("box.key"))).code,
    0,
  );
  assert.match(
    (await publish("-V", "mqttv311", ...own, "-i", "box-1", "-u", "box-1", "-P", "wrong")).out,
    /bad user name or password/i,
  );
  assert.notEqual((await publish("-V", "mqttv5", ...own, ...login("box-1"))).code, 0);
  assert.equal(site.received.length, 2);
  assert.equal((await publish("-V", "mqttv311", "-t", "postern/box-2/state", ...login("box-1"))).code, 0);
  assert.equal(site.received.length, 2);
  assert.equal(site.broker.stats().publishesDenied, 1);
});
