/** Temporary codes: what an agency may, what the locks let a code be, how far it has come, and the file they come from. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { noEvidence } from "../../cloud-sync/domain/code-evidence.ts";
import { codeMoment, codeStatus } from "../../cloud-sync/domain/code-status.ts";
import type { Door } from "../../cloud-sync/domain/doors.ts";
import { refusalsOf, tempCodeRules } from "../../cloud-sync/domain/temp-code-rules.ts";
import { listAudit, toAuditBody } from "../../cloud-sync/store/audit-trail.ts";
import { listSecurity } from "../../cloud-sync/store/security-events.ts";
import type { ToldHours } from "../../gateway/domain/week-hours.ts";
import { type Answer, givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";

const hour = 3_600_000;
const six = { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"] };
const keypad: Door = { id: "gate", reads: true };
const nuki: Door = { id: "flat", reads: false, codes: six };
const ring: Door = { id: "porch", reads: false };
const tuya: Door = { id: "shed", reads: false, codes: { lengths: [7], digits: "0123456789", forbiddenPrefixes: [] } };
const hours = { windows: [{ days: [1], from: "08:00", until: "12:00" }] } as const;
const zone = "Europe/Rome";
const wanted = { schedule: hours, validity: { from: 0, until: 1 }, zone };
const knowing = (id: string, told: ToldHours): Door => ({ ...nuki, id, codes: { ...six, hours: told } });
const keeping = knowing("loft", { native: "one-span", zone, openingsPerWeekMax: 2 });
const written = knowing("hut", { native: "none", openingsPerWeekMax: 4 });

describe("the rules of the chosen doors", () => {
  for (const [what, doors, typed, refused] of [
    ["a keypad of ours takes any digits", [keypad], { code: "1200" }, []],
    ["a Nuki wants six digits", [keypad, nuki], { code: "4587" }, ["code"]],
    ["no zero", [nuki], { code: "458720" }, ["code"]],
    ["and not 12 at the beginning", [nuki], { code: "124587" }, ["code"]],
    ["what fits is taken", [keypad, nuki], { code: "458723" }, []],
    ["a lock that keeps no codes takes none", [nuki, ring], { code: "458723" }, ["accessPoints[1]"]],
    ["a lock that opens by itself knows no hours", [keypad, nuki], { hours: wanted }, ["windows"]],
    ["the gateway keeps hours", [keypad], { hours: wanted }, []],
    ["and locks that can", [keypad, keeping, written], { hours: wanted }, []],
    ["every lock that objects is named", [nuki, tuya, ring], { code: "0000" }, ["code", "code", "accessPoints[2]"]],
    ["no code is chosen where none fits", [nuki, tuya], {}, ["accessPoints[1]"]],
  ] as const)
    test(what, () => {
      const found = refusalsOf(doors, typed);
      assert.deepEqual(
        found.map(({ field }) => field),
        refused,
      );
      for (const { message } of found) assert.match(message, /flat|shed|porch/);
    });

  test("are told for the form, before anything is typed", () => {
    const rules = tempCodeRules([keypad, nuki], zone);
    assert.deepEqual(rules.code, six);
    assert.equal(rules.words, "6 digits of 123456789, not beginning with 12");
    assert.equal(rules.windows, false);
    assert.deepEqual(
      rules.doors.map(({ accessPoint, by }) => [accessPoint, by]),
      [
        ["gate", "gateway"],
        ["flat", "lock"],
      ],
    );
    assert.deepEqual(tempCodeRules([keypad], zone).code?.lengths, [4, 5, 6, 7, 8]);
    assert.equal(tempCodeRules([keypad], zone).windows, true);
    assert.equal(tempCodeRules([nuki, tuya], zone).code, undefined);
  });

  const far = knowing("far", { native: "one-span", zone: "Asia/Tokyo", openingsPerWeekMax: 1 });
  for (const [what, doors, by, sameHoursMax, otherHoursMax] of [
    ["a keypad of ours keeps any", [keypad], ["gateway"], null, null],
    ["a lock keeps the same hours by itself", [keypad, keeping], ["gateway", "lock"], null, 2],
    ["a lock is written for each opening", [written], ["writing"], 4, 4],
    ["one keeps them, another is written", [keeping, written], ["lock", "writing"], 4, 2],
    ["one knows none", [written, nuki], ["writing", "nobody"], 0, 0],
    ["one keeps those of another zone", [far], ["writing"], 1, 1],
  ] as const)
    test(`of weekly hours: ${what}`, () => {
      const rules = tempCodeRules(doors, zone);
      assert.deepEqual(rules.hours, { sameHoursMax, otherHoursMax });
      assert.deepEqual(
        rules.doors.map(({ hours: { by: who } }) => who),
        by,
      );
      assert.equal(rules.windows, sameHoursMax !== 0);
    });
});

describe("how far a code has come, in a word", () => {
  const noon = Date.UTC(2031, 2, 4, 12);
  const held = { ...noEvidence, state: "confirmed", confirmedAt: noon } as const;
  for (const [opens, code, state, since] of [
    [{ answer: "yes", why: "in-lock" }, held, "on-lock", noon],
    [{ answer: "yes", why: "gateway-knows" }, undefined, "gateway-decides", null],
    [{ answer: "unknown", why: "gateway-behind" }, undefined, "waiting-gateway", null],
    [{ answer: "unknown", why: "not-read-back" }, { ...noEvidence, state: "sent", sentAt: noon }, "waiting-lock", noon],
    [{ answer: "unknown", why: "not-sent" }, { ...noEvidence, missing: { why: "no-room", at: noon } }, "refused", noon],
    [
      { answer: "unknown", why: "not-sent" },
      { ...noEvidence, missing: { why: "late", at: noon } },
      "waiting-lock",
      noon,
    ],
    [{ answer: "unknown", why: "not-due" }, noEvidence, "not-due", null],
    [{ answer: "unknown", why: "still-in-lock" }, held, "still-on-lock", null],
    [{ answer: "no", why: "revoked" }, { ...noEvidence, state: "cleared", clearedAt: noon }, "over", noon],
    [{ answer: "no", why: "not-kept" }, noEvidence, "refused", null],
  ] as const)
    test(`${opens.why}: ${state}`, () => {
      const status = codeStatus(opens, code);
      assert.deepEqual([status.state, status.since], [state, since]);
      assert.ok(status.words.length > 0);
    });

  test("of one that begins later it is said of its beginning", () => {
    const until = noon + 300 * hour;
    assert.equal(codeMoment({ validity: { from: noon + 1, until } }, zone, noon), noon + 1);
    assert.equal(codeMoment({ validity: { from: noon - 1, until } }, zone, noon), noon);
  });

  test("and of one with hours, of its next opening", () => {
    const grant = { validity: { from: noon - 1, until: noon + 300 * hour }, schedule: hours };
    const monday = Date.UTC(2031, 2, 10, 7);
    assert.equal(codeMoment(grant, zone, noon), monday);
    assert.equal(codeMoment(grant, zone, monday + 1), monday + 1);
    assert.equal(codeMoment({ ...grant, schedule: { windows: [] } }, zone, noon), noon);
  });
});

describe("over the API", () => {
  const clock = new HandClock();
  let cloud: TestCloud;
  let gateway: TestGateway;

  before(async () => {
    cloud = await givenCloud({ clock });
    await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Rome" });
    gateway = await cloud.gateway("hill");
    const told = { ...six, capacity: 10, places: { kind: "given" }, windows: "range" };
    await gateway.report([
      { id: "gate", lock: "box", reads: true },
      { id: "flat", lock: "nuki", reads: false, codes: told },
    ]);
  });
  after(() => cloud.close());

  const at = (later: number) => new Date(clock.wall() + later).toISOString();
  const post = (body: object) =>
    cloud.ask("POST", "/api/temp-codes", { name: "Cleaner", accessPoints: ["flat"], ...body });
  const made = async (body: object = {}) => {
    const answer = await post({ expiry: at(6 * hour), ...body });
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };
  const fields = ({ body }: Answer) => body.errors?.map(({ field }: { field: string }) => field);

  test("the digits are told when it is made and by a reveal, and nowhere else", async () => {
    const { id, code, ...shown } = await made({ code: "458723" });
    assert.equal(code, "458723");
    assert.deepEqual(
      [shown.site, shown.name, shown.state, shown.createdBy, shown.accessPoints],
      ["hill", "Cleaner", "active", "admin", ["flat"]],
    );
    for (const path of ["/api/temp-codes", `/api/temp-codes/${id}`, "/api/temp-codes/export", "/api/audit"])
      assert.ok(!(await cloud.ask("GET", path)).text.includes("458723"), path);
    const told = await cloud.ask("POST", `/api/temp-codes/${id}/reveal`);
    assert.deepEqual(told.body, { code: "458723" });
    const [entry] = await listAudit(cloud.store.db, { thing: id, limit: 1 });
    assert.equal(entry?.action, "codes.reveal");
  });

  test("one is chosen that the lock takes, and said to be on the way", async () => {
    const { id, code, doors } = await made({ accessPoints: ["gate", "flat"] });
    assert.match(code, /^(?!12)[1-9]{6}$/);
    assert.deepEqual(
      doors.map((door: { accessPoint: string; state: string }) => [door.accessPoint, door.state]),
      [
        ["gate", "waiting-gateway"],
        ["flat", "waiting-lock"],
      ],
    );
    await gateway.catchUp();
    const grant = (await cloud.ask("GET", `/api/sites/hill/grants/${id}`)).body;
    const facts = { device: "nuki", grant: id, credential: grant.credentials[0].id };
    const set = { ...facts, index: "x", window: { from: clock.wall(), until: clock.wall() + 6 * hour }, change: "set" };
    gateway.record(
      { type: "code-sent", ...set },
      { type: "code-read", state: "present", ref: "31", ...set },
      ...Array.from({ length: 4 }, () => ({ type: "opened-at-lock", by: "code", code: "31", ...facts })),
    );
    assert.equal((await gateway.push(1)).body.outcome, "taken");
    const { doors: now, lastUsed } = (await cloud.ask("GET", `/api/temp-codes/${id}`)).body;
    assert.deepEqual(
      now.map((door: { state: string; since: string | null }) => [door.state, door.since]),
      [
        ["gateway-decides", null],
        ["on-lock", new Date(clock.wall()).toISOString().replace(".000", "")],
      ],
    );
    assert.equal(Date.parse(lastUsed), clock.wall());
  });

  test("each lock that refuses a rule is named, beside the field", async () => {
    const zero = await post({
      code: "450723",
      expiry: at(hour),
      windows: hours.windows,
      accessPoints: ["gate", "flat"],
    });
    assert.equal(zero.status, 400, zero.text);
    assert.deepEqual(fields(zero), ["body.windows"]);
    const short = await post({ code: "4507", expiry: at(hour), accessPoints: ["gate", "flat"] });
    assert.deepEqual(fields(short), ["body.code"]);
    assert.match(short.body.errors[0].message, /the lock of flat takes 6 digits of 123456789, not beginning with 12/);
    for (const [body, field] of [
      [{ code: "123", expiry: at(hour) }, "body.code"],
      [{ expiry: at(-hour) }, "body.expiry"],
      [{ expiry: at(hour), from: at(2 * hour) }, "body.from"],
      [{ expiry: "tomorrow" }, "body.expiry"],
      [{ expiry: "2031-02-30T10:00" }, "body.expiry"],
      [{ expiry: at(hour), accessPoints: ["flat", "attic"] }, "body.accessPoints[1]"],
      [{ expiry: at(hour), accessPoints: undefined }, "body.accessPoints"],
      [{ expiry: at(hour), site: "nowhere" }, "body.site"],
    ] as const) {
      const answer = await post(body);
      assert.equal(answer.status, 400, answer.text);
      assert.deepEqual(fields(answer), [field]);
    }
  });

  test("the rules are told while somebody types", async () => {
    const { status, body } = await cloud.ask("GET", "/api/temp-codes/constraints?accessPoints=gate,flat");
    assert.equal(status, 200);
    assert.deepEqual(body.code, six);
    assert.deepEqual([body.windows, body.refusals], [false, []]);
    assert.deepEqual(body.hours, { sameHoursMax: 0, otherHoursMax: 0 });
    assert.deepEqual(body.doors[0].hours, { by: "gateway", sameHoursMax: null, otherHoursMax: null });
  });

  test("digits that another live code has are refused, and who tries is noted", async () => {
    await made({ code: "777333", accessPoints: ["gate"] });
    const again = await post({ code: "777333", expiry: at(hour), accessPoints: ["gate"] });
    assert.deepEqual([again.status, fields(again)], [409, ["body.code"]]);
    const noted = await listSecurity(cloud.store.db, { kind: "code-taken", limit: 5 });
    assert.deepEqual(
      noted.map(({ subject, siteId }) => [subject, siteId]),
      [["admin", "hill"]],
    );
    let last = again;
    for (let tries = 0; tries < 40 && last.status !== 429; tries += 1)
      last = await post({ code: "777333", expiry: at(hour), accessPoints: ["gate"] });
    assert.equal(last.status, 429);
    clock.advance(hour);
  });

  test("a moment without an offset is the site's, and the same request makes one code", async () => {
    const order = { name: "Once", accessPoints: ["gate"], expiry: "2031-07-01T18:00" };
    const key = { "idempotency-key": "one" };
    const first = await cloud.ask("POST", "/api/temp-codes", order, key);
    const second = await cloud.ask("POST", "/api/temp-codes", order, key);
    assert.equal(first.body.expiry, "2031-07-01T16:00:00Z");
    assert.deepEqual([second.body.id, second.body.code], [first.body.id, first.body.code]);
    const { items } = (await cloud.ask("GET", "/api/temp-codes?name=once")).body;
    assert.equal(items.length, 1);
  });

  test("it is extended, renamed, ended early and taken up again, and deleted for ever", async () => {
    const { id } = await made();
    const change = (body: object) => cloud.ask("PATCH", `/api/temp-codes/${id}`, body);
    const longer = await change({ expiry: at(10 * hour), name: "Plumber" });
    assert.deepEqual([longer.body.expiry, longer.body.name], [at(10 * hour).replace(".000", ""), "Plumber"]);
    assert.equal((await cloud.ask("GET", "/api/temp-codes?name=plumb")).body.items[0].id, id);
    clock.advance(hour);
    const ended = await change({ expiry: at(-hour) });
    assert.deepEqual([ended.body.state, ended.body.expiry], ["ended", at(0).replace(".000", "")]);
    assert.equal((await cloud.ask("POST", `/api/temp-codes/${id}/reveal`)).status, 409);
    clock.advance(hour);
    const still = await change({ name: "Painter", expiry: at(-hour / 2) });
    assert.deepEqual([still.body.name, still.body.expiry], ["Painter", ended.body.expiry]);
    assert.equal((await change({ expiry: at(hour) })).body.state, "active");
    const gone = await cloud.ask("DELETE", `/api/temp-codes/${id}`);
    assert.deepEqual([gone.status, gone.body.state], [200, "revoked"]);
    assert.equal((await cloud.ask("DELETE", `/api/temp-codes/${id}`)).status, 200);
    assert.deepEqual([(await change({ name: "X" })).status, (await change({})).status], [409, 400]);
    const trail = await listAudit(cloud.store.db, { thing: id, limit: 20 });
    assert.deepEqual(
      trail.map(({ action }) => action),
      ["codes.revoke", "codes.change", "codes.change", "codes.change", "codes.change", "codes.create"],
    );
    const { before, after } = toAuditBody(trail[4]!);
    assert.deepEqual([before?.name, after?.name, Object.keys(after ?? {})], ["changed", "changed", ["name", "until"]]);
  });

  test("an agency sees and touches its own alone, and nobody of the role user the digits", async () => {
    const [agency, other, looker] = [
      await cloud.as("agency", ["hill"]),
      await cloud.as("agency", ["hill"]),
      await cloud.as("user", ["hill"]),
    ];
    const order = { name: "Cleaner of the agency", expiry: at(hour), accessPoints: ["gate"] };
    const answer = await agency.ask("POST", "/api/temp-codes", order);
    assert.equal(answer.status, 201, answer.text);
    const { id, code, createdBy } = answer.body;
    const path = `/api/temp-codes/${id}`;
    assert.equal(createdBy, agency.id);
    const ids = async (who: Pick<TestCloud, "ask">) =>
      (await who.ask("GET", "/api/temp-codes?limit=200")).body.items.map((one: { id: string }) => one.id);
    assert.deepEqual(await ids(agency), [id]);
    assert.deepEqual(await ids(other), []);
    for (const who of [looker, cloud]) assert.ok((await ids(who)).includes(id));
    assert.deepEqual((await agency.ask("POST", `${path}/reveal`)).body, { code });
    for (const [method, below, body] of [
      ["GET", "", undefined],
      ["PATCH", "", { name: "mine" }],
      ["DELETE", "", undefined],
      ["POST", "/reveal", undefined],
    ] as const)
      assert.equal((await other.ask(method, `${path}${below}`, body)).status, 404, method);
    assert.equal((await looker.ask("POST", `${path}/reveal`)).status, 403);
    assert.equal((await looker.ask("DELETE", path)).status, 403);
    const digits = "/api/temp-codes/export?digits=yes";
    assert.equal((await agency.ask("GET", digits)).body[id].code, code);
    assert.deepEqual((await other.ask("GET", digits)).body, {});
    assert.ok(!(await looker.ask("GET", digits)).text.includes(code));
    const foreign = await agency.ask("POST", "/api/temp-codes", { ...order, site: "demo" });
    assert.deepEqual([foreign.status, fields(foreign)], [400, ["body.site"]]);
    assert.equal((await agency.ask("DELETE", path)).body.state, "revoked");
  });

  test("pages meet, and a filter names what it wants", async () => {
    const all: string[] = [];
    for (let next = ""; ; ) {
      const { body } = await cloud.ask("GET", `/api/temp-codes?limit=3${next && `&after=${next}`}`);
      all.push(...body.items.map(({ id }: { id: string }) => id));
      if (body.next === null) break;
      next = body.next;
    }
    assert.equal(new Set(all).size, all.length);
    assert.ok(all.length > 5);
    for (const state of ["active", "revoked"]) {
      const { items } = (await cloud.ask("GET", `/api/temp-codes?state=${state}&site=hill&limit=200`)).body;
      assert.ok(items.length > 0 && items.every((one: { state: string }) => one.state === state));
    }
    assert.deepEqual((await cloud.ask("GET", "/api/temp-codes?site=nowhere")).status, 400);
  });

  const entry = {
    code: "651234",
    name: "Gardener",
    created_by: "ana",
    created_at: "2031-03-01T08:00:00.123456",
    expiry: "2031-06-01T18:00:00",
    is_active: true,
    last_used: null,
    auth_id: "5f0e",
  };
  const importAll = (file: object, door = "flat") =>
    cloud.ask("POST", `/api/temp-codes/import?accessPoints=${door}`, file);

  test("a file is imported whole or not at all, and every entry at fault is named", async () => {
    const before = (await cloud.ask("GET", "/api/temp-codes?limit=200")).body.items.length;
    const bad = await importAll({
      good: entry,
      zero: { ...entry, code: "651230" },
      twice: entry,
      fine: { ...entry, code: "651235" },
    });
    assert.equal(bad.status, 400, bad.text);
    assert.deepEqual(fields(bad), ["body.zero.code", "body.twice.code"]);
    const [noted] = await listSecurity(cloud.store.db, { kind: "code-taken", limit: 1 });
    assert.equal(noted?.lastAt, clock.wall());
    assert.deepEqual(fields(await importAll({ one: { ...entry, code: "12" } })), ["body.one.code"]);
    assert.equal((await cloud.ask("GET", "/api/temp-codes?limit=200")).body.items.length, before);

    const done = await importAll({
      first: entry,
      old: { ...entry, code: "651236", expiry: "2020-01-01T00:00:00" },
      off: { ...entry, code: "651237", is_active: false },
    });
    assert.equal(done.status, 201, done.text);
    assert.deepEqual(done.body.left, [
      { entry: "old", why: "ended" },
      { entry: "off", why: "not-active" },
    ]);
    const [{ id }] = done.body.imported;
    const code = (await cloud.ask("GET", `/api/temp-codes/${id}`)).body;
    assert.deepEqual([code.name, code.expiry, code.imported.auth_id], ["Gardener", "2031-06-01T16:00:00Z", "5f0e"]);
    assert.deepEqual((await cloud.ask("POST", `/api/temp-codes/${id}/reveal`)).body, { code: "651234" });
  });

  test("a code that begins later and keeps hours comes back as it went out; one that is over needs no digits", async () => {
    const windows = [{ days: [1, 2], from: "08:00", until: "12:00" }];
    const order = { name: "Hourly", code: "651271", accessPoints: ["gate"], windows };
    const span = { from: "2031-05-01T08:00", expiry: "2031-05-30T18:00" };
    const made = await cloud.ask("POST", "/api/temp-codes", { ...order, ...span });
    assert.equal(made.status, 201, made.text);
    const out = await cloud.ask("GET", "/api/temp-codes/export?digits=yes&state=upcoming");
    const mine = { [made.body.id]: out.body[made.body.id] };
    await cloud.ask("DELETE", `/api/temp-codes/${made.body.id}`);
    const over = (await cloud.ask("GET", "/api/temp-codes/export?digits=yes&state=revoked")).body[made.body.id];

    const elsewhere = Object.keys(mine).map((id) => `body.${id}.windows`);
    assert.deepEqual(fields(await importAll(mine)), elsewhere, "the lock of flat knows no hours");
    const done = await importAll({ ...mine, over }, "gate");

    assert.equal(done.status, 201, done.text);
    assert.deepEqual(done.body.left, [{ entry: "over", why: "not-active" }]);
    const back = (await cloud.ask("GET", `/api/temp-codes/${done.body.imported[0].id}`)).body;
    assert.deepEqual([back.windows, back.from, back.expiry], [windows, made.body.from, made.body.expiry]);
    const { code: _, ...bare } = { ...entry, from: "2031-06-02T00:00:00" };
    assert.deepEqual(fields(await importAll({ bare }, "gate")), ["body.bare.code", "body.bare.from"]);
  });

  test("the file goes out as it came, its digits only when they are asked for", async () => {
    const plain = await cloud.ask("GET", "/api/temp-codes/export?state=active");
    assert.ok(!plain.text.includes('"code"'));
    const { body } = await cloud.ask("GET", "/api/temp-codes/export?state=active&digits=yes");
    const gardener = Object.values(body).find((one) => (one as typeof entry).name === "Gardener");
    assert.deepEqual(gardener, {
      code: "651234",
      name: "Gardener",
      created_by: "admin",
      created_at: (gardener as typeof entry).created_at,
      expiry: "2031-06-01T16:00:00Z",
      is_active: true,
      last_used: null,
      auth_id: "5f0e",
    });
    const [noted] = await listAudit(cloud.store.db, { action: "codes.export", limit: 2 });
    const told = toAuditBody(noted!).after?.codes;
    assert.ok(Array.isArray(told) && told.length === Object.keys(body).length);
  });
});
