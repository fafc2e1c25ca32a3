import assert from "node:assert/strict";
import { test } from "node:test";
import { Doubt } from "../../../gateway/drivers/common/doubt.ts";

test("without a command of ours every bolt that rests is taken", () => {
  const doubt = new Doubt(5_000);
  assert.ok(!doubt.isOpen);
  for (const bolt of ["secured", "released", "jammed", "unknown"] as const) assert.ok(doubt.takes(bolt, 0));
  assert.ok(!doubt.takes("moving", 0));
  assert.ok(!doubt.isOpen);
});

for (const [what, statuses, isOpen] of [
  ["nothing", [], true],
  ["an old copy", [["secured", 4_999]], true],
  ["secured when it must have moved", [["secured", 5_000]], false],
  ["moving", [["moving", 1_000]], true],
  ["released", [["released", 1_000]], false],
  ["jammed", [["jammed", 1_000]], false],
  [
    "moved there and back",
    [
      ["moving", 1_000],
      ["secured", 3_000],
    ],
    false,
  ],
] as const)
  test(`after our release, ${what}: the bolt is ${isOpen ? "in doubt" : "known"}`, () => {
    const doubt = new Doubt(5_000);
    doubt.raise("released", 0);
    for (const [bolt, askedAt] of statuses) doubt.takes(bolt, askedAt);
    assert.equal(doubt.isOpen, isOpen);
  });

test("secured after our release was seen: any status tells; told to secure before that, an old copy still tells nothing", () => {
  const seen = new Doubt(5_000);
  seen.raise("released", 0);
  seen.takes("released", 1_000);
  seen.raise("secured", 2_000);
  assert.ok(seen.isOpen);
  assert.ok(seen.takes("secured", 2_000));

  const unseen = new Doubt(5_000);
  unseen.raise("released", 0);
  unseen.raise("secured", 2_000);
  assert.ok(!unseen.takes("secured", 3_000));
  assert.ok(unseen.isOpen);
});
