/** What every grant cache promises, on whatever disk. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aDenial, aGrantRow, anAdmission, aPage, aStore } from "../support/site-store.ts";
import type { DiskUnderTest } from "./journal.ts";

export function grantCacheContract(name: string, open: () => Promise<DiskUnderTest>): void {
  const rows = Array.from({ length: 10 }, (_, i) => aGrantRow(`grant-${i}`, 5));

  describe(`grant cache on ${name}`, () => {
    test("records are live: what the journal takes in is what decisions read", async () => {
      const { disk, folder } = await open();
      const { journal, cache, close } = await aStore(disk, folder);
      const { records } = cache;

      journal.record({ kind: "page", page: aPage(rows), at: 5 });

      assert.equal(cache.records, records);
      assert.equal(records.size, rows.length);
      await close();
    });

    test("after a start the records are what they were: snapshot and the journal behind it", async () => {
      const { disk, folder, remount } = await open();
      const before = await aStore(disk, folder);
      await before.journal.record({ kind: "page", page: aPage(rows), at: 5 }).durable;
      await before.journal.recordEvent(anAdmission("grant-1", 4)).durable;
      await before.cache.snapshot();
      await before.journal.recordEvent(anAdmission("grant-1", 3)).durable;
      await before.close();

      const { cache, close } = await aStore(remount(), folder);

      assert.deepEqual(cache.records.checksum, before.cache.records.checksum);
      assert.equal(cache.records.rights(cache.records.grant("grant-1")!).held, 3);
      await close();
    });

    test("a snapshot holds what was recorded before it was asked for, and what comes meanwhile is in the journal", async () => {
      const { disk, folder, remount } = await open();
      const { journal, cache, close } = await aStore(disk, folder);
      journal.record({ kind: "page", page: aPage(rows), at: 5 });

      const written = cache.snapshot();
      const late = journal.recordEvent(anAdmission("grant-2", 4));
      await Promise.all([written, late.durable]);
      await close();

      const again = await aStore(remount(), folder);
      assert.equal(again.cache.records.rights(again.cache.records.grant("grant-2")!).held, 4);
      await again.close();
    });

    test("snapshots asked for at once do not get into each other's way, and two generations are kept", async () => {
      const { disk, folder } = await open();
      const { journal, cache, close } = await aStore(disk, folder);
      for (let i = 0; i < 3; i += 1) {
        await journal.recordEvent(aDenial).durable;
        await Promise.all([cache.snapshot(), cache.snapshot(), cache.snapshot()]);
      }
      await close();

      assert.equal((await disk.list(`${folder}/snapshot`)).length, 2);
    });
  });
}
