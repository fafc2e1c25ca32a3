/** One grant changes at a site with 100,000, beside the same at 1,000: bytes of the poll's reply, and bytes a gateway writes for it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changesMax, type FeedChange, publish } from "../../cloud-sync/store/feed.ts";
import { givenCloud } from "../support/cloud.ts";
import { aGrant, aPage, grantRow } from "../support/site-fixture.ts";
import { aBenchSite } from "./bench-site.ts";
import { bytesEach } from "./disk-bytes.ts";
import { type Benchmark, rowBeside } from "./row.ts";

const [small, large] = [1_000, 100_000];
const changesWritten = 3_000;
const siteId = "demo";

export const benchmark: Benchmark = {
  name: "changed-grant",
  async run() {
    const same = (what: string, at100k: number, at1k: number) =>
      rowBeside(
        what,
        at100k,
        "B",
        "the same at 1,000 grants",
        at1k,
        "the same ± 10 %",
        (ratio) => Math.abs(ratio - 1) <= 0.1,
      );
    return [
      same("poll reply for one changed grant of 100,000", await replyBytes(large), await replyBytes(small)),
      same("bytes written for one changed grant of 100,000", await pageBytes(large), await pageBytes(small)),
    ];
  },
};

async function replyBytes(grants: number): Promise<number> {
  const cloud = await givenCloud();
  try {
    await cloud.ask("POST", "/api/sites", { id: siteId, name: "Harbour Lane 12", zone: "Europe/Lisbon" });
    const gateway = await cloud.gateway(siteId, ["front"]);
    const change = (number: number): FeedChange => ({
      kind: "grant",
      id: `grant-${number}`,
      body: aGrant(`grant-${number}`),
    });
    const written = (changes: readonly FeedChange[]) =>
      cloud.store.transaction((tx) => publish(tx, siteId, changes, cloud.parts.clock.wall()));
    for (let first = 0; first < grants; first += changesMax)
      await written(Array.from({ length: changesMax }, (_, number) => change(first + number)));
    await gateway.catchUp();
    await written([change(100)]);
    const { body, text } = await gateway.poll();
    if (body.rows.length !== 1) throw new Error(`the poll brought ${body.rows.length} rows`);
    return Buffer.byteLength(text);
  } finally {
    await cloud.close();
  }
}

async function pageBytes(grants: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
  try {
    const site = await aBenchSite(folder, grants, 4);
    const { journal, records, time } = site.parts;
    const bytes = await bytesEach(folder, async () => {
      for (let change = 0; change < changesWritten; change += 1) {
        const page = aPage([grantRow(aGrant(`grant-${change % 1_000}`))], { to: records.cursor.version + 1 });
        await journal.record({ kind: "page", page, at: time.interval().earliest }).durable;
      }
      return changesWritten;
    });
    await site.stop();
    return bytes;
  } finally {
    await rm(folder, { recursive: true });
  }
}
