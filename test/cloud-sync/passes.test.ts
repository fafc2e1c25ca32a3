/** Visitors' passes: how long they are good, who sees and changes them, what the QR code holds, and what their host is told. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inflateSync } from "node:zlib";
import { spanOf } from "../../cloud-sync/pass.ts";
import { listAudit } from "../../cloud-sync/store/audit-trail.ts";
import {
  type Answer,
  givenCloud,
  HandClock,
  type TestCloud,
  type TestGateway,
  type TestPerson,
} from "../support/cloud.ts";

const hour = 3_600_000;

/** Side in pixels, and the rows of one bit a pixel, each after its filter's byte. */
function readPng(png: Buffer): { side: number; rows: Buffer } {
  assert.deepEqual([...png.subarray(1, 4)], [...Buffer.from("PNG")]);
  assert.deepEqual([png[24], png[25]], [1, 0]);
  const at = png.indexOf("IDAT");
  return { side: png.readUInt32BE(16), rows: inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4))) };
}

describe("how long a pass is good", () => {
  // Tuesday 2031-03-04, 23:30 in Rome.
  const late = Date.UTC(2031, 2, 4, 22, 30);
  for (const [validity, now, until] of [
    ["today", late, "2031-03-04T23:00:00Z"],
    ["week", late, "2031-03-09T23:00:00Z"],
    ["week", Date.UTC(2031, 2, 9, 22, 30), "2031-03-09T23:00:00Z"],
    // The clocks go forward in that night.
    ["today", Date.UTC(2031, 2, 30, 0, 30), "2031-03-30T22:00:00Z"],
  ] as const)
    test(`${validity} from ${new Date(now).toISOString()} on`, () => {
      const span = spanOf(validity, now, "Europe/Rome");
      assert.deepEqual([span.from, new Date(span.until)], [now, new Date(until)]);
    });
});

describe("over the API", () => {
  const clock = new HandClock();
  let cloud: TestCloud;
  let gateway: TestGateway;
  let ana: TestPerson;

  before(async () => {
    cloud = await givenCloud({ clock });
    await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Rome" });
    gateway = await cloud.gateway("hill");
    await gateway.report([
      { id: "gate", lock: "relay", reads: false },
      { id: "back", lock: "other", reads: false },
      {
        id: "flat",
        lock: "keypad",
        reads: false,
        codes: { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"], capacity: 10, windows: "range" },
      },
      { id: "desk", lock: "third", reads: true, kinds: ["pass"] },
    ]);
    ana = await cloud.as("resident", ["hill"], { name: "Ana Resident" });
  });
  after(() => cloud.close());

  const fields = ({ body }: Answer) => body.errors?.map(({ field }: { field: string }) => field);
  const invite = async (body: object = {}, who: Pick<TestPerson, "ask"> = ana) => {
    const answer = await who.ask("POST", "/api/passes", { visitorName: "Lea", accessPoints: ["gate"], ...body });
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };

  test("a resident invites: the gateway gets a grant that a guard can find by what is in the QR code", async () => {
    const pass = await invite({
      visitorType: "Delivery",
      documentNum: "X-77",
      notes: "brings a dog",
      entriesAllowed: 2,
    });
    assert.match(pass.recordUid, /^VIS-\d{5}-[A-HJKMNP-Z]{3}$/);
    assert.deepEqual(
      [pass.host, pass.visitorType, pass.documentNum, pass.notes, pass.entriesAllowed, pass.state, pass.createdBy],
      ["Ana Resident", "Delivery", "X-77", "brings a dog", 2, "active", ana.id],
    );
    assert.equal(pass.validUntil, "2031-03-04T23:00:00Z");
    const rows = await gateway.catchUp();
    const row = rows.find(({ id }) => id === pass.id) as unknown as { body: Record<string, unknown>; granted: number };
    assert.deepEqual(row.body.about, { visitorType: "Delivery", notes: "brings a dog" });
    assert.deepEqual(
      [row.body.kind, row.granted, row.body.holder],
      ["visitor", 2, { ...(row.body.holder as object), name: "Lea", document: "X-77" }],
    );
    assert.ok(!JSON.stringify(row).includes(pass.recordUid));
    const [entry] = await listAudit(cloud.store.db, { thing: pass.id, limit: 1 });
    assert.equal(entry?.action, "passes.create");
    assert.ok(!entry?.body.includes("Lea") && !entry?.body.includes("X-77") && !entry?.body.includes(pass.recordUid));
  });

  test("the same request makes one pass, and a custom time is the site's", async () => {
    const key = { "idempotency-key": "once" };
    const order = {
      visitorName: "Bo",
      accessPoints: ["gate"],
      validity: "custom",
      until: "2031-07-01T18:00",
      entriesAllowed: null,
    };
    const first = await ana.ask("POST", "/api/passes", order, key);
    const second = await ana.ask("POST", "/api/passes", order, key);
    assert.deepEqual([second.body.id, second.body.recordUid], [first.body.id, first.body.recordUid]);
    assert.deepEqual([first.body.validUntil, first.body.entriesAllowed], ["2031-07-01T16:00:00Z", null]);
  });

  for (const [what, body, field] of [
    ["without an end", { validity: "custom" }, "body.until"],
    ["with an end that goes with another validity", { validity: "week", until: "2031-07-01T18:00" }, "body.until"],
    ["over before it begins", { validity: "custom", from: "2031-07-01T18:00", until: "2031-06-01T18:00" }, "body.from"],
    ["in the past", { validity: "custom", until: "2020-01-01T00:00" }, "body.until"],
    ["for more than a year", { validity: "custom", until: "2032-03-04T14:00" }, "body.until"],
    ["at hours of no day", { windows: [{ days: [], from: "08:00", until: "18:00" }] }, "body.windows[0].days"],
    ["for no entry", { entriesAllowed: 0 }, "body.entriesAllowed"],
    ["for a door that is none", { accessPoints: ["gate", "moon"] }, "body.accessPoints[1]"],
    ["without saying which door", { accessPoints: undefined }, "body.accessPoints"],
    ["for a kind that is none", { visitorType: "Ghost" }, "body.visitorType"],
    ["in a neighbour's name", { host: "Ben Neighbour" }, "body.host"],
    ["with a document that no gateway could read", { documentNum: "7".repeat(65) }, "body.documentNum"],
    ["with a field nobody knows", { entries_allowed: 3 }, "body.entries_allowed"],
  ] as const)
    test(`refused: ${what}`, async () => {
      const answer = await ana.ask("POST", "/api/passes", { visitorName: "Lea", accessPoints: ["gate"], ...body });
      assert.equal(answer.status, 400, answer.text);
      assert.deepEqual(fields(answer), [field]);
    });

  test("a resident sees and touches their own alone; a guard sees all, and no code that could be handed out", async () => {
    const mine = await invite({ visitorName: "Cousin" });
    const ben = await cloud.as("resident", ["hill"]);
    const guard = await cloud.as("guard", ["hill"]);
    const path = `/api/passes/${mine.id}`;
    const ids = async (who: Pick<TestPerson, "ask">) =>
      (await who.ask("GET", "/api/passes?limit=200")).body.items.map(({ id }: { id: string }) => id);
    assert.deepEqual(await ids(ben), []);
    for (const who of [ana, guard, cloud]) assert.ok((await ids(who)).includes(mine.id));
    assert.equal((await guard.ask("GET", path)).body.recordUid, null);
    assert.equal((await ana.ask("GET", path)).body.recordUid, mine.recordUid);
    for (const [method, below, body] of [
      ["GET", "", undefined],
      ["PATCH", "", { notes: "mine" }],
      ["DELETE", "", undefined],
      ["GET", "/qr.svg", undefined],
      ["GET", "/history", undefined],
    ] as const)
      assert.equal((await ben.ask(method, path + below, body)).status, 404, method + below);
    assert.equal((await guard.ask("GET", `${path}/qr.svg`)).status, 403);
    assert.equal((await guard.ask("DELETE", path)).status, 403);
    const found = await ana.ask("GET", "/api/passes?name=cous&state=active&site=hill");
    assert.deepEqual(
      found.body.items.map(({ id }: { id: string }) => id),
      [mine.id],
    );
  });

  test("the short uid is a visitor's alone: what opens without a guard is one of 16 letters", async () => {
    const { status, text, body } = await cloud.ask("POST", "/api/sites/hill/grants", {
      kind: "member",
      holder: { name: "Max" },
      accessPoints: ["desk"],
      ...{ from: "2031-03-04T00:00:00Z", until: "2031-04-04T00:00:00Z", entriesAllowed: null },
      credentials: [{ kind: "pass" }],
    });
    assert.equal(status, 201, text);
    assert.match(body.credentials[0].value, /^[0-9A-Z]{16}$/);
  });

  test("a PIN beside the pass is asked for what its lock can honour", async () => {
    const order = (entriesAllowed: number | null) =>
      cloud.ask("POST", "/api/sites/hill/grants", {
        kind: "visitor",
        holder: { name: "Lea" },
        accessPoints: ["flat"],
        ...{ from: "2031-03-04T00:00:00Z", until: "2031-04-04T00:00:00Z", entriesAllowed },
        credentials: [{ kind: "pass" }, { kind: "pin" }],
      });
    assert.deepEqual(fields(await order(1)), ["body.entriesAllowed"]);
    assert.equal((await order(null)).status, 201);
  });

  test("the QR code is a picture of the uid alone", async () => {
    const { id } = await invite();
    const { status, headers, text } = await ana.ask("GET", `/api/passes/${id}/qr.svg`);
    assert.deepEqual(
      [status, headers.get("content-type"), headers.get("cache-control")],
      [200, "image/svg+xml", "no-store"],
    );
    // Version 1, 21 modules and a quiet zone of 4 on each side: nothing but the uid fits.
    assert.match(text, /viewBox="0 0 \d+ \d+"/);
    assert.ok(!text.includes("<script"));
  });

  test("the same picture is there as PNG: 400 pixels at least, black on white, with its quiet zone", async () => {
    const { id } = await invite();
    const response = await cloud.app.request(`/api/passes/${id}/qr.png`, { headers: await ana.bearer() });
    assert.equal(response.headers.get("content-type"), "image/png");
    const png = Buffer.from(await response.arrayBuffer());
    const { side, rows } = readPng(png);
    assert.ok(side >= 400);
    // 21 modules and 4 on each side; the finder's corner is dark.
    const module = side / 29;
    const isDark = (x: number, y: number) => {
      const at = Math.floor((y + 0.5) * module) * (1 + Math.ceil(side / 8)) + 1;
      const column = Math.floor((x + 0.5) * module);
      return ((rows[at + (column >> 3)]! >> (7 - (column & 7))) & 1) === 0;
    };
    assert.deepEqual(
      [isDark(3, 3), isDark(4, 4), isDark(5, 5), isDark(6, 6), isDark(25, 25)],
      [false, true, false, true, false],
    );
  });

  test("a withdrawn pass shows no QR code, and its link may still say so", async () => {
    const { id } = await invite();
    await ana.ask("DELETE", `/api/passes/${id}`);
    for (const kind of ["svg", "png"]) {
      const { status, body } = await ana.ask("GET", `/api/passes/${id}/qr.${kind}`);
      assert.deepEqual([status, body.code], [409, "withdrawn"]);
    }
    assert.equal((await ana.ask("POST", `/api/passes/${id}/link`)).status, 409);
  });

  test("weekly hours reach the gateway, are changed and taken away; a lock's hours beside the pass stay", async () => {
    const windows = [{ days: [1, 3], from: "08:00", until: "12:00" }];
    const { id } = await invite({ windows, validity: "week" });
    const scheduleOf = async (one: string) => {
      const row = (await gateway.catchUp()).findLast((each) => each.id === one) as unknown as {
        body: { schedule?: object };
      };
      return row.body.schedule;
    };
    assert.deepEqual(await scheduleOf(id), { windows });
    const changed = await ana.ask("PATCH", `/api/passes/${id}`, { windows: [{ ...windows[0], until: "24:00" }] });
    assert.equal(changed.body.windows[0].until, "24:00");
    assert.equal((await ana.ask("PATCH", `/api/passes/${id}`, { windows: null })).body.windows, null);
    assert.equal(await scheduleOf(id), undefined);
    const both = await cloud.ask("POST", "/api/sites/hill/grants", {
      kind: "visitor",
      holder: { name: "Lea" },
      accessPoints: ["flat"],
      ...{ from: "2031-03-04T00:00:00Z", until: "2031-04-04T00:00:00Z", entriesAllowed: null },
      credentials: [{ kind: "pass" }, { kind: "pin" }],
    });
    const refused = await cloud.ask("PATCH", `/api/passes/${both.body.id}`, { windows });
    assert.deepEqual([refused.status, fields(refused)], [409, ["body.windows"]]);
  });

  test("a pass is not drawn out beyond a year", async () => {
    const { id } = await invite({ validity: "custom", until: "2032-03-01T12:00" });
    const later = await ana.ask("PATCH", `/api/passes/${id}`, { until: "2032-03-05T12:00" });
    assert.deepEqual(fields(later), ["body.until"]);
  });

  test("whoever is invited again is the same visitor: barred once, barred on each pass; the host is not told", async () => {
    const first = await invite({ visitorName: "Kim" });
    const again = await invite({ visitorName: "Kim", again: first.id });
    assert.equal(again.visitorId, first.visitorId);
    const ben = await cloud.as("resident", ["hill"]);
    const stolen = await ben.ask("POST", "/api/passes", {
      visitorName: "Kim",
      accessPoints: ["gate"],
      again: first.id,
    });
    assert.equal(stolen.status, 404);
    await cloud.ask("POST", "/api/sites/hill/blacklist", { subject: "person", value: first.visitorId });
    for (const { id } of [first, again]) {
      assert.equal((await cloud.ask("GET", `/api/passes/${id}`)).body.barred, true);
      assert.equal((await ana.ask("GET", `/api/passes/${id}`)).body.barred, null);
    }
    const { body } = await cloud.ask("GET", `/api/sites/hill/blacklist?value=${first.visitorId}`);
    assert.equal(body.items.length, 1);
  });

  test("open and past passes are told apart", async () => {
    const open = await invite({ visitorName: "Opal" });
    const gone = await invite({ visitorName: "Opal" });
    await ana.ask("DELETE", `/api/passes/${gone.id}`);
    const ids = async (state: string) =>
      (await ana.ask("GET", `/api/passes?name=opal&state=${state}`)).body.items.map(({ id }: { id: string }) => id);
    assert.deepEqual([await ids("open"), await ids("past")], [[open.id], [gone.id]]);
  });

  test("it is changed, ended early, taken up again and withdrawn for ever", async () => {
    const { id } = await invite({ documentNum: "X-1", notes: "old" });
    const change = (body: object) => ana.ask("PATCH", `/api/passes/${id}`, body);
    const changed = await change({
      visitorName: "Lea B.",
      visitorType: "Family",
      documentNum: null,
      notes: "new",
      entriesAllowed: 5,
    });
    const { visitorName, visitorType, documentNum, notes, entriesAllowed } = changed.body;
    assert.deepEqual(
      [visitorName, visitorType, documentNum, notes, entriesAllowed],
      ["Lea B.", "Family", null, "new", 5],
    );
    assert.equal((await change({ notes: null })).body.notes, null);
    clock.advance(hour);
    assert.equal((await change({ until: "2031-03-04T01:00" })).body.state, "ended");
    assert.equal((await change({ until: "2031-03-10T01:00" })).body.state, "active");
    assert.deepEqual(fields(await change({})), ["body"]);
    assert.equal((await ana.ask("DELETE", `/api/passes/${id}`)).body.state, "revoked");
    assert.equal((await ana.ask("DELETE", `/api/passes/${id}`)).status, 200);
    assert.equal((await change({ notes: "x" })).status, 409);
  });

  test("its host sees what happened at the gates and by whom, what was learnt late, and how often it was used", async () => {
    const { id } = await invite({ entriesAllowed: 3 });
    const link = await cloud.as("guard", ["hill"], { name: "Rosa Guard" });
    const { body: made } = await cloud.ask("POST", `/api/people/${link.id}/reset-link`);
    const token = new URL(made.url).hash.slice(1);
    await cloud.ask("POST", "/auth/link/password", { token, password: "gate at the hill" });
    await gateway.catchUp();
    const first = gateway.lines.length + 1;
    const entry = { accessPoint: "gate", grant: id, credential: "c", via: "pass", revision: 1 };
    gateway.record(
      { type: "admitted", ...entry, left: 2, scan: { staff: link.id, nonce: "scan-0000-0000-0001" } },
      { type: "released", of: first, accessPoint: "gate", result: "confirmed" },
    );
    clock.advance(hour);
    // A gateway may name whom it likes: nobody but the site's staff is told by name.
    gateway.record({ type: "denied", ...entry, reason: "OUTSIDE_SCHEDULE", scan: { staff: ana.id } });
    assert.equal((await gateway.push(first)).status, 200);
    const { items } = (await ana.ask("GET", `/api/passes/${id}/history`)).body;
    assert.deepEqual(
      items.map((one: Record<string, unknown>) => [one.type, one.reason, one.guard, one.isLate]),
      [
        ["denied", "OUTSIDE_SCHEDULE", null, false],
        ["admitted", null, "Rosa Guard", true],
      ],
    );
    assert.equal((await ana.ask("GET", `/api/passes/${id}`)).body.entriesUsed, 1);
  });
});
