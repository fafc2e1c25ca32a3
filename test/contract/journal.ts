/** What every journal promises, on whatever disk. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Disk } from "../../gateway/ports/disk.ts";
import { chainNext, chainStart } from "../../gateway/wire/journal-line.ts";
import { aDenial, aGrantRow, anAdmission, aPage, aStore } from "../support/site-store.ts";

export interface DiskUnderTest {
  readonly disk: Disk;
  readonly folder: string;
  /** Such as mount() after kill(); the same disk where a process cannot be taken away from it. */
  remount(): Disk;
}

const noLimit = { maxEvents: 100_000, maxBytes: 100_000_000 };

export function journalContract(name: string, open: () => Promise<DiskUnderTest>): void {
  describe(`journal on ${name}`, () => {
    test("an event is numbered, stamped and applied at once, and durable when its promise resolves", async () => {
      const { disk, folder } = await open();
      const { journal, cache } = await aStore(disk, folder);
      await journal.record({ kind: "page", page: aPage([aGrantRow("one", 1)]), at: 5 }).durable;

      const admitted = journal.recordEvent(anAdmission("one", 0));

      assert.equal(admitted.event.seq, 2);
      assert.equal(cache.records.rights(cache.records.grant("one")!).held, 0);
      assert.equal(journal.durableSeq, 1);
      await admitted.durable;
      assert.equal(journal.durableSeq, 2);
      await journal.close();
    });

    test("what is durable is what is handed out, in order, chained from the start", async () => {
      const { disk, folder } = await open();
      const { journal } = await aStore(disk, folder);
      const recorded = Array.from({ length: 200 }, () => journal.recordEvent(aDenial));
      await Promise.all(recorded.map(({ durable }) => durable));

      const batch = (await journal.eventsFrom(1, noLimit))!;

      assert.equal(batch.prev, chainStart("g1", 1));
      assert.deepEqual(
        batch.lines.map((line) => JSON.parse(line).seq),
        Array.from({ length: 201 }, (_, i) => i + 1),
      );
      assert.deepEqual(JSON.parse(batch.lines[1]!), recorded[0]!.event);
      assert.equal(batch.head, batch.lines.reduce(chainNext, batch.prev));
      assert.equal(batch.head, journal.head);
      assert.equal(await journal.eventsFrom(202, noLimit), undefined);
      await journal.close();
    });

    test("a batch keeps its limits and takes one event at least", async () => {
      const { disk, folder } = await open();
      const { journal } = await aStore(disk, folder);
      await Promise.all(Array.from({ length: 20 }, () => journal.recordEvent(aDenial).durable));

      assert.equal((await journal.eventsFrom(3, { maxEvents: 4, maxBytes: 1e6 }))?.lines.length, 4);
      assert.equal((await journal.eventsFrom(3, { maxEvents: 4, maxBytes: 1 }))?.lines.length, 1);
      await journal.close();
    });

    test("after a start the files hand out the same events with the same chain", async () => {
      const { disk, folder, remount } = await open();
      const first = await aStore(disk, folder);
      await Promise.all(Array.from({ length: 150 }, () => first.journal.recordEvent(aDenial).durable));
      const before = (await first.journal.eventsFrom(1, noLimit))!;
      await first.close();

      const second = await aStore(remount(), folder);
      const after = (await second.journal.eventsFrom(1, { maxEvents: 151, maxBytes: 1e8 }))!;
      const middle = (await second.journal.eventsFrom(70, { maxEvents: 10, maxBytes: 1e8 }))!;

      assert.deepEqual(after, before);
      assert.deepEqual(middle.lines, before.lines.slice(69, 79));
      assert.equal(middle.prev, before.lines.slice(0, 69).reduce(chainNext, before.prev));
      await second.close();
    });

    test("listeners hear of each group commit, until they stop listening", async () => {
      const { disk, folder } = await open();
      const { journal } = await aStore(disk, folder);
      let heard = 0;
      const stop = journal.onDurable(() => {
        heard += 1;
      });
      await journal.recordEvent(aDenial).durable;
      assert.equal(heard, 1);
      stop();
      await journal.recordEvent(aDenial).durable;
      assert.equal(heard, 1);
      await journal.close();
    });

    test("a closed journal takes nothing in", async () => {
      const { disk, folder } = await open();
      const { journal } = await aStore(disk, folder);
      const last = journal.recordEvent(aDenial);
      await journal.close();

      await last.durable;
      assert.equal(journal.state, "closed");
      assert.throws(() => journal.recordEvent(aDenial), { code: "journal-failed" });
    });
  });
}
