/** Readers of what others wrote: any bytes end in a value or in the one error that is documented, and an accepted value is what stood there. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { readEvent } from "../../cloud-sync/read-event.ts";
import { BackupError } from "../../cloud-sync/store/backup-error.ts";
import { fromBytes, newHeader, toBytes } from "../../cloud-sync/store/backup-format.ts";
import { ConfigError } from "../../config/config-error.ts";
import { cloudFromYaml, gatewayFromYaml } from "../../config/load.ts";
import { parseYaml } from "../../config/yaml-file.ts";
import { decide } from "../../gateway/domain/decide.ts";
import { noCursor } from "../../gateway/domain/feed.ts";
import { SiteRecords, type SnapshotItem } from "../../gateway/domain/site-records.ts";
import { readUplink } from "../../gateway/drivers/mqtt-lockbox/wire.ts";
import { GatewayError } from "../../gateway/errors.ts";
import type { EventBatch } from "../../gateway/ports/journal.ts";
import { segmentFile } from "../../gateway/storage/journal-segment.ts";
import { readSnapshot, type SnapshotHeader, snapshotPieces } from "../../gateway/storage/snapshot-file.ts";
import { HttpCloudLink } from "../../gateway/sync/http-cloud-link.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { chainStart, eventLine, parseLine } from "../../gateway/wire/journal-line.ts";
import { lockboxTopics, lockboxUplinks, openCommand } from "../../gateway/wire/lockbox.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { everyEvent } from "../support/every-event.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aCredential, aDay, aGrant, aSite, blacklistRow, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { aDenial, aGrantRow, anAdmission, aPage, aStore } from "../support/site-store.ts";
import { fuzz } from "./fuzz.ts";

const root = join(import.meta.dirname, "../..");
const golden = (name: string) => readFileSync(join(root, "test/wire/golden", name), "utf8");

test("an answer of the cloud is taken whole or refused, and no row in it makes a decision fail", async () => {
  const windows = [{ days: [1, 2, 7], from: "08:00", until: "24:00" }] as const;
  const exceptions = [{ date: "2031-03-04", windows: [{ from: "22:00", until: "06:00" }] }];
  const grants = [
    aGrant("one", { credentials: [aCredential("pin")], schedule: { windows, exceptions }, entriesAllowed: 3 }),
    aGrant("two", { credentials: [aCredential("pass", { kind: "pass" })], kind: "stay", limitMode: "lenient" }),
  ];
  const rows = [siteRow(aSite()), ...grants.map((grant) => grantRow(grant)), blacklistRow("b", "person", "person-one")];
  const gone = { kind: "grant", id: "three", ver: 4, gone: true, revoked: ["three"] };
  const command = { id: 4, accessPoint: "front", action: "unlock", ageMs: 5, ttlMs: 10_000, by: "admin" };
  const facts = { proto: 1, feed: "feed-1", to: 9, reset: true, complete: true, serverTime: noon, heldMs: 3 };
  const reply = { ...facts, rows: [...rows, gone], commands: [command], checksum: { rows: 5, sum: "0".repeat(32) } };
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = new SecretString(privateKey.export({ format: "pem", type: "pkcs8" }).toString());
  let answer: Buffer = Buffer.alloc(0);
  const fetch = async (url: string) =>
    new Response(url.endsWith("/v1/time") ? JSON.stringify({ serverTime: noon }) : new Uint8Array(answer));
  const link = new HttpCloudLink(
    "http://cloud",
    { gateway: "gateway-1", privateKey: pem, epoch: 1 },
    systemClock,
    fetch,
  );
  const journal = { epoch: 1, seq: 0, head: chainStart("gateway-1", 1), boot: 1, beat: 1 };
  let taken = 0;
  await fuzz({
    target: "feed-answer",
    seeds: [JSON.stringify(reply)],
    runs: 1_500,
    words: [
      "null",
      "[]",
      "{}",
      '"',
      "Mars/Phobos",
      "24:01",
      "2031-02-30",
      "__proto__",
      "\ud800",
      ',"revoked":true',
      "1e400",
    ],
    check: async (input) => {
      answer = input;
      const poll = { cursor: noCursor, waitMs: 0, lastCommand: 0, journal };
      const got = await link.poll(poll, new AbortController().signal).catch((error: unknown) => {
        assert.ok(error instanceof GatewayError && error.code === "cloud-refused", `${error}`);
      });
      if (!got) return;
      taken += 1;
      const records = new SiteRecords("gateway-1", ["front"]);
      records.apply({ kind: "page", page: got.page, at: noon }, 0, 1);
      for (const presented of grants.flatMap(({ credentials }) => credentials))
        for (const at of [noon, noon + aDay / 2])
          decide({ accessPoint: "front", presented }, records, {
            time: { earliest: at, latest: at + 5 },
            sinceSyncMs: 0,
            lockedOutMs: 0,
          });
      assert.equal([...records.dump(0)].length, [...restored(records).dump(0)].length);
    },
  });
  assert.ok(taken > 100, `only ${taken} answers were taken`);
});

function restored(records: SiteRecords): SiteRecords {
  const again = new SiteRecords("gateway-1", ["front"]);
  for (const item of JSON.parse(JSON.stringify([...records.dump(0)])) as SnapshotItem[]) again.restore(item, 0);
  return again;
}

test("a journal line is the very line that was written, or none", async () => {
  const lines = golden("journal.jsonl").trimEnd().split("\n");
  await fuzz({
    target: "journal-line",
    seeds: lines,
    runs: 3_000,
    words: ['"kind":"event"', '"event":', '"prev":', '"lsn":1', "\n"],
    check: (input) => {
      const parsed = parseLine(input);
      assert.ok(parsed === undefined || lines.includes(input.toString()), "it was altered and is believed");
      // The same with a checksum that fits, as a program with a defect would write it.
      const start = input.subarray(0, -',"crc":"00000000"}'.length);
      const seal = `,"crc":"${crc32(start).toString(16).padStart(8, "0")}"}`;
      const whole = parseLine(Buffer.concat([start, Buffer.from(seal)]));
      assert.ok(whole === undefined || Number.isSafeInteger(whole.lsn));
    },
  });
});

test("a journal with any damage opens, or says that it cannot, and invents no event", async () => {
  const sim = new SimDisk();
  const store = await aStore(sim.mount(), "/data");
  await store.journal.record({ kind: "page", page: aPage([aGrantRow("one", 5)]), at: 5 }).durable;
  for (let i = 0; i < 6; i += 1) await store.journal.recordEvent(i === 2 ? anAdmission("one", 4) : aDenial).durable;
  const { lines } = (await store.journal.eventsFrom(1, { maxEvents: 1_000, maxBytes: 1e6 }))!;
  sim.kill();
  const bytes = sim.contents(`/data/${segmentFile(1)}`);
  const used = bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0x0a) + 2);
  await fuzz({
    target: "journal-segment",
    seeds: [used],
    runs: 120,
    check: async (input) => {
      const disk = new SimDisk();
      for (const path of sim.paths) disk.replace(path, sim.contents(path));
      disk.replace(`/data/${segmentFile(1)}`, input);
      const opened = await aStore(disk.mount(), "/data").catch((error: unknown) => {
        assert.ok(error instanceof GatewayError, `${error}`);
      });
      if (!opened) return;
      const own = ["boot", "damage", "released", "unanswered"];
      for (let seq = 1; seq <= opened.journal.durableSeq; seq += 1) {
        const batch: EventBatch | undefined = await opened.journal
          .eventsFrom(seq, { maxEvents: 1, maxBytes: 1e6 })
          .catch(() => undefined);
        for (const line of batch?.lines ?? [])
          assert.ok(lines.includes(line) || own.includes(JSON.parse(line).type), `invented: ${line}`);
      }
      await opened.close();
    },
  });
});

test("a snapshot is read as it was written, or not at all", async () => {
  const position = { lsn: 7, seq: 3, head: "h".repeat(43) };
  const header: SnapshotHeader = { kind: "snapshot", schema: 1, gateway: "gw-1", epoch: 1, position };
  const items: SnapshotItem[] = Array.from({ length: 20 }, (_, number) => ({ item: "revoked", id: `grant-${number}` }));
  const whole = Buffer.concat([...snapshotPieces(header, items)]);
  const sim = new SimDisk();
  const disk = sim.mount();
  await disk.makeFolder("/data");
  await fuzz({
    target: "snapshot",
    seeds: [whole],
    runs: 1_500,
    words: ['{"kind":"end","items":20,"sha256":"', "\n"],
    check: async (input) => {
      sim.replace("/data/snapshot", input);
      const found: SnapshotItem[] = [];
      const read = await readSnapshot(disk, "/data/snapshot", (item) => found.push(item));
      assert.ok(read === undefined || input.equals(whole), "it was altered and is believed");
      if (read) assert.deepEqual([read, found], [header, items]);
    },
  });
});

test("what a lockbox says is understood as it says it again, or not at all", async () => {
  const { device, messages } = JSON.parse(golden("lockbox-uplinks.json"));
  const names = Object.keys(lockboxUplinks) as (keyof typeof lockboxUplinks)[];
  await fuzz({
    target: "lockbox-uplink",
    seeds: messages.map(({ payload }: { payload: string }) => payload),
    runs: 2_000,
    words: ["true", "null", '"seq":', '"boot":9007199254740992', '"__proto__":{}', "[", "\u0000"],
    check: (input) => {
      for (const name of names) {
        const topic = lockboxTopics.of(device, name);
        const read = readUplink(device, topic, input.toString());
        const again = read && readUplink(device, topic, JSON.stringify(read.message));
        assert.equal(JSON.stringify(again), JSON.stringify(read));
      }
      assert.equal(readUplink(device, input.toString(), "{}"), undefined);
    },
  });
});

test("a command is the one that was signed, or none", async () => {
  const { device, key, payloads } = JSON.parse(golden("lockbox-commands.json"));
  const known = new Set(payloads.map((payload: string) => JSON.stringify(JSON.parse(payload))));
  await fuzz({
    target: "lockbox-command",
    seeds: payloads,
    runs: 2_000,
    words: ['"mac":"', '"action":"release"', '"holdMs":600000'],
    check: (input) => {
      const opened = openCommand(input.toString(), device, Buffer.from(key, "hex"));
      if (!opened) return;
      const said = JSON.parse(input.toString());
      assert.ok(known.has(JSON.stringify({ ...said, mac: said.mac.toLowerCase() })), "another one is obeyed");
    },
  });
});

test("a configuration is understood, or its faults are told", async () => {
  const examples = readdirSync(join(root, "config")).filter((name) => /^(?!secrets).*\.example\.yaml$/.test(name));
  await fuzz({
    target: "config",
    seeds: examples.map((name) => readFileSync(join(root, "config", name), "utf8")),
    runs: 150,
    words: [
      "&a ",
      "*a",
      "<<: *a\n",
      "- ",
      ": ",
      "? ",
      "!!binary ",
      "%YAML 9\n",
      "\t",
      "---\n",
      "|\n",
      "password: x\n",
      "~",
    ],
    check: (input) => {
      for (const read of [gatewayFromYaml, cloudFromYaml])
        try {
          read(parseYaml("site.yaml", input.toString()));
        } catch (error) {
          assert.ok(error instanceof ConfigError && error.faults.length > 0, `${error}`);
        }
    },
  });
});

test("an event of any bytes is read by the cloud or said to be unreadable", async () => {
  const stamp = { seq: 5, at: noon, clock: "synced", boot: 1, mono: 0 };
  await fuzz({
    target: "cloud-event",
    seeds: everyEvent.map((body) => JSON.stringify({ ...stamp, ...body })),
    runs: 2_000,
    words: ["\u0000", "\\u0000", "\\ud800", "null", '"seq":5', "1e300"],
    check: (input) => {
      const read = readEvent(input, 5);
      assert.ok(read.event ? read.event.seq === 5 && read.text === input.toString() : read.why.length > 0);
    },
  });
});

test("a backup of the cloud is whole, or refused by name", async () => {
  const rows = ['{"site_id":"demo","name":"Demo"}', '{"site_id":"other","name":null}'];
  async function* tables() {
    yield { table: { table: "sites", columns: ["site_id", "name"] } } as never;
    yield { rows };
  }
  const pieces = await Array.fromAsync(
    toBytes(newHeader({ schema: 1, madeAt: "2031-03-04T12:00:00Z", by: "test" } as never), tables()),
  );
  const whole = Buffer.concat(pieces);
  await fuzz({
    target: "cloud-backup",
    seeds: [whole],
    runs: 1_000,
    words: ['{"row":', "\n", '{"end":{"rows":2,"sha256":"'],
    check: async (input) => {
      const entries = await Array.fromAsync(fromBytes(inTwo(input))).catch((error: unknown) => {
        assert.ok(error instanceof BackupError, `${error}`);
      });
      assert.ok(!entries || input.equals(whole), "it was altered and is believed");
    },
  });
});

async function* inTwo(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, bytes.length / 2);
  yield bytes.subarray(bytes.length / 2);
}

test("an event line of any body is read back", () => {
  const prev = chainStart("gateway-1", 1);
  for (const body of everyEvent.map((event) => JSON.stringify(event)))
    assert.equal(parseLine(Buffer.from(eventLine(1, 0, body, prev).trimEnd()))?.body, body);
});
