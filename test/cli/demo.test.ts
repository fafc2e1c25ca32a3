/** `postern demo` on a folder that is not free, or not whole: a sentence and exit code 1, and what stands there is left alone. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { startCloud } from "../../cloud-sync/main.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { enrol } from "../../gateway/sync/enrol.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { until } from "../support/until.ts";
import { type Ended, postern, type Started, startPostern } from "./run-postern.ts";

let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), "postern-demo-"));
});
after(() => rm(home, { recursive: true }));

function endsWith({ code, err }: Ended, ...expected: readonly RegExp[]): void {
  assert.equal(code, 1, err);
  for (const each of expected) assert.match(err, each);
  assert.doesNotMatch(err, /^ {4}at /m);
}

/** Ready, in a folder of home. */
async function givenDemo(t: TestContext, name: string): Promise<Started & { readonly readyFile: string }> {
  const readyFile = join(home, `${name}.json`);
  const demo = startPostern(["demo", "--data", join(home, name), "--ready-file", readyFile]);
  t.after(async () => {
    demo.child.kill("SIGTERM");
    await demo.ended;
  });
  await until("the demo is ready", async () => {
    if (demo.child.exitCode !== null) assert.fail(`the demo did not start: ${(await demo.ended).err}`);
    return existsSync(readyFile);
  });
  return { ...demo, readyFile };
}

test("a second demo on the same folder says who runs there, and the first goes on", async (t) => {
  const folder = join(home, "demo");
  const first = await givenDemo(t, "demo");

  const second = await postern(["demo", "--data", folder]);

  endsWith(
    second,
    new RegExp(`a demo runs on ${folder} already \\(process ${first.child.pid}\\): stop it, or give --data`),
  );
  assert.ok(existsSync(first.readyFile));
  first.child.kill("SIGTERM");
  assert.equal((await first.ended).code, 0);
});

test("a demo whose first start was interrupted while it enrolled its gateway is taken up again", async (t) => {
  const folder = join(home, "interrupted");
  const adminToken = "of-the-start-that-was-interrupted";
  const cloud = await startCloud({
    http: { host: "127.0.0.1", port: 0 },
    dataFolder: join(folder, "cloud"),
    adminToken: new SecretString(adminToken),
    logger: silentLogger,
    clock: systemClock,
  });
  const post = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${adminToken}`, "content-type": "application/json" };
    const response = await fetch(cloud.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    return JSON.parse(await response.text());
  };
  await post("/api/sites", { id: "demo", name: "Harbour Lane 12", zone: "UTC" });
  const { code, gateway } = await post("/api/sites/demo/gateways", { name: "Harbour gateway" });
  // The cloud has taken the gateway's key, and the power goes before the gateway has written it down.
  await enrol(cloud.url, new SecretString(code), "1", fetch);
  await cloud.stop();

  const demo = await givenDemo(t, "interrupted");

  const facts = JSON.parse(await readFile(demo.readyFile, "utf8"));
  assert.equal(facts.gateway.id, gateway);
  assert.equal(facts.pins.length, 3);
  demo.child.kill("SIGTERM");
  assert.equal((await demo.ended).code, 0);
});

test("a service of the demo that is killed comes back on its port and in its data; the ready file and the console tell", async (t) => {
  const demo = await givenDemo(t, "killed");
  const read = () => JSON.parse(readFileSync(demo.readyFile, "utf8"));
  const before = read();
  process.kill(before.pids.gateway, "SIGKILL");
  process.kill(before.pids.cloud, "SIGKILL");

  for (const name of ["gateway", "cloud"]) {
    const isBack = () => ![undefined, before.pids[name]].includes(read().pids[name]);
    await until(`another ${name} process stands in the ready file`, isBack);
  }
  await until("gateway and cloud speak again, of all they knew", async () => {
    const answer = await fetch(`${before.gateway.url}/api/status`).catch(() => undefined);
    if (!answer?.ok) return false;
    const status = (await answer.json()) as { sync: { state: string }; records: { rows: number } };
    return status.sync.state === "online" && status.records.rows >= before.pins.length;
  });

  assert.deepEqual({ ...read(), pids: before.pids }, before);
  demo.child.kill("SIGTERM");
  const { code, out } = await demo.ended;
  assert.equal(code, 0);
  assert.equal(existsSync(demo.readyFile), false);
  for (const name of ["gateway", "cloud-sync"])
    assert.match(out, new RegExp(`^.*"service":"${name}".*"signal":"SIGKILL".*"againInMs":1000.*$`, "m"));
});

for (const [what, text] of [
  ["cut off", '{"adminToken":"x","boxes":['],
  ["something else", '{"adminToken":7}'],
]) {
  test(`a demo.json that is ${what} is named, and not written over`, async () => {
    const folder = join(home, what!.replace(" ", "-"));
    await mkdir(folder);
    await writeFile(join(folder, "demo.json"), text!);

    const ended = await postern(["demo", "--data", folder]);

    endsWith(ended, /demo\.json is damaged, .*: move that folder away, or give --data another one/);
    assert.deepEqual(await readdir(folder), ["demo.json"]);
  });
}

test("a lodgify.json that is no list of bookings is named, and not written over", async () => {
  const folder = join(home, "lodgify");
  await mkdir(folder);
  for (const text of ["[{", '[{"id":"x"}]']) {
    await writeFile(join(folder, "lodgify.json"), text);
    endsWith(await postern(["demo", "--data", folder]), /lodgify\.json is damaged, .*: move that folder away/);
    assert.equal(await readFile(join(folder, "lodgify.json"), "utf8"), text);
  }
});

test("when a service of the demo does not start, the demo says why", async () => {
  const folder = join(home, "in-use");
  await mkdir(join(folder, "cloud"), { recursive: true });
  await writeFile(join(folder, "cloud", "pglite"), "no folder");

  const ended = await postern(["demo", "--data", folder]);

  endsWith(ended, /cloud-sync did not start: \S/, /Its log: .*cloud-sync\.log/);
});
