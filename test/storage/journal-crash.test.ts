/** Power cuts and kills at every moment, by seed: what was acknowledged is there, in order, once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SiteRecords } from "../../gateway/domain/site-records.ts";
import type { SiteStore } from "../../gateway/storage/open-site-store.ts";
import { showJournal, verifyFolder } from "../../gateway/storage/verify-journal.ts";
import { Random } from "../support/random.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aDenial, aGrantRow, anAdmission, aPage, aStore, smallLimits } from "../support/site-store.ts";

const folder = "/data";
const seeds = Number(process.env.CRASH_SEEDS ?? 300);
const firstSeed = Number(process.env.CRASH_SEED ?? 1);
const noLimit = { maxEvents: 100_000, maxBytes: 100_000_000 };

test(`${seeds} seeds of power cuts and kills: nothing acknowledged is lost, nothing is there twice`, async () => {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    await survives(seed).catch((error) => {
      throw new Error(`seed ${seed} (CRASH_SEED=${seed} CRASH_SEEDS=1 repeats it): ${error.message}`, { cause: error });
    });
  }
});

async function survives(seed: number): Promise<void> {
  const random = new Random(seed);
  const sim = new SimDisk();
  const limits = { ...smallLimits, segmentBytes: random.pick([2048, 4096, 16_384]) };
  /** Number → text of every event whose durable promise resolved. */
  const acknowledged = new Map<number, string>();
  for (let life = 0; life < 6; life += 1) {
    const end = Promise.withResolvers<void>();
    let operationsLeft = 1 + random.int(120);
    const powerCut = random.chance(0.7);
    sim.pause = async () => {
      operationsLeft -= 1;
      if (operationsLeft !== 0) return;
      if (powerCut) sim.crash(random);
      else sim.kill();
      end.resolve();
    };
    await Promise.race([end.promise, live(sim, random, limits, acknowledged)]);
  }
  sim.pause = undefined;

  const store = await aStore(sim.mount(), folder, { limits });
  assert.deepEqual(store.recovered.damage, []);
  const { lines } = (await store.journal.eventsFrom(1, noLimit))!;
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).seq),
    lines.map((_, i) => i + 1),
  );
  for (const [seq, text] of acknowledged) assert.equal(lines[seq - 1], text, `acknowledged event ${seq}`);
  const used = lines.filter((line) => JSON.parse(line).type === "admitted").length;
  const grant = store.cache.records.grant("one");
  if (grant) assert.equal(store.cache.records.rights(grant).held, 1_000_000 - used);
  await store.close();

  let reloaded: unknown[] = [];
  const again = await aStore(sim.mount(), folder, { limits, loaded: (records) => (reloaded = sorted(records)) });
  sim.kill();
  const alone = new SiteRecords("g1", ["front-door"]);
  const shown = await Array.fromAsync(showJournal(sim.mount(), folder));
  // A record that became unreadable in its place is shown where it stands once more.
  for (const { record } of shown.toSorted((a, b) => a.lsn - b.lsn)) {
    if (record.kind === "event" && record.event.boot === again.recovered.boot) continue;
    if (record.kind !== "segment") alone.apply(record, 0, 0);
  }
  assert.deepEqual(reloaded, sorted(alone));
  const { findings } = await verifyFolder(sim.mount(), folder);
  assert.deepEqual(
    findings.filter(({ harmless }) => !harmless),
    [],
  );
}

/** One process's life, up to the moment the disk stops answering. */
async function live(
  sim: SimDisk,
  random: Random,
  limits: typeof smallLimits,
  acknowledged: Map<number, string>,
): Promise<void> {
  const store = await aStore(sim.mount(), folder, { limits });
  for (const [seq, text] of acknowledged) {
    if (seq > store.journal.durableSeq) throw new Error(`acknowledged event ${seq} is gone: ${text}`);
  }
  await store.journal.record({ kind: "page", page: aPage([aGrantRow("one", 1_000_000)]), at: 5 }).durable;
  for (;;) {
    const burst = Array.from({ length: 1 + random.int(8) }, () => recordSomething(store, random, acknowledged));
    if (random.chance(0.1)) burst.push(store.cache.snapshot());
    await Promise.all(burst);
  }
}

async function recordSomething(
  { journal }: SiteStore,
  random: Random,
  acknowledged: Map<number, string>,
): Promise<void> {
  const { event, durable } = journal.recordEvent(random.chance(0.5) ? aDenial : anAdmission("one", 1));
  await durable;
  acknowledged.set(event.seq, JSON.stringify(event));
}

/** As a set of lines: the order of a map's entries is no part of the state. */
function sorted(records: SiteRecords): string[] {
  return [...records.dump(0)].map((item) => JSON.stringify(item)).sort();
}

test("a segment goes only when the acknowledgement that lets it go is on the disk", async () => {
  const sim = new SimDisk();
  const limits = { ...smallLimits, segmentBytes: 2048, keptBytes: 0, keptMs: 0 };
  const store = await aStore(sim.mount(), folder, { limits });
  for (let i = 0; i < 40; i += 1) await store.journal.recordEvent(aDenial).durable;
  await store.cache.snapshot();
  const first = `${folder}/journal/000001.jsonl`;
  const stuck = Promise.withResolvers<void>();
  let isTold = false;
  sim.pause = async ({ name, path }) => {
    if (name === "rename" && path.includes("/snapshot/") && !isTold) {
      isTold = true;
      store.journal.record({ kind: "acknowledged", next: store.journal.durableSeq + 1 });
    }
    if (isTold && name === "write" && path.includes("/journal/")) await stuck.promise;
  };

  await store.cache.snapshot();

  assert.ok(isTold && sim.paths.includes(first));
  sim.pause = undefined;
  sim.crash(new Random(2));
  const again = await aStore(sim.mount(), folder, { limits });
  const { acknowledged } = again.cache.records;
  assert.equal(acknowledged, 1);
  assert.equal((await again.journal.eventsFrom(acknowledged, noLimit))?.first, acknowledged);

  await again.journal.record({ kind: "acknowledged", next: again.journal.durableSeq + 1 }).durable;
  await again.cache.snapshot();
  await again.cache.snapshot();
  assert.ok(!sim.paths.includes(first));
});
