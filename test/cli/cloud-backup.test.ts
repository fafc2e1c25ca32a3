/** `postern cloud backup` and `restore` as an administrator runs them, against services that really run. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type RunningCloud, startCloud } from "../../cloud-sync/main.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { missing } from "../support/needs.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { postern } from "./run-postern.ts";

const token = "an-administrator-of-this-test-only";
const withoutPostgres = missing("postgres");
let postgres: TestPostgres | undefined;
let folder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "postern-backup-"));
  if (!withoutPostgres) postgres = await startPostgres();
});
after(async () => {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

for (const [name, skip] of [
  ["PGlite", false],
  ["PostgreSQL", withoutPostgres],
] as const)
  describe(`on ${name}`, { skip }, () => {
    let cloud: RunningCloud;
    const data = () => join(folder, name);
    const env = () => ({
      POSTERN_ADMIN_TOKEN: token,
      ...(name === "PostgreSQL" && { DATABASE_URL: postgres!.url }),
    });
    const start = async () => {
      cloud = await startCloud({
        http: { host: "127.0.0.1", port: 0 },
        dataFolder: data(),
        databaseUrl: env().DATABASE_URL,
        adminToken: new SecretString(token),
        logger: silentLogger,
        clock: systemClock,
      });
    };
    const ask = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(cloud.url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return response.json() as Promise<ReturnType<typeof JSON.parse>>;
    };
    const names = async () => (await ask("GET", "/api/sites")).items.map((one: { name: string }) => one.name);

    test("what the running service has is in a file of its owner's alone, the master key is not", async () => {
      await start();
      await ask("POST", "/api/sites", { id: "home", name: "Before", zone: "UTC" });
      const file = join(folder, `${name}.gz`);

      const { code, out, err } = await postern(["cloud", "backup", file, "--url", cloud.url], { env: env() });

      assert.equal(code, 0, err);
      assert.match(out, /rows as of .*master key/s);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const text = gunzipSync(readFileSync(file)).toString();
      assert.match(text, /"name":"Before"/);
      assert.equal(text.includes(readFileSync(join(data(), "master-key"), "utf8").trim()), false);
      assert.equal(text.includes(token), false);
    });

    test("restore is refused while the service runs, and afterwards brings back what was there", async () => {
      const file = join(folder, `${name}.gz`);
      const restore = () => postern(["cloud", "restore", file, "--data", data()], { env: env() });
      await ask("PATCH", "/api/sites/home", { name: "After" });

      const refused = await restore();
      assert.equal(refused.code, 1);
      assert.match(refused.err, /stop/);
      assert.deepEqual(await names(), ["After"]);

      await cloud.stop();
      const { code, out, err } = await restore();
      assert.equal(code, 0, err);
      assert.match(out, /1 site waits for its gateways' accounts/);
      await start();
      assert.deepEqual(await names(), ["Before"]);
    });

    test("another master key is refused, and so is none; no new one is made up", async () => {
      const other = Buffer.alloc(32, 3).toString("base64url");
      await cloud.stop();
      const { code, err } = await postern(["cloud", "restore", join(folder, `${name}.gz`), "--data", data()], {
        env: { ...env(), POSTERN_MASTER_KEY: other },
      });
      assert.equal(code, 1);
      assert.match(err, /another master key/);

      const elsewhere = join(folder, `${name}-elsewhere`);
      const without = await postern(["cloud", "restore", join(folder, `${name}.gz`), "--data", elsewhere], {
        env: env(),
      });
      assert.equal(without.code, 1);
      assert.match(without.err, /there is no master key/);
      assert.equal(existsSync(join(elsewhere, "master-key")), false, "none is made up");
      await start();
      assert.deepEqual(await names(), ["Before"]);
      await cloud.stop();
    });
  });

test("a wrong token, a plain line and a spoiled file end with a sentence and exit code", async () => {
  const cases: [readonly string[], Record<string, string>, number, RegExp][] = [
    [["backup", join(folder, "x")], {}, 2, /POSTERN_ADMIN_TOKEN/],
    [["backup", join(folder, "x"), "--url", "http://cloud.example"], { POSTERN_ADMIN_TOKEN: "x" }, 2, /https/],
    [
      ["backup", join(folder, "x"), "--url", "http://127.0.0.1:9"],
      { POSTERN_ADMIN_TOKEN: "x" },
      1,
      /could not be reached/,
    ],
    [["restore", join(folder, "spoiled"), "--data", join(folder, "none")], {}, 1, /no backup/],
    [["restore", join(folder, "absent"), "--data", join(folder, "none")], {}, 1, /ENOENT/],
  ];
  writeFileSync(join(folder, "spoiled"), "no gzip");
  const ended = await Promise.all(cases.map(([words, env]) => postern(["cloud", ...words], { env })));
  for (const [index, { code, err }] of ended.entries()) {
    assert.equal(code, cases[index]![2], err);
    assert.match(err, cases[index]![3]);
    assert.doesNotMatch(err, /\n {4}at /);
  }
  assert.equal(existsSync(join(folder, "none")), false);
});
