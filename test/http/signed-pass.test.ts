/** Signed passes at a guard's gate that is cut off: what opens, how often, and what stands in the journal. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aGuardedGate, leasUid } from "../support/guarded-gate.ts";
import { aSignedPass, otherKey, passKeys, signedIds } from "../support/signed-passes.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aCredential, aDay, aGrant, blacklistRow, goneRow, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { anySite } from "../support/staffed-gate.ts";

let numbers = 0;
const nonce = () => `scan-signed-${String(++numbers).padStart(8, "0")}`;
type Gate = Awaited<ReturnType<typeof aGuardedGate>>;

const enterBy = async (gate: Gate, record_uid: string, number = nonce()) => {
  const { status, body } = await gate.enter({ record_uid, nonce: number });
  return status === 200 ? (body.reason ?? body.gate) : body.code;
};
const uid = "VIS-73911-TMN";
/** The row of the signed pass, as it comes when the line is back. */
const itsGrant = (gate: Gate, overrides: Parameters<typeof aGrant>[1] = {}) =>
  aGrant(signedIds.grant, {
    kind: "visitor",
    holder: { id: "person-max", name: "Max Visitor" },
    host: { id: "person-ana", name: "Ana Resident" },
    credentials: [
      aCredential("max", { id: signedIds.credential, kind: "pass", index: gate.site.seal.index("pass", uid) }),
    ],
    entriesAllowed: 1,
    ...overrides,
  });

describe("of which the gateway has never heard", () => {
  test("it lets in once; the guard sees that it is genuine, and the journal says how it was known", async () => {
    const gate = await aGuardedGate();
    const record_uid = aSignedPass();
    const { body } = await gate.check({ record_uid });
    assert.deepEqual([body.access_granted, body.reason], [true, null]);
    assert.partialDeepStrictEqual(body.visitor, {
      name: "",
      host_name: null,
      signed_only: true,
      entries_allowed: 1,
      entries_left: 1,
      valid_until: "2031-03-05T11:00:00.000Z",
    });
    assert.deepEqual(gate.heard, []);

    assert.equal(await enterBy(gate, record_uid), "open");
    assert.equal(await enterBy(gate, record_uid), "LIMIT_REACHED");
    assert.equal((await gate.check({ record_uid })).body.reason, "LIMIT_REACHED");

    const [admitted, ...more] = await gate.events("admitted");
    assert.partialDeepStrictEqual(admitted, {
      ...signedIds,
      via: "pass",
      left: 0,
      signed: { placed: 1, until: noon + aDay - 3_600_000 },
    });
    assert.deepEqual([more, gate.heard.length], [[], 1]);
    const status = async (language: string) =>
      (await gate.ask("GET", "/", { headers: { "accept-language": language } })).text;
    assert.match(await status("en"), /front: admitted by a signed pass, 0 entries left/);
    assert.match(await status("es"), /front: admitido por un pase firmado/);
  });

  test("another copy of it, made later, counts on the same entries", async () => {
    const gate = await aGuardedGate();
    const later = { from: noon - 60_000, until: noon + aDay - 60_000 };
    assert.equal(await enterBy(gate, aSignedPass({ entries: 2 })), "open");
    assert.equal(await enterBy(gate, aSignedPass({ entries: 2, validity: later })), "open");
    assert.equal(await enterBy(gate, aSignedPass({ entries: 2, validity: later })), "LIMIT_REACHED");
  });

  test("a gate that did not move gives the entry back", async () => {
    const gate = await aGuardedGate();
    gate.held.result = "refused";
    assert.equal(await enterBy(gate, aSignedPass()), "not-moved");
    gate.held.result = "confirmed";
    assert.equal(await enterBy(gate, aSignedPass()), "open");
    assert.equal(await enterBy(gate, aSignedPass()), "LIMIT_REACHED");
  });

  test("without a limit it opens as often as it is shown, at its home gate alone", async () => {
    const gate = await aGuardedGate();
    for (let time = 0; time < 3; time += 1) assert.equal(await enterBy(gate, aSignedPass({ entries: null })), "open");
    const elsewhere = aSignedPass({ entries: null, home: { gateway: "gateway-2", epoch: 1 } });
    assert.equal(await enterBy(gate, elsewhere), "HELD_AT_OTHER_GATE");
  });

  test("a guard's word that is sent again counts once, and its number is not another's", async () => {
    const gate = await aGuardedGate();
    const number = nonce();
    const two = aSignedPass({ entries: 2 });
    assert.equal(await enterBy(gate, two, number), "open");
    assert.equal(await enterBy(gate, two, number), "open");
    assert.equal((await gate.events("admitted")).length, 1);
    const another = aSignedPass({ grant: "grant-0000000000000000" });
    for (const other of [another, leasUid]) {
      const { status, body } = await gate.enter({ record_uid: other, nonce: number });
      assert.deepEqual([status, body.errors[0].field], [409, "body.nonce"]);
    }
    assert.equal(gate.heard.length, 1);
  });

  test("the guard sends its visitor away, or sees them leave", async () => {
    const gate = await aGuardedGate();
    const record_uid = aSignedPass({ entries: 2 });
    await gate.turnAway({ record_uid, nonce: nonce() });
    assert.equal(await enterBy(gate, record_uid), "open");
    const { body } = await gate.leave({ record_uid, nonce: nonce() });
    const [admitted] = [...gate.site.records.visits.newest()];
    assert.deepEqual([body.known, body.entry, admitted?.leftAt !== undefined], [true, admitted?.of, true]);
    assert.partialDeepStrictEqual(
      await gate.events("turned-away", "left"),
      [signedIds, signedIds].map(({ grant }) => ({ grant })),
    );
  });

  test("it says no in words: over, early, another door, another gate by its name, a card that is gone", async () => {
    const gate = await aGuardedGate();
    const peer = { id: "gateway-2", name: "South gate", epoch: 1, publicKey: "A".repeat(43) };
    await gate.send([{ kind: "gateway", id: peer.id, ver: 20, sum: "1", body: peer }]);
    const reasons = {
      QR_EXPIRED: [
        { validity: { from: noon - aDay, until: noon - 1_000 } },
        { home: { gateway: "gateway-1", epoch: 2 } },
      ],
      NOT_YET_VALID: [{ validity: { from: noon + 60_000, until: noon + aDay } }],
      WRONG_ACCESS_POINT: [{ accessPoints: ["back"] }],
      HELD_AT_OTHER_GATE: [{ home: { gateway: "gateway-2", epoch: 1 } }],
    };
    for (const [reason, passes] of Object.entries(reasons))
      for (const pass of passes)
        assert.equal((await gate.check({ record_uid: aSignedPass(pass) })).body.reason, reason);
    const elsewhere = aSignedPass({ home: { gateway: "gateway-2", epoch: 1 } });
    const { body } = await gate.check({ record_uid: elsewhere }, { "accept-language": "es" });
    assert.match(body.message, /otra puerta.*South gate/);
    assert.deepEqual(gate.heard, []);
  });

  test("a forged one, another site's, one of a key that is over: nobody's pass", async () => {
    const gate = await aGuardedGate();
    const good = aSignedPass();
    const forged = [
      aSignedPass({}, otherKey),
      aSignedPass({ site: "site-2" }),
      good.slice(0, -1),
      `${good}0`,
      good.toLowerCase(),
      `${good.slice(0, 60)}${good[60] === "0" ? "1" : "0"}${good.slice(61)}`,
    ];
    for (const record_uid of forged) {
      const { body } = await gate.check({ record_uid });
      assert.deepEqual([body.reason, body.visitor], ["OFFLINE_NO_CACHE", null], record_uid);
    }
    const keys = (changes: object) =>
      gate.send([
        siteRow(anySite({ offlineMaxAgeMs: { ...anySite().offlineMaxAgeMs, visitor: null }, ...changes }), 30),
      ]);
    await keys({ passKeys: [{ ...passKeys[0], until: noon - 60_000 }] });
    assert.equal((await gate.check({ record_uid: good })).body.reason, "OFFLINE_NO_CACHE");
    await keys({});
    assert.equal((await gate.check({ record_uid: good })).body.reason, "OFFLINE_NO_CACHE");
    await keys({ passKeys });
    assert.equal((await gate.check({ record_uid: good })).body.access_granted, true);
  });
});

describe("what is known here goes before the signature", () => {
  test("withdrawn, barred, or in a set that is still arriving", async () => {
    for (const [row, reason] of [
      [goneRow("grant", signedIds.grant, 40, [signedIds.grant]), "REVOKED"],
      [goneRow("grant", signedIds.grant, 40, [signedIds.credential]), "REVOKED"],
      [blacklistRow("b1", "grant", signedIds.grant, 40), "BLACKLISTED"],
      [blacklistRow("b1", "credential", signedIds.credential, 40), "BLACKLISTED"],
    ] as const) {
      const gate = await aGuardedGate();
      await gate.send([row]);
      assert.equal(await enterBy(gate, aSignedPass()), reason);
    }
    const gate = await aGuardedGate();
    await gate.send([grantRow(itsGrant(gate), 40)], { complete: false });
    assert.equal(await enterBy(gate, aSignedPass()), "OFFLINE_STALE");
    await gate.send([]);
    assert.equal(await enterBy(gate, aSignedPass()), "open");
  });

  test("its row comes later: both forms draw from one count, and whose it was is known", async () => {
    const gate = await aGuardedGate();
    assert.equal(await enterBy(gate, aSignedPass({ entries: 2 })), "open");
    await gate.send([grantRow(itsGrant(gate, { entriesAllowed: 2 }), 40)]);
    const { body } = await gate.check({ record_uid: aSignedPass({ entries: 2 }) });
    assert.partialDeepStrictEqual(body.visitor, { name: "Max Visitor", signed_only: false, entries_left: 1 });
    assert.equal(await enterBy(gate, uid), "open");
    for (const last of [uid, aSignedPass({ entries: 2 })]) assert.equal(await enterBy(gate, last), "LIMIT_REACHED");
    const { body: list } = await gate.read("/visits?limit=10");
    assert.deepEqual(list.items.map(({ name }: { name: string }) => name).slice(-2), ["Max Visitor", "Max Visitor"]);
  });

  test("its row was here first: the row decides, and the signature adds no entry", async () => {
    const gate = await aGuardedGate();
    await gate.send([grantRow(itsGrant(gate), 40)]);
    assert.equal(await enterBy(gate, uid), "open");
    assert.equal(await enterBy(gate, aSignedPass({ entries: 9 })), "LIMIT_REACHED");
    const [admitted] = await gate.events("admitted");
    assert.ok(admitted && !("signed" in admitted));
    await gate.send([grantRow({ ...itsGrant(gate), revoked: true }, 41)]);
    assert.equal(await enterBy(gate, aSignedPass()), "REVOKED");
  });

  test("a row that holds lets in whoever shows yesterday's code of it", async () => {
    const gate = await aGuardedGate();
    await gate.send([grantRow(itsGrant(gate), 40)]);
    const old = aSignedPass({ validity: { from: noon - 2 * aDay, until: noon - aDay } });
    assert.equal(await enterBy(gate, old), "open");
  });

  test("a revocation that comes while the admission is on its way to the disk", async () => {
    const disk = new SimDisk();
    const gate = await aGuardedGate({}, {}, disk);
    const slow = Promise.withResolvers<void>();
    disk.pause = ({ name }) => (name === "write" ? slow.promise : Promise.resolve());
    const entering = enterBy(gate, aSignedPass());
    const page = gate.send([goneRow("grant", signedIds.grant, 40, [signedIds.grant])]);
    slow.resolve();
    await page;
    assert.equal(await entering, "REVOKED");
    assert.deepEqual(gate.heard, []);
  });
});

describe("what was used stays used", () => {
  test("through a kill, with and without a snapshot, and long after the pass is over", async () => {
    for (const withSnapshot of [false, true]) {
      const disk = new SimDisk();
      const gate = await aGuardedGate({}, {}, disk);
      assert.equal(await enterBy(gate, aSignedPass()), "open");
      if (withSnapshot) await gate.snapshot();
      disk.kill();
      const again = await aGuardedGate({}, {}, disk);
      assert.equal(await enterBy(again, aSignedPass()), "LIMIT_REACHED");
      assert.deepEqual(again.heard, []);

      // A month after its end the row of a pass for a year comes at last.
      const at = noon + 40 * aDay;
      await again.site.journal.record({ kind: "tick", at, syncedAt: at, borneOut: true }).durable;
      const grant = itsGrant(again, { validity: { from: noon - aDay, until: noon + 300 * aDay } });
      await again.send([grantRow(grant, 40)]);
      assert.deepEqual(again.site.records.rights(grant), { held: 0, elsewhere: false });
    }
  });

  test("killed while the admission is on its way to the disk: nothing had opened, and it opens once at most", async () => {
    const disk = new SimDisk();
    const gate = await aGuardedGate({}, {}, disk);
    disk.pause = ({ name }) => (name === "write" ? new Promise(() => undefined) : Promise.resolve());
    void enterBy(gate, aSignedPass());
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(gate.heard, []);
    disk.kill();
    disk.pause = undefined;
    const again = await aGuardedGate({}, {}, disk);
    await enterBy(again, aSignedPass());
    assert.equal(await enterBy(again, aSignedPass()), "LIMIT_REACHED");
    assert.ok(again.heard.length <= 1);
  });

  test("a hundred at once with one of seven entries", async () => {
    const gate = await aGuardedGate();
    const pass = aSignedPass({ entries: 7 });
    let opened = 0;
    for (let round = 0; round < 10; round += 1) {
      const ended = await Promise.all(Array.from({ length: 10 }, () => enterBy(gate, pass)));
      opened += ended.filter((one) => one === "open").length;
      gate.pass(1_000);
    }
    assert.deepEqual([opened, gate.heard.length], [7, 7]);
  });
});

test("the guard's page shows it, without an error and in both languages", async () => {
  const gate = await aGuardedGate();
  for (const [language, words] of [
    ["en", /Signed pass.*It is genuine/s],
    ["es", /Pase firmado.*Es auténtico/s],
  ] as const) {
    const headers = { "accept-language": language };
    const form = { uid: aSignedPass(), gate: "front" };
    const checked = await gate.ask("POST", "/guard/check", { form, cookie: gate.cookie, headers });
    const page = await gate.ask("GET", checked.headers.get("location") ?? "", { cookie: gate.cookie, headers });
    assert.match(page.text, words);
  }
});
