/** A guard at the gateway's own page, without a cloud: who is let in, what is counted, and what a request that is sent again does. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { logEntry } from "../../gateway/flows/guard-scan.ts";
import { aGuardedGate, leasUid } from "../support/guarded-gate.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aCredential, aDay, aGrant, blacklistRow, goneRow, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { anySite, rosa } from "../support/staffed-gate.ts";

const uid = leasUid;
const nonce = "scan-0000-0000-0001";

describe("may this visitor come in", () => {
  test("yes, with what the guard has to know, and nothing is counted or opened", async () => {
    const { check, heard, events } = await aGuardedGate({ entriesAllowed: 3 });
    const { status, body } = await check({ record_uid: uid });
    assert.equal(status, 200);
    assert.deepEqual([body.access_granted, body.reason], [true, null]);
    assert.deepEqual(body.visitor, {
      name: "Lea Visitor",
      type: "Guest",
      host_name: "Ana Resident",
      document_num: "X-77",
      notes: "brings a dog",
      valid_until: "2031-03-05T12:00:00.000Z",
      entries_used: 0,
      entries_allowed: 3,
      entries_left: 3,
      last_photo: null,
      signed_only: false,
    });
    assert.deepEqual(heard, []);
    assert.deepEqual(await events("admitted", "denied"), []);
  });

  test("however the code is typed", async () => {
    const { check } = await aGuardedGate();
    for (const typed of ["vis 10482 kqx", "VIS1O482KQX", " vis–I0482–kqx\n"])
      assert.equal((await check({ record_uid: typed })).body.access_granted, true, typed);
  });

  for (const [what, overrides, reason, en] of [
    ["it is over", { validity: { from: noon - aDay, until: noon - 1 } }, "QR_EXPIRED", /expired/],
    ["it has not begun", { validity: { from: noon + 60_000, until: noon + aDay } }, "NOT_YET_VALID", /not valid yet/],
    ["all entries are used", { entriesAllowed: 0 }, "LIMIT_REACHED", /have been used/],
    ["it was withdrawn", { revoked: true }, "REVOKED", /withdrawn/],
    ["it is for another gate", { accessPoints: ["back"] }, "WRONG_ACCESS_POINT", /not at this door/],
  ] as const)
    test(`no: ${what}`, async () => {
      const { check, events } = await aGuardedGate(overrides);
      const { body } = await check({ record_uid: uid });
      assert.deepEqual([body.access_granted, body.reason], [false, reason]);
      assert.match(body.message, en);
      const [denied] = await events("denied");
      assert.deepEqual(
        [denied && "scan" in denied && denied.scan, denied && "reason" in denied && denied.reason],
        [{ staff: rosa.id }, reason],
      );
    });

  test("no: on the blacklist, unknown, stale, in a lockdown; in the guard's language", async () => {
    const { check, send } = await aGuardedGate();
    const reason = async (record_uid = uid) => (await check({ record_uid })).body.reason;
    assert.equal(await reason("VIS-00000-AAA"), "OFFLINE_NO_CACHE");
    await send([blacklistRow("b1", "document", "X-77", 9)]);
    assert.equal(await reason(), "BLACKLISTED");
    await send([siteRow(anySite({ lockdown: true }), 10)]);
    assert.equal(await reason(), "LOCKDOWN");
    const { body } = await check({ record_uid: uid }, { "accept-language": "es-MX,en;q=0.5" });
    assert.match(body.message, /cerrado por seguridad/);
    const stale = await aGuardedGate({}, { visitor: 0 });
    assert.equal((await stale.check({ record_uid: uid })).body.reason, "OFFLINE_STALE");
  });

  test("no: the disk has failed, so nobody could be let in", async () => {
    const disk = new SimDisk();
    const { check, enter } = await aGuardedGate({}, {}, disk);
    disk.fault = ({ name }) => (name === "write" ? "EIO" : undefined);
    assert.equal((await enter({ record_uid: uid, nonce })).status, 500);
    for (const record_uid of [uid, "VIS-00000-AAA"]) {
      const { status, body } = await check({ record_uid });
      assert.deepEqual([status, body.access_granted, body.reason], [200, false, "STORAGE_FULL"]);
    }
    assert.equal((await enter({ record_uid: uid, nonce })).body.reason, "STORAGE_FULL");
  });

  test("nobody asks who has not signed in, names another guard, or a gate that is not here", async () => {
    const { ask, check } = await aGuardedGate();
    const unknown = await ask("POST", "/validate-qr", { json: { record_uid: uid } });
    assert.equal(unknown.status, 401);
    assert.equal((await check({ record_uid: uid, guard_id: "person-other" })).status, 403);
    assert.equal((await check({ record_uid: uid, guard_id: rosa.id })).status, 200);
    const { status, body } = await check({ record_uid: uid, access_point: "nowhere" });
    assert.deepEqual([status, body.errors[0].field], [400, "body.access_point"]);
    assert.equal((await check({ record_uid: "x".repeat(2_049) })).status, 400);
    assert.equal((await check({ record_uid: "x".repeat(20_000) })).status, 413);
  });
});

test("who scanned whom is told to those alone who work here", async () => {
  const { enter, ask, cookie } = await aGuardedGate();
  await enter({ record_uid: uid, nonce });
  const seen = async (headers: { cookie?: string }) => (await ask("GET", "/api/events", headers)).text;
  assert.match(await seen({ cookie }), /"admitted".*person-rosa|person-rosa.*"admitted"/s);
  assert.doesNotMatch(await seen({}), new RegExp(nonce));
});

describe("letting the visitor in", () => {
  test("is written down with the guard before the gate moves, and counts once however often it is sent", async () => {
    const { enter, heard, events } = await aGuardedGate({ entriesAllowed: 2 });
    const first = await enter({ record_uid: uid, nonce });
    assert.deepEqual([first.body.access_granted, first.body.gate, first.body.visitor.entries_left], [true, "open", 1]);
    const again = await enter({ record_uid: uid, nonce });
    assert.deepEqual(again.body, first.body);
    assert.equal(heard.length, 1);
    const [admitted] = await events("admitted");
    assert.deepEqual(admitted && "scan" in admitted && admitted.scan, { staff: rosa.id, nonce });
    assert.equal(heard[0], `release, ${first.body.entry} on the disk`);
    assert.equal((await enter({ record_uid: uid, nonce: `${nonce}-2` })).body.visitor.entries_left, 0);
    const third = await enter({ record_uid: uid, nonce: `${nonce}-3` });
    assert.deepEqual([third.body.access_granted, third.body.reason, third.body.entry], [false, "LIMIT_REACHED", null]);
  });

  test("two guards at one moment with one entry left: one visitor comes in", async () => {
    const { enter, heard } = await aGuardedGate({ entriesAllowed: 1 });
    const both = await Promise.all(
      ["a", "b", "c", "d"].map((guard) => enter({ record_uid: uid, nonce: `${nonce}-${guard}` })),
    );
    assert.deepEqual(
      both.map(({ body }) => body.reason).sort(),
      ["LIMIT_REACHED", "LIMIT_REACHED", "LIMIT_REACHED", null].sort(),
    );
    assert.equal(heard.length, 1);
  });

  test("whoever is taken off the list while they wait at the gate lets nobody in", async () => {
    const { site, enter, held, heard, send, events } = await aGuardedGate({ entriesAllowed: 3 });
    held.release = Promise.withResolvers<void>();
    const scanned = { staff: rosa, accessPoint: "front", uid };
    const first = logEntry(site, scanned, { nonce });
    const second = logEntry(site, scanned, { nonce: "scan-0000-0000-0002" });
    while (heard.length === 0) await new Promise((done) => setImmediate(done));
    await send([goneRow("staff", rosa.id, 9)]);
    held.release.resolve();
    assert.equal((await first).outcome, "released", "it had been let in before");
    assert.equal((await second).outcome, "unanswered");
    assert.deepEqual([heard.length, (await events("admitted")).length], [1, 1]);
    assert.equal((await enter({ record_uid: uid, nonce: "scan-0000-0000-0002" })).status, 401);
  });

  test("a press that is ten seconds old when it arrives opens nothing, and is told what became of it if it had", async () => {
    const { enter, heard, events } = await aGuardedGate({ entriesAllowed: 3 });
    assert.equal((await enter({ record_uid: uid, nonce, age_ms: 10_001 })).status, 503);
    assert.deepEqual([heard.length, (await events("admitted")).length], [0, 0]);
    assert.equal((await enter({ record_uid: uid, nonce, age_ms: 9_000 })).body.access_granted, true);
    const late = await enter({ record_uid: uid, nonce, age_ms: 600_000 });
    assert.deepEqual([late.status, late.body.access_granted, heard.length], [200, true, 1]);
  });

  test("a number of another pass counts nothing", async () => {
    const { enter, send, site } = await aGuardedGate();
    const other = aGrant("other", {
      credentials: [aCredential("other", { kind: "pass", index: site.seal.index("pass", "VIS-20000-AAA") })],
    });
    await send([grantRow(other, 9)]);
    await enter({ record_uid: uid, nonce });
    const { status, body } = await enter({ record_uid: "VIS-20000-AAA", nonce });
    assert.deepEqual([status, body.errors[0].field], [409, "body.nonce"]);
    assert.equal((await enter({ record_uid: uid, nonce: "short" })).status, 400);
  });

  test("a gate that certainly did not move gives the entry back, and says so once more when it is asked again", async () => {
    const { enter, held, check } = await aGuardedGate({ entriesAllowed: 1 });
    held.result = "refused";
    const { body } = await enter({ record_uid: uid, nonce });
    assert.deepEqual([body.access_granted, body.gate, body.entry], [false, "not-moved", null]);
    held.result = "confirmed";
    assert.equal((await enter({ record_uid: uid, nonce })).body.gate, "not-moved");
    assert.equal((await check({ record_uid: uid })).body.visitor.entries_left, 1);
  });

  test("the plug is pulled after the gate was told: the retry counts nothing, and says that nobody knows", async () => {
    const disk = new SimDisk();
    const before = await aGuardedGate({ entriesAllowed: 1 }, {}, disk);
    before.held.release = Promise.withResolvers<void>();
    void before.enter({ record_uid: uid, nonce }).catch(() => undefined);
    while (before.heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
    disk.kill();

    const after = await aGuardedGate({ entriesAllowed: 1 }, {}, disk);
    const { body } = await after.enter({ record_uid: uid, nonce });
    assert.deepEqual([body.access_granted, body.gate, body.visitor.entries_left], [true, "unknown", 0]);
    assert.deepEqual(after.heard, []);
    assert.equal((await after.enter({ record_uid: uid, nonce: `${nonce}-2` })).body.reason, "LIMIT_REACHED");
  });
});
