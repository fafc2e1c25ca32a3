import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { rowSum, toFeedRow, type WireRow, wireRowSchema } from "../../gateway/wire/feed.ts";
import fc from "../support/fast-check.ts";
import { aCredential, aGrant, aSite } from "../support/site-fixture.ts";

const wire = (row: object) => wireRowSchema.parse(JSON.parse(JSON.stringify(row)));
const aWireGrant = (overrides: object = {}) => ({
  kind: "grant",
  id: "g",
  ver: 4,
  body: { ...aGrant("g"), ...overrides },
  granted: 2,
});

test("the golden rows have the sums another program gave them", () => {
  const rows = JSON.parse(readFileSync(join(import.meta.dirname, "golden/row-sum.json"), "utf8"));
  for (const { sum, ...row } of rows) assert.equal(rowSum(row), sum);
});

test("a sum does not change on the wire, and depends on kind, id, version and body", () => {
  const bodies = fc.dictionary(
    fc.string().filter((name) => name !== "__proto__"),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(bodies, (body) => {
      const row = { kind: "grant", id: "g", ver: 4, body };
      assert.equal(rowSum(wire(row)), rowSum(row));
      assert.equal(toFeedRow(wire(row)).sum, rowSum(row));
    }),
  );
  const row = aWireGrant();
  const others = [
    row,
    { ...row, kind: "site" },
    { ...row, id: "h" },
    { ...row, ver: 5 },
    { ...row, body: {} },
    { ...row, body: undefined },
  ];
  assert.equal(new Set(others.map(rowSum)).size, others.length);
  assert.equal(rowSum({ ...row, granted: 9 } as typeof row), rowSum(row));
});

test("a row that is understood keeps fields nobody knows yet", () => {
  const row = toFeedRow(
    wire({ ...aWireGrant({ scent: "lavender", credentials: [{ ...aCredential("g"), tone: 5 }] }), revoked: ["c-1"] }),
  );
  assert.ok(row.kind === "grant");
  assert.equal((row.body as { scent?: string }).scent, "lavender");
  assert.equal((row.body.credentials[0] as { tone?: number }).tone, 5);
  assert.deepEqual([row.granted, row.revoked, row.ver], [2, ["c-1"], 4]);
});

const aWireIntegration = {
  kind: "integration",
  id: "g-1:kisi",
  ver: 1,
  body: { id: "g-1:kisi", gateway: "g-1", provider: "kisi", enabled: true, sealed: "x" },
};

test("a kind or a shape this version cannot read is unreadable, and still counted", () => {
  const bad: object[] = [
    { kind: "weather", id: "w", ver: 1, body: { rain: true } },
    { kind: "grant", id: "g", ver: 1 },
    aWireGrant({ kind: "parcel-robot" }),
    aWireGrant({ validity: { from: "soon", until: 5 } }),
    aWireGrant({ schedule: { windows: [{ days: [1], from: "8am", until: "6pm" }] } }),
    aWireGrant({ schedule: null }),
    aWireGrant({ entriesAllowed: -1 }),
    aWireGrant({ limitMode: "maybe" }),
    aWireGrant({ revoked: "no" }),
    aWireGrant({ credentials: [{ ...aCredential("g"), index: "short" }] }),
    { kind: "site", id: "s", ver: 1, body: { ...aSite(), lockdown: "yes" } },
    { kind: "blacklist", id: "b", ver: 1, body: { id: "b", subject: "vehicle", value: "x" } },
    { kind: "hold-open", id: "front", ver: 1, body: { id: "h", from: 0 } },
    { kind: "hold-open", id: "front", ver: 1, body: { id: "h", from: 5, until: 5 } },
    { kind: "hold-open", id: "front", ver: 1, body: { id: "h", from: 0, until: 24 * 3_600_000 + 1 } },
    { ...aWireIntegration, body: { ...aWireIntegration.body, enabled: "yes" } },
    { ...aWireIntegration, body: { ...aWireIntegration.body, id: "g-2:kisi" } },
    { ...aWireIntegration, body: { ...aWireIntegration.body, sealed: "x".repeat(40_000) } },
  ];
  assert.equal(toFeedRow(wire(aWireIntegration)).kind, "integration");
  for (const row of bad) {
    const { kind, of, sum } = toFeedRow(wire(row)) as { kind: string; of?: string; sum: string };
    assert.deepEqual(
      [kind, of, sum],
      ["unreadable", (row as WireRow).kind, rowSum(row as WireRow)],
      JSON.stringify(row),
    );
  }
});

test("what a newer cloud adds does not take the rest with it", () => {
  const site = toFeedRow(
    wire({ kind: "site", id: "s", ver: 1, body: { ...aSite(), offlineMaxAgeMs: { stay: null, "parcel-robot": 5 } } }),
  );
  assert.equal(site.kind, "site");
  const grant = toFeedRow(
    wire(aWireGrant({ credentials: [aCredential("pin"), { ...aCredential("face"), kind: "face" }] })),
  );
  assert.equal(grant.kind, "grant");
});

test("a tombstone needs no body and repeats what was revoked for ever", () => {
  const row = toFeedRow(wire({ kind: "grant", id: "g", ver: 9, gone: true, revoked: ["g", "c-1"] }));
  assert.deepEqual(row, {
    kind: "gone",
    of: "grant",
    id: "g",
    ver: 9,
    revoked: ["g", "c-1"],
    sum: rowSum({ kind: "grant", id: "g", ver: 9 }),
  });
});

test("no row that fits the envelope makes it throw", () => {
  const rows = fc.record(
    {
      kind: fc.oneof(
        fc.constantFrom("grant", "site", "blacklist", "hold-open", "integration"),
        fc.string({ minLength: 1, maxLength: 32 }),
      ),
      id: fc.string({ minLength: 1, maxLength: 128 }),
      ver: fc.integer({ min: 1 }),
      gone: fc.constant(true as const),
      body: fc.dictionary(fc.constantFrom(...Object.keys(aGrant("g")), "zone", "subject"), fc.jsonValue()),
      granted: fc.nat(),
    },
    { requiredKeys: ["kind", "id", "ver"] },
  );
  fc.assert(
    fc.property(rows, (row) => void toFeedRow(wire(row))),
    { numRuns: 1000 },
  );
});
