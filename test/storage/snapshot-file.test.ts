/** A snapshot is read in parts; where these end, and how long a line is, makes no difference. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnapshotItem } from "../../gateway/domain/site-records.ts";
import { writeFileAtomically } from "../../gateway/storage/atomic-file.ts";
import { readSnapshot, type SnapshotHeader, snapshotPieces } from "../../gateway/storage/snapshot-file.ts";
import { SimDisk } from "../support/sim-disk.ts";

const position = { lsn: 7, seq: 3, head: "h".repeat(43) };
const header: SnapshotHeader = { kind: "snapshot", schema: 1, gateway: "gw-1", epoch: 1, position };

test("short lines and one of half a megabyte come back as they were written, in order", async () => {
  const disk = new SimDisk().mount();
  const revoked = Array.from({ length: 20_000 }, (_, number) => `credential-of-a-grant-${number}`);
  const items: SnapshotItem[] = Array.from({ length: 5_000 }, (_, number) => ({
    item: "revoked",
    id: `grant-${number}`,
  }));
  const long = { kind: "gone", of: "grant", id: "grant-1", ver: 1, sum: "0".repeat(32), revoked } as const;
  items.splice(2_500, 0, { item: "row", row: long });
  await disk.makeFolder("/data");
  await writeFileAtomically(disk, "/data/snapshot", snapshotPieces(header, items));

  const found: SnapshotItem[] = [];
  assert.deepEqual(await readSnapshot(disk, "/data/snapshot", (item) => found.push(item)), header);
  assert.deepEqual(found, items);
});

test("one that ends early, wherever that is, is not believed", async () => {
  const disk = new SimDisk().mount();
  const items: SnapshotItem[] = [{ item: "revoked", id: "grant-1" }];
  const whole = Buffer.concat([...snapshotPieces(header, items)]);
  await disk.makeFolder("/data");
  for (let length = 0; length < whole.length; length += 1) {
    await writeFileAtomically(disk, "/data/snapshot", [whole.subarray(0, length)]);
    assert.equal(await readSnapshot(disk, "/data/snapshot", () => undefined), undefined, `${length} bytes`);
  }
});
