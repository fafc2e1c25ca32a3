/** A disk that fills up, and one that fails. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SiteStore } from "../../gateway/storage/open-site-store.ts";
import { verifyFolder } from "../../gateway/storage/verify-journal.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aDenial, aGrantRow, anAdmission, aPage, aStore, StillClock } from "../support/site-store.ts";

const folder = "/data";

/** Until not even an admission fits. */
async function fill({ journal }: SiteStore, sim: SimDisk): Promise<void> {
  sim.capacity = sim.paths.reduce((sum, path) => sum + sim.contents(path).length, 0);
  await assert.rejects(
    async () => {
      for (;;) await journal.recordEvent(anAdmission("one", 1)).durable;
    },
    { code: "storage-full" },
  );
}

const noLimit = { maxEvents: 100_000, maxBytes: 100_000_000 };

/** Resolves after the microtasks that are waiting, and theirs. */
const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a full disk", () => {
  test("first the ballast goes and events of little weight are refused, then all; with room again it recovers by itself", async () => {
    const sim = new SimDisk();
    const clock = new StillClock();
    const { journal } = await aStore(sim.mount(), folder, { clock });
    const ballast = `${folder}/ballast`;
    assert.ok(sim.paths.includes(ballast));
    sim.capacity = [...sim.paths].reduce((sum, path) => sum + sim.contents(path).length, 0);

    let refusedLow = 0;
    let taken = 0;
    for (;;) {
      try {
        await journal.recordEvent(anAdmission("one", 1)).durable;
        taken += 1;
      } catch (error) {
        assert.equal((error as { code?: string }).code, "storage-full");
        break;
      }
      if (journal.state === "full") {
        assert.throws(() => journal.recordEvent(aDenial, { importance: "low" }), { code: "storage-full" });
        refusedLow += 1;
      }
      assert.ok(taken < 10_000);
    }
    assert.ok(refusedLow > 0, "there was a time between");
    assert.ok(!sim.paths.includes(ballast));
    const before = journal.durableSeq;

    sim.capacity = Number.POSITIVE_INFINITY;
    clock.now += 5_000;
    assert.throws(() => journal.recordEvent(anAdmission("one", 1)), { code: "storage-full" });
    await quiet();

    assert.equal(journal.state, "open");
    assert.ok(sim.paths.includes(ballast));
    await journal.recordEvent(aDenial, { importance: "low" }).durable;
    assert.equal(journal.durableSeq, before + 1);
    assert.equal((await journal.eventsFrom(1, noLimit))?.lines.length, before + 1);
    await journal.close();
    assert.deepEqual((await verifyFolder(sim.mount(), folder)).findings, []);
  });

  test("a journal that is full looks for room by itself, for nobody may come who asks for a record", async () => {
    const sim = new SimDisk();
    await fill(await aStore(sim.mount(), folder), sim);
    sim.kill();
    sim.capacity = sim.paths.reduce((sum, path) => sum + sim.contents(path).length, 1_000); // for the lock
    const clock = new SimClock(0);
    const { journal } = await aStore(sim.mount(), folder, { clock });
    assert.equal(journal.state, "full");

    sim.capacity = Number.POSITIVE_INFINITY;
    for (let second = 1; second <= 15; second += 1) {
      clock.step(second * 1_000);
      await quiet();
    }

    assert.equal(journal.state, "open");
  });

  for (const [name, tooFull] of [
    ["of which every segment is full", async (sim: SimDisk) => fill(await aStore(sim.mount(), folder), sim)],
    ["without a journal", async () => undefined],
  ] as const) {
    test(`a start on a full disk ${name} comes up, takes nothing in, and with room again writes its start first`, async () => {
      const sim = new SimDisk();
      await tooFull(sim);
      sim.kill();
      sim.capacity = sim.paths.reduce((sum, path) => sum + sim.contents(path).length, 1_000); // for the lock
      const clock = new StillClock();

      const { journal, recovered } = await aStore(sim.mount(), folder, { clock });
      const before = journal.durableSeq;

      assert.equal(journal.state, "full");
      clock.now += 5_000;
      assert.throws(() => journal.recordEvent(anAdmission("one", 1)), { code: "storage-full" });
      await quiet();
      assert.throws(() => journal.record({ kind: "acknowledged", next: 2 }), { code: "storage-full" });
      assert.equal(journal.durableSeq, before);
      await quiet();

      sim.capacity = Number.POSITIVE_INFINITY;
      clock.now += 5_000;
      assert.throws(() => journal.recordEvent(anAdmission("one", 1)), { code: "storage-full" });
      await quiet();
      await journal.recordEvent(anAdmission("one", 1)).durable;

      assert.equal(journal.state, "open");
      const { lines } = (await journal.eventsFrom(1, noLimit))!;
      const events = lines.map((line) => JSON.parse(line)).filter(({ boot }) => boot === recovered.boot);
      assert.equal(events[0].type, "boot");
      assert.equal(events.at(-1).type, "admitted");
      assert.deepEqual(
        lines.map((line) => JSON.parse(line).seq),
        lines.map((_, i) => i + 1),
      );
      await journal.close();
      assert.deepEqual((await verifyFolder(sim.mount(), folder)).findings, []);
    });
  }

  test("at any size: what is acknowledged stays, what is refused leaves no trace, and the next start is sound", async () => {
    for (let room = 0; room < 60_000; room += 1_499) {
      const sim = new SimDisk();
      sim.capacity = room;
      const acknowledged: string[] = [];
      try {
        const store = await aStore(sim.mount(), folder);
        await store.journal.record({ kind: "page", page: aPage([aGrantRow("one", 1_000)]), at: 5 }).durable;
        for (let i = 0; i < 150; i += 1) {
          const held = () => store.cache.records.rights(store.cache.records.grant("one")!).held;
          const before = held();
          try {
            const { event, durable } = store.journal.recordEvent(anAdmission("one", 1));
            await durable;
            acknowledged.push(JSON.stringify(event));
          } catch (error) {
            assert.equal((error as { code?: string }).code, "storage-full");
            assert.equal(held(), before);
          }
        }
      } catch (error) {
        assert.match(String((error as { code?: string }).code), /^(ENOSPC|storage-full)$/, `room ${room}: ${error}`);
      }
      sim.kill();
      sim.capacity = Number.POSITIVE_INFINITY;
      const again = await aStore(sim.mount(), folder);
      const lines = (await again.journal.eventsFrom(1, noLimit))!.lines;
      assert.deepEqual(again.recovered.damage, []);
      assert.deepEqual(
        lines.filter((line) => JSON.parse(line).type === "admitted"),
        acknowledged,
        `room ${room}`,
      );
    }
  });

  test("a snapshot that does not fit leaves the ones before it, and the journal goes on", async () => {
    const sim = new SimDisk();
    const store = await aStore(sim.mount(), folder);
    await store.cache.snapshot();
    const before = sim.paths.filter((path) => path.includes("snapshot"));
    sim.fault = ({ name, path }) => (name === "write" && path.includes("snapshot") ? "ENOSPC" : undefined);

    await assert.rejects(store.cache.snapshot(), { code: "ENOSPC" });

    assert.deepEqual(
      sim.paths.filter((path) => path.includes("snapshot")),
      before,
    );
    await store.journal.recordEvent(aDenial).durable;
    assert.equal(store.journal.state, "open");
  });
});

describe("a failing disk", () => {
  for (const [name, code] of [
    ["write", "EIO"],
    ["write", "EROFS"],
    ["sync", "EIO"],
    ["rename", "EIO"],
  ] as const) {
    test(`${code} on ${name}: everyone waiting is told, nothing is taken in afterwards, and a new start has what was acknowledged`, async () => {
      for (let failing = 1; failing < 40; failing += 1) {
        const sim = new SimDisk();
        const acknowledged: string[] = [];
        const failures: Error[] = [];
        sim.fault = (operation) => (operation.name === name && operation.number === failing ? code : undefined);
        try {
          const { journal } = await aStore(sim.mount(), folder, { onFailed: (error) => failures.push(error) });
          for (let i = 0; i < 60; i += 1) {
            const both = [journal.recordEvent(aDenial), journal.recordEvent(anAdmission("one", 1))];
            await Promise.all(both.map(({ durable }) => durable));
            acknowledged.push(...both.map(({ event }) => JSON.stringify(event)));
          }
        } catch (error) {
          if (failures.length > 0) assert.equal((error as { code?: string }).code, "journal-failed");
          else assert.equal((error as { code?: string }).code, code);
        }
        assert.ok(failures.length <= 1);
        sim.kill();
        sim.fault = () => undefined;
        const again = await aStore(sim.mount(), folder);
        const { lines } = (await again.journal.eventsFrom(1, noLimit))!;
        assert.deepEqual(again.recovered.damage, []);
        assert.ok(
          acknowledged.every((text) => lines.includes(text)),
          `${name} ${failing}`,
        );
        assert.equal(new Set(lines).size, lines.length);
      }
    });
  }

  test("a line that fails after the next segment failed: whoever waits for it is told, and nothing hangs", async () => {
    const sim = new SimDisk();
    const { journal } = await aStore(sim.mount(), folder);
    const isSegment = (path: string) => /journal\/\d+\.jsonl$/.test(path);
    const [writing, prepared] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    sim.pause = async ({ name, path }) => {
      if (name === "rename" && isSegment(path)) {
        await writing.promise;
        setImmediate(prepared.resolve);
        throw Object.assign(new Error("EIO: rename"), { code: "EIO" });
      }
      if (name !== "write" || !isSegment(path)) return;
      writing.resolve();
      await prepared.promise;
      throw Object.assign(new Error("EIO: write"), { code: "EIO" });
    };

    await assert.rejects(journal.recordEvent(aDenial).durable, { code: "journal-failed" });
  });

  test("after a failure the state says so, and every call is refused by name", async () => {
    const sim = new SimDisk();
    const failures: Error[] = [];
    const { journal } = await aStore(sim.mount(), folder, { onFailed: (error) => failures.push(error) });
    sim.fault = ({ name }) => (name === "write" ? "EIO" : undefined);

    const waiting = [journal.recordEvent(aDenial), journal.recordEvent(aDenial)];
    for (const { durable } of waiting) await assert.rejects(durable, { code: "journal-failed" });

    assert.equal(journal.state, "failed");
    assert.equal(failures.length, 1);
    assert.throws(() => journal.recordEvent(anAdmission("one", 1)), { code: "journal-failed" });
    assert.throws(() => journal.record({ kind: "acknowledged", next: 2 }), { code: "journal-failed" });
  });
});

describe("a disk that becomes read-only", () => {
  test("while the gateway runs: nothing is taken in, the failure is told once, and it stops in order", async () => {
    const sim = new SimDisk();
    const failures: Error[] = [];
    const store = await aStore(sim.mount(), folder, { onFailed: (error) => failures.push(error) });
    await store.journal.recordEvent(anAdmission("one", 1)).durable;
    sim.readOnly = true;

    await assert.rejects(store.journal.recordEvent(anAdmission("one", 1)).durable, { code: "journal-failed" });
    assert.equal(store.journal.state, "failed");
    assert.throws(() => store.journal.recordEvent(aDenial), { code: "journal-failed" });
    await assert.rejects(store.cache.snapshot());
    await store.close();
    assert.equal(failures.length, 1);
    assert.match(failures[0]!.message, /EROFS/);

    sim.readOnly = false;
    const again = await aStore(sim.mount(), folder);
    assert.deepEqual(again.recovered.damage, []);
  });

  test("before the start: it is refused with what the system says, and a later start is sound", async () => {
    const sim = new SimDisk();
    await (await aStore(sim.mount(), folder)).close();
    sim.readOnly = true;
    await assert.rejects(aStore(sim.mount(), folder), { code: "EROFS" });
    sim.readOnly = false;
    await (await aStore(sim.mount(), folder)).close();
  });
});
