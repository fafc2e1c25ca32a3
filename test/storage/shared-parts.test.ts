/** A start keeps what many grants say alike once, and changes nothing of what they say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnapshotItem } from "../../gateway/domain/site-records.ts";
import { SharedParts } from "../../gateway/storage/shared-parts.ts";
import { aGrant, grantRow } from "../support/site-fixture.ts";

function read(item: SnapshotItem): SnapshotItem {
  return JSON.parse(JSON.stringify(item));
}

test("equal lists of access points are one, different ones stay different", () => {
  const parts = new SharedParts();
  const [a, b, c] = [["gate", "flat"], ["gate", "flat"], ["gateflat"]].map((accessPoints, number) => {
    const item = parts.share(read({ item: "row", row: grantRow(aGrant(`grant-${number}`, { accessPoints })) }));
    assert.ok(item.item === "row" && item.row.kind === "grant");
    return item.row.body;
  });
  assert.equal(a?.accessPoints, b?.accessPoints);
  assert.deepEqual(c?.accessPoints, ["gateflat"]);
});

test("every item says afterwards what it said before", () => {
  const parts = new SharedParts();
  const rights = { granted: 3, returned: 0, used: 1, voided: 0, sent: {}, received: { "gw-2.1": 2 }, order: 0 };
  const items: SnapshotItem[] = [
    { item: "row", row: grantRow(aGrant("grant-1", { about: { unit: "4B" } })) },
    { item: "staged", row: grantRow(aGrant("grant-2", { about: {} })) },
    {
      item: "row",
      row: { kind: "gone", of: "grant", id: "grant-3", ver: 4, sum: "0".repeat(32), revoked: ["grant-3"] },
    },
    { item: "ledger", grant: "grant-1", rights, until: 5 },
    { item: "revoked", id: "grant-4" },
  ];
  for (const item of items) assert.deepEqual(parts.share(read(item)), item);
});
