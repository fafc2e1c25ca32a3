/** What a gateway remembers: replay, snapshots, pages in any cut, revocations and rights that outlive their rows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "../../gateway/domain/decide.ts";
import type { EventBody } from "../../gateway/domain/entry-event.ts";
import type { FeedPage, FeedRow } from "../../gateway/domain/feed.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Integration } from "../../gateway/domain/integration.ts";
import type { JournalRecord } from "../../gateway/domain/record.ts";
import { SiteRecords, type SnapshotItem } from "../../gateway/domain/site-records.ts";
import fc from "../support/fast-check.ts";
import {
  aCredential,
  aDay,
  aGrant,
  anEvent,
  aPage,
  aSite,
  blacklistRow,
  goneRow as gone,
  grantRow,
  holdOpenRow,
  integrationRow,
  noon,
  siteRow,
} from "../support/site-fixture.ts";

const now = 1_000_000;
const fresh = () => new SiteRecords("gateway-1", ["front", "back"]);
const good = { time: { earliest: noon, latest: noon }, sinceSyncMs: 0, lockedOutMs: 0 };

function applied(records: SiteRecords, ...pages: FeedPage[]): SiteRecords {
  for (const page of pages) records.apply({ kind: "page", page, at: noon }, now, 0);
  return records;
}

/** Everything the records know, in an order that does not depend on the order of arrival. */
function contentOf(records: SiteRecords): string[] {
  return [...records.dump(now)].map((item) => JSON.stringify(item)).sort();
}

function outcomeAt(records: SiteRecords, pin: string): string {
  const presented = { kind: "pin" as const, index: aCredential(pin).index };
  const decision = decide({ accessPoint: "front", presented }, records, good);
  return decision.outcome === "granted" ? decision.grant.id : decision.reason;
}

// Random histories.

const ids = fc.constantFrom("a", "b", "c");
const limits = fc.constantFrom(null, 0, 1, 3);
const pins = fc.uniqueArray(fc.constantFrom("one", "two"), { minLength: 1 });
const grantRows = fc
  .record({
    id: ids,
    ver: fc.integer({ min: 1, max: 99 }),
    limit: limits,
    granted: fc.nat(3),
    pins,
    revoked: fc.nat(9),
  })
  .map(({ id, ver, limit, granted, pins, revoked }) =>
    grantRow(
      aGrant(id, { entriesAllowed: limit, credentials: pinsOf(id, pins), revoked: revoked === 0 }),
      ver,
      granted,
    ),
  );
const rows: fc.Arbitrary<FeedRow> = fc.oneof(
  { weight: 6, arbitrary: grantRows },
  { weight: 2, arbitrary: fc.tuple(fc.nat(2), ids).map(([n, id]) => blacklistRow(`entry ${n}`, "grant", id)) },
  { weight: 1, arbitrary: fc.nat(2).map((n) => gone("blacklist", `entry ${n}`, 5)) },
  { weight: 2, arbitrary: fc.tuple(ids, fc.boolean()).map(([id, final]) => gone("grant", id, 5, final ? [id] : [])) },
  { weight: 1, arbitrary: fc.boolean().map((lockdown) => siteRow(aSite({ lockdown }))) },
  {
    weight: 1,
    arbitrary: ids.map((id): FeedRow => ({ kind: "unreadable", of: "grant", id, ver: 3, sum: "f".repeat(32) })),
  },
  { weight: 1, arbitrary: ids.map((id) => holdOpenRow("front", { id, from: noon, until: noon + aDay })) },
  {
    weight: 1,
    arbitrary: fc.tuple(ids, fc.boolean()).map(([sealed, enabled]) => kisiRow({ sealed, enabled })),
  },
  { weight: 1, arbitrary: fc.constant(gone("integration", "gateway-1:kisi", 5)) },
);

function kisiRow(overrides: Partial<Integration> = {}, ver = 1): FeedRow {
  return integrationRow({ gateway: "gateway-1", provider: "kisi", enabled: true, sealed: "a", ...overrides }, ver);
}

function pinsOf(grant: string, pins: readonly string[]) {
  return pins.map((pin) => aCredential(pin, { id: `${pin} of ${grant}` }));
}

const bodies: fc.Arbitrary<EventBody> = fc.oneof(
  ids.map(
    (grant): EventBody => ({
      type: "admitted",
      accessPoint: "front",
      grant,
      credential: "c",
      via: "pin",
      left: null,
      revision: 1,
    }),
  ),
  fc.nat(20).map((of): EventBody => ({ type: "released", of, accessPoint: "front", result: "confirmed" })),
  fc
    .tuple(fc.nat(20), ids)
    .map(([of, grant]): EventBody => ({ type: "void", of, accessPoint: "front", grant, why: "refused" })),
  fc.constant<EventBody>({ type: "denied", accessPoint: "front", reason: "QR_NOT_FOUND", via: "pin", revision: 1 }),
  fc.nat(5).map((command): EventBody => ({ type: "command-taken", command, accessPoint: "front", by: "admin" })),
  fc
    .nat(5)
    .map((command): EventBody => ({ type: "command-ended", command, accessPoint: "front", result: "confirmed" })),
  ids.map((hold): EventBody => ({ type: "held-open", accessPoint: "front", hold, until: noon, revision: 1 })),
  ids.map((hold): EventBody => ({ type: "hold-ended", accessPoint: "front", hold, reason: "over", revision: 1 })),
  fc.constant<EventBody>({ type: "boot", version: "1", cutBytes: 0 }),
  fc.nat(2).map((lines): EventBody => ({ type: "damage", file: "1", line: 1, lines })),
);
const origins = fc.record({ device: fc.constantFrom("box", "gate"), boot: fc.nat(2), seq: fc.nat(5) });
const pages = fc
  .record({
    feed: fc.constantFrom("feed-1", "feed-1", "feed-1", "feed-2"),
    to: fc.nat(99),
    reset: fc.nat(4),
    complete: fc.boolean(),
    rows: fc.array(rows, { maxLength: 4 }),
  })
  .map((page): FeedPage => ({ ...page, reset: page.reset === 0 }));

const histories = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: pages.map((page): JournalRecord => ({ kind: "page", page, at: noon })) },
      {
        weight: 5,
        arbitrary: fc
          .tuple(bodies, fc.option(origins))
          .map(([body, origin]) => anEvent(0, body, origin ? { origin } : {})),
      },
      fc.nat(50).map((next): JournalRecord => ({ kind: "acknowledged", next })),
      origins.map((origin): JournalRecord => ({ kind: "seen", origin, accessPoint: null })),
      fc
        .tuple(fc.nat(60), fc.option(fc.nat(1e6)))
        .map(([days, syncedAt]): JournalRecord => ({ kind: "tick", at: noon + days * aDay, syncedAt })),
    ),
    { maxLength: 25 },
  )
  .map((records) =>
    records.map(
      (record, n): JournalRecord =>
        record.kind === "event" ? { ...record, event: { ...record.event, seq: n, mono: n * 1000 } } : record,
    ),
  );

function replayed(history: readonly JournalRecord[], records = fresh(), boot = 1): SiteRecords {
  for (const record of history) records.apply(record, now, boot);
  return records;
}

test("a snapshot with the records after it equals the records alone", () => {
  fc.assert(
    fc.property(histories, fc.nat(25), (history, cut) => {
      const before = replayed(history.slice(0, cut));
      const after = fresh();

      for (const item of JSON.parse(JSON.stringify([...before.dump(now)])) as SnapshotItem[]) after.restore(item, now);
      assert.deepEqual(contentOf(after), contentOf(before));
      assert.deepEqual(contentOf(replayed(history.slice(cut), after)), contentOf(replayed(history)));
    }),
    { numRuns: 400 },
  );
});

test("the checksum is the number of rows and the sum of their sums, whatever came and went", () => {
  fc.assert(
    fc.property(histories, (history) => {
      const records = replayed(history);
      const held = [...records.dump(now)].flatMap((item) => (item.item === "row" ? [item.row] : []));
      const sum = held.reduce((total, row) => total + BigInt(`0x${row.sum}`), 0n) % 2n ** 128n;
      assert.deepEqual(records.checksum, { rows: held.length, sum: sum.toString(16).padStart(32, "0") });
      assert.equal(records.size, held.length);
    }),
    { numRuns: 300 },
  );
});

test("a revocation once seen is never forgotten: not by a reset, a tombstone, a new feed, nor a row that takes it back", () => {
  fc.assert(
    fc.property(histories, histories, ids, fc.constantFrom("list", "body", "tombstone"), (before, after, id, how) => {
      const grant = aGrant(id, { revoked: how === "body" });
      const row =
        how === "tombstone"
          ? gone("grant", id, 7, [id])
          : { ...grantRow(grant), ...(how === "list" && { revoked: [id] }) };
      const records = applied(replayed(before), aPage([row], { complete: false }));
      replayed(after, records);
      applied(records, aPage([siteRow(aSite()), grantRow(aGrant(id))], { reset: true }));
      assert.ok(records.isRevoked(id));
      assert.equal(outcomeAt(records, id), "REVOKED");
    }),
    { numRuns: 200 },
  );
});

test("however a set is cut into pages, the records end alike", () => {
  fc.assert(
    fc.property(
      fc.array(rows, { maxLength: 12 }),
      fc.array(fc.nat(12), { maxLength: 4 }),
      fc.boolean(),
      (set, cuts, reset) => {
        const first = aPage([siteRow(aSite()), grantRow(aGrant("left over")), grantRow(aGrant("a"))]);
        const whole = applied(fresh(), first, aPage(set, { to: 9, reset }));
        const edges = [
          0,
          ...new Set(cuts.filter((cut) => cut > 0 && cut < set.length).sort((a, b) => a - b)),
          set.length,
        ];
        const cut = applied(fresh(), first);
        for (let n = 0; n + 1 < edges.length; n += 1) {
          const last = n + 2 === edges.length;
          applied(
            cut,
            aPage(set.slice(edges[n], edges[n + 1]), { to: last ? 9 : 8, reset: reset && n === 0, complete: last }),
          );
        }
        assert.deepEqual(contentOf(cut), contentOf(whole));
        assert.deepEqual(cut.checksum, whole.checksum);
        for (const pin of ["one", "two", "a"])
          assert.equal(outcomeAt(cut, pin) === "QR_NOT_FOUND", outcomeAt(whole, pin) === "QR_NOT_FOUND");
      },
    ),
    { numRuns: 300 },
  );
});

// Single stories.

test("a permission counts when its set is whole, a restriction at once", () => {
  const records = applied(fresh(), aPage([siteRow(aSite()), grantRow(aGrant("old"))]));
  const some = (rows: FeedRow[], to: number) => aPage(rows, { to, complete: false });

  applied(records, some([grantRow(aGrant("new")), blacklistRow("entry", "grant", "old")], 2));
  assert.equal(outcomeAt(records, "new"), "QR_NOT_FOUND");
  assert.equal(outcomeAt(records, "old"), "BLACKLISTED");

  applied(records, some([gone("grant", "old", 3)], 3));
  assert.equal(outcomeAt(records, "old"), "QR_NOT_FOUND");
  applied(records, some([siteRow(aSite({ lockdown: true }))], 4));
  assert.equal(outcomeAt(records, "new"), "LOCKDOWN");
  applied(records, some([siteRow(aSite())], 5));
  assert.equal(outcomeAt(records, "new"), "LOCKDOWN");

  applied(records, aPage([], { to: 6 }));
  assert.equal(outcomeAt(records, "new"), "new");
});

test("what a changed grant loses it loses at once, what it gains it gains with the whole set", () => {
  const old = aGrant("old");
  const records = () => applied(fresh(), aPage([siteRow(aSite()), grantRow(old)]));
  const cut: Record<string, [Partial<Grant>, string]> = {
    "a shorter validity": [{ validity: { from: 0, until: noon } }, "QR_EXPIRED"],
    "another access point": [{ accessPoints: ["back"] }, "WRONG_ACCESS_POINT"],
    "a limit": [{ entriesAllowed: 0 }, "LIMIT_REACHED"],
    "something to understand": [{ mustUnderstand: ["escort"] }, "UNREADABLE"],
    "a schedule that is shut": [{ schedule: { windows: [] } }, "OUTSIDE_SCHEDULE"],
    "another PIN": [{ credentials: [aCredential("other")] }, "QR_NOT_FOUND"],
  };
  for (const [what, [change, reason]] of Object.entries(cut)) {
    const narrowed = applied(records(), aPage([grantRow(aGrant("old", change), 2)], { to: 2, complete: false }));
    assert.equal(outcomeAt(narrowed, "old"), reason, what);
    const restored = fresh();
    for (const item of narrowed.dump(now)) restored.restore(item, now);
    assert.equal(outcomeAt(restored, "old"), reason, what);
    const whole = applied(narrowed, aPage([grantRow(old, 3)], { to: 3 }));
    assert.equal(outcomeAt(whole, "old"), "old", what);
    assert.deepEqual(whole.checksum, applied(fresh(), aPage([siteRow(aSite()), grantRow(old, 3)])).checksum);
  }
  const unreadable: FeedRow = { kind: "unreadable", of: "grant", id: "old", ver: 2, sum: "0" };
  assert.equal(outcomeAt(applied(records(), aPage([unreadable], { complete: false })), "old"), "QR_NOT_FOUND");
});

test("while a set arrives, a changed grant opens only what it opened before and will open after", () => {
  const always = { windows: [{ days: [1, 2, 3, 4, 5, 6, 7] as const, from: "00:00", until: "24:00" }] };
  const mostly = <T>(usual: T, other: T) =>
    fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(other) });
  const versions = fc
    .record({
      accessPoints: mostly(["front", "back"], ["back"]),
      from: mostly(0, noon + 1),
      until: mostly(noon + aDay, noon),
      schedule: fc.constantFrom(undefined, undefined, { windows: [] }, always),
      entriesAllowed: limits,
      limitMode: fc.constantFrom("strict" as const, "lenient" as const),
      pins,
      mustUnderstand: fc.constantFrom([], [], ["reserve"], ["escort"]),
    })
    .map(({ from, until, pins, schedule, ...facts }) =>
      aGrant("a", {
        ...facts,
        validity: { from, until },
        credentials: pinsOf("a", pins),
        ...(schedule && { schedule }),
      }),
    );
  fc.assert(
    fc.property(versions, versions, fc.constantFrom("one", "two"), (before, after, pin) => {
      const set = (grant: Grant) => applied(fresh(), aPage([siteRow(aSite()), grantRow(grant)]));
      const between = applied(set(before), aPage([grantRow(after, 2)], { to: 2, complete: false }));
      if (outcomeAt(between, pin) !== "a") return;
      assert.equal(outcomeAt(set(before), pin), "a");
      assert.equal(outcomeAt(set(after), pin), "a");
    }),
    { numRuns: 1_000 },
  );
});

test("while a whole set arrives anew the old one goes on, and what the new one does not name is gone at its end", () => {
  const records = applied(fresh(), aPage([siteRow(aSite()), grantRow(aGrant("stays")), grantRow(aGrant("goes"))]));
  applied(
    records,
    aPage([siteRow(aSite()), grantRow(aGrant("comes"))], { feed: "feed-2", reset: true, complete: false }),
  );
  assert.deepEqual(
    ["stays", "goes", "comes"].map((pin) => outcomeAt(records, pin)),
    ["stays", "goes", "QR_NOT_FOUND"],
  );
  applied(records, aPage([grantRow(aGrant("stays"))], { feed: "feed-2", to: 2 }));
  assert.deepEqual(
    ["stays", "goes", "comes"].map((pin) => outcomeAt(records, pin)),
    ["stays", "QR_NOT_FOUND", "comes"],
  );
});

test("a page of another feed begins a whole set even if it does not say so", () => {
  const records = applied(fresh(), aPage([siteRow(aSite()), grantRow(aGrant("old"))]));
  applied(records, aPage([siteRow(aSite()), grantRow(aGrant("new"))], { feed: "feed-2" }));
  assert.deepEqual([outcomeAt(records, "old"), outcomeAt(records, "new")], ["QR_NOT_FOUND", "new"]);
});

test("after damage nothing is admitted in this epoch any more, and limits count as spent, be their rows heard of then or before", () => {
  const set = [siteRow(aSite()), grantRow(aGrant("free")), grantRow(aGrant("two", { entriesAllowed: 2 }))];
  const records = applied(fresh(), aPage(set));
  records.apply(anEvent(1, { type: "damage", file: "000001.jsonl", line: 4, lines: 1 }), now, 1);
  assert.deepEqual([outcomeAt(records, "free"), records.cursor.feed, records.syncedAt], ["OFFLINE_STALE", "", null]);

  applied(records, aPage([], { to: 2, complete: false, reset: true }));
  applied(records, aPage([...set, grantRow(aGrant("late", { entriesAllowed: 3 }))], { to: 3 }));
  assert.equal(outcomeAt(records, "free"), "OFFLINE_STALE");
  for (const [id, entriesAllowed] of [
    ["two", 2],
    ["late", 3],
  ] as const)
    assert.ok(records.rights(aGrant(id, { entriesAllowed })).held <= 0);

  const copy = fresh();
  for (const item of records.dump(now)) copy.restore(item, now);
  assert.equal(outcomeAt(copy, "free"), "OFFLINE_STALE");
});

test("one lost line may have given back all that was held: nothing of it counts afterwards", () => {
  const records = applied(fresh(), aPage([siteRow(aSite()), grantRow(aGrant("five", { entriesAllowed: 5 }))]));
  records.apply(anEvent(1, { type: "damage", file: "000001.jsonl", line: 4, lines: 1 }), now, 1);
  assert.equal(records.rights(aGrant("five", { entriesAllowed: 5 })).held, 0);
});

test("an answer of the old feed that arrives after damage does not pass for the whole set", () => {
  const records = applied(fresh(), aPage([siteRow(aSite()), grantRow(aGrant("free"))]));
  records.apply(anEvent(1, { type: "damage", file: "000001.jsonl", line: 4, lines: 1 }), now, 1);
  applied(records, aPage([blacklistRow("late", "person", "x")], { to: 2 }));
  assert.notEqual(outcomeAt(records, "free"), "free");
});

const oneEntry = (overrides: Partial<Grant> = {}) => aGrant("guest", { entriesAllowed: 1, ...overrides });
const admittedBody: EventBody = {
  type: "admitted",
  accessPoint: "front",
  grant: "guest",
  credential: "c",
  via: "pin",
  left: 0,
  revision: 1,
};
const voidOf = (of: number): EventBody => ({ type: "void", of, accessPoint: "front", grant: "guest", why: "refused" });

test("a void gives its right back once, and none after a release", () => {
  const records = applied(fresh(), aPage([siteRow(aSite()), grantRow(oneEntry())]));
  const held = () => records.rights(oneEntry()).held;
  records.apply(anEvent(1, admittedBody), now, 1);
  assert.equal(held(), 0);
  records.apply(anEvent(2, voidOf(1)), now, 1);
  records.apply(anEvent(3, voidOf(1)), now, 1);
  records.apply(anEvent(4, voidOf(77)), now, 1);
  assert.equal(held(), 1);

  records.apply(anEvent(5, admittedBody), now, 1);
  records.apply(anEvent(6, { type: "released", of: 5, accessPoint: "front", result: "unknown" }), now, 1);
  records.apply(anEvent(7, voidOf(5)), now, 1);
  assert.equal(held(), 0);
});

test("an admission without its outcome is told until one is written down", () => {
  const records = applied(fresh(), aPage([grantRow(oneEntry())]));
  records.apply(anEvent(1, admittedBody), now, 1);
  records.apply(anEvent(2, { type: "command-taken", command: 9, accessPoint: "back", by: "admin" }), now, 1);
  assert.deepEqual(records.unfinished(), [
    { kind: "admission", of: 1, accessPoint: "front", grant: "guest" },
    { kind: "command", command: 9, accessPoint: "back" },
  ]);
  records.apply(anEvent(3, voidOf(1)), now, 1);
  records.apply(anEvent(4, { type: "command-ended", command: 9, accessPoint: "back", result: "unknown" }), now, 1);
  assert.deepEqual(records.unfinished(), []);
});

test("a press is owed an outcome until an event names it; such an event does not hide what its device said since", () => {
  const records = fresh();
  const press = (boot: number, seq: number) => ({ device: "box", boot, seq });
  for (const seq of [1, 2]) records.apply({ kind: "seen", origin: press(1, seq), accessPoint: "front" }, now, 1);
  records.apply({ kind: "seen", origin: press(2, 1), accessPoint: null }, now, 1);
  const denied = { type: "denied", accessPoint: "front", reason: "QR_NOT_FOUND", via: "pin", revision: 0 } as const;

  records.apply(anEvent(1, { ...denied, press: press(1, 2) }), now, 1);

  assert.deepEqual(records.unfinished(), [
    { kind: "press", press: press(1, 1), accessPoint: "front" },
    { kind: "press", press: press(2, 1), accessPoint: null },
  ]);
  assert.ok(records.isRepeat(press(2, 1)));
  for (const owed of [press(1, 1), press(2, 1)])
    records.apply(anEvent(2, { type: "unanswered", device: "box", why: "stopped", press: owed }), now, 1);
  assert.deepEqual(records.unfinished(), []);
});

test("what was used stays used when the row goes, the feed changes and the row comes back; it is forgotten 30 days after the end", () => {
  const row = grantRow(oneEntry());
  const records = applied(fresh(), aPage([siteRow(aSite()), row]));
  records.apply(anEvent(1, admittedBody), now, 1);
  applied(
    records,
    aPage([gone("grant", "guest", 2)], { to: 2 }),
    aPage([siteRow(aSite()), row], { feed: "feed-2", reset: true }),
  );
  assert.equal(outcomeAt(records, "guest"), "LIMIT_REACHED");

  const end = noon + aDay;
  applied(records, aPage([gone("grant", "guest", 3)], { feed: "feed-2", to: 3 }));
  const ledger = () => [...records.dump(now)].filter(({ item }) => item === "ledger").length;
  const tick = (at: number, more: object = { borneOut: true }) =>
    records.apply({ kind: "tick", at, syncedAt: null, ...more }, now, 1);
  tick(end + 30 * aDay);
  assert.equal(ledger(), 1);
  // The machine's own clock has leapt, and is set right.
  tick(end + 400 * aDay, {});
  tick(end + 30 * aDay, { borneOut: true, setsBack: true });
  assert.equal(ledger(), 1);
  tick(end + 30 * aDay + 1);
  assert.equal(ledger(), 0);
});

test("entries placed here only grow with what the cloud says, and never beyond the grant's own limit", () => {
  const three = aGrant("guest", { entriesAllowed: 3 });
  const records = applied(fresh(), aPage([grantRow(three, 1, 3)]), aPage([grantRow(three, 2, 1)], { to: 2 }));
  assert.equal(records.rights(three).held, 3);
  records.apply(anEvent(1, admittedBody), now, 1);
  assert.deepEqual(records.rights(oneEntry()), { held: 0, elsewhere: false });
  assert.deepEqual(records.rights(aGrant("guest", { entriesAllowed: 2 })), { held: 1, elsewhere: false });
});

test("entries that are used elsewhere are at no other gate", () => {
  const two = aGrant("guest", { entriesAllowed: 2 });
  const records = applied(fresh(), aPage([grantRow(two, 1, 0)]));
  assert.deepEqual(records.rights(two), { held: 0, elsewhere: true });
  applied(records, aPage([{ ...grantRow(two, 2, 0), spent: true } as FeedRow], { to: 2 }));
  assert.deepEqual(records.rights(two), { held: 0, elsewhere: false });
});

test("one PIN on several grants is found whichever of them comes and goes", () => {
  const change = fc.tuple(fc.constantFrom("a", "b", "c"), fc.boolean());
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const records = applied(fresh(), aPage([siteRow(aSite())]));
      const there = new Set<string>();
      for (const [n, [id, comes]] of changes.entries()) {
        const credentials = [aCredential("shared", { id: `${id} ${n}` })];
        applied(
          records,
          aPage([comes ? grantRow(aGrant(id, { credentials }), n + 2) : gone("grant", id, n + 2)], { to: n + 2 }),
        );
        if (comes) there.add(id);
        else there.delete(id);
        const found = records.candidates({ kind: "pin", index: aCredential("shared").index });
        assert.deepEqual(found.map(({ grant }) => grant.id).sort(), [...there].sort());
      }
    }),
  );
});

test("the grants of a door that was asked for follow every change: new ones, moved ones, gone ones, a set anew", () => {
  const records = applied(
    fresh(),
    aPage([siteRow(aSite()), grantRow(aGrant("a")), grantRow(aGrant("b"))], { reset: true }),
  );
  const at = (point: string) => [...records.grantsAt(point)].map(({ id }) => id).sort();
  const to = (version: number) => ({ to: version });
  const both = ["front", "back"];
  assert.deepEqual([at("front"), at("back")], [["a", "b"], []]);

  applied(
    records,
    aPage([grantRow(aGrant("c", { accessPoints: both })), grantRow(aGrant("a", { accessPoints: ["back"] }))], to(2)),
  );
  assert.deepEqual(
    [at("front"), at("back")],
    [
      ["b", "c"],
      ["a", "c"],
    ],
  );
  assert.deepEqual([...records.grantsAt("back")].map(({ accessPoints }) => accessPoints).sort(), [["back"], both]);
  applied(records, aPage([gone("grant", "c", 3)], to(3)));
  assert.deepEqual([at("front"), at("back")], [["b"], ["a"]]);
  applied(records, aPage([siteRow(aSite()), grantRow(aGrant("d", { accessPoints: both }))], { reset: true, to: 4 }));
  assert.deepEqual([at("front"), at("back")], [["d"], ["d"]]);
});

test("a report at or below the last one of its device is a repeat, and a new boot of the device begins anew", () => {
  const records = fresh();
  const see = (boot: number, seq: number) =>
    records.apply({ kind: "seen", origin: { device: "box", boot, seq }, accessPoint: null }, now, 1);
  const repeat = (boot: number, seq: number, device = "box") => records.isRepeat({ device, boot, seq });
  assert.equal(repeat(1, 1), false);
  see(1, 5);
  assert.deepEqual(
    [repeat(1, 4), repeat(1, 5), repeat(1, 6), repeat(2, 1), repeat(0, 9)],
    [true, true, false, false, false],
  );
  assert.equal(repeat(1, 5, "gate"), false);
  see(2, 1);
  assert.deepEqual([repeat(2, 1), repeat(2, 2)], [true, false]);
  see(1, 1); // replaced by a box that counts from one again
  assert.deepEqual([repeat(1, 1), repeat(1, 2)], [true, false]);
});

test("the clock's high-water mark and the last poll only go forward; an unset clock forgets nothing", () => {
  const records = fresh();
  const tick = (at: number, syncedAt: number | null) => records.apply({ kind: "tick", at, syncedAt }, now, 1);
  tick(50, 40);
  tick(30, null);
  tick(60, 20);
  assert.deepEqual([records.highWater, records.syncedAt], [60, 40]);
});

test("a time that no server bore out can be taken back, one that a server did cannot", () => {
  const records = fresh();
  const tick = (at: number, told: { borneOut?: boolean; setsBack?: boolean } = {}) =>
    records.apply({ kind: "tick", at, syncedAt: null, ...told }, now, 1);
  tick(50, { borneOut: true });
  tick(900);
  const again = fresh();
  for (const item of records.dump(now)) again.restore(item, now);
  assert.deepEqual([again.highWater, again.borneOutAt], [900, 50]);

  tick(60, { borneOut: true, setsBack: true });
  assert.deepEqual([records.highWater, records.borneOutAt], [60, 60]);
  tick(20, { borneOut: true, setsBack: true });
  assert.deepEqual([records.highWater, records.borneOutAt], [60, 60]);
});

const wrongPin: EventBody = { type: "denied", accessPoint: "front", reason: "QR_NOT_FOUND", via: "pin", revision: 1 };

/** With records: before they came nobody can guess. */
const known = () => applied(fresh(), aPage([siteRow(aSite())]));

test("a restart neither lifts a lockout nor invents one", () => {
  const guesses = (everyMs: number, count: number) =>
    Array.from({ length: count }, (_, n) => anEvent(n + 1, wrongPin, { boot: 4, mono: n * everyMs }));

  const attacked = replayed(guesses(1000, 5), known(), 5);
  assert.equal(attacked.attempts.lockedOutMs("pin", "front", now), 30_000);
  // Ten people of ten days, each with one slip: forgiven by the hour, also when the journal is read again.
  const busy = replayed(guesses(aDay, 10), known(), 5);
  assert.equal(busy.attempts.lockedOutMs("pin", "front", now), 0);
  // What went by before the power was cut counts; the cut itself does not.
  const later = replayed(
    [...guesses(1000, 5), anEvent(6, { type: "boot", version: "1", cutBytes: 0 }, { boot: 4, mono: 14_000 })],
    known(),
    5,
  );
  assert.equal(later.attempts.lockedOutMs("pin", "front", now), 20_000);
  const again = fresh();
  for (const item of later.dump(now)) again.restore(item, 77);
  assert.equal(again.attempts.lockedOutMs("pin", "front", 77), 20_000);
});

test("a restart, from the journal or from a snapshot, forgets neither the day's wrong PINs nor that they were told", () => {
  const guesses = Array.from({ length: 41 }, (_, n) =>
    anEvent(n + 1, { ...wrongPin, accessPoint: `keypad-${n}` }, { boot: 4, mono: n * 1000 }),
  );
  const told = anEvent(42, { type: "pin-guessing", wrongPins: 41, keypads: 41 }, { boot: 4, mono: 40_000 });
  const later = anEvent(43, { type: "boot", version: "1", cutBytes: 0 }, { boot: 4, mono: 50_000 });

  const untold = replayed(guesses, known(), 5);
  assert.equal(untold.attempts.isGuessingUntold("pin", now), true);
  const records = replayed([...guesses, told, later], known(), 5);
  const again = fresh();
  for (const item of records.dump(now)) again.restore(JSON.parse(JSON.stringify(item)), 77);
  for (const [found, at] of [
    [records, now],
    [again, 77],
  ] as const) {
    assert.deepEqual(found.attempts.ofLastDay("pin", at), { count: 41, readers: 41, isBudgetSpent: true });
    assert.equal(found.attempts.isGuessingUntold("pin", at), false);
    assert.equal(found.attempts.lockedOutMs("pin", "keypad-40", at), 50_000);
    // The first was 50 s before the power was cut.
    assert.equal(found.attempts.ofLastDay("pin", at + aDay - 50_001).count, 41);
    assert.equal(found.attempts.ofLastDay("pin", at + aDay - 50_000).count, 40);
    // A second slip at the same keypad, within a day of the first.
    assert.equal(found.attempts.lockedOutAfterMissMs("pin", "keypad-40", at + 50_000), 480_000);
    assert.equal(found.attempts.lockedOutAfterMissMs("pin", "front", at), 60_000);
  }
  // It goes on a day later: told again.
  for (let n = 0; n < 41; n += 1)
    again.apply(anEvent(44 + n, { ...wrongPin, accessPoint: `keypad-${n}` }, { boot: 6, mono: aDay }), aDay, 6);
  assert.equal(again.attempts.isGuessingUntold("pin", aDay), true);
});

const wrongPass: EventBody = { ...wrongPin, via: "pass" };

test("wrong passes count for themselves, through a restart and a snapshot; a guard's scans neither lock nor forgive", () => {
  const guesses = Array.from({ length: 10 }, (_, n) => anEvent(n + 1, wrongPass, { boot: 4, mono: n * 1000 }));
  const later = anEvent(11, { type: "boot", version: "1", cutBytes: 0 }, { boot: 4, mono: 19_000 });
  const records = replayed([...guesses, later], known(), 5);
  const again = fresh();
  for (const item of records.dump(now)) again.restore(JSON.parse(JSON.stringify(item)), 77);
  for (const [found, at] of [
    [records, now],
    [again, 77],
  ] as const) {
    const { attempts } = found;
    assert.deepEqual(
      [attempts.lockedOutMs("pass", "front", at), attempts.lockedOutMs("pin", "front", at)],
      [20_000, 0],
    );
    assert.deepEqual([attempts.ofLastDay("pass", at).count, attempts.ofLastDay("pin", at).count], [10, 0]);
  }

  const guarded = known();
  const scan = { staff: "person-rosa" };
  for (let n = 0; n < 300; n += 1) guarded.apply(anEvent(n + 1, { ...wrongPass, scan }), now, 1);
  assert.deepEqual(
    [...guarded.dump(now)].filter(({ item }) => item === "lockout" || item === "wrong-pins"),
    [],
  );
  const admitted: EventBody = {
    type: "admitted",
    accessPoint: "front",
    grant: "g",
    credential: "c",
    via: "pass",
    left: null,
    revision: 1,
  };
  for (const body of [{ ...admitted, scan }, admitted]) {
    const before = records.attempts.lockedOutAfterMissMs("pass", "front", now);
    records.apply(anEvent(12, body, { boot: 5, mono: now }), now, 5);
    const after = records.attempts.lockedOutAfterMissMs("pass", "front", now);
    assert.deepEqual([before, after], "scan" in body ? [60_000, 60_000] : [60_000, 30_000]);
  }
});

test("records without a wrong PIN give a snapshot without a line for them", () => {
  assert.ok([...known().dump(now)].every(({ item }) => item !== "wrong-pins"));
});

test("only a PIN that nobody has counts towards the lockout, and only where records are known", () => {
  const records = known();
  const others: EventBody[] = [
    { ...wrongPin, reason: "QR_EXPIRED" },
    { ...wrongPin, via: "card" },
    { ...wrongPin, accessPoint: "back" },
  ];
  for (let n = 0; n < 9; n += 1) for (const body of others.slice(0, 2)) records.apply(anEvent(1, body), now, 1);
  assert.equal(records.attempts.lockedOutMs("pin", "front", 0), 0);
  for (let n = 0; n < 5; n += 1) records.apply(anEvent(1, others[2]!), now, 1);
  assert.deepEqual(
    [records.attempts.lockedOutMs("pin", "front", 0), records.attempts.lockedOutMs("pin", "back", 0)],
    [0, 30_000],
  );
  const reasons = ["QR_NOT_FOUND", "OFFLINE_NO_CACHE", "REVOKED", "LOCKED_OUT"] as const;
  assert.deepEqual(
    reasons.map((reason) => records.guessedKind({ via: "pin", reason })),
    ["pin", "pin", undefined, undefined],
  );

  const empty = fresh();
  for (let n = 0; n < 9; n += 1) empty.apply(anEvent(n + 1, { ...wrongPin, reason: "OFFLINE_NO_CACHE" }), now, 1);
  assert.deepEqual(
    [empty.attempts.lockedOutMs("pin", "front", now), empty.attempts.ofLastDay("pin", now).count],
    [0, 0],
  );
});

test("a maker's key is known to its own gateway by its provider; one that is switched off or gone is so before the set is whole", () => {
  const records = applied(fresh(), aPage([kisiRow(), kisiRow({ gateway: "gateway-2", sealed: "b" })]));
  const known = () => [records.integration("kisi")?.sealed, records.integration("kisi")?.enabled];
  assert.deepEqual([...known(), records.integration("brivo")], ["a", true, undefined]);
  applied(records, aPage([kisiRow({ sealed: "c" }, 2)], { to: 2, complete: false }));
  assert.deepEqual(known(), ["a", true]);
  applied(records, aPage([kisiRow({ sealed: "c", enabled: false }, 3)], { to: 3, complete: false }));
  assert.deepEqual(known(), ["c", false]);
  applied(records, aPage([kisiRow({ sealed: "d" }, 4)], { to: 4 }));
  assert.deepEqual(known(), ["d", true]);
  applied(records, aPage([gone("integration", "gateway-1:kisi", 5)], { to: 5, complete: false }));
  assert.deepEqual(known(), [undefined, undefined]);
});
