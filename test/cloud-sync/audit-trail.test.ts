/** The audit trail: chained, append-only, in the transaction of the change, and no place for secrets or names. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sql } from "drizzle-orm";
import { difference } from "../../cloud-sync/domain/audit-body.ts";
import { destroyKeysBefore, destroyKeysOf } from "../../cloud-sync/store/audit-keys.ts";
import {
  auditStart,
  listAudit,
  readAuditBodies,
  recordAudit,
  toAuditBody,
} from "../../cloud-sync/store/audit-trail.ts";
import { listSecurity, recordSecurity, resolveSecurity } from "../../cloud-sync/store/security-events.ts";
import type { Store } from "../../cloud-sync/store/store.ts";
import { chainNext } from "../../gateway/wire/journal-line.ts";
import { memoryStore } from "../support/memory-store.ts";

const noon = Date.UTC(2031, 2, 4, 12);
const from = { address: "192.0.2.7", device: "curl/8" };
const entry = { site: "hill", actor: "admin", from, action: "grants.change", thing: "grant-1" };

let store: Store;
before(async () => {
  store = await memoryStore();
});
after(() => store.close());

describe("what an entry says of a change", () => {
  for (const [what, before, after, said] of [
    [
      "only what differs",
      { until: 1, title: "A", doors: ["x"] },
      { until: 2, title: "A", doors: ["x"] },
      { before: { until: 1 }, after: { until: 2 } },
    ],
    ["what is made", undefined, { title: "A" }, { before: null, after: { title: "A" } }],
    ["what is gone", { title: "A" }, undefined, { before: { title: "A" }, after: null }],
    [
      "that a secret is another one, and not which",
      { code: "458723", name: "Ann", x: 1 },
      { code: "458724", name: "Bo", x: 1 },
      { before: { code: "changed", name: "changed" }, after: { code: "changed", name: "changed" } },
    ],
    [
      "no secret in depth",
      undefined,
      { codes: [{ id: "c", value: "458723" }], holder: { id: "p", name: "Ann" } },
      { before: null, after: { codes: [{ id: "c", value: "changed" }], holder: { id: "p", name: "changed" } } },
    ],
    ["that a field has come", { a: 1 }, { a: 1, b: 2 }, { before: { b: null }, after: { b: 2 } }],
  ] as const)
    test(what, () => {
      assert.deepEqual(difference(before, after), said);
    });
});

describe("the chain", () => {
  test("each site has its own, numbered without a hole; what was taken back is not in it", async () => {
    const note = (site: string | undefined, action: string) =>
      store.transaction((tx) => recordAudit(tx, { ...entry, site, action }, noon));
    await note("hill", "grants.create");
    await note(undefined, "people.create");
    const lost = store.transaction(async (tx) => {
      await recordAudit(tx, { ...entry, action: "grants.lost" }, noon);
      throw new Error("taken back");
    });
    await assert.rejects(lost, /taken back/);
    await note("hill", "grants.revoke");

    const rows = (await listAudit(store.db, { limit: 10 })).reverse();
    assert.deepEqual(
      rows.map(({ siteId, seq, action }) => [siteId, seq, action]),
      [
        ["*", 1, "people.create"],
        ["hill", 1, "grants.create"],
        ["hill", 2, "grants.revoke"],
      ],
    );
    const [, first, second] = rows;
    assert.equal(first!.chain, chainNext(auditStart("hill"), first!.body));
    assert.equal(second!.chain, chainNext(first!.chain, second!.body));
    const [said] = await readAuditBodies(store.db, [second!]);
    assert.deepEqual([said?.actor, said?.at, said?.from], ["admin", noon, from]);
  });

  test("many at once stand in one chain", async () => {
    const before = await listAudit(store.db, { sites: ["hill"], limit: 100 });
    const note = () => store.transaction((tx) => recordAudit(tx, { ...entry, action: "grants.many" }, noon));
    await Promise.all(Array.from({ length: 12 }, note));
    const rows = (await listAudit(store.db, { sites: ["hill"], limit: 100 })).reverse();
    assert.equal(rows.length, before.length + 12);
    let chain = auditStart("hill");
    for (const [index, row] of rows.entries()) {
      assert.equal(row.seq, index + 1);
      chain = chainNext(chain, row.body);
      assert.equal(row.chain, chain);
    }
  });

  test("the database refuses to change or remove an entry", async () => {
    for (const change of [sql`update audit_entry set actor = 'nobody'`, sql`delete from audit_entry`])
      await assert.rejects(store.db.execute(change), ({ cause }: Error) => /append-only/.test(String(cause)));
  });

  test("a change that fills pages is told by its length", async () => {
    const facts = { windows: "x".repeat(20_000) };
    await store.transaction((tx) => recordAudit(tx, { ...entry, site: "far", after: facts }, noon));
    const [row] = await listAudit(store.db, { sites: ["far"], limit: 1 });
    assert.ok(row!.body.length < 500);
    assert.deepEqual(toAuditBody(row!).before, null);
    assert.deepEqual(Object.keys(toAuditBody(row!).after ?? {}), ["tooLong"]);
  });
});

describe("where an entry came from", () => {
  const note = (actor: string, at: number) =>
    store.transaction((tx) => recordAudit(tx, { ...entry, site: "seals", actor }, at));
  const origins = async (actor: string) =>
    (await readAuditBodies(store.db, await listAudit(store.db, { actor, limit: 10 }))).map(({ from }) => from);
  const gone = { address: "erased", device: "erased" };

  test("stands there sealed, and only with its key is it to be had", async () => {
    await note("person-1", noon);
    await note("person-2", noon);
    const rows = await listAudit(store.db, { sites: ["seals"], limit: 10 });
    for (const { body } of rows) assert.doesNotMatch(body, /192\.0\.2\.7|curl/);
    assert.deepEqual([await origins("person-1"), await origins("person-2")], [[from], [from]]);

    await store.transaction((tx) => destroyKeysOf(tx, "person-1"));
    assert.deepEqual([await origins("person-1"), await origins("person-2")], [[gone], [from]]);
    await note("person-1", noon);
    assert.deepEqual(await origins("person-1"), [from, gone], "a later key opens nothing of before");
  });

  test("is forgotten by days, a bounded number of keys at a time", async () => {
    const dayMs = 24 * 3_600_000;
    for (const at of [noon, noon + dayMs, noon + 2 * dayMs]) await note("person-3", at);
    const forget = (before: number, limit: number) => store.transaction((tx) => destroyKeysBefore(tx, before, limit));
    assert.equal(await forget(noon + dayMs, 1), 1, "of that day and its actors one");
    assert.ok((await forget(noon + dayMs, 100)) > 0);
    assert.equal(await forget(noon + dayMs, 100), 0);
    assert.deepEqual(await origins("person-3"), [from, from, gone]);
  });

  test("is bound to its entry: moved to another one it is nobody's", async () => {
    await note("person-4", noon);
    const [row] = await listAudit(store.db, { actor: "person-4", limit: 1 });
    const moved = { ...row!, body: JSON.stringify({ ...toAuditBody(row!), seq: row!.seq + 1 }) };
    const [said] = await readAuditBodies(store.db, [moved]);
    assert.deepEqual(said?.from, gone);
  });
});

describe("security events", () => {
  test("the same within the hour is one row that counts, and opens again when it was resolved", async () => {
    const burst = { kind: "sign-in-burst", severity: "warning", subject: "person-1", address: "192.0.2.7" } as const;
    for (let times = 0; times < 3; times += 1) await recordSecurity(store.db, burst, noon + times);
    await recordSecurity(store.db, { ...burst, subject: "person-2" }, noon + 10);
    const [other, first] = await listSecurity(store.db, { limit: 10 });
    assert.deepEqual([first?.count, first?.firstAt, first?.lastAt, other?.count], [3, noon, noon + 2, 1]);

    await store.transaction((tx) => resolveSecurity(tx, first!.id, "admin", noon + 20));
    assert.deepEqual(
      (await listSecurity(store.db, { resolved: true, limit: 10 })).map(({ id, resolvedBy }) => [id, resolvedBy]),
      [[first!.id, "admin"]],
    );
    await recordSecurity(store.db, { ...burst, address: "192.0.2.8" }, noon + 30);
    const open = await listSecurity(store.db, { kind: "sign-in-burst", resolved: false, limit: 10 });
    assert.deepEqual(
      open.map(({ subject, count, address }) => [subject, count, address]),
      [
        ["person-1", 4, "192.0.2.8"],
        ["person-2", 1, "192.0.2.7"],
      ],
    );
    await recordSecurity(store.db, burst, noon + 3_600_000);
    assert.equal((await listSecurity(store.db, { limit: 10 })).length, 3);
    assert.equal(await store.transaction((tx) => resolveSecurity(tx, "sec-none", "admin", noon)), undefined);
  });
});
