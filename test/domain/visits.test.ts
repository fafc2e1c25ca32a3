import assert from "node:assert/strict";
import { test } from "node:test";
import type { EntryEvent, EventBody } from "../../gateway/domain/entry-event.ts";
import { isInside, Visits } from "../../gateway/domain/visits.ts";

function event(seq: number, body: EventBody): EntryEvent {
  return { seq, at: seq * 1_000, clock: "synced", boot: 1, mono: 0, ...body };
}

function admitted(seq: number, nonce: string, grant = `grant-${seq}`): EntryEvent {
  const facts = { accessPoint: "gate", grant, credential: "c", via: "pass", left: null, revision: 1 } as const;
  return event(seq, { type: "admitted", ...facts, scan: { staff: "rosa", nonce } });
}

const released = (seq: number, of: number) =>
  event(seq, { type: "released", of, accessPoint: "gate", result: "confirmed" });
const left = (seq: number, of: number, nonce: string) =>
  event(seq, { type: "left", of, accessPoint: "gate", scan: { staff: "rosa", nonce } });

test("a request's number leads to its visit and to what became of it, through a snapshot too", () => {
  const visits = new Visits();
  visits.apply(admitted(1, "first"));
  visits.apply(admitted(2, "second"));
  visits.apply(event(3, { type: "void", of: 2, accessPoint: "gate", grant: "grant-2", why: "refused" }));
  const read = new Visits();
  for (const item of visits.dump()) read.restore(JSON.parse(JSON.stringify(item)));
  read.apply(released(4, 1));

  assert.equal(visits.withNonce("first")?.result, "under-way");
  assert.deepEqual(read.withNonce("first")?.result, { released: "confirmed" });
  assert.deepEqual(read.withNonce("second")?.result, { void: "refused" });
  assert.deepEqual(read.withNonce("first")?.grant, "grant-1");
  assert.equal(read.withNonce("third"), undefined);
});

test("who was let in is inside until seen to leave, and a leaving told twice ends one visit", () => {
  const visits = new Visits();
  visits.apply(admitted(1, "first", "party"));
  assert.equal(isInside(visits.withNonce("first")!), false, "the gate has not moved yet");
  visits.apply(released(2, 1));
  visits.apply(admitted(3, "second", "party"));
  visits.apply(released(4, 3));
  visits.apply(left(5, 1, "bye"));
  assert.deepEqual(
    [...visits.newest()].map((visit) => [visit.of, isInside(visit), visit.leftAt]),
    [
      [3, true, undefined],
      [1, false, 5_000],
    ],
  );
  assert.equal(visits.endedWith("bye")?.visit?.of, 1);
  assert.equal(visits.endedWith("second"), undefined);
});

test("an exit of whom nobody saw come in is known by its number, through a snapshot too, and ends no later visit", () => {
  const visits = new Visits();
  const scan = { staff: "rosa", nonce: "unseen" };
  visits.apply(event(1, { type: "left", accessPoint: "gate", grant: "grant-2", scan }));
  visits.apply(admitted(2, "first"));
  visits.apply(released(3, 2));
  const read = new Visits();
  for (const item of visits.dump()) read.restore(JSON.parse(JSON.stringify(item)));
  for (const one of [visits, read]) {
    assert.deepEqual(one.endedWith("unseen"), { grant: "grant-2", visit: undefined });
    assert.ok(isInside(one.withNonce("first")!));
  }
  for (let seq = 4; seq < 2_004; seq += 1)
    visits.apply(event(seq, { type: "left", accessPoint: "gate", scan: { staff: "rosa", nonce: `later-${seq}` } }));
  assert.equal(visits.endedWith("unseen"), undefined);
  assert.equal(visits.dump().length, 2_001);
});

test("walk-ins, visitors sent away and the gateway's own denials are visits; a PIN's entry is none", () => {
  const visits = new Visits();
  const gate = { accessPoint: "gate" } as const;
  visits.apply(event(1, { type: "staff-command", staff: "rosa", ...gate, scan: { staff: "rosa", nonce: "walk" } }));
  visits.apply(event(2, { type: "staff-command-ended", of: 1, ...gate, result: "refused" }));
  visits.apply(event(3, { type: "turned-away", ...gate, why: "guard", scan: { staff: "rosa", nonce: "away" } }));
  const denied = { ...gate, reason: "QR_EXPIRED", via: "pass", revision: 1 } as const;
  visits.apply(event(4, { type: "denied", ...denied, scan: { staff: "rosa" } }));
  visits.apply(event(5, { type: "denied", ...denied, via: "pin" }));
  visits.apply(event(6, { type: "staff-command", staff: "rosa", ...gate }));
  assert.deepEqual(
    [...visits.newest()].map(({ of, result }) => [of, result]),
    [
      [4, { denied: "QR_EXPIRED" }],
      [3, "turned-away"],
      [1, "unmoved"],
    ],
  );
});

test("the oldest are forgotten beyond two thousand", () => {
  const visits = new Visits();
  for (let seq = 1; seq <= 2_001; seq += 1) visits.apply(admitted(seq, `scan-${seq}`));
  assert.equal(visits.withNonce("scan-1"), undefined);
  assert.equal(visits.dump().length, 2_000);
  visits.apply(released(3_000, 1));
  assert.equal(visits.dump().length, 2_000);
});
