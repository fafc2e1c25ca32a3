/** Shall a door be held open now? Each row is one situation at a hold from 09:00 to 17:00. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type HoldStanding, holdStanding } from "../../gateway/domain/hold-open.ts";
import type { Site } from "../../gateway/domain/site.ts";
import { SiteRecords } from "../../gateway/domain/site-records.ts";
import fc from "../support/fast-check.ts";
import { aDay, anEvent, aPage, aSite, goneRow, holdOpenRow, noon, siteRow } from "../support/site-fixture.ts";

const hour = 3_600_000;
const nine = noon - 3 * hour;
const five = noon + 5 * hour;
const hold = { id: "hold-1", from: nine, until: five };

interface Situation {
  readonly earliest?: number;
  readonly latest?: number;
  readonly sinceSyncMs?: number | null;
  readonly site?: Partial<Site> | "none";
  readonly suspect?: boolean;
  readonly revoked?: readonly string[];
  readonly hold?: { readonly from: number; readonly until: number };
}

function standing({ site = {}, suspect = false, revoked = [], sinceSyncMs = 0, ...rest }: Situation): HoldStanding {
  const { earliest = noon, latest = Math.max(earliest, noon) } = rest;
  const view = {
    site: site === "none" ? undefined : aSite(site),
    suspect,
    isRevoked: (id: string) => revoked.includes(id),
  };
  return holdStanding({ ...hold, ...rest.hold }, view, { time: { earliest, latest }, sinceSyncMs });
}

const open = (lookAgainMs: number): HoldStanding => ({ state: "open", lookAgainMs });
const waits = (lookAgainMs: number): HoldStanding => ({ state: "waits", lookAgainMs });
const shut = (reason: (HoldStanding & { state: "shut" })["reason"]): HoldStanding => ({ state: "shut", reason });

const rows: readonly (readonly [string, Situation, HoldStanding])[] = [
  ["at noon", {}, open(5 * hour)],
  ["a moment before nine", { earliest: nine - 1, latest: nine - 1 }, waits(1)],
  ["at nine sharp", { earliest: nine, latest: nine }, open(8 * hour)],
  ["perhaps before nine", { earliest: nine - 20, latest: nine + 20 }, waits(20)],
  ["a moment before five", { earliest: five - 1, latest: five - 1 }, open(1)],
  ["at five sharp", { earliest: five, latest: five }, shut("over")],
  ["perhaps after five", { earliest: five - 20, latest: five }, shut("over")],
  ["next day", { earliest: five + aDay, latest: five + aDay }, shut("over")],
  ["nobody knows how late it is", { latest: Number.POSITIVE_INFINITY }, shut("clock")],
  ["not even after the end", { earliest: five, latest: Number.POSITIVE_INFINITY }, shut("over")],
  ["or before the beginning", { earliest: nine - hour, latest: Number.POSITIVE_INFINITY }, shut("clock")],
  ["the cloud was heard a day ago", { sinceSyncMs: aDay }, open(1)],
  ["the cloud was heard longer ago", { sinceSyncMs: aDay + 1 }, shut("stale")],
  ["the records go stale before the end", { sinceSyncMs: aDay - hour }, open(hour + 1)],
  ["nobody knows when the cloud was heard", { sinceSyncMs: null }, shut("stale")],
  ["the records are damaged", { suspect: true }, shut("stale")],
  ["the site was never heard of", { site: "none" }, shut("stale")],
  ["a lockdown", { site: { lockdown: true } }, shut("lockdown")],
  ["a lockdown, and nobody knows how late it is", { site: { lockdown: true }, latest: Infinity }, shut("lockdown")],
  ["revoked", { revoked: ["hold-1"] }, shut("revoked")],
  ["revoked under a lockdown", { revoked: ["hold-1"], site: { lockdown: true } }, shut("revoked")],
  ["another hold was revoked", { revoked: ["hold-2"] }, open(5 * hour)],
  ["one that ends before it begins", { hold: { from: five, until: nine } }, shut("over")],
  ["one that lasts for no time", { hold: { from: noon, until: noon } }, shut("over")],
];
for (const [what, situation, expected] of rows)
  test(`a door held open from nine to five: ${what}`, () => assert.deepEqual(standing(situation), expected));

test("whatever is uncertain, a door is held only while every possible time lies within", () => {
  const instants = fc.integer({ min: nine - hour, max: five + hour });
  fc.assert(
    fc.property(
      instants,
      fc.nat(2 * hour),
      fc.boolean(),
      fc.option(fc.nat(2 * aDay)),
      (earliest, width, lockdown, since) => {
        const { state } = standing({ earliest, latest: earliest + width, site: { lockdown }, sinceSyncMs: since });
        const mayStand = earliest >= nine && earliest + width < five && !lockdown && since !== null && since <= aDay;
        assert.equal(state === "open", mayStand);
      },
    ),
  );
});

// What the records make of rows and events.

const recordsOf = (...rows: Parameters<typeof aPage>[0]) => applied(new SiteRecords("gateway-1", ["front"]), rows);
const applied = (records: SiteRecords, rows: Parameters<typeof aPage>[0], complete = true) => {
  records.apply({ kind: "page", page: aPage(rows, { complete }), at: noon }, 0, 1);
  return records;
};

test("a revocation counts at once, while the rest of the set still arrives; a permission waits for the whole", () => {
  const records = recordsOf(siteRow(aSite()), holdOpenRow("front", hold));
  applied(records, [{ ...holdOpenRow("front", { ...hold, id: "hold-2" }, 2), revoked: ["hold-1"] }], false);
  assert.equal(records.holdOpen("front")?.id, "hold-1");
  assert.ok(records.isRevoked("hold-1"));

  applied(records, []);
  assert.equal(records.holdOpen("front")?.id, "hold-2");
  applied(records, [goneRow("hold-open", "front", 3, ["hold-1", "hold-2"])], false);
  assert.equal(records.holdOpen("front"), undefined);
});

test("a hold that this version cannot read holds nothing, and takes the place of the one before at once", () => {
  const records = recordsOf(siteRow(aSite()), holdOpenRow("front", hold));
  applied(records, [{ kind: "unreadable", of: "hold-open", id: "front", ver: 2, sum: "f".repeat(32) }], false);
  assert.equal(records.holdOpen("front"), undefined);
});

test("a revoked hold that a restored cloud sends again stays revoked", () => {
  const records = recordsOf(siteRow(aSite()), goneRow("hold-open", "front", 3, ["hold-1"]));
  applied(records, [siteRow(aSite()), holdOpenRow("front", hold)]);
  assert.ok(records.isRevoked(records.holdOpen("front")!.id));
});

test("what is held is known after a restart, from events and from a snapshot", () => {
  const begin = { type: "held-open", accessPoint: "front", hold: "hold-1", until: five, revision: 1 } as const;
  const end = { type: "hold-ended", accessPoint: "front", hold: "hold-1", reason: "over", revision: 1 } as const;
  const records = recordsOf();
  records.apply(anEvent(1, begin), 0, 1);
  const restored = new SiteRecords("gateway-1", ["front"]);
  for (const item of records.dump(0)) restored.restore(item, 0);
  assert.deepEqual(restored.heldOpen("front"), { hold: "hold-1", until: five });
  restored.apply(anEvent(2, end), 0, 1);
  assert.equal(restored.heldOpen("front"), undefined);
});
