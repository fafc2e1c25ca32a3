import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { grantCacheContract } from "../contract/grant-cache.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aDenial, aStore, StillClock, smallLimits } from "../support/site-store.ts";

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

grantCacheContract("the real disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "postern-cache-"));
  folders.push(folder);
  return { disk: nodeDisk, folder: join(folder, "data"), remount: () => nodeDisk };
});

grantCacheContract("a simulated disk", async () => {
  const sim = new SimDisk();
  return {
    disk: sim.mount(),
    folder: "/data",
    remount: () => {
      sim.kill();
      return sim.mount();
    },
  };
});

test("a segment goes only when both snapshots hold it, the cloud has it, and it is older than it has to be kept", async () => {
  const sim = new SimDisk();
  const clock = new StillClock();
  const limits = { ...smallLimits, keptBytes: Number.POSITIVE_INFINITY, keptMs: 1_000 };
  const { journal, cache } = await aStore(sim.mount(), "/data", { clock, limits });
  const isThere = () => sim.paths.includes("/data/journal/000001.jsonl");
  while (!sim.paths.includes("/data/journal/000006.jsonl"))
    await Promise.all(Array.from({ length: 10 }, () => journal.recordEvent(aDenial).durable));

  clock.now += 2_000;
  await journal.record({ kind: "acknowledged", next: journal.durableSeq + 1 }).durable;
  await cache.snapshot();
  assert.ok(isThere(), "one snapshot is not enough");

  await cache.snapshot();
  assert.ok(!isThere(), "nobody needs it any more");
  await journal.close();
});

for (const [what, arrange] of [
  ["the cloud has not acknowledged", { acknowledged: false, waitMs: 2_000 }],
  ["is younger than it has to be kept", { acknowledged: true, waitMs: 500 }],
] as const) {
  test(`a segment that ${what} stays, however many snapshots hold it`, async () => {
    const sim = new SimDisk();
    const clock = new StillClock();
    const limits = { ...smallLimits, keptBytes: Number.POSITIVE_INFINITY, keptMs: 1_000 };
    const { journal, cache } = await aStore(sim.mount(), "/data", { clock, limits });
    while (!sim.paths.includes("/data/journal/000004.jsonl"))
      await Promise.all(Array.from({ length: 10 }, () => journal.recordEvent(aDenial).durable));
    clock.now += arrange.waitMs;
    if (arrange.acknowledged) await journal.record({ kind: "acknowledged", next: journal.durableSeq + 1 }).durable;

    await cache.snapshot();
    await cache.snapshot();
    await cache.snapshot();

    assert.ok(sim.paths.includes("/data/journal/000001.jsonl"));
    await journal.close();
  });
}
