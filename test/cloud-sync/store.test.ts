/** The store's contract on PGlite and on a real PostgreSQL server, and what only the latter can show. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { sql } from "drizzle-orm";
import { Client } from "pg";
import { feedPage, publish } from "../../cloud-sync/store/feed.ts";
import { openStore } from "../../cloud-sync/store/open-store.ts";
import { createSite } from "../../cloud-sync/store/sites.ts";
import { rowsOf, type Store } from "../../cloud-sync/store/store.ts";
import { noCursor } from "../../gateway/domain/feed.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { storeContract } from "../contract/store.ts";
import { givenCloud } from "../support/cloud.ts";
import { memoryStore } from "../support/memory-store.ts";
import { missing } from "../support/needs.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { until } from "../support/until.ts";

const skip = missing("postgres");
let postgres: TestPostgres | undefined;
before(async () => {
  if (!skip) postgres = await startPostgres();
});
after(async () => {
  await postgres?.stop();
});

const onPostgres = () => openStore({ databaseUrl: postgres!.url, clock: systemClock, logger: silentLogger });

storeContract("PGlite", false, () => memoryStore());
storeContract("PostgreSQL", skip, onPostgres);

test("a start waits for another replica's steps of the schema, and no statement after them has their hour", {
  skip,
}, async (t) => {
  const waiting = await connected(postgres!.url);
  await waiting.query("select pg_advisory_lock(7061937)");
  const opening = onPostgres();
  await until("it waits for the other's steps", async () => {
    const { rows } = await waiting.query("select 1 from pg_locks where locktype = 'advisory' and not granted");
    return rows.length > 0;
  });
  await waiting.end();
  const store = await opening;
  t.after(() => store.close());
  // The only connection there is, on which the steps were made.
  const [told] = await rowsOf<{ statement_timeout: string }>(store.db, sql`show statement_timeout`);
  assert.equal(told?.statement_timeout, "30s");
});

describe("commits that cross, on PostgreSQL", { skip }, () => {
  let store: Store;
  before(async () => {
    store = await onPostgres();
  });
  after(async () => {
    await store.close();
  });

  test("a cursor over a sequence loses the row that drew its number early and committed late", async () => {
    const [slow, fast, reader] = await Promise.all([1, 2, 3].map(() => connected(postgres!.url)));
    await reader!.query("create table naive (n bigserial primary key, who text)");
    await slow!.query("begin");
    await slow!.query("insert into naive (who) values ('slow')");
    await fast!.query("insert into naive (who) values ('fast')");

    const seen: string[] = [];
    let cursor = 0;
    const poll = async () => {
      const { rows } = await reader!.query("select n, who from naive where n > $1 order by n", [cursor]);
      for (const row of rows) {
        seen.push(row.who);
        cursor = Number(row.n);
      }
    };
    await poll();
    await slow!.query("commit");
    await poll();

    assert.deepEqual(seen, ["fast"], "the naive cursor should have lost a row; is this test still showing the fault?");
    await Promise.all([slow, fast, reader].map((client) => client!.end()));
  });

  test("our feed loses none: the writer that holds the version back holds back those after it", async () => {
    const site = `s-${randomUUID().slice(0, 8)}`;
    await store.transaction((tx) => createSite(tx, { id: site, name: site, zone: "UTC" }, "sealed", 0));
    const write = (id: string, beforeCommit: () => Promise<void> = async () => undefined) =>
      store.transaction(async (tx) => {
        await publish(tx, site, [{ kind: "blacklist", id, body: { id, subject: "person", value: id } }], 0);
        await beforeCommit();
      });
    const seen = new Set<string>();
    let cursor = noCursor;
    const poll = async () => {
      const page = await feedPage(store.db, { site, cursor, resettingFrom: null, limit: 100 });
      for (const { id } of page!.rows) seen.add(id);
      cursor = { feed: page!.feed, version: page!.to };
    };

    const drawn = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const slow = write("slow", () => {
      drawn.resolve();
      return release.promise;
    });
    await drawn.promise;
    const fast = write("fast");
    await poll();
    release.resolve();
    await Promise.all([slow, fast]);
    await poll();

    assert.deepEqual([...seen].sort(), ["fast", site, "slow"].sort());
  });

  test("many writers at once: a reader that follows sees every row, and the checksum holds", async () => {
    const site = `s-${randomUUID().slice(0, 8)}`;
    await store.transaction((tx) => createSite(tx, { id: site, name: site, zone: "UTC" }, "sealed", 0));
    const total = 160;
    let left = total;
    const writer = async (name: number) => {
      for (let index = 0; left > 0; index += 1) {
        left -= 1;
        const id = `${name}-${index}`;
        await store.transaction((tx) =>
          publish(tx, site, [{ kind: "blacklist", id, body: { id, subject: "person", value: id } }], 0),
        );
      }
    };
    let done = false;
    const writing = Promise.all([1, 2, 3, 4, 5, 6].map(writer)).then(() => {
      done = true;
    });
    const seen = new Set<string>();
    let cursor = noCursor;
    for (let last = false; !last; ) {
      last = done;
      const page = await feedPage(store.db, { site, cursor, resettingFrom: null, limit: 20 });
      for (const { id } of page!.rows) seen.add(id);
      cursor = { feed: page!.feed, version: page!.to };
      last &&= page!.complete;
      if (last) assert.equal(page!.checksum?.rows, total + 1);
    }
    await writing;

    assert.equal(seen.size, total + 1);
  });

  test("of two transactions that wait for each other, the one taken back is tried again", async () => {
    const sites = [`d-${randomUUID().slice(0, 8)}`, `d-${randomUUID().slice(0, 8)}`];
    for (const id of sites) await store.transaction((tx) => createSite(tx, { id, name: id, zone: "UTC" }, "sealed", 0));
    const bothHold = Promise.withResolvers<void>();
    let holding = 0;
    let attempts = 0;
    const inOrder = (order: readonly string[]) =>
      store.transaction(async (tx) => {
        attempts += 1;
        for (const id of order) {
          await tx.execute(sql`select site_id from site where site_id = ${id} for update`);
          holding += 1;
          if (holding === 2) bothHold.resolve();
          await bothHold.promise;
        }
      });

    await Promise.all([inOrder(sites), inOrder(sites.toReversed())]);

    assert.ok(attempts >= 3, `${attempts} attempts`);
  });

  test("a grant takes the values named for it in one order, whatever order they were named in", async () => {
    const cloud = await givenCloud({ store });
    const site = `g-${randomUUID().slice(0, 8)}`;
    await cloud.ask("POST", "/api/sites", { id: site, name: site, zone: "UTC" });
    await cloud.gateway(site, ["gate"]);
    const seal = await cloud.parts.siteKeys.seal(store.db, site);
    const cards = ["04A1B2C3", "04D4E5F6"].map((value) => ({ value, index: seal.index("card", value) }));
    const [first, second] = cards.sort((a, b) => (a.index < b.index ? -1 : 1));
    const now = Date.now();
    const [other, reader] = await Promise.all([connected(postgres!.url), connected(postgres!.url)]);
    await other.query("set deadlock_timeout = '10ms'");
    await other.query("begin");
    const claim = (index: string) =>
      other.query(
        `insert into live_code (site_id, kind, code_index, credential_id, grant_id, free_at)
         values ($1, 'card', $2, 'c', 'g', $3)`,
        [site, index, now + 3_600_000],
      );
    await claim(first!.index);

    const asked = cloud.ask("POST", `/api/sites/${site}/grants`, {
      kind: "staff",
      holder: { name: "Ada" },
      accessPoints: ["gate"],
      from: new Date(now).toISOString(),
      until: new Date(now + 3_600_000).toISOString(),
      entriesAllowed: null,
      credentials: [{ kind: "pin" }, ...[second!, first!].map(({ value }) => ({ kind: "card", value }))],
    });
    await until("it waits for the first value", async () => {
      const { rows } = await reader.query("select 1 from pg_stat_activity where wait_event_type = 'Lock'");
      return rows.length > 0;
    });
    await claim(second!.index); // would find a deadlock if it had that one already
    await other.query("commit");

    const { status, body } = await asked;
    assert.equal(status, 409);
    assert.equal(body.errors[0].field, "body.credentials[2].value");
    await Promise.all([other.end(), reader.end()]);
    await cloud.close();
  });

  test("a commit at one replica wakes who waits at another", async () => {
    const other = await onPostgres();
    const site = `s-${randomUUID().slice(0, 8)}`;
    const waiting = other.wakes.next(site);

    await store.transaction((tx) => createSite(tx, { id: site, name: site, zone: "UTC" }, "sealed", 0));

    await waiting.woken;
    waiting.cancel();
    await other.close();
  });
});

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}
