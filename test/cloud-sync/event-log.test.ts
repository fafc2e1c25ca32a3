/** A long log of events: the few that a filter wants are found without reading the others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "drizzle-orm";
import { openStore } from "../../cloud-sync/store/open-store.ts";
import { rowsOf } from "../../cloud-sync/store/store.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { givenCloud } from "../support/cloud.ts";

const others = 20_000;

test("visitors sent away are found among twenty thousand entries by their kind, newest first, page by page", async (t) => {
  const store = await openStore({ clock: systemClock, logger: silentLogger });
  const cloud = await givenCloud({ store });
  t.after(async () => {
    await cloud.close();
    await store.close();
  });
  await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Lisbon" });
  const fill = (type: string, first: number, count: number, apartMs: number) =>
    store.db.execute(sql`
      insert into event (site_id, gateway_id, epoch, seq, hash, received_at, at, type, body)
      select 'hill', 'gateway-1', 1, ${first}::bigint + n, md5(n::text), 0, n * ${apartMs}::bigint, ${type}, '{}'
        from generate_series(1, ${count}::int) n`);
  await fill("admitted", 0, others, 1_000);
  await fill("turned-away", others, 5, 3_000_000);
  await store.db.execute(sql`analyze event`);

  const seen: number[] = [];
  for (let after: string | null = ""; after !== null; ) {
    const { body } = await cloud.ask("GET", `/api/sites/hill/events?type=turned-away&limit=2${after}`);
    seen.push(...body.items.map(({ seq }: { seq: number }) => seq - others));
    after = body.next && `&after=${encodeURIComponent(body.next)}`;
  }
  assert.deepEqual(seen, [5, 4, 3, 2, 1]);

  // As listEvents() asks.
  const plan = await rowsOf<{ "QUERY PLAN": string }>(
    store.db,
    sql`explain select * from event where site_id = 'hill' and type = 'turned-away'
        order by at desc, gateway_id desc, epoch desc, seq desc limit 3`,
  );
  const told = plan.map((line) => line["QUERY PLAN"]).join("\n");
  assert.match(told, /Index Scan Backward using event_type/);
  assert.doesNotMatch(told, /Filter|Sort/);
});
