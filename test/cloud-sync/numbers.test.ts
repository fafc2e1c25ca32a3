/** Visits counted: by the site's own day and hour, without what was taken back, and for those alone who may know. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { givenCloud, HandClock, type TestCloud, type TestPerson } from "../support/cloud.ts";

// Tuesday, 2031-03-04, 13:00 in Rome.
const noon = Date.UTC(2031, 2, 4, 12);
const hour = 3_600_000;
const clock = new HandClock();
let cloud: TestCloud;
let rosa: TestPerson;

const numbers = async (query = "from=2031-03-01&until=2031-03-05", path = "numbers") =>
  cloud.ask("GET", `/api/sites/hill/${path}?${query}`);

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Rome" });
  const gateway = await cloud.gateway("hill", ["gate"]);
  rosa = await cloud.as("guard", ["hill"]);
  const ana = await cloud.as("resident", ["hill"]);
  await cloud.as("resident", ["hill"]);
  const made = await ana.ask("POST", "/api/passes", { visitorName: "Lea", visitorType: "Delivery", validity: "today" });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const scan = (waitedMs?: number) => ({ staff: rosa.id, nonce: `n-${Math.random()}`, ...(waitedMs && { waitedMs }) });
  const pass = { accessPoint: "gate", grant: made.body.id, credential: "c", via: "pass", left: null };
  const gate = { accessPoint: "gate" };
  gateway.record(
    { ...pass, type: "admitted", at: noon, scan: scan(2_000) },
    { ...pass, type: "admitted", at: noon + 1, scan: scan(4_000) },
    // 23:30 on Monday in London, and Tuesday in Rome.
    { ...pass, type: "admitted", at: Date.UTC(2031, 2, 3, 23, 30) },
    { ...pass, type: "admitted", at: noon + 2, scan: scan(90_000) },
    { type: "void", of: 4, ...gate, grant: made.body.id, why: "refused" },
    { type: "denied", ...gate, reason: "QR_EXPIRED", via: "pass", at: noon + 3, scan: scan() },
    { type: "denied", ...gate, reason: "QR_NOT_FOUND", via: "pin", at: noon + 4 },
    { type: "turned-away", ...gate, why: "guard", at: noon + 5, scan: scan() },
    { type: "staff-command", staff: rosa.id, ...gate, at: noon + 6, scan: scan() },
    { type: "staff-command-ended", of: 9, ...gate, result: "confirmed", at: noon + 7 },
    { type: "staff-command", staff: rosa.id, ...gate, at: noon + 8, scan: scan() },
    { type: "staff-command-ended", of: 11, ...gate, result: "refused", at: noon + 9 },
    { type: "staff-command", staff: rosa.id, ...gate, at: noon + 10 },
    { ...pass, type: "admitted", via: "pin", at: noon + 11 },
    { ...pass, type: "admitted", at: noon - 40 * 24 * hour, scan: scan() },
  );
  assert.equal((await gateway.push(1)).status, 200);
});
after(() => cloud.close());

test("entries and refusals by day, hour, kind, reason and guard", async () => {
  const { status, body } = await numbers();
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.entries, body.refused], [4, 2]);
  assert.deepEqual(body.days, [{ day: "2031-03-04", entries: 4, refused: 2 }]);
  assert.deepEqual(body.hours, [
    { weekday: 2, hour: 0, entries: 1 },
    { weekday: 2, hour: 13, entries: 3 },
  ]);
  assert.deepEqual(body.types, [
    { type: "Delivery", entries: 3 },
    { type: "walk-in", entries: 1 },
  ]);
  assert.deepEqual(body.reasons, [
    { reason: "QR_EXPIRED", refused: 1 },
    { reason: "TURNED_AWAY", refused: 1 },
  ]);
  assert.deepEqual(body.guards, [
    { guard: rosa.id, name: "Person 1", entries: 3, refused: 2, waitMedianMs: 2_000 },
    { guard: null, name: null, entries: 1, refused: 0, waitMedianMs: null },
  ]);
  assert.deepEqual([body.waitMedianMs, body.waitP90Ms], [2_000, 4_000]);
  assert.deepEqual(body.residents, { all: 2, inviting: 1 });
});

test("of the last thirty days when none are named; what is no day is refused by its field", async () => {
  const { body } = await numbers("");
  assert.deepEqual([body.from, body.until, body.entries], ["2031-02-03", "2031-03-04", 4]);
  for (const query of [
    "from=2031-02-30",
    "from=yesterday",
    "from=2031-03-05&until=2031-03-04",
    "from=2001-01-01",
    "x=1",
  ])
    assert.equal((await numbers(query)).status, 400, query);
  assert.equal((await numbers("from=2030-01-01&until=2030-01-02")).body.entries, 0);
});

test("as a file for a spreadsheet", async () => {
  const { status, text, headers } = await numbers(undefined, "numbers.csv");
  assert.equal(status, 200);
  assert.match(headers.get("content-disposition") ?? "", /numbers-2031-03-01-2031-03-05\.csv/);
  assert.match(text, /^"counted","of","entries","refused","wait_median_ms"\r\n"all","","4","2","2000"\r\n/);
  assert.match(text, /"reason","TURNED_AWAY","","1",""\r\n/);
  assert.match(text, /"guard","Person 1","3","2","2000"\r\n/);
});

test("an owner sees their own site's; a guard, a resident and a viewer do not", async () => {
  const owner = await cloud.as("owner", ["hill"]);
  assert.equal((await owner.ask("GET", "/api/sites/hill/numbers")).status, 200);
  for (const role of ["guard", "resident", "user", "agency"] as const) {
    const person = await cloud.as(role, ["hill"]);
    assert.equal((await person.ask("GET", "/api/sites/hill/numbers")).status, 403, role);
  }
  const stranger = await cloud.as("owner", []);
  assert.equal((await stranger.ask("GET", "/api/sites/hill/numbers")).status, 404);
});
