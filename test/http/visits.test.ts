/** What a guard writes of a visit besides the scan: photos, visitors sent away, walk-ins, exits, and the list of visits. Without a cloud. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aGuardedGate, leasUid } from "../support/guarded-gate.ts";
import { Random } from "../support/random.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { blacklistRow } from "../support/site-fixture.ts";
import { rosa } from "../support/staffed-gate.ts";

const uid = leasUid;
const nonce = (number: number) => `visit-0000-0000-${String(number).padStart(4, "0")}`;
const aJpeg = (mark: number, length = 1_000) => Uint8Array.from([0xff, 0xd8, 0xff, mark, ...new Uint8Array(length)]);

describe("a photo", () => {
  test("is on the disk before it is answered, named by its hash, and shown to staff alone", async () => {
    const disk = new SimDisk();
    const gate = await aGuardedGate({}, {}, disk);
    const { status, body } = await gate.photo(aJpeg(1));
    assert.equal(status, 200);
    assert.match(body.sha256, /^[\da-f]{64}$/);
    assert.deepEqual((await gate.photo(aJpeg(1))).body, body, "the same once more is the same");
    assert.deepEqual(gate.attachments.waiting(), [body.sha256]);
    assert.equal((await gate.ask("GET", `/photos/${body.sha256}`)).status, 401);
    const shown = await gate.ask("GET", `/photos/${body.sha256}`, { cookie: gate.cookie });
    assert.deepEqual([shown.status, shown.headers.get("content-type")], [200, "image/jpeg"]);

    disk.crash(new Random(7));
    const again = await aGuardedGate({}, {}, disk);
    assert.deepEqual(again.attachments.waiting(), [body.sha256]);
    assert.equal((await again.ask("GET", `/photos/${body.sha256}`, { cookie: again.cookie })).status, 200);
  });

  test("stands with the entry, and is shown at the visitor's next one", async () => {
    const { photo, enter, check, events } = await aGuardedGate();
    const { sha256 } = (await photo(aJpeg(1))).body;
    const { body } = await enter({ record_uid: uid, nonce: nonce(1), photo: sha256 });
    assert.equal(body.access_granted, true);
    const [admitted] = await events("admitted");
    assert.deepEqual(admitted && "scan" in admitted && admitted.scan, {
      staff: rosa.id,
      nonce: nonce(1),
      photo: sha256,
    });
    assert.equal((await check({ record_uid: uid })).body.visitor.last_photo, sha256);
  });

  test("what is none, too large, unknown or missing is refused by its field, and nothing is counted", async () => {
    const gate = await aGuardedGate({}, {}, new SimDisk(), { photo: "required" });
    const { photo, enter, events } = gate;
    assert.equal((await photo(Uint8Array.of(1, 2, 3, 4))).status, 415);
    assert.equal((await photo(aJpeg(1, 2 ** 21))).status, 413);
    const missing = await enter({ record_uid: uid, nonce: nonce(1) });
    assert.deepEqual([missing.status, missing.body.errors?.[0]?.field ?? missing.body.detail], [400, "body.photo"]);
    const unknown = await enter({ record_uid: uid, nonce: nonce(1), photo: "a".repeat(64) });
    assert.equal(unknown.status, 400);
    assert.deepEqual(await events("admitted"), []);
    const { sha256 } = (await photo(aJpeg(2))).body;
    assert.equal((await enter({ record_uid: uid, nonce: nonce(1), photo: sha256 })).body.access_granted, true);
  });

  test("no room for photos keeps nobody out", async () => {
    const { photo, enter } = await aGuardedGate({}, {}, new SimDisk(), { photo: "required" });
    for (let mark = 0; mark < 4; mark += 1)
      assert.equal((await photo(aJpeg(mark, 2 ** 21 - 10))).status, mark < 4 ? 200 : 507);
    assert.equal((await photo(aJpeg(9, 2 ** 21 - 10))).status, 507);
    assert.equal((await enter({ record_uid: uid, nonce: nonce(1) })).body.access_granted, true);
  });
});

describe("a visitor leaves", () => {
  test("by the pass: of a party the first goes first, and a request that is sent again ends one visit", async () => {
    const { enter, leave, events } = await aGuardedGate();
    const first = (await enter({ record_uid: uid, nonce: nonce(1) })).body.entry;
    const second = (await enter({ record_uid: uid, nonce: nonce(2) })).body.entry;
    const gone = await leave({ record_uid: uid, nonce: nonce(3) });
    assert.deepEqual([gone.body.known, gone.body.entry, gone.body.visitor.name], [true, first, "Lea Visitor"]);
    assert.equal((await leave({ record_uid: uid, nonce: nonce(3) })).body.entry, first);
    assert.equal((await events("left")).length, 1);
    assert.equal((await leave({ record_uid: uid, nonce: nonce(4) })).body.entry, second);
    const others = await leave({ entry: first, nonce: nonce(4) });
    assert.equal(others.status, 404, "that number ended another visit");
    const nobody = await leave({ record_uid: uid, nonce: nonce(5) });
    const exits = (await events("left")).length;
    const later = (await enter({ record_uid: uid, nonce: nonce(6) })).body.entry;
    assert.deepEqual(
      (await leave({ record_uid: uid, nonce: nonce(5) })).body.entry,
      null,
      "it was of an earlier moment",
    );
    assert.equal((await events("left")).length, exits);
    assert.equal((await leave({ record_uid: uid, nonce: nonce(7) })).body.entry, later);
    assert.deepEqual([nobody.body.known, nobody.body.entry], [true, null]);
  });

  test("a pass that is nobody's writes nothing down; an entry that is over cannot end again", async () => {
    const { enter, leave, events } = await aGuardedGate();
    const { body } = await leave({ record_uid: "VIS-00000-AAA", nonce: nonce(1) }, { "accept-language": "es" });
    assert.deepEqual([body.known, body.entry], [false, null]);
    assert.match(body.message, /no es válido/);
    assert.deepEqual(await events("left"), []);
    const { entry } = (await enter({ record_uid: uid, nonce: nonce(2) })).body;
    assert.equal((await leave({ entry, nonce: nonce(3) })).body.entry, entry);
    assert.equal((await leave({ entry, nonce: nonce(4) })).status, 404);
    assert.equal((await leave({ nonce: nonce(5) })).status, 400);
  });
});

describe("a visitor without a pass", () => {
  test("is let in on the guard's word, once; the event names nobody, the list does", async () => {
    const { walkIn, events, heard, read } = await aGuardedGate();
    const visitor = {
      name: "Tom Plumber",
      type: "Service",
      host_name: "Ana Resident",
      document: "P-1",
      note: "boiler",
    };
    const { body } = await walkIn({ ...visitor, nonce: nonce(1) });
    assert.deepEqual([body.access_granted, body.gate], [true, "open"]);
    const again = await walkIn({ ...visitor, nonce: nonce(1) });
    assert.deepEqual([again.body.access_granted, again.body.entry], [true, body.entry]);
    assert.equal(heard.length, 1, "the gate opens once");
    const commands = await events("staff-command");
    assert.equal(commands.length, 1);
    assert.doesNotMatch(JSON.stringify(commands), /Tom|Ana|P-1|boiler/);
    const [visit] = (await read("/visits?state=inside")).body.items;
    assert.deepEqual(
      [visit.name, visit.host_name, visit.type, visit.note, visit.guard, visit.state],
      ["Tom Plumber", "Ana Resident", "Service", "boiler", rosa.name, "inside"],
    );
  });

  test("one number stands for one visitor, and for an entry that is not too old", async () => {
    const { walkIn, enter, heard, read } = await aGuardedGate();
    assert.equal((await walkIn({ name: "Tom", nonce: nonce(1), age_ms: 10_001 })).status, 503);
    assert.equal((await walkIn({ name: "Tom", nonce: nonce(1) })).body.access_granted, true);
    assert.equal((await walkIn({ name: "Bea", nonce: nonce(1) })).status, 409);
    assert.equal((await enter({ record_uid: uid, nonce: nonce(1) })).status, 409);
    assert.equal((await enter({ record_uid: "VIS-00000-AAA", nonce: nonce(1) })).status, 409);
    assert.equal((await enter({ record_uid: uid, nonce: nonce(2) })).body.access_granted, true);
    assert.equal((await walkIn({ name: "Bea", nonce: nonce(2) })).status, 409);
    assert.deepEqual([heard.length, (await read("/visits")).body.items.length], [2, 2]);
  });

  test("comes in also where there is no room for what the guard writes", async () => {
    const { walkIn, turnAway, attachments, events } = await aGuardedGate();
    for (let mark = 0; mark < 4; mark += 1) await attachments.put({ kind: "photo", bytes: aJpeg(mark, 2 ** 21 - 4) });
    assert.equal((await walkIn({ name: "Tom", nonce: nonce(1) })).body.access_granted, true);
    assert.equal((await turnAway({ nonce: nonce(2), note: "no" })).status, 200);
    assert.equal((await events("staff-command", "turned-away")).length, 2);
  });

  test("is not let in with a document that is on the blacklist, however it is typed, and that is written down", async () => {
    const { walkIn, heard, send, events } = await aGuardedGate();
    await send([blacklistRow("tom", "document", "12.345.678-Z", 9)]);
    const { body } = await walkIn({ name: "Tom", document: "12345678 z", nonce: nonce(1) });
    assert.deepEqual([body.access_granted, body.reason], [false, "BLACKLISTED"]);
    assert.deepEqual(heard, []);
    const [away] = await events("turned-away");
    assert.equal(away && "why" in away && away.why, "blacklisted");
  });
});

test("the longest note that the guard's page takes is written down whole", async () => {
  const { turnAway, read } = await aGuardedGate();
  const note = `no identity document: ${"x".repeat(500)}`;
  assert.equal((await turnAway({ record_uid: uid, nonce: nonce(1), note })).status, 200);
  assert.equal((await read("/visits")).body.items[0].note, note);
});

test("who was let in under a number is not sent away under it, and nothing is written down", async () => {
  const { enter, turnAway, events, heard } = await aGuardedGate();
  await enter({ record_uid: uid, nonce: nonce(1) });
  const { status, body } = await turnAway({ record_uid: uid, nonce: nonce(1), note: "no" });
  assert.deepEqual([status, body.errors[0].field, heard.length], [409, "body.nonce", 1]);
  assert.deepEqual(await events("turned-away"), []);
});

test("a guard sends a visitor away: written down once, with the reason on a sheet and not in the event", async () => {
  const { turnAway, events, heard, read } = await aGuardedGate();
  const { body } = await turnAway({ record_uid: uid, nonce: nonce(1), note: "was drunk" });
  assert.deepEqual((await turnAway({ record_uid: uid, nonce: nonce(1), note: "was drunk" })).body, body);
  const written = await events("turned-away");
  assert.equal(written.length, 1);
  assert.deepEqual(written[0] && "grant" in written[0] && written[0].grant, "pass");
  assert.doesNotMatch(JSON.stringify(written), /drunk/);
  assert.deepEqual(heard, []);
  const [visit] = (await read("/visits?state=turned-away")).body.items;
  assert.deepEqual([visit.name, visit.note], ["Lea Visitor", "was drunk"]);
});

test("the list of visits goes by state, guard, gate and time, in pages", async () => {
  const { enter, check, leave, read } = await aGuardedGate();
  for (let number = 1; number <= 5; number += 1) await enter({ record_uid: uid, nonce: nonce(number) });
  await leave({ record_uid: uid, nonce: nonce(6) });
  await check({ record_uid: "VIS-00000-AAA" });
  const all = (await read("/visits")).body.items;
  assert.deepEqual(
    all.map(({ state }: { state: string }) => state),
    ["denied", "inside", "inside", "inside", "inside", "left"],
  );
  assert.equal(all[0].reason, "OFFLINE_NO_CACHE");
  const count = async (query: string) => (await read(`/visits?${query}`)).body.items.length;
  assert.deepEqual([await count(`guard=${rosa.id}`), await count("guard=somebody")], [6, 0]);
  assert.deepEqual([await count("gate=front"), await count("gate=back")], [6, 0]);
  assert.deepEqual([await count("since=2001-01-01T00:00:00Z"), await count("since=2099-01-01T00:00:00Z")], [6, 0]);
  const first = (await read("/visits?limit=4")).body;
  const second = (await read(`/visits?limit=4&before=${first.next}`)).body;
  assert.deepEqual([first.items.length, second.items.length, second.next], [4, 2, null]);
  assert.equal((await read("/visits?state=nowhere")).status, 400);
});

test("a phone far from the gate is told so, and hinders nobody", async () => {
  const bounds = { center: { lat: 41.3874, lng: 2.1686 }, radiusM: 200 };
  const { enter, check, events } = await aGuardedGate({}, {}, new SimDisk(), { photo: "off", bounds });
  const near = { lat: 41.3875, lng: 2.1687 };
  const far = { lat: 41.3974, lng: 2.1686 };
  assert.equal((await check({ record_uid: uid, geolocation: near })).body.warning, null);
  const { body } = await enter({ record_uid: uid, nonce: nonce(1), geolocation: far }, { "accept-language": "es" });
  assert.equal(body.access_granted, true);
  assert.match(body.warning, /a 111\d m de la puerta/);
  const [admitted] = await events("admitted");
  assert.ok(admitted && "scan" in admitted && admitted.scan && (admitted.scan.farM ?? 0) > 1_100);
  assert.equal((await check({ record_uid: uid, geolocation: { lat: 91, lng: 0 } })).status, 400);
});

test("without a guard who has signed in nothing is taken", async () => {
  const { ask } = await aGuardedGate();
  for (const path of ["/deny-entry", "/log-exit", "/walk-in"])
    assert.equal((await ask("POST", path, { json: { name: "x", entry: 1, nonce: nonce(1) } })).status, 401, path);
  assert.equal((await ask("POST", "/photos", { jpeg: aJpeg(1) })).status, 401);
  assert.equal((await ask("GET", "/visits")).status, 401);
});
