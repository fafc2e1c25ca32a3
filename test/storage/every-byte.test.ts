/** Every byte of a journal of 200 records and of its snapshots is spoilt: the gateway comes up, admits nobody it must not, and says what it found. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type Circumstances, decide } from "../../gateway/domain/decide.ts";
import type { EventBody } from "../../gateway/domain/entry-event.ts";
import type { FeedRow } from "../../gateway/domain/feed.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import { SiteRecords } from "../../gateway/domain/site-records.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { recoverJournal } from "../../gateway/storage/journal-recovery.ts";
import { loadCache } from "../../gateway/storage/json-grant-cache.ts";
import { verifyFolder } from "../../gateway/storage/verify-journal.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aGrant, aPage, aSite, blacklistRow, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { aStore, StillClock, smallLimits } from "../support/site-store.ts";

const folder = "/data";
const accessPoints = ["front"];
const limits = { ...smallLimits, ballastBytes: 1024 };
const recordsInAll = 200;

const open = aGrant("open");
const listed = aGrant("listed");
/** Two of its three entries are used. */
const some = aGrant("some", { entriesAllowed: 3 });
/** Between both snapshots, after both. */
const phases = [1, 2].map((phase) => ({
  usedUp: aGrant(`once-${phase}`, { entriesAllowed: 1 }),
  revoked: aGrant(`gone-${phase}`),
}));
const forbidden = [listed, ...phases.flatMap(({ usedUp, revoked }) => [usedUp, revoked])];

/** Left by a process that was killed. */
let sound: SimDisk;
let files: readonly string[];

before(async () => {
  sound = new SimDisk();
  const { journal, cache } = await aStore(sound.mount(), folder, { limits, accessPoints });
  let written = 1;
  const event = async (body: EventBody) => {
    written += 1;
    const { event, durable } = journal.recordEvent(body);
    await durable;
    return event.seq;
  };
  const page = async (rows: readonly FeedRow[], to: number) => {
    written += 1;
    await journal.record({ kind: "page", page: aPage(rows, { to, reset: to === 1 }), at: noon }).durable;
  };
  const enters = async ({ id }: Grant) => {
    const facts = { accessPoint: "front", grant: id, credential: `credential-${id}`, via: "pin", revision: 1 } as const;
    const of = await event({ type: "admitted", left: 0, ...facts });
    await event({ type: "released", of, accessPoint: "front", result: "confirmed" });
  };
  const ordinary = async (until: number) => {
    while (written < until) {
      written += 1;
      await journal.record({ kind: "tick", at: noon, syncedAt: null }).durable;
    }
  };
  await page([siteRow(aSite()), ...[open, some, ...forbidden].map((grant) => grantRow(grant))], 1);
  await page([blacklistRow("b", "person", listed.holder.id, 2)], 2);
  await ordinary(40);
  await cache.snapshot();
  for (const [phase, { usedUp, revoked }] of phases.entries()) {
    await enters(usedUp);
    await enters(some);
    await page([grantRow({ ...revoked, revoked: true }, phase + 3)], phase + 3);
    await ordinary(80 + phase * 60);
    if (phase === 0) await cache.snapshot();
  }
  await ordinary(recordsInAll);
  sound.kill();
  // The segment that is prepared and not used yet holds nothing.
  files = sound.paths.filter((path) => /(journal|snapshot).*jsonl$/.test(path) && usedBytes(sound.contents(path)) > 1);
  assert.equal((await verifyFolder(sound.mount(), folder)).records, recordsInAll);
  assert.deepEqual(await started(sound), { said: false, suspect: false, left: 1 });
});

const now: Circumstances = { time: { earliest: noon, latest: noon + 1000 }, sinceSyncMs: 5000, lockedOutMs: 0 };

function admits(records: SiteRecords, grant: Grant): boolean {
  const { kind, index } = grant.credentials[0]!;
  return decide({ accessPoint: "front", presented: { kind, index } }, records, now).outcome === "granted";
}

/** Fails when somebody is admitted who must not be. */
function judge(records: SiteRecords): { suspect: boolean; left: number } {
  for (const grant of forbidden) assert.ok(!admits(records, grant), `${grant.id} is admitted`);
  const left = records.rights(some).held;
  assert.ok(left <= 1, `${left} entries of ${some.id} are left`);
  assert.equal(admits(records, open), !records.suspect && records.grant(open.id) !== undefined);
  return { suspect: records.suspect, left };
}

/** A start's reading and what it makes of it, without what it writes. */
async function started(sim: SimDisk): Promise<{ said: boolean; suspect: boolean; left: number }> {
  let said = false;
  const logger: Logger = { ...silentLogger, error: () => (said = true) };
  const options = { disk: sim.mount(), folder, gateway: "g1", epoch: 1, nextTurn: () => Promise.resolve() };
  const emptyRecords = () => new SiteRecords("g1", accessPoints);
  const { low } = await loadCache({ ...options, clock: new StillClock(), logger, emptyRecords });
  const { records, position } = low.data;
  const found = await recoverJournal({ ...options, from: position, apply: (record) => records.apply(record, 0, 0) });
  for (const { file, line, lines } of found.damage) {
    said = true;
    if (lines === 0) continue;
    const event = { seq: found.last.seq + 1, at: noon, clock: "synced", boot: 2, mono: 0 } as const;
    records.apply({ kind: "event", event: { ...event, type: "damage", file, line, lines } }, 0, 2);
  }
  return { said: said || found.cutBytes > 0, ...judge(records) };
}

/** A whole start, as the gateway makes it, and one more after it. */
async function startedWhole(sim: SimDisk): Promise<void> {
  const options = { limits, accessPoints };
  const store = await aStore(sim.mount(), folder, options);
  const first = judge(store.cache.records);
  assert.ok(!first.suspect || store.recovered.damage.length > 0);
  sim.kill();
  const again = await aStore(sim.mount(), folder, options);
  assert.ok(again.recovered.damage.every(({ lines }) => lines === 0));
  assert.equal(judge(again.cache.records).suspect, first.suspect);
}

function copyOf(sim: SimDisk): SimDisk {
  const copy = new SimDisk();
  for (const path of sim.paths) copy.replace(path, sim.contents(path));
  return copy;
}

/** What is told at the start, or where no start reads it, by `postern journal verify`. */
async function isTold(sim: SimDisk): Promise<boolean> {
  return (await started(sim)).said || (await verifyFolder(sim.mount(), folder)).findings.length > 0;
}

const lastSegment = () => files.findLast((path) => path.includes("journal"));
const usedBytes = (bytes: Uint8Array) => Math.min(bytes.length, bytes.findLastIndex((byte) => byte !== 10) + 2);

const flips = {
  "its lowest bit": (byte: number) => byte ^ 1,
  "its highest bit": (byte: number) => byte ^ 0x80,
  "made a line's end, or a line's end made a blank": (byte: number) => (byte === 10 ? 32 : 10),
};

/** "all": each byte in every way, some minutes; else each byte in one of them, in turns. */
const inEveryWay = process.env.EVERY_BYTE === "all";

describe("one byte", () => {
  for (const [way, [name, flip]] of Object.entries(flips).entries()) {
    test(`${name}: ${inEveryWay ? "every byte" : "every third byte"} of every file`, async () => {
      for (const path of files) {
        const copy = copyOf(sound);
        const bytes = copy.contents(path);
        const used = usedBytes(bytes);
        for (let at = inEveryWay ? 0 : way; at < used; at += inEveryWay ? 1 : 3) {
          const byte = bytes[at]!;
          bytes[at] = flip(byte);
          try {
            assert.ok(await isTold(copy), "nothing is said");
          } catch (error) {
            throw new Error(`${path}, byte ${at}: ${(error as Error).message}`, { cause: error });
          }
          bytes[at] = byte;
        }
      }
    });

    test(`${name}: a whole start, and one more, after every 601st`, async () => {
      for (const path of files) {
        const used = usedBytes(sound.contents(path));
        for (let at = 7; at < used; at += 601) {
          const copy = copyOf(sound);
          const bytes = copy.contents(path);
          bytes[at] = flip(bytes[at]!);
          await startedWhole(copy);
        }
      }
    });
  }
});

describe("more than a byte", () => {
  const runs = {
    "a page of zeros": { size: 4096, fill: 0 },
    "a sector of zeros": { size: 512, fill: 0 },
    "a sector that was never written": { size: 512, fill: 10 },
  };
  for (const [name, { size, fill }] of Object.entries(runs)) {
    test(`${name}, everywhere`, async () => {
      for (const path of files) {
        const length = usedBytes(sound.contents(path));
        for (let at = 0; at < length; at += size) {
          const copy = copyOf(sound);
          const bytes = copy.contents(path);
          bytes.fill(fill, at, at + size);
          // The very end, as if it had never been written, is what no start can tell from that.
          const isUnseen = fill === 10 && path === lastSegment() && at + size >= length;
          assert.ok(isUnseen || (await isTold(copy)), `${path}, byte ${at}`);
          await startedWhole(copy);
        }
      }
    });
  }

  test("a file that ends after any of its lines, and in the middle of any", async () => {
    for (const path of files) {
      const bytes = sound.contents(path);
      const ends = [...bytes.subarray(0, usedBytes(bytes))].flatMap((byte, at) =>
        byte === 10 ? [at + 1, at - 20] : [],
      );
      for (const end of [0, ...ends]) {
        if (end < 0 || end === bytes.length) continue;
        const copy = copyOf(sound);
        copy.replace(path, bytes.slice(0, end));
        assert.ok(await isTold(copy), `${path}, cut at ${end}`);
        await startedWhole(copy);
      }
    }
  });

  test("a file that is gone", async () => {
    for (const path of files) {
      const copy = copyOf(sound);
      copy.delete(path);
      await startedWhole(copy);
    }
  });
});
