import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Disk } from "../../gateway/ports/disk.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { journalContract } from "../contract/journal.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aDenial, aStore, smallLimits } from "../support/site-store.ts";

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

journalContract("the real disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "postern-journal-"));
  folders.push(folder);
  return { disk: nodeDisk, folder: join(folder, "data"), remount: () => nodeDisk };
});

journalContract("a simulated disk", async () => {
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

test("what is blank in the segment in use is not read to hand out its events", async () => {
  const home = await mkdtemp(join(tmpdir(), "postern-journal-"));
  folders.push(home);
  const folder = join(home, "data");
  const limits = { ...smallLimits, segmentBytes: 1024 * 1024 };
  const first = await aStore(nodeDisk, folder, { limits });
  await first.journal.recordEvent(aDenial).durable;
  await first.close();
  let bytesRead = 0;
  const read: Disk["read"] = async (...part) => {
    const bytes = await nodeDisk.read(...part);
    bytesRead += bytes.length;
    return bytes;
  };
  const second = await aStore({ ...nodeDisk, read }, folder, { limits });
  bytesRead = 0;

  const batch = await second.journal.eventsFrom(1, { maxEvents: 100, maxBytes: 1e6 });

  assert.equal(JSON.parse(batch?.lines[1] ?? "{}").type, "denied");
  assert.ok(bytesRead > 0 && bytesRead < 8192, `${bytesRead} bytes were read`);
  await second.close();
});

test("many lines do not wait for the turn's end before they are written", async () => {
  let turn = () => Promise.resolve();
  const limits = { ...smallLimits, segmentBytes: 1024 * 1024 };
  const store = await aStore(new SimDisk().mount(), "/data", { limits, nextTurn: () => turn() });
  const ended = Promise.withResolvers<void>();
  turn = () => ended.promise;

  for (let round = 0; round < 3; round += 1)
    await Promise.all(Array.from({ length: 24 }, () => store.journal.recordEvent(aDenial).durable));

  assert.ok(store.journal.durableSeq > 72);
  ended.resolve();
  await store.close();
});
