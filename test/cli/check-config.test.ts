/** `postern check-config`: the examples pass, what drivers refuse is told with its line, no secret shows. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse, stringify } from "yaml";
import { postern } from "./run-postern.ts";

const config = join(import.meta.dirname, "../../config");
let folder: string;
let secretsFile: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "postern-check-"));
  secretsFile = join(folder, "secrets.yaml");
});
after(() => rm(folder, { recursive: true }));

const key = () => randomBytes(32).toString("base64url");

async function writeSecrets(devices: readonly string[]): Promise<void> {
  const secrets = Object.fromEntries(devices.map((id) => [id, { password: key(), key: key() }]));
  await writeFile(secretsFile, stringify({ devices: secrets }), { mode: 0o600 });
}

const counts = { demo: [2, 2], "small-house": [2, 2], "gated-community": [4, 3] } as const;
for (const [name, [devices, accessPoints]] of Object.entries(counts)) {
  test(`the ${name} example passes with its drivers' options`, async () => {
    const file = join(config, `${name}.example.yaml`);
    const site = parse(await readFile(file, "utf8")) as { devices: { id: string }[] };
    await writeSecrets(site.devices.map(({ id }) => id));
    const { code, out, err } = await postern(["check-config", file], { env: { POSTERN_SECRETS_FILE: secretsFile } });
    assert.equal(code, 0, err);
    assert.ok(out.endsWith(`: ${devices} devices, ${accessPoints} access points … ok\n`), out);
  });
}

test("cloud-sync's file is checked as such", async () => {
  const file = join(config, "cloud-sync.example.yaml");
  const words = ["check-config", file, "--for", "cloud-sync"];
  assert.match((await postern(words)).out, /store embedded below .* … ok/);
  const { out } = await postern(words, { env: { DATABASE_URL: "postgres://u:hunter2@h/d" } });
  assert.match(out, /store PostgreSQL by DATABASE_URL … ok/);
  assert.doesNotMatch(out, /hunter2/);
  assert.equal((await postern(["check-config", file, "--for", "clod"])).code, 2);
});

test("what drivers refuse is told at once, each with line and path, no secret among it", async () => {
  const file = join(folder, "gateway.yaml");
  await writeFile(
    file,
    [
      "data: ./data",
      "secretsFile: ./secrets.yaml",
      "cloud: { url: https://cloud.example }",
      "devices:",
      "  - { id: box-1, driver: mqt-lockbox }",
      "  - { id: box-2, driver: mqtt-lockbox, options: { heartbeatMss: 5000 } }",
      "  - { id: box-3, driver: mqtt-lockbox }",
      "  - { id: box-4, driver: mqtt-lockbox }",
      "  - { id: box-5, driver: constructor }",
    ].join("\n"),
  );
  await writeFile(
    secretsFile,
    stringify({ devices: { "box-2": { key: key() }, "box-3": { key: "hunter2" }, "box-4": { key: key() } } }),
    { mode: 0o600 },
  );
  const { code, out, err } = await postern(["check-config", file]);

  assert.deepEqual({ code, out }, { code: 1, out: "" });
  assert.match(
    err,
    /gateway\.yaml:5: devices\[0\]\.driver: no driver is called "mqt-lockbox"; did you mean mqtt-lockbox\?/,
  );
  assert.match(err, /gateway\.yaml:6: devices\[1\]\.options: .*heartbeatMss/);
  assert.match(err, /gateway\.yaml:7: devices\[2\]\.options: .*key/);
  assert.match(err, /gateway\.yaml:9: devices\[4\]\.driver: no driver is called "constructor"; known: .*mqtt-lockbox/);
  assert.doesNotMatch(err, /hunter2|devices\[3\]|^ {4}at /m);

  await chmod(secretsFile, 0o644);
  assert.match((await postern(["check-config", file])).err, /mode 0644\); run: chmod 600 .*secrets\.yaml/);
});

test("two doors that would keep one group at their maker are told; groups of other makers are others", async () => {
  const file = join(folder, "groups.yaml");
  const brivo = "clientId: any, username: any@hub.example";
  await writeFile(
    file,
    [
      "data: ./data",
      "secretsFile: ./secrets.yaml",
      "cloud: { url: https://cloud.example }",
      "devices:",
      "  - { id: gym, driver: kisi, options: { lockId: 1, groupId: 77 } }",
      "  - { id: lobby, driver: kisi, options: { lockId: 2 } }",
      "  - { id: studio, driver: kisi, options: { lockId: 3, groupId: 77 } }",
      `  - { id: attic, driver: brivo, options: { accessPointId: 1, groupId: 77, ${brivo} } }`,
      `  - { id: cellar, driver: brivo, options: { accessPointId: 2, groupId: 78, ${brivo} } }`,
      `  - { id: garage, driver: brivo, options: { accessPointId: 3, groupId: 78, ${brivo} } }`,
    ].join("\n"),
  );
  await writeFile(secretsFile, stringify({ devices: {} }), { mode: 0o600 });
  await chmod(secretsFile, 0o600);
  const { code, err } = await postern(["check-config", file]);
  assert.equal(code, 1, err);
  assert.match(err, /groups\.yaml:7: devices\[2\]\.options: group 77 at https:\S+ is that of "gym", too/);
  assert.match(err, /groups\.yaml:10: devices\[5\]\.options: group 78 at https:\S+ is that of "cellar", too/);
  assert.doesNotMatch(err, /devices\[[134]\]/);
});

test("a lock that takes no PINs is said to be one, and the file is right all the same", async () => {
  const file = join(folder, "ring.yaml");
  await writeFile(
    file,
    [
      "data: ./data",
      "secretsFile: ./secrets.yaml",
      "cloud: { url: https://cloud.example }",
      "devices: [{ id: front, driver: ring, options: { kind: lock, device: zid-1 } }]",
      "accessPoints: [{ id: front, name: Front door, lock: front, readers: [] }]",
    ].join("\n"),
  );
  await writeFile(secretsFile, stringify({ devices: { front: { refreshToken: "hunter2" } } }), { mode: 0o600 });
  await chmod(secretsFile, 0o600);
  const { code, out, err } = await postern(["check-config", file]);
  assert.equal(code, 0, err);
  assert.match(out, /ring\.yaml: front: PINs are not possible on this lock.*\n.*1 device, 1 access point … ok\n$/);
  assert.doesNotMatch(out, /hunter2/);
});

test("a maker's key that is not in the secrets may yet come from the cloud: it is said, and the file is right; one that is none is a fault", async () => {
  const file = join(folder, "kisi.yaml");
  await writeFile(
    file,
    [
      "data: ./data",
      "secretsFile: ./secrets.yaml",
      "cloud: { url: https://cloud.example }",
      "devices: [{ id: studio, driver: kisi, options: { lockId: 7 } }]",
      "accessPoints: [{ id: studio, name: Studio, lock: studio, readers: [] }]",
    ].join("\n"),
  );
  await writeFile(secretsFile, stringify({ devices: {} }), { mode: 0o600 });
  const { code, out, err } = await postern(["check-config", file]);
  assert.equal(code, 0, err);
  assert.match(out, /kisi\.yaml: studio: its secret "apiKey" is missing: give it at the cloud's page Integrations/);
  await writeFile(secretsFile, stringify({ devices: { studio: { apiKey: "hunter2 hunter2" } } }), { mode: 0o600 });
  const wrong = await postern(["check-config", file]);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.err, /secret "apiKey" is none/);
  assert.doesNotMatch(wrong.out + wrong.err, /hunter2/);
});
