/** A page of a site's entries on PostgreSQL, with a million of them and a tenth as many other events: the newest, the oldest, and the rarest kind. */
import { sql } from "drizzle-orm";
import { openStore } from "../../cloud-sync/store/open-store.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { givenCloud } from "../support/cloud.ts";
import { missing } from "../support/needs.ts";
import { startPostgres } from "../support/postgres.ts";
import { type Benchmark, percentile, type Row, row } from "./row.ts";

const entries = 1_000_000;
const denials = 100_000;
const turnedAway = 20;
/** At the back gate, which is hardly used. */
const atBack = 20;
/** The store lets no statement run for long. */
const atOnce = 100_000;
const goalMs = 100;
const looks = 40;
const warmUp = 5;
const goal = `≤ ${goalMs} ms`;

export const benchmark: Benchmark = {
  name: "entry-log",
  async run() {
    const what = `of 1,000,000 entries and 100,000 denials, p99`;
    if (missing("postgres")) return [row(`page ${what}`, Number.NaN, "ms", goal, null)];
    const postgres = await startPostgres();
    const store = await openStore({ databaseUrl: postgres.url, clock: systemClock, logger: silentLogger });
    const cloud = await givenCloud({ store });
    try {
      await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Lisbon" });
      const now = systemClock.wall();
      const every = 1_000;
      const fill = async (type: string, first: number, count: number, apartMs: number, gate = "gate") => {
        for (let from = 1; from <= count; from += atOnce)
          await store.db.execute(sql`
          insert into event (site_id, gateway_id, epoch, seq, hash, received_at, at, type, body, access_point, grant_id)
          select 'hill', 'gateway-1', 1, ${first}::bigint + n, md5(n::text), ${now}::bigint, ${now}::bigint - n * ${apartMs}::bigint,
            ${type}, json_build_object('type', ${type}::text, 'seq', n, 'accessPoint', 'gate', 'scan', json_build_object('staff', 'person-rosa'))::text,
            ${gate}, 'grant-' || (n % 5000) from generate_series(${from}::int, ${Math.min(count, from + atOnce - 1)}::int) n`);
      };
      await fill("admitted", 0, entries, every);
      await fill("denied", entries, denials, every * 10);
      await fill("turned-away", entries + denials, turnedAway, every * 10_000);
      await fill("admitted", entries + denials + turnedAway, atBack, every * 10_000, "back");
      await store.db.execute(sql`analyze event`);

      const rows: Row[] = [];
      const old = new Date(now - (entries - 200) * every).toISOString();
      for (const [name, query] of [
        ["newest entries", "type=admitted"],
        ["oldest entries", `type=admitted&until=${encodeURIComponent(old)}`],
        ["entries of one pass", "type=admitted&grant=grant-77"],
        ["visitors sent away, 20 in all", "type=turned-away"],
        ["entries at a gate that had 20 in all", "type=admitted&accessPoint=back"],
      ] as const) {
        const took: number[] = [];
        for (let look = 0; look < looks + warmUp; look += 1) {
          const begun = performance.now();
          const { status, text, body } = await cloud.ask("GET", `/api/sites/hill/events?limit=20&${query}`);
          const ms = performance.now() - begun;
          if (status !== 200 || body.items.length !== 20) throw new Error(`${query}: ${status} ${text.slice(0, 500)}`);
          if (look >= warmUp) took.push(ms);
        }
        const p99 = percentile(took, 0.99);
        rows.push(row(`page of ${name} ${what}`, p99, "ms", goal, p99 <= goalMs));
      }
      return rows;
    } finally {
      await cloud.close();
      await store.close();
      await postgres.stop();
    }
  },
};
