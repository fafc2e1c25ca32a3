/** Where secrets come from, which source wins, and that nothing repeats them. */
import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import { loadSecrets } from "../../config/secrets.ts";

let folder: string;
let file: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "postern-secrets-"));
  file = join(folder, "secrets.yaml");
});
after(() => rm(folder, { recursive: true }));

const write = (text: string) => writeFile(file, text, { mode: 0o600 });

test("the environment wins over the file, an empty variable over nothing", async () => {
  await write('devices: { box-1: { password: "from-file", key: "key-from-file" } }');

  const secrets = await loadSecrets(file, ["box-1"], {
    POSTERN_SECRET_DEVICES_BOX_1_PASSWORD: "from-environment",
    POSTERN_SECRET_DEVICES_BOX_1_KEY: "",
  });

  assert.equal(secrets.ofDevice("box-1", "password"), "from-environment");
  assert.equal(secrets.ofDevice("box-1", "key"), "key-from-file");
  assert.equal(secrets.ofDevice("box-1", "token"), undefined);
  assert.equal(secrets.ofDevice("box-1", "constructor"), undefined);
  assert.equal(secrets.ofDevice("constructor", "name"), undefined);
});

test("POSTERN_SECRETS_FILE comes before the configured file, systemd's credential after both", async () => {
  await write("devices: { box-1: { key: credential } }");
  const credentials = { CREDENTIALS_DIRECTORY: folder };
  const key = async (configured: string | undefined, environment: Record<string, string>) =>
    (await loadSecrets(configured, ["box-1"], environment)).ofDevice("box-1", "key");

  assert.equal(await key(undefined, {}), undefined);
  assert.equal(await key(undefined, credentials), "credential");
  const other = join(folder, "other.yaml");
  await writeFile(other, "devices: { box-1: { key: other } }", { mode: 0o600 });
  assert.equal(await key(other, credentials), "other");
  assert.equal(await key(file, { POSTERN_SECRETS_FILE: other }), "other");
  assert.equal(await key(undefined, { CREDENTIALS_DIRECTORY: join(folder, "none") }), undefined);
});

test("a link to a file that others can read is as open as the file", async () => {
  const open = join(folder, "open.yaml");
  await writeFile(open, "devices: {}", { mode: 0o644 });
  await symlink(open, join(folder, "link.yaml"));
  await assert.rejects(loadSecrets(join(folder, "link.yaml"), [], {}), /run: chmod 600/);
});

const wrong: readonly (readonly [string, RegExp])[] = [
  ["devices: { box-1: { key: 471100 } }", /devices\.box-1\.key: found a number, expected text/],
  ["devices: { box-1: hunter2 }", /devices\.box-1: found text, expected a map/],
  ["devices: { box-1: { key: '' } }", /devices\.box-1\.key: found .*, expected at least 1 characters/],
  [
    "devices: { bxo-1: { key: hunter2 } }",
    /devices\.bxo-1: no device of the configuration has this id; did you mean box-1\?/,
  ],
  ["device: { box-1: { key: hunter2 } }", /device: unknown key; did you mean devices\?/],
  ["devices: { box-1: { key: 'hunter2 } }", /is not valid YAML/],
  ["devices: { box-1: { key: *hunter2 } }", /is not valid YAML/],
  ["devices: { box-1: { 'a b': hunter2 } }", /devices\.box-1\."a b": the name/],
];
for (const [text, expected] of wrong) {
  test(`a wrong secrets file is told without its secrets: ${expected.source}`, async () => {
    await write(text);
    await assert.rejects(loadSecrets(file, ["box-1"], {}), (error: Error) => {
      assert.match(error.message, expected);
      assert.doesNotMatch(inspect(error), /hunter2|471100/);
      return true;
    });
  });
}

test("a variable for no device is a fault that names it and hides its value", async () => {
  await assert.rejects(
    loadSecrets(undefined, ["box-1"], { POSTERN_SECRET_DEVICES_BOX1_KEY: "hunter2" }),
    (error: Error) => {
      assert.match(error.message, /POSTERN_SECRET_DEVICES_BOX1_KEY: belongs to no device/);
      assert.doesNotMatch(inspect(error), /hunter2/);
      return true;
    },
  );
});

test("secrets do not show when printed", async () => {
  await write("devices: { box-1: { key: hunter2 } }");
  const secrets = await loadSecrets(file, ["box-1"], { POSTERN_SECRET_DEVICES_BOX_1_PASSWORD: "hunter3" });
  const shown = inspect(secrets, { depth: 9, showHidden: true }) + JSON.stringify(secrets) + String(secrets);
  assert.doesNotMatch(shown, /hunter/);
});
