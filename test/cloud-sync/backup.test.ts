/** Backups of the cloud's store: taken while it is in use, whole or refused, the same on PGlite and on PostgreSQL. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { sql } from "drizzle-orm";
import { restoreBackup, takeBackup } from "../../cloud-sync/store/backup.ts";
import { checkBackup, saveBackup } from "../../cloud-sync/store/backup-file.ts";
import { toBytes } from "../../cloud-sync/store/backup-format.ts";
import { publish } from "../../cloud-sync/store/feed.ts";
import { migrations } from "../../cloud-sync/store/migrations.ts";
import { openStore } from "../../cloud-sync/store/open-store.ts";
import { createSite, listSites } from "../../cloud-sync/store/sites.ts";
import { rowsOf, type Store } from "../../cloud-sync/store/store.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { givenCloud } from "../support/cloud.ts";
import { memoryStore } from "../support/memory-store.ts";
import { missing } from "../support/needs.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";

const now = Date.UTC(2031, 2, 4);
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

const parts = { clock: systemClock, logger: silentLogger };
const onPglite = () => memoryStore(parts);
const onPostgres = () => openStore({ ...parts, databaseUrl: postgres!.url });

const save = async (store: Store, path: string) => {
  await saveBackup(path, (write) => takeBackup(store, { madeAt: now, by: "test" }, write));
  return path;
};
const linesOf = (path: string) => gunzipSync(readFileSync(path)).toString().trimEnd().split("\n");

for (const [name, skip, open] of [
  ["PGlite", false, onPglite],
  ["PostgreSQL", withoutPostgres, onPostgres],
] as const)
  describe(`backup on ${name}`, { skip }, () => {
    let store: Store;
    before(async () => {
      store = await open();
      await givenHistory(store);
    });
    after(() => store.close());

    test("what is put back is what was there, to the byte, and every site has a new history", async () => {
      const first = await save(store, join(folder, `${name}-1`));
      const [before] = await listSites(store.db);
      await store.db.execute(sql`delete from event_parked`);
      await store.db.execute(sql`update grant_record set holder_name = 'somebody else'`);
      await store.transaction((tx) => createSite(tx, { id: "later", name: "Later", zone: "UTC" }, "sealed", now));

      const { rows } = await restoreBackup(store, first, now + 5);

      const second = await save(store, join(folder, `${name}-2`));
      // The rows that a new history changes, and the checksum over them.
      const same = (line: string) => !/^\{"row":\{"site_id":"home","name"|^\{"end"/.test(line);
      assert.deepEqual(linesOf(second).filter(same), linesOf(first).filter(same));
      assert.ok(rows > 8, `${rows} rows`);
      const sites = await listSites(store.db);
      assert.deepEqual(
        sites.map(({ id }) => id),
        ["home"],
      );
      assert.notEqual(sites[0]?.feed, before?.feed);
      assert.equal(sites[0]?.auditSince, now + 5);
      assert.equal(sites[0]?.ver, before?.ver);
    });

    test("bytes that are no text, lists, numbers beyond a float and nothing at all come back as they were", async () => {
      const path = await save(store, join(folder, `${name}-3`));
      await restoreBackup(store, path, now);

      const [parked] = await rowsOf<{ raw: Uint8Array }>(store.db, sql`select raw from event_parked where seq = 2`);
      assert.deepEqual(Buffer.from(parked!.raw), Buffer.from([0xff, 0x00, 0x0a, 0x22]));
      const [grant] = await rowsOf<{ access_points: string[] }>(store.db, sql`select access_points from grant_record`);
      assert.deepEqual(grant!.access_points, ["door", 'a "quoted", {odd} one']);
      const [big] = await rowsOf<{ n: string; reason: null }>(
        store.db,
        sql`select seq::text as n, reason from event order by seq desc limit 1`,
      );
      assert.deepEqual({ ...big }, { n: "9007199254740993", reason: null });
    });

    test("a table comes after those it refers to", async () => {
      const lines = linesOf(await save(store, join(folder, `${name}-order`))).map((line) => JSON.parse(line));
      const order = lines.flatMap(({ table }) => (table ? [table] : []));
      const references = await rowsOf<{ child: string; parent: string }>(
        store.db,
        sql`select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint where contype = 'f'`,
      );
      assert.ok(references.length > 5);
      for (const { child, parent } of references)
        assert.ok(order.indexOf(parent) < order.indexOf(child), `${child} refers to ${parent}`);
    });

    test("a restore that its caller refuses changes nothing", async () => {
      const path = await save(store, join(folder, `${name}-4`));
      const refuse = restoreBackup(store, path, now, async () => {
        throw new Error("another master key");
      });
      await assert.rejects(refuse, /another master key/);
      assert.deepEqual(linesOf(await save(store, join(folder, `${name}-5`))), linesOf(path));
    });

    test("a file that was cut off, altered or comes from a newer version is refused and changes nothing", async () => {
      const path = await save(store, join(folder, `${name}-6`));
      const whole = readFileSync(path);
      const lines = linesOf(path);
      const zip = (some: readonly string[]) => gzipSync(`${some.join("\n")}\n`);
      const newer = lines[0]!.replace(/"schema":\d+/, '"schema":9999999999999');
      const flipped = Buffer.from(whole);
      flipped[Math.floor(whole.length / 2)]! ^= 1;
      const spoiled: [string, Uint8Array, RegExp][] = [
        ["cut off", whole.subarray(0, -40), /not whole/],
        ["cut between lines", zip(lines.slice(0, -1)), /not whole/],
        ["a row left out", zip(lines.toSpliced(3, 1)), /altered/],
        ["a value changed", zip(lines.map((line) => line.replace('"Europe/Lisbon"', '"Europe/Madrid"'))), /altered/],
        ["a byte flipped", flipped, /altered|not whole/],
        ["lines added", zip([...lines, lines[2]!]), /altered/],
        ["another format", zip([lines[0]!.replace('"version":1', '"version":2'), ...lines.slice(1)]), /format/],
        ["no backup", gzipSync("hello\n"), /no backup/],
        ["no gzip", Buffer.from("hello\n"), /no backup/],
        ["nothing", Buffer.alloc(0), /not whole|no backup/],
      ];
      for (const [what, bytes, why] of spoiled) {
        const file = join(folder, `${name}-spoiled`);
        writeFileSync(file, bytes);
        await assert.rejects(restoreBackup(store, file, now), { name: "BackupError", message: why }, what);
      }
      // Not altered: sealed anew, as a newer version would have written it.
      const sealed: Uint8Array[] = [];
      for await (const piece of toBytes(JSON.parse(newer), nothing())) sealed.push(piece);
      writeFileSync(join(folder, `${name}-newer`), gzipSync(Buffer.concat(sealed)));
      await assert.rejects(restoreBackup(store, join(folder, `${name}-newer`), now), /newer version/);

      assert.deepEqual(linesOf(await save(store, join(folder, `${name}-7`))), lines);
    });

    test("a backup of an older schema is put back and brought up to date", async () => {
      const path = await save(store, join(folder, `${name}-8`));
      const lines = linesOf(path).map((line) => JSON.parse(line));
      const before = migrations().findIndex(({ statements }) =>
        statements.join().includes("command add column action"),
      );
      const made = migrations()
        .slice(0, before)
        .flatMap(({ statements }) => [...statements.join().matchAll(/create table (\w+)/g)].map((found) => found[1]));
      const younger = migrations()
        .slice(before)
        .flatMap(({ statements }) => [...statements.join().matchAll(/add column (\w+)/g)].map((found) => found[1]));
      async function* older() {
        let isMade = false;
        for (const line of lines.slice(1, -1)) {
          if (line.table) isMade = made.includes(line.table);
          if (!isMade) continue;
          if (line.table)
            yield {
              table: {
                table: line.table,
                columns: line.columns.filter((one: string) => !younger.includes(one)),
              },
            };
          else yield { rows: [JSON.stringify(line.row)] };
        }
      }
      const sealed: Uint8Array[] = [];
      const header = { ...lines[0], schema: migrations()[before - 1]!.writtenAt };
      for await (const piece of toBytes(header, older())) sealed.push(piece);
      writeFileSync(join(folder, `${name}-older`), gzipSync(Buffer.concat(sealed)));

      await restoreBackup(store, join(folder, `${name}-older`), now);

      const [command] = await rowsOf<{ action: string }>(store.db, sql`select action from command`);
      assert.equal(command?.action, "unlock");
      const makers = await rowsOf<{ created_by: string }>(store.db, sql`select distinct created_by from grant_record`);
      assert.deepEqual(
        makers.map((one) => one.created_by),
        ["admin"],
      );
    });

    test("the file is its owner's alone, and nothing of a failed one is left", async () => {
      const path = await save(store, join(folder, `${name}-9`));
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.equal((await checkBackup(path)).header.by, "test");
      const old = readFileSync(path);
      const start = old.subarray(0, 50);
      const broken = saveBackup(path, async (write) => {
        await write(start);
        throw new Error("the line went down");
      });
      await assert.rejects(broken, /the line went down/);
      await assert.rejects(
        saveBackup(path, (write) => write(start)),
        { name: "BackupError" },
      );
      assert.deepEqual(readFileSync(path), old);
      assert.throws(() => statSync(`${path}.tmp`), { code: "ENOENT" });
    });

    test("what is written while it is taken is in it whole or not at all", async () => {
      // Enough that the first bytes come while there is still much to read.
      await store.db.execute(
        sql`insert into event (site_id, gateway_id, epoch, seq, hash, received_at, at, type)
            select 'home', 'many', 1, n, md5(n::text), n, n, 'boot' from generate_series(1, 3000) n`,
      );
      let taken: Promise<void> = Promise.resolve();
      const path = join(folder, `${name}-10`);
      await saveBackup(path, (save) =>
        takeBackup(store, { madeAt: now, by: "test" }, async (piece) => {
          // PGlite makes them wait, PostgreSQL does not show them.
          if (name === "PostgreSQL") await write(`during-${Math.random()}`);
          else taken = write("during").then(() => undefined);
          await save(piece);
        }),
      );
      await taken;
      const rows = linesOf(path).map((line) => JSON.parse(line).row ?? {});
      const [site] = rows.filter(({ zone }) => zone !== undefined);
      const versions = rows.filter(({ ver, kind }) => ver !== undefined && kind !== undefined).map(({ ver }) => ver);
      assert.equal(Math.max(...versions), site.ver);
      assert.equal(
        rows.some(({ id }) => String(id).startsWith("during")),
        false,
      );
      assert.ok((await listSites(store.db))[0]!.ver > site.ver);
    });

    const write = (id: string) =>
      store.transaction((tx) =>
        publish(tx, "home", [{ kind: "blacklist", id, body: { id, subject: "person", value: id } }], now),
      );
  });

test("a database is moved from PGlite to PostgreSQL by its backup", { skip: withoutPostgres }, async () => {
  const [from, to] = [await onPglite(), await onPostgres()];
  await givenHistory(from, "moved");
  const path = await save(from, join(folder, "moved"));

  await restoreBackup(to, path, now);

  assert.deepEqual(
    (await listSites(to.db)).map(({ id }) => id),
    ["moved"],
  );
  await from.close();
  await to.close();
});

test("who wants the database alone waits for nobody, and nobody joins", { skip: withoutPostgres }, async () => {
  const service = await onPostgres();
  const alone = () => openStore({ ...parts, databaseUrl: postgres!.url, alone: true });
  await assert.rejects(alone(), { code: "data-locked", message: /stop/ });
  const replica = await onPostgres();
  await Promise.all([service.close(), replica.close()]);

  const restorer = await alone();
  await assert.rejects(onPostgres(), { code: "data-locked", message: /restore/ });
  await restorer.close();
  await (await onPostgres()).close();
});

test("a large store is backed up in bounded memory", async () => {
  const store = await onPglite();
  await givenHistory(store, "large");
  await store.db.execute(
    sql`insert into event (site_id, gateway_id, epoch, seq, hash, received_at, at, type, body)
        select 'large', 'large.gw-x', 9, n, md5(n::text), n, n, 'boot', repeat(md5(n::text), 12) from generate_series(1, 100000) n`,
  );
  const base = process.memoryUsage();
  let [most, pieces] = [0, 0];
  await takeBackup(store, { madeAt: now, by: "test" }, async () => {
    pieces += 1;
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    most = Math.max(most, arrayBuffers - base.arrayBuffers + heapUsed - base.heapUsed);
  });
  assert.ok(pieces > 100, `${pieces} pieces`);
  assert.ok(most < 120e6, `${Math.round(most / 1e6)} MB above the start`);
  await store.close();
});

/** One site with something in every table that has odd values. */
async function givenHistory(store: Store, id = "home"): Promise<void> {
  const cloud = await givenCloud({ store });
  await store.transaction((tx) =>
    createSite(tx, { id, name: "Home 🏠\n", zone: "Europe/Lisbon" }, cloud.parts.siteKeys.create(id), now),
  );
  const gateway = await cloud.gateway(id, ["door", 'a "quoted", {odd} one']);
  await cloud.ask("POST", `/api/sites/${id}/grants`, {
    kind: "temporary",
    holder: { name: "Ann" },
    accessPoints: ["door", 'a "quoted", {odd} one'],
    from: "2020-01-01T00:00:00Z",
    until: "2099-01-01T00:00:00Z",
    entriesAllowed: 3,
    credentials: [{ kind: "pin" }],
  });
  assert.equal((await cloud.ask("POST", `/api/sites/${id}/access-points/door/unlock`)).status, 202);
  gateway.record({ type: "boot", version: "1", cutBytes: 0 });
  gateway.record({ type: "of tomorrow" });
  await gateway.push(1);
  await store.db.execute(sql`update event_parked set raw = '\\xff000a22'::bytea`);
  await store.db.execute(
    sql`insert into event (site_id, gateway_id, epoch, seq, hash, received_at, at, type)
        values (${id}, 'odd', 1, 9007199254740993, 'h', 0, 0, 'unreadable')`,
  );
}

async function* nothing() {}
