/** The service as a process part: its start, what a second one finds, an unclean stop, and its data at rest. */
import assert from "node:assert/strict";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { sql } from "drizzle-orm";
import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import { type CloudOptions, type RunningCloud, startCloud } from "../../cloud-sync/main.ts";
import type { CloudStartError } from "../../cloud-sync/start-error.ts";
import { openStore } from "../../cloud-sync/store/open-store.ts";
import * as schema from "../../cloud-sync/store/schema.ts";
import { rowsOf } from "../../cloud-sync/store/store.ts";
import { type LogFields, type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { memoryStore } from "../support/memory-store.ts";
import { until } from "../support/until.ts";

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "postern-cloud-"));
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const start = (change: Partial<CloudOptions> = {}) =>
  startCloud({
    http: { host: "127.0.0.1", port: 0 },
    dataFolder: folder,
    logger: silentLogger,
    clock: systemClock,
    adminToken: token,
    ...change,
  });
const token = new SecretString("of-whoever-starts-the-service-01");
const asker = (cloud: RunningCloud, token: SecretString) => async (method: string, path: string, body?: unknown) => {
  const response = await fetch(cloud.url + path, {
    method,
    headers: { authorization: `Bearer ${token.reveal()}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
};

describe("one data folder over several starts", () => {
  let link: string;
  let pin: string;
  let feed: string;
  const feedOf = async () => {
    const store = await openStore({ dataFolder: folder, clock: systemClock, logger: silentLogger });
    const [row] = await store.db.select({ feed: schema.site.feed }).from(schema.site);
    await store.close();
    return row!.feed;
  };

  test("a first start that finds its port in use says so", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    await assert.rejects(start({ http: { host: "127.0.0.1", port } }), { code: "port-in-use", message: /http\.port/ });
    server.close();
  });

  test("as long as nobody is administrator a start without a token tells a link, and the data outlive it", async () => {
    const alone = await start({ adminToken: undefined, publicUrl: "https://postern.example/" });
    link = alone.firstAdminLink?.reveal() ?? "";
    assert.match(link, /^https:\/\/postern\.example\/first-admin#postern_link_[\w-]{43}$/);
    await alone.stop();

    const first = await start();
    assert.equal(first.firstAdminLink, undefined);
    const ask = asker(first, token);
    assert.equal((await ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" })).status, 201);
    const { body } = await ask("POST", "/api/sites/home/gateways", { name: "gate" });
    pin = body.code;
    await first.stop();

    feed = await feedOf();
    const second = await start();
    assert.equal((await asker(second, token)("GET", "/api/sites")).body.items[0].id, "home");
    const metrics = await (await fetch(`${second.url}/metrics`)).text();
    assert.match(metrics, /postern_http_request_seconds_count\{method="GET",route="\/api\/sites",status="200"\} 1/);
    assert.match(metrics, /postern_process_resident_memory_bytes/);
    assert.equal((await fetch(`${second.url}/readyz`)).status, 200);
    await second.stop();
    assert.equal(await feedOf(), feed, "a clean stop keeps the feed");
  });

  test("keys are for the owner alone, and neither token nor code lies there in clear", () => {
    assert.equal(statSync(join(folder, "master-key")).mode & 0o777, 0o600);
    const files = globSync("**/*", { cwd: folder }).map((name) => join(folder, name));
    for (const file of files.filter((one) => statSync(one).isFile())) {
      const bytes = readFileSync(file);
      assert.equal(bytes.includes(token.reveal()), false, file);
      assert.equal(bytes.includes(new URL(link).hash.slice(1)), false, file);
      assert.equal(bytes.includes(pin), false, file);
    }
  });

  test("after an unclean stop every site has a new feed", async () => {
    writeFileSync(join(folder, "cloud-running.json"), JSON.stringify({ pid: 1, boot: "another boot" }));
    await (await start()).stop();
    assert.notEqual(await feedOf(), feed);
    assert.equal(existsSync(join(folder, "cloud-running.json")), false);
  });

  test("a folder is refused while its owner runs, not for a later process with the owner's id; and so is another master key", async () => {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
    const state = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
    const [, began] = /^\d+ \(.*\) (?:\S+ ){19}(\d+) /s.exec(state) ?? [];
    assert.ok(began);
    const marker = join(folder, "cloud-running.json");
    writeFileSync(marker, JSON.stringify({ pid: process.ppid, boot, began }));
    await assert.rejects(start(), { code: "data-locked" });

    writeFileSync(marker, JSON.stringify({ pid: process.ppid, boot, began: "1" }));
    await (await start()).stop();

    const other = new SecretString(Buffer.alloc(32, 9).toString("base64url"));
    await assert.rejects(start({ masterKey: other }), { code: "master-key-wrong" });
  });

  test("without the master key the sites were sealed by none is made: the file is named, and the start succeeds once it is back", async () => {
    const file = join(folder, "master-key");
    const key = readFileSync(file);
    rmSync(file);
    await assert.rejects(start(), (error: CloudStartError) => {
      assert.equal(error.code, "master-key-missing");
      assert.ok(error.message.startsWith(`${file} is missing`), error.message);
      assert.match(error.message, /put it back.*POSTERN_MASTER_KEY.*32 bytes in base64url/);
      return true;
    });
    assert.equal(existsSync(file), false);

    writeFileSync(file, "");
    await assert.rejects(start(), { code: "master-key-wrong", message: /32 bytes in base64url; this one has 0/ });
    assert.equal(readFileSync(file, "utf8"), "");

    writeFileSync(file, key, { mode: 0o600 });
    await (await start()).stop();
  });

  test("an administrator's token that could be guessed or cannot be sent is refused, with what to do and without telling it", async () => {
    const given = (text: string) => start({ adminToken: new SecretString(text) });
    const refused: [string, RegExp][] = [
      ["x", /has 1 characters.* at least 32/],
      ["a".repeat(31), /has 31 characters/],
      [`${"a".repeat(32)}\n`, /characters that no request can carry/],
      [`pässword-${"a".repeat(32)}`, /characters that no request can carry/],
      [`pass word ${"a".repeat(32)}`, /characters that no request can carry/],
    ];
    for (const [text, message] of refused)
      await assert.rejects(given(text), (error: CloudStartError) => {
        assert.deepEqual([error.name, error.code], ["CloudStartError", "admin-token-wrong"]);
        assert.match(error.message, message);
        assert.match(error.message, /POSTERN_ADMIN_TOKEN.*openssl rand -hex 32/);
        assert.equal(text.length > 1 && error.message.includes(text), false);
        return true;
      });

    const strong = new SecretString("0123456789abcdef".repeat(2));
    const cloud = await given(strong.reveal());
    assert.equal((await asker(cloud, strong)("GET", "/api/sites")).status, 200);
    assert.equal((await asker(cloud, token)("GET", "/api/sites")).status, 401, "the one of another start is none");
    await cloud.stop();
  });

  test("a query that fails tells neither log nor terminal its values", async () => {
    const withoutTable = async (table: string) => {
      const client = await PGlite.create({ dataDir: join(folder, "pglite") });
      await client.exec(`drop table ${table}`);
      await client.close();
    };
    const lines: { readonly event: string; readonly text: string }[] = [];
    const note = (event: string, { error }: LogFields = {}) => {
      const said: string[] = [];
      for (let one: unknown = error; one instanceof Error; one = one.cause) said.push(String(one.stack));
      lines.push({ event, text: said.join() });
    };
    const logger: Logger = { ...silentLogger, warn: note, error: note };

    await withoutTable("idempotency");
    const cloud = await start({ logger });
    const asAdmin = { method: "POST", headers: { authorization: `Bearer ${token.reveal()}` } };
    assert.equal((await fetch(`${cloud.url}/api/jobs/housekeeping/run`, asAdmin)).status, 202);
    await until("housekeeping fails", () => lines.some(({ event }) => event === "housekeeping-failed"));
    const body = JSON.stringify({ subject: "person", value: "p-secret" });
    const headers = { ...asAdmin.headers, "idempotency-key": "once", "content-type": "application/json" };
    assert.equal((await fetch(`${cloud.url}/api/sites/home/blacklist`, { ...asAdmin, headers, body })).status, 500);
    await cloud.stop();

    const told = ["housekeeping-failed", "request-failed", "copy-failed"];
    for (const event of told)
      assert.match(lines.find((one) => one.event === event)?.text ?? "", /"idempotency"/, event);
    assert.deepEqual(
      lines.filter(({ text }) => /params:/.test(text)),
      [],
    );

    await withoutTable("person");
    await assert.rejects(start({ adminToken: undefined }), ({ message, cause }: Error) => {
      assert.equal(cause, undefined);
      assert.match(message, /"person" does not exist/);
      assert.doesNotMatch(message, /params:/);
      return true;
    });
  });
});

test("the schema is what the migrations make", async () => {
  const store = await memoryStore();
  const columns = await rowsOf<{ table_name: string; column_name: string; data_type: string; is_nullable: string }>(
    store.db,
    sql`select table_name, column_name, data_type, is_nullable from information_schema.columns where table_schema = 'public'`,
  );
  await store.close();
  const made = columns.map((one) => {
    const type = one.data_type === "ARRAY" ? "text[]" : one.data_type;
    return `${one.table_name}.${one.column_name} ${type}${one.is_nullable === "NO" ? " not null" : ""}`;
  });
  const meant = Object.values(schema).flatMap((table) => {
    const config = getTableConfig(table as PgTable);
    return config.columns.map(
      (column) => `${config.name}.${column.name} ${column.getSQLType()}${column.notNull ? " not null" : ""}`,
    );
  });
  assert.deepEqual(made.sort(), meant.sort());
  for (const table of Object.values(schema)) {
    const { primaryKeys, columns: all } = getTableConfig(table as PgTable);
    const first = primaryKeys[0]?.columns[0] ?? all.find(({ primary }) => primary);
    assert.equal(first?.name, "site_id");
  }
});
