/** One byte wrong anywhere, holes, zeros and missing files: recovery never throws and invents nothing, verify names the line. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { segmentFile } from "../../gateway/storage/journal-segment.ts";
import type { SiteStore } from "../../gateway/storage/open-site-store.ts";
import { showJournal, verifyFolder } from "../../gateway/storage/verify-journal.ts";
import { Random } from "../support/random.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aDenial, aGrantRow, anAdmission, aPage, aStore, smallLimits } from "../support/site-store.ts";

const folder = "/data";
const noLimit = { maxEvents: 100_000, maxBytes: 100_000_000 };

/** A journal of about `events` events, left by a process that was killed. */
async function aJournal(events: number, limits = smallLimits): Promise<{ sim: SimDisk; lines: readonly string[] }> {
  const sim = new SimDisk();
  const store = await aStore(sim.mount(), folder, { limits });
  await store.journal.record({ kind: "page", page: aPage([aGrantRow("one", 5)]), at: 5 }).durable;
  for (let i = 0; i < events; i += 1)
    await store.journal.recordEvent(i === 2 ? anAdmission("one", 4) : aDenial).durable;
  const { lines } = (await store.journal.eventsFrom(1, noLimit))!;
  sim.kill();
  return { sim, lines };
}

function copyOf(sim: SimDisk): SimDisk {
  const copy = new SimDisk();
  for (const path of sim.paths) copy.replace(path, sim.contents(path));
  return copy;
}

async function eventsOf(store: SiteStore): Promise<string[]> {
  const lines: string[] = [];
  for (let seq = 1; seq <= store.journal.durableSeq; ) {
    try {
      const batch = await store.journal.eventsFrom(seq, noLimit);
      lines.push(...batch!.lines);
      seq += batch!.lines.length;
    } catch {
      seq += 1; // lost
    }
  }
  return lines;
}

function heldOf({ cache }: SiteStore, grant: string): number {
  const known = cache.records.grant(grant);
  return known ? cache.records.rights(known).held : 0;
}

function bodiesBut(lines: readonly string[], types: readonly string[]): string[] {
  return lines.filter((line) => !types.includes(JSON.parse(line).type));
}

describe("one byte wrong", () => {
  test("a sound journal has no finding", async () => {
    const { sim } = await aJournal(6);
    assert.deepEqual((await verifyFolder(sim.mount(), folder)).findings, []);
  });

  test("anywhere in the lines: recovery yields only what was written, verify names the line", async () => {
    const { sim, lines } = await aJournal(6);
    const path = `${folder}/${segmentFile(1)}`;
    const bytes = sim.contents(path);
    const used = bytes.findLastIndex((byte) => byte !== 10) + 2;
    for (let at = 0; at < used; at += 1) {
      const copy = copyOf(sim);
      const flipped = bytes.slice();
      flipped[at] = flipped[at]! ^ (1 << (at % 8));
      copy.replace(path, flipped);
      const line = bytes.subarray(0, at).reduce((count, byte) => (byte === 10 ? count + 1 : count), 1);

      const { findings } = await verifyFolder(copy.mount(), folder);
      assert.ok(
        findings.some(
          (finding) => finding.file === segmentFile(1) && Math.abs(finding.line - line) <= (bytes[at] === 10 ? 1 : 0),
        ),
        `byte ${at} in line ${line}: ${JSON.stringify(findings)}`,
      );

      const store = await aStore(copy.mount(), folder);
      const found = bodiesBut(await eventsOf(store), ["boot", "damage", "released"]);
      const written = bodiesBut(lines, ["boot", "damage", "released"]);
      assert.ok(
        found.every((body) => written.includes(body)),
        `byte ${at}: ${found}`,
      );
      assert.ok(found.length >= written.length - 2, `byte ${at}: more lost than the flip can touch`);
      await store.close();
    }
  });

  test("anywhere in the blank part: found, and nothing is lost", async () => {
    const { sim, lines } = await aJournal(2, { ...smallLimits, segmentBytes: 4096 });
    const file = segmentFile(1);
    const bytes = sim.contents(`${folder}/${file}`);
    const used = bytes.findLastIndex((byte) => byte !== 10) + 2;
    for (let at = used; at < bytes.length; at += 37) {
      const copy = copyOf(sim);
      const flipped = bytes.slice();
      flipped[at] = 0x4a;
      copy.replace(`${folder}/${file}`, flipped);
      const line = bytes.subarray(0, at).reduce((count, byte) => (byte === 10 ? count + 1 : count), 1);

      const { findings } = await verifyFolder(copy.mount(), folder);
      assert.deepEqual(
        findings.map((finding) => finding.line),
        [line],
      );

      const store = await aStore(copy.mount(), folder);
      assert.deepEqual((await eventsOf(store)).slice(0, lines.length), lines);
      assert.equal(store.recovered.cutBytes, 1);
      await store.close();
    }
  });

  test("in a snapshot: verify names the file, and the older generation with its lines gives the same records", async () => {
    const sim = new SimDisk();
    const store = await aStore(sim.mount(), folder);
    await store.journal.record({ kind: "page", page: aPage([aGrantRow("one", 5)]), at: 5 }).durable;
    await store.cache.snapshot();
    await store.journal.recordEvent(anAdmission("one", 4)).durable;
    await store.cache.snapshot();
    const expected = [...store.cache.records.dump(0)];
    sim.kill();
    const path = `${folder}/snapshot/000002.jsonl`;
    const bytes = sim.contents(path);
    for (let at = 0; at < bytes.length; at += 11) {
      const copy = copyOf(sim);
      const flipped = bytes.slice();
      flipped[at] = flipped[at]! ^ 4;
      copy.replace(path, flipped);

      assert.ok(
        (await verifyFolder(copy.mount(), folder)).findings.some(({ file }) => file === "snapshot/000002.jsonl"),
      );
      let loaded: unknown[] = [];
      await aStore(copy.mount(), folder, { loaded: (records) => (loaded = [...records.dump(0)]) });
      assert.deepEqual(loaded, expected);
    }
  });
});

describe("damage that acknowledged lines show", () => {
  async function damaged(change: (bytes: Uint8Array, lines: readonly number[]) => void) {
    const { sim, lines } = await aJournal(6);
    const path = `${folder}/${segmentFile(1)}`;
    const bytes = sim.contents(path).slice();
    const starts = [0, ...[...bytes].flatMap((byte, i) => (byte === 10 ? [i + 1] : []))];
    change(bytes, starts);
    sim.replace(path, bytes);
    return { sim, lines };
  }

  test("a lost line in the middle is counted, kept aside, told as an event, and spends all rights", async () => {
    const { sim } = await damaged((bytes, starts) => bytes.fill(0, starts[5]!, starts[6]! - 1));

    const store = await aStore(sim.mount(), folder);

    assert.deepEqual(store.recovered.damage, [{ file: segmentFile(1), line: 6, lines: 1, what: "record 5 is lost" }]);
    assert.ok(sim.paths.includes(`${folder}/damaged/000001.jsonl`));
    assert.ok((await eventsOf(store)).some((line) => JSON.parse(line).type === "damage"));
    // 5 placed here, none known as used; one line can give back all of them.
    assert.equal(store.cache.records.rights(store.cache.records.grant("one")!).held, 0);
    assert.equal(store.cache.records.suspect, true);
    sim.kill();

    for (const path of sim.paths.filter((name) => name.includes("snapshot"))) sim.delete(path);
    const again = await aStore(sim.mount(), folder);
    assert.deepEqual(again.recovered.damage, []);
    assert.equal(again.cache.records.rights(again.cache.records.grant("one")!).held, 0);
  });

  test("a line that the snapshot holds is told, kept aside, and costs nothing", async () => {
    const { sim } = await aJournal(6);
    const before = await aStore(sim.mount(), folder);
    const held = heldOf(before, "one");
    await before.close();
    const path = `${folder}/${segmentFile(1)}`;
    const bytes = sim.contents(path).slice();
    const starts = [0, ...[...bytes].flatMap((byte, at) => (byte === 10 ? [at + 1] : []))];
    bytes[starts[4]! + 20] = bytes[starts[4]! + 20]! ^ 1;
    sim.replace(path, bytes);

    const store = await aStore(sim.mount(), folder);

    const what = `${segmentFile(1)} line 5 is damaged; the snapshot holds what it did`;
    assert.deepEqual(store.recovered.damage, [{ file: segmentFile(1), line: 5, lines: 0, what }]);
    assert.ok(sim.paths.includes(`${folder}/damaged/000001.jsonl`));
    assert.equal(store.cache.records.suspect, false);
    assert.equal(heldOf(store, "one"), held);
  });

  test("an event changed together with its checksum breaks the chain", async () => {
    const { sim } = await aJournal(6);
    const { recordLine } = await import("../../gateway/wire/journal-line.ts");
    const path = `${folder}/${segmentFile(1)}`;
    const text = Buffer.from(sim.contents(path)).toString().split("\n");
    const { lsn, durable, crc: _, ...rest } = JSON.parse(text[4]!);
    rest.event.reason = "REVOKED";
    text[4] = recordLine(lsn, durable, JSON.stringify(rest)).trimEnd();
    sim.replace(path, Buffer.from(text.join("\n").padEnd(sim.contents(path).length, "\n")));

    const { findings } = await verifyFolder(sim.mount(), folder);
    assert.deepEqual(
      findings.map(({ line }) => line),
      [6],
    );
    assert.match(findings[0]!.what, /^line 6 of journal\/000001\.jsonl: event \d+: chain broken/);
    const store = await aStore(sim.mount(), folder);
    assert.equal(store.recovered.damage[0]?.line, 6);
  });

  test("a missing middle segment is counted whole", async () => {
    const { sim } = await aJournal(80);
    const gone =
      Buffer.from(sim.contents(`${folder}/${segmentFile(2)}`))
        .toString()
        .split("\n")
        .filter(Boolean).length - 1;
    sim.delete(`${folder}/${segmentFile(2)}`);

    assert.ok(
      (await verifyFolder(sim.mount(), folder)).findings.some(({ what }) => what === "journal/000002.jsonl is missing"),
    );
    const store = await aStore(sim.mount(), folder);
    assert.deepEqual(
      store.recovered.damage.map(({ file, lines }) => [file, lines]),
      [[segmentFile(3), gone]],
    );
    await assert.rejects(store.journal.eventsFrom(40, noLimit), { code: "journal-damaged" });
  });

  test("a journal whose beginning is gone and no snapshot covers it is damage", async () => {
    const { sim } = await aJournal(80);
    sim.delete(`${folder}/${segmentFile(1)}`);
    const store = await aStore(sim.mount(), folder);
    assert.equal(store.recovered.damage.length, 1);
    assert.equal(store.cache.records.suspect, true);
  });
});

describe("a file that ends too early", () => {
  test("after any line: the loss is told, nothing that was held counts, and no number of an event is given again", async () => {
    const { sim, lines } = await aJournal(6);
    const path = `${folder}/${segmentFile(1)}`;
    const bytes = sim.contents(path);
    const ends = [0, ...[...bytes].flatMap((byte, i) => (byte === 10 && bytes[i - 1] !== 10 ? [i + 1] : [])), 100];
    for (const end of ends) {
      const copy = copyOf(sim);
      copy.replace(path, bytes.slice(0, end));

      const store = await aStore(copy.mount(), folder);

      assert.ok(
        store.recovered.damage.some((found) => found.lines > 0),
        `cut at ${end}`,
      );
      assert.equal(store.cache.records.suspect, true);
      assert.equal(heldOf(store, "one"), 0);
      const mine = (await eventsOf(store))
        .map((line) => JSON.parse(line))
        .filter(({ boot }) => boot === store.recovered.boot);
      const kept = end === 0 || end === 100 ? 0 : lines.length;
      assert.ok(
        kept === 0 || mine.every(({ seq }) => seq > lines.length),
        `cut at ${end}: ${mine.map(({ seq }) => seq)}`,
      );
      await store.close();
      const again = await aStore(copy.mount(), folder);
      assert.ok(again.recovered.damage.every(({ lines }) => lines === 0));
      await again.close();
    }
  });

  test("a journal that is gone, where a snapshot says that there was one, is damage", async () => {
    const { sim } = await aJournal(6);
    await (await aStore(sim.mount(), folder)).close();
    for (const path of sim.paths.filter((name) => name.includes("/journal/"))) sim.delete(path);
    const store = await aStore(sim.mount(), folder);
    assert.equal(store.recovered.damage.length, 1);
    assert.equal(store.cache.records.suspect, true);
  });
});

describe("what the medium does not give back", () => {
  const unreadable =
    (file: string): SimDisk["fault"] =>
    ({ name, path }) =>
      name === "read" && path.endsWith(file) ? "EIO" : undefined;

  test("a snapshot: the older one with its lines gives the same records", async () => {
    const { sim } = await aJournal(6);
    const store = await aStore(sim.mount(), folder);
    await store.cache.snapshot();
    await store.journal.recordEvent(anAdmission("one", 3)).durable;
    await store.cache.snapshot();
    const expected = [...store.cache.records.dump(0)];
    sim.kill();
    sim.fault = unreadable("snapshot/000002.jsonl");

    let loaded: unknown[] = [];
    const again = await aStore(sim.mount(), folder, { loaded: (records) => (loaded = [...records.dump(0)]) });

    assert.deepEqual(loaded, expected);
    assert.deepEqual(again.recovered.damage, []);
  });

  for (const number of [1, 2, 3]) {
    test(`segment ${number} of 3: the rest counts, and the loss is told`, async () => {
      const { sim, lines } = await aJournal(60);
      assert.ok(sim.paths.includes(`${folder}/${segmentFile(3)}`));
      sim.fault = unreadable(segmentFile(number));

      const store = await aStore(sim.mount(), folder);

      assert.ok(store.recovered.damage.some((found) => found.lines > 0));
      assert.equal(store.cache.records.suspect, true);
      const found = bodiesBut(await eventsOf(store), ["boot", "damage", "released"]);
      assert.ok(found.length > 10);
      assert.ok(found.every((line) => lines.includes(line)));
      const ofThisBoot = (await eventsOf(store)).map((line) => JSON.parse(line)).filter(({ boot }) => boot === 2);
      assert.ok(ofThisBoot.length > 0 && ofThisBoot.every(({ seq }) => seq > lines.length));
      await store.close();
      sim.fault = () => undefined;
      const again = await aStore(sim.mount(), folder);
      assert.ok(again.recovered.damage.every(({ lines }) => lines === 0));
      assert.equal(
        new Set((await eventsOf(again)).map((line) => JSON.parse(line).seq)).size,
        (await eventsOf(again)).length,
      );
      await again.close();
    });
  }
});

describe("what is left of a file", () => {
  for (const [name, change] of [
    ["zero bytes where the file was", (bytes: Uint8Array) => bytes.fill(0)],
    ["nothing", () => new Uint8Array()],
    ["its first half", (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2)],
    ["noise", (bytes: Uint8Array) => bytes.map((_, i) => (i * 31) % 256)],
  ] as const) {
    test(`${name}: the gateway starts, and the next start is sound`, async () => {
      for (const file of [segmentFile(1), segmentFile(2), segmentFile(3)]) {
        const { sim } = await aJournal(60);
        sim.replace(`${folder}/${file}`, change(sim.contents(`${folder}/${file}`).slice()));
        await (await aStore(sim.mount(), folder)).close();
        const store = await aStore(sim.mount(), folder);
        assert.ok(store.recovered.damage.every(({ lines }) => lines === 0));
        await store.journal.recordEvent(aDenial).durable;
        await store.close();
      }
    });
  }

  test("an empty folder begins a journal", async () => {
    const store = await aStore(new SimDisk().mount(), folder);
    assert.deepEqual(store.recovered, { cutBytes: 0, damage: [], boot: 1 });
  });
});

test("another gateway's folder is refused by name", async () => {
  const { sim } = await aJournal(2);
  await assert.rejects(aStore(sim.mount(), folder, { gateway: "g2" }), {
    code: "data-taken",
    message: /gateway g1, epoch 1; this is gateway g2/,
  });
});

test("the journal of an epoch that has ended is put aside whole, wherever the power goes on the way; one of a later epoch is refused", async () => {
  const { sim } = await aJournal(40);
  await (await aStore(sim.mount(), folder)).close();
  const files = sim.paths.filter((path) => /journal|snapshot/.test(path));
  for (let operations = 1; ; operations += 1) {
    const copy = copyOf(sim);
    let left = operations;
    const cut = Promise.withResolvers<void>();
    copy.pause = async () => {
      left -= 1;
      if (left !== 0) return;
      copy.crash(new Random(operations));
      cut.resolve();
    };
    await Promise.race([cut.promise, aStore(copy.mount(), folder, { epoch: 2 })]);
    copy.pause = undefined;
    const wasCut = left <= 0;

    const store = await aStore(copy.mount(), folder, { epoch: 2 });

    assert.deepEqual(store.recovered.damage, []);
    assert.equal(store.cache.records.grant("one"), undefined);
    const [first] = (await eventsOf(store)).map((line) => JSON.parse(line));
    assert.deepEqual([first.type, first.seq, first.endedEpoch], ["boot", 1, 1]);
    for (const path of files)
      assert.deepEqual(copy.contents(path.replace(folder, `${folder}/damaged/epoch-1`)), sim.contents(path), path);
    await store.close();
    await assert.rejects(aStore(copy.mount(), folder), { code: "data-taken" });
    if (!wasCut) break;
  }
});

test("the records are shown in order", async () => {
  const { sim } = await aJournal(80);
  const shown = await Array.fromAsync(showJournal(sim.mount(), folder));
  const records = shown.filter(({ record }) => record.kind !== "segment");
  assert.deepEqual(
    records.map(({ lsn }) => lsn),
    records.map((_, i) => i + 1),
  );
  assert.deepEqual(shown[0]?.record.kind, "segment");
});
