/** A gateway's card dies: the same gateway on a new card, from its backup, while the old one may still be running somewhere. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stringify } from "yaml";
import { type Ended, postern } from "../cli/run-postern.ts";
import { until } from "../support/until.ts";
import { password, WholeSite } from "../support/whole-site.ts";

const env = { POSTERN_BACKUP_PASSPHRASE: "correct horse battery staple" };
let site: WholeSite;
let here: string;
let there: string;
let file: string;
before(async () => {
  site = await WholeSite.start({ boxes: ["box-1"] });
  here = join(site.folder, "old-card");
  there = join(site.folder, "new-card");
  file = join(site.folder, "gate.backup");
  mkdirSync(here);
  const configuration = {
    data: join(site.folder, "gateway"),
    secretsFile: "secrets.yaml",
    cloud: { url: site.cloudUrl, caFile: "cloud-ca.pem" },
    devices: [{ id: "box-1", driver: "mqtt-lockbox" }],
  };
  writeFileSync(join(here, "gateway.yaml"), stringify(configuration));
  // Any authority will do: the line to this cloud is plain.
  writeFileSync(join(here, "cloud-ca.pem"), site.gateway.caCertificate);
  writeFileSync(join(here, "secrets.yaml"), stringify({ devices: { "box-1": { password } } }), { mode: 0o600 });
});
after(() => site.stop());

const restore = (from = file, more: Record<string, string> = {}): Promise<Ended> =>
  postern(["gateway", "restore", from, "--config", join(there, "gateway.yaml"), "--data", join(there, "gateway")], {
    env: { ...env, ...more },
  });

test("a backup is taken while the gateway runs, for its owner alone, with nothing in clear", async () => {
  const words = ["gateway", "backup", file, "--config", join(here, "gateway.yaml")];
  const without = await postern(words);
  assert.equal(without.code, 2);
  assert.match(without.err, /POSTERN_BACKUP_PASSPHRASE/);

  const { code, out, err } = await postern(words, { env });

  assert.equal(code, 0, err);
  assert.match(out, /keys, authority, configuration, secrets of gateway demo\.gw-/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const text = readFileSync(file, "utf8");
  const { siteKey } = JSON.parse(readFileSync(join(site.folder, "gateway", "keys.json"), "utf8"));
  for (const secret of [siteKey, password, "PRIVATE KEY", "box-1"]) {
    for (const form of [secret, Buffer.from(secret).toString("base64"), Buffer.from(secret).toString("base64url")])
      assert.equal(text.includes(form.replace(/=+$/, "")), false, secret);
  }
});

test("another passphrase, an altered and a cut-off file are refused, and nothing is written", async () => {
  const text = readFileSync(file, "utf8");
  const spoil = (change: (text: string) => string) => {
    const path = join(site.folder, "spoiled");
    writeFileSync(path, change(text));
    return restore(path);
  };
  const ended = [
    await restore(file, { POSTERN_BACKUP_PASSPHRASE: "incorrect horse battery staple" }),
    await spoil((whole) => whole.replace("demo.gw-", "dema.gw-")),
    await spoil((whole) => whole.slice(0, -100)),
  ];
  for (const { code, err } of ended) {
    assert.equal(code, 1);
    assert.match(err, /does not open|no whole gateway backup/);
  }
  assert.equal(existsSync(there), false);
});

test("given a new card, then the old one is fenced, used-up and unreported entries stay spent, and the boxes go on", async () => {
  const [used, late, open] = [await site.grant({ entries: 1 }), await site.grant({ entries: 1 }), await site.grant()];
  await site.arrives(open.version);
  assert.equal(await site.box("box-1").enterPin(used.pin), "granted");
  await site.box("box-1").becomes("secured");
  await until("it is reported", () => site.gateway.site.sync.queue === 0);

  const { code, out, err } = await restore();
  assert.equal(code, 0, err);
  assert.match(out, /in epoch 2$/m);
  assert.match(out, /new-card\/secrets\.yaml is back/);
  assert.equal(readFileSync(join(there, "cloud-ca.pem"), "utf8"), site.gateway.caCertificate);
  assert.equal(statSync(join(there, "secrets.yaml")).mode & 0o777, 0o600);

  await until("the old card knows", () => site.gateway.site.sync.state === "fenced");
  // Nobody has switched it off, and what it was given is its own.
  assert.equal(await site.box("box-1").enterPin(late.pin), "granted");
  await site.box("box-1").becomes("secured");

  await site.gateway.stop();
  renameSync(join(site.folder, "gateway"), join(site.folder, "gateway-old"));
  renameSync(join(there, "gateway"), join(site.folder, "gateway"));
  await site.startGateway();
  await site.arrives(open.version);
  await site.box("box-1").isConnected();
  assert.equal(await site.box("box-1").enterPin(used.pin), "denied");
  assert.equal(await site.box("box-1").enterPin(late.pin), "denied");
  assert.equal(await site.box("box-1").enterPin(open.pin), "granted");
  await until("the new card has reported", () => site.gateway.site.sync.queue === 0);
  const admitted = (await site.cloudEvents()).filter(({ type }) => type === "admitted");
  assert.deepEqual(
    admitted.map((event) => event.type === "admitted" && event.grant),
    [used.id, open.id],
  );
});

test("a folder that holds a gateway is refused, and the backup serves again for the next card", async () => {
  const onTop = await postern(
    ["gateway", "restore", file, "--config", join(here, "gateway.yaml"), "--data", join(site.folder, "gateway-old")],
    { env },
  );
  assert.equal(onTop.code, 1);
  assert.match(onTop.err, /keys\.json is there already/);

  const { code, out, err } = await restore();
  assert.equal(code, 0, err);
  assert.match(out, /in epoch 3$/m);
  assert.match(out, /new-card\/secrets\.yaml was there already and stays/);
});
