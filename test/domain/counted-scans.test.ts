import assert from "node:assert/strict";
import { test } from "node:test";
import { CountedScans } from "../../gateway/domain/counted-scans.ts";
import type { EntryEvent, EventBody } from "../../gateway/domain/entry-event.ts";

function event(seq: number, body: EventBody): EntryEvent {
  return { seq, at: 0, clock: "synced", boot: 1, mono: 0, ...body };
}

function admitted(seq: number, nonce: string): EntryEvent {
  const scan = { staff: "rosa", nonce };
  const facts = { accessPoint: "gate", grant: `grant-${seq}`, credential: "c", via: "pass", left: null, revision: 1 };
  return event(seq, { type: "admitted", ...facts, via: "pass", scan });
}

test("a request's number leads to its entry and to what became of it, through a snapshot too", () => {
  const scans = new CountedScans();
  scans.apply(admitted(1, "first"));
  scans.apply(admitted(2, "second"));
  scans.apply(event(3, { type: "void", of: 2, accessPoint: "gate", grant: "grant-2", why: "refused" }));
  const read = new CountedScans();
  for (const item of scans.dump()) read.restore(item);
  read.apply(event(4, { type: "released", of: 1, accessPoint: "gate", result: "confirmed" }));

  assert.deepEqual(scans.find("first")?.result, "under-way");
  assert.deepEqual(read.find("first"), {
    nonce: "first",
    of: 1,
    grant: "grant-1",
    result: { released: "confirmed" },
  });
  assert.deepEqual(read.find("second")?.result, { void: "refused" });
  assert.equal(read.find("third"), undefined);
});

test("the oldest are forgotten beyond two thousand", () => {
  const scans = new CountedScans();
  for (let seq = 1; seq <= 2_001; seq += 1) scans.apply(admitted(seq, `scan-${seq}`));
  assert.equal(scans.find("scan-1"), undefined);
  assert.equal(scans.dump().length, 2_000);
  scans.apply(event(3_000, { type: "released", of: 1, accessPoint: "gate", result: "confirmed" }));
  assert.equal(scans.dump().length, 2_000);
});
