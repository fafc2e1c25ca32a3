/** The embedded store, which never syncs: its synced copies, and starts from them when its folder is broken. */
import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { sql } from "drizzle-orm";
import { copyAtStop, keepCopies } from "../../cloud-sync/jobs/copies.ts";
import { publish } from "../../cloud-sync/store/feed.ts";
import { openStore } from "../../cloud-sync/store/open-store.ts";
import { copiesIn, makeCopy } from "../../cloud-sync/store/pglite-copies.ts";
import { createSite, listSites } from "../../cloud-sync/store/sites.ts";
import { rowsOf, type Store } from "../../cloud-sync/store/store.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { givenCloud, HandClock } from "../support/cloud.ts";
import { until } from "../support/until.ts";

const now = Date.UTC(2031, 2, 4);
const facts = { madeAt: now, by: "test" };
let root: string;
before(() => {
  root = mkdtempSync(join(tmpdir(), "postern-copies-"));
});
after(() => {
  rmSync(root, { recursive: true, force: true });
});

const open = (dataFolder: string, logger: Logger = silentLogger) =>
  openStore({ dataFolder, clock: systemClock, logger });
const addSite = (store: Store, id: string) =>
  store.transaction((tx) => createSite(tx, { id, name: id, zone: "UTC" }, "sealed", now));
const sitesOf = async (store: Store) => (await listSites(store.db)).map(({ id }) => id);

describe("a folder that broke", () => {
  /** A data folder with two sites, of which the copy knows one; and where the table of sites lies. */
  let given: string;
  let feed: string;
  let sitesFile: string;
  let eventsFile: string;
  let answersFile: string;
  before(async () => {
    given = join(root, "given");
    const store = await open(given);
    const cloud = await givenCloud({ store });
    await cloud.ask("POST", "/api/sites", { id: "in-copy", name: "in-copy", zone: "UTC" });
    const gateway = await cloud.gateway("in-copy");
    gateway.record({ type: "boot", version: "1", cutBytes: 0 });
    await gateway.push(1);
    await makeCopy(store, given, facts);
    await addSite(store, "after-copy");
    const [row] = await listSites(store.db);
    feed = row!.feed;
    await store.db.execute(
      sql`insert into idempotency (site_id, key, request, answer, created_at)
          select 'in-copy', n::text, 'r', repeat('x', 100), 0 from generate_series(1, 500) n`,
    );
    const pathOf = async (table: string) => {
      const [found] = await rowsOf<{ path: string }>(store.db, sql`select pg_relation_filepath(${table}) as path`);
      return found!.path;
    };
    [sitesFile, eventsFile, answersFile] = [await pathOf("site"), await pathOf("event"), await pathOf("idempotency")];
    await store.close();
  });

  const damages: [string, (data: string, folder: string) => void][] = [
    ["a byte of a table is flipped", (_, folder) => flip(join(folder, sitesFile))],
    [
      "a table is empty, after an unclean stop",
      (data, folder) => {
        truncateSync(join(folder, sitesFile), 0);
        markUnclean(data);
      },
    ],
    [
      "a byte far into a table is flipped, after an unclean stop",
      (data, folder) => {
        flip(join(folder, answersFile), 3 * 8_192);
        markUnclean(data);
      },
    ],
    [
      "a page of events never reached the disk",
      (data, folder) => {
        writeFileSync(join(folder, eventsFile), Buffer.alloc(statSync(join(folder, eventsFile)).size));
        markUnclean(data);
      },
    ],
    ["the control file is empty", (_, folder) => truncateSync(join(folder, "global/pg_control"), 0)],
    [
      "PG_VERSION is gone, so that PGlite would begin anew, and an earlier start from the copy was cut off",
      (data, folder) => {
        rmSync(join(folder, "PG_VERSION"));
        mkdirSync(join(data, "pglite-broken"));
        mkdirSync(join(data, "pglite-new", "base"), { recursive: true });
      },
    ],
    [
      "all of it is gone, and the newest copy is not whole",
      (data, folder) => {
        rmSync(folder, { recursive: true });
        const bytes = readFileSync(join(data, "copies", "000001.jsonl.gz"));
        writeFileSync(join(data, "copies", "000002.jsonl.gz"), bytes.subarray(0, -9));
      },
    ],
  ];
  for (const [index, [what, damage]] of damages.entries())
    test(`${what}: it starts from the good copy, loudly, and every site has a new history`, async () => {
      const data = join(root, `broken-${index}`);
      cpSync(given, data, { recursive: true });
      damage(data, join(data, "pglite"));
      const log = listeningLogger();

      const store = await open(data, log.logger);

      assert.deepEqual(await sitesOf(store), ["in-copy"]);
      const [site] = await listSites(store.db);
      assert.notEqual(site!.feed, feed);
      assert.notEqual(site!.auditSince, null);
      const told = log.lines.find(({ event }) => event === "store-broken");
      assert.match(String(told?.fields?.startedFrom), /000001\.jsonl\.gz$/);
      assert.equal(
        log.lines.some(({ event }) => event === "copy-not-good"),
        existsSync(join(data, "copies", "000002.jsonl.gz")),
      );
      assert.equal(existsSync(join(data, "pglite-broken", "base")), !what.startsWith("all of it"));
      // As it was found, for whoever wants to look.
      if (what.startsWith("PG_VERSION")) assert.equal(existsSync(join(data, "pglite-broken", "PG_VERSION")), false);
      assert.equal(existsSync(join(data, "pglite-new")), false);
      assert.equal(statSync(join(data, "pglite")).mode & 0o777, 0o700);
      await addSite(store, "afterwards");
      await store.close();
      const again = await open(data);
      assert.deepEqual(await sitesOf(again), ["afterwards", "in-copy"]);
      await again.close();
    });

  test("there is no good copy: the start is refused, and nothing is touched", async () => {
    const data = join(root, "no-copy");
    cpSync(given, data, { recursive: true });
    rmSync(join(data, "copies"), { recursive: true });
    truncateSync(join(data, "pglite/global/pg_control"), 0);
    markUnclean(data);

    await assert.rejects(open(data), { code: "store-broken", message: /postern cloud restore/ });

    assert.equal(existsSync(join(data, "pglite-broken")), false);
    assert.equal(existsSync(join(data, "cloud-running.json")), true, "the mark of the unclean stop stays");
  });

  test("a sound folder after an unclean stop is kept, whatever the copies say, and begins a new history", async () => {
    const data = join(root, "sound");
    cpSync(given, data, { recursive: true });
    markUnclean(data);
    chmodSync(join(data, "pglite"), 0o755);

    const store = await open(data);

    // Its files are everybody's, so it lets nobody in.
    assert.equal(statSync(join(data, "pglite")).mode & 0o777, 0o700);
    assert.deepEqual(await sitesOf(store), ["after-copy", "in-copy"]);
    for (const site of await listSites(store.db)) assert.notEqual(site.auditSince, null);
    await store.close();
  });

  test("the mark of an unclean stop goes only when every site has its new history", async () => {
    const data = join(root, "half-way");
    cpSync(given, data, { recursive: true });
    const before = await open(data);
    await before.db.execute(sql`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'no new feed for %', new.site_id; end $$`);
    await before.db.execute(sql`create trigger refuse before update of feed on site for each row
      when (new.site_id = 'in-copy') execute function refuse()`);
    await before.close();
    const marker = join(data, "cloud-running.json");
    assert.equal(existsSync(marker), false);
    markUnclean(data);

    await assert.rejects(open(data));
    await assert.rejects(open(data));
    assert.equal(existsSync(marker), true);

    const client = await PGlite.create({ dataDir: join(data, "pglite") });
    await client.exec("drop trigger refuse on site");
    await client.close();
    const store = await open(data);
    assert.deepEqual(await sitesOf(store), ["after-copy", "in-copy"]);
    for (const site of await listSites(store.db)) assert.notEqual(site.auditSince, null);
    await store.close();
    assert.equal(existsSync(marker), false);
  });
});

describe("copies", () => {
  let data: string;
  let store: Store;
  before(async () => {
    data = join(root, "copied");
    store = await open(data);
    await addSite(store, "a");
  });
  after(() => store.close());

  test("two are kept, with no room for drafts of those that failed", async () => {
    for (let made = 0; made < 4; made += 1) await makeCopy(store, data, facts);
    writeFileSync(join(data, "copies", "000099.jsonl.gz.tmp"), "cut off");

    const { path } = await makeCopy(store, data, facts);

    assert.deepEqual(readdirSync(join(data, "copies")).sort(), ["000004.jsonl.gz", "000005.jsonl.gz"]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test("one is made every ten minutes and at the stop; the stop does not wait for one that takes long", async () => {
    const clock = new HandClock();
    const cloud = await givenCloud({ store, clock });
    const stopping = new AbortController();
    const parts = { ...cloud.parts, stopping: stopping.signal };
    const newest = async () => (await copiesIn(data))[0]?.number ?? 0;
    const first = await newest();
    const count = async () => (await newest()) - first;

    const keeping = keepCopies(parts, data);
    await until("it sleeps", () => clock.sleepers === 1);
    assert.equal(await count(), 0);
    clock.advance(10 * 60_000);
    await until("the copy is there", async () => (await count()) === 1 && clock.sleepers === 1);
    clock.advance(10 * 60_000);
    await until("the copy is there", async () => (await count()) === 2 && clock.sleepers === 1);
    stopping.abort();
    await keeping;

    await copyAtStop(parts, data, 1_000);
    assert.equal(await count(), 3);

    const late = copyAtStop(parts, data, 1_000);
    await until("it sleeps", () => clock.sleepers === 1);
    clock.advance(1_000);
    await late;
    assert.equal(await count(), 3);
    assert.deepEqual(
      readdirSync(join(data, "copies")).filter((name) => name.endsWith(".tmp")),
      [],
    );
  });

  test("a table that cannot be read any more is told, and the copies stay", async () => {
    const { path } = await makeCopy(store, data, facts);
    const before = readFileSync(path);
    await store.db.execute(sql`drop table idempotency`);

    await assert.rejects(makeCopy(store, data, facts));

    assert.deepEqual(readFileSync(path), before);
    // The store goes on serving.
    await store.transaction((tx) =>
      publish(tx, "a", [{ kind: "blacklist", id: "x", body: { id: "x", subject: "person", value: "x" } }], now),
    );
  });
});

function flip(path: string, page = 0): void {
  const bytes = readFileSync(path);
  bytes[page + 8_000]! ^= 0x10;
  writeFileSync(path, bytes);
}

function markUnclean(data: string): void {
  writeFileSync(join(data, "cloud-running.json"), JSON.stringify({ pid: 1, boot: "another boot" }));
}

function listeningLogger(): { logger: Logger; lines: { event: string; fields: LogFields | undefined }[] } {
  const lines: { event: string; fields: LogFields | undefined }[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (event, fields) => void lines.push({ event, fields }),
    child: () => logger,
  };
  return { logger, lines };
}
