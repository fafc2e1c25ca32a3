/** A long log of events: the few that a filter wants are found without reading the others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "drizzle-orm";
import { rowsOf } from "../../cloud-sync/store/store.ts";
import { givenCloud } from "../support/cloud.ts";
import { memoryStore } from "../support/memory-store.ts";

const others = 20_000;
const wanted = 5;

test("the few of a rare kind, and the few of a door hardly used, are found by it, newest first, page by page", async (t) => {
  const store = await memoryStore();
  const cloud = await givenCloud({ store });
  t.after(async () => {
    await cloud.close();
    await store.close();
  });
  await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Lisbon" });
  const fill = (gateway: string, door: string, type: string, count: number, apartMs: number) =>
    store.db.execute(sql`
      insert into event (site_id, gateway_id, epoch, seq, hash, received_at, at, access_point, type, body)
      select 'hill', ${gateway}, 1, n, md5(n::text), 0, n * ${apartMs}::bigint, ${door}, ${type}, '{}'
        from generate_series(1, ${count}::int) n`);
  await fill("busy", "gate", "admitted", others, 1_000);
  await fill("kind", "gate", "turned-away", wanted, 3_000_000);
  await fill("door", "back", "admitted", wanted, 3_000_000);
  await store.db.execute(sql`analyze event`);

  for (const [gateway, query, column, value, index] of [
    ["kind", "type=turned-away", "type", "turned-away", "event_type"],
    ["door", "accessPoint=back", "access_point", "back", "event_door"],
  ] as const) {
    const seen: string[] = [];
    for (let after: string | null = ""; after !== null; ) {
      const { body } = await cloud.ask("GET", `/api/sites/hill/events?${query}&limit=2${after}`);
      seen.push(...body.items.map((one: { gateway: string; seq: number }) => `${one.gateway} ${one.seq}`));
      after = body.next && `&after=${encodeURIComponent(body.next)}`;
    }
    assert.deepEqual(
      seen,
      [5, 4, 3, 2, 1].map((seq) => `${gateway} ${seq}`),
    );
    // As listEvents() asks.
    const plan = await rowsOf<{ "QUERY PLAN": string }>(
      store.db,
      sql`explain select * from event where site_id = 'hill' and ${sql.identifier(column)} = ${value}
          order by at desc, gateway_id desc, epoch desc, seq desc limit 3`,
    );
    const told = plan.map((line) => line["QUERY PLAN"]).join("\n");
    assert.match(told, new RegExp(`Index Scan Backward using ${index}`));
    assert.doesNotMatch(told, /Filter|Sort/);
  }
});
