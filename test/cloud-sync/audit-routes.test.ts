/** Every change of the API leaves one entry in the audit trail, and who may read it finds it there. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eq } from "drizzle-orm";
import { csvLine } from "../../cloud-sync/domain/csv.ts";
import { raiseAlarm } from "../../cloud-sync/stay-alarms.ts";
import { listAudit, readAuditBodies, recordAudit } from "../../cloud-sync/store/audit-trail.ts";
import { putMessage, writeMessage } from "../../cloud-sync/store/guest-messages.ts";
import { booking as bookings } from "../../cloud-sync/store/schema.ts";
import { recordSecurity } from "../../cloud-sync/store/security-events.ts";
import { givenCloud, HandClock, type TestCloud } from "../support/cloud.ts";

const clock = new HandClock();
let cloud: TestCloud;
let places: Record<string, string>;
let aBooking: object;
const lodgifyKey = "lodgify-key-of-a-test";
const kisiKey = "kisi-key-of-a-test";

const aGrant = {
  kind: "visitor",
  holder: { name: "Ada Guest" },
  accessPoints: ["front"],
  from: "2031-03-04T10:00:00+01:00",
  until: "2031-03-06T11:00:00+01:00",
  entriesAllowed: null,
  credentials: [{ kind: "pin" }],
};
const entry = { code: "651234", name: "Gardener", expiry: "2031-06-01T18:00:00" };

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "Europe/Madrid" });
  const gateway = await cloud.gateway("demo", ["front"]);
  const grant = (await cloud.ask("POST", "/api/sites/demo/grants", aGrant)).body;
  const code = await cloud.ask("POST", "/api/temp-codes", { name: "Cleaner", expiry: "2031-03-04T20:00" });
  const pass = await cloud.ask("POST", "/api/passes", { visitorName: "Lea Visitor", notes: "brings a dog" });
  const property = await cloud.ask("POST", "/api/properties", { name: "Flat" });
  const empty = await cloud.ask("POST", "/api/properties", { name: "Attic" });
  const days = { arrival: "2031-03-05", departure: "2031-03-08" };
  aBooking = { property: property.body.id, guest: { name: "Gus Guest" }, ...days };
  const booking = await cloud.ask("POST", "/api/bookings", aBooking);
  const held = await cloud.ask("POST", "/api/bookings", {
    ...aBooking,
    arrival: "2031-04-05",
    departure: "2031-04-08",
  });
  await cloud.store.db
    .update(bookings)
    .set({ held: "{}", heldAt: 1, heldWhy: "many" })
    .where(eq(bookings.id, held.body.id));
  const aSource = { site: "demo", kind: "lodgify", name: "Lodgify", key: lodgifyKey };
  const source = await cloud.ask("POST", "/api/booking-sources", aSource);
  const hook = await cloud.ask("POST", "/api/booking-sources", { site: "demo", kind: "webhook", name: "Own" });
  const raised = { site: "demo", booking: booking.body.id, kind: "guest-says", detail: {} } as const;
  await cloud.store.transaction((tx) => raiseAlarm(tx, raised, clock.wall()));
  const [alarm] = (await cloud.ask("GET", "/api/stay-alarms")).body.items;
  const says = { from: 0, until: 1, doors: ["front"], code: "index" };
  const facts = { site: "demo", booking: booking.body.id, number: 1, kind: "code", says, isProven: true } as const;
  const message = await cloud.store.transaction(async (tx) => {
    const put = await putMessage(tx, { ...facts, dueAt: 0 }, clock.wall());
    return writeMessage(tx, put, { state: "sent", dueAt: null }, clock.wall());
  });
  places = {
    message: message.id,
    alarm: alarm.id,
    site: "demo",
    gateway: gateway.id,
    integration: `${gateway.id}:kisi`,
    grant: grant.id,
    credential: grant.credentials[0].id,
    accessPoint: "front",
    id: code.body.id,
    pass: pass.body.id,
    property: property.body.id,
    empty: empty.body.id,
    held: held.body.id,
    source: source.body.id,
    name: "sweep",
    hook: hook.body.id,
    booking: booking.body.id,
  };
});
after(() => cloud.close());

/** What each changing route is asked with, and the action it leaves; in an order in which one does not take the other's ground. */
const changes: Record<string, readonly [body: object | undefined, action: string]> = {
  "post /api/jobs/{name}/run": [undefined, "jobs.run"],
  "post /api/sites": [{ name: "Other", zone: "UTC" }, "sites.create"],
  "patch /api/sites/{site}": [{ name: "Renamed" }, "sites.change"],
  "post /api/sites/{site}/gateways": [{ name: "attic" }, "gateways.create"],
  "post /api/sites/{site}/gateways/{gateway}/enrolment-codes": [undefined, "gateways.new-code"],
  "patch /api/sites/{site}/access-points/{accessPoint}": [{ name: "Front" }, "doors.rename"],
  "post /api/sites/{site}/access-points/{accessPoint}/unlock": [undefined, "doors.unlock"],
  "post /api/sites/{site}/access-points/{accessPoint}/identify": [undefined, "doors.identify"],
  "put /api/sites/{site}/access-points/{accessPoint}/hold-open": [{ until: "2031-03-04T18:00:00Z" }, "doors.hold"],
  "delete /api/sites/{site}/access-points/{accessPoint}/hold-open": [undefined, "doors.end-hold"],
  "post /api/sites/{site}/grants": [aGrant, "grants.create"],
  "patch /api/sites/{site}/grants/{grant}": [{ until: "2031-03-07T11:00:00+01:00" }, "grants.change"],
  "post /api/sites/{site}/grants/{grant}/credentials/{credential}/revoke": [undefined, "grants.revoke-credential"],
  "post /api/sites/{site}/grants/{grant}/revoke": [undefined, "grants.revoke"],
  "post /api/sites/{site}/blacklist": [
    { subject: "document", value: "X1234567", reason: "left angry" },
    "blacklist.add",
  ],
  "delete /api/sites/{site}/blacklist/{entry}": [undefined, "blacklist.remove"],
  "post /api/temp-codes": [{ site: "demo", name: "Plumber", expiry: "2031-03-04T20:00" }, "codes.create"],
  "post /api/temp-codes/import?site=demo&accessPoints=front": [{ one: entry }, "codes.import"],
  "patch /api/temp-codes/{id}": [{ expiry: "2031-03-04T21:00" }, "codes.change"],
  "post /api/temp-codes/{id}/reveal": [undefined, "codes.reveal"],
  "delete /api/temp-codes/{id}": [undefined, "codes.revoke"],
  "post /api/passes": [{ site: "demo", visitorName: "Bo Visitor", documentNum: "X7654321" }, "passes.create"],
  "patch /api/passes/{pass}": [{ visitorName: "Lea B. Visitor", notes: "brings a cat" }, "passes.change"],
  "post /api/passes/{pass}/link": [undefined, "passes.renew-link"],
  "delete /api/passes/{pass}": [undefined, "passes.revoke"],
  "post /api/properties": [{ site: "demo", name: "Cabin" }, "properties.create"],
  "patch /api/properties/{property}": [{ rules: { checkIn: "16:00" } }, "properties.change"],
  "delete /api/properties/{empty}": [undefined, "properties.close"],
  "patch /api/properties/{property}/messages": [{ on: true }, "messages.settings"],
  "post /api/guest-messages/{message}/send-again": [undefined, "messages.send-again"],
  "post /api/bookings": [undefined, "bookings.create"],
  "patch /api/bookings/{booking}": [{ guest: { name: "Gus G. Guest" } }, "bookings.change"],
  "post /api/bookings/{booking}/reveal": [undefined, "bookings.reveal"],
  "post /api/bookings/{booking}/extend": [{ hours: 2 }, "bookings.extend"],
  "post /api/bookings/{booking}/link": [{}, "bookings.link"],
  "post /api/bookings/{booking}/new-code": [undefined, "bookings.renew-code"],
  "post /api/booking-sources": [{ site: "demo", kind: "lodgify", name: "Other", key: lodgifyKey }, "sources.create"],
  "patch /api/booking-sources/{source}": [{ key: `${lodgifyKey}-2` }, "sources.change"],
  "post /api/booking-sources/{hook}/rotate-secret": [undefined, "sources.rotate"],
  "delete /api/booking-sources/{source}": [undefined, "sources.close"],
  "post /api/bookings/{held}/decide": [{ agree: false }, "bookings.refuse"],
  "post /api/integrations/access/configure": [
    { site: "demo", provider: "KISI", apiKey: kisiKey },
    "integrations.configure",
  ],
  "delete /api/integrations/access/{integration}": [undefined, "integrations.remove"],
  "post /api/stay-alarms/{alarm}/settle": [undefined, "alarms.settle"],
  "post /api/security-events/{event}/resolve": [undefined, "security.resolve"],
  "post /api/sites/{site}/gateways/{gateway}/revoke": [undefined, "gateways.revoke"],
};
/** Routes whose entries other tests look at, or which a gate must answer. */
const elsewhere =
  /^\w+ \/api\/((me|people|api-keys|sessions|validate-qr|log-entry)\b|booking-sources\/\{id\}\/run$|properties\/\{id\}\/messages\/preview$)/;

/** What the planner does of its own accord, when a booking was told, stands there besides. */
const trail = async (limit: number) =>
  (await listAudit(cloud.store.db, { limit })).filter(({ actor }) => actor !== "planner");

describe("every changing route below /api", () => {
  test("is in the list of this test", async () => {
    const { body } = await cloud.ask("GET", "/openapi.json");
    const changing = Object.entries<Record<string, unknown>>(body.paths)
      .filter(([path]) => path.startsWith("/api/"))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
      .filter((name) => !name.startsWith("get ") && !elsewhere.test(name));
    const listed = Object.keys(changes).map((name) =>
      (name.split("?")[0] ?? "").replace(
        /\{(event|alarm|message|pass|property|empty|booking|held|source|hook|integration)\}/,
        "{id}",
      ),
    );
    assert.deepEqual(changing.sort(), listed.sort());
  });

  for (const [name, [body, action]] of Object.entries(changes))
    test(`${name} leaves one entry, "${action}"`, async () => {
      const [method = "", path = ""] = name.split(" ");
      if (path.includes("{event}")) places.event = await aSecurityEvent();
      const url = path.replace(/\{(\w+)\}/g, (_, place) => places[place] ?? "none");
      const before = await trail(1_000);
      clock.advance(1_000);
      const asked = action === "bookings.create" ? aBooking : body;
      const answer = await cloud.ask(method.toUpperCase(), url, asked, { "user-agent": "a test" });
      assert.ok(answer.status < 300, answer.text);
      if (action === "blacklist.add") places.entry = answer.body.id;
      const after = await trail(1_000);
      assert.equal(after.length, before.length + 1);
      const [row] = after;
      assert.deepEqual([row?.action, row?.actor, row?.at], [action, "admin", clock.wall()]);
      const [said] = await readAuditBodies(cloud.store.db, row ? [row] : []);
      assert.deepEqual(said?.from, { address: "in-process", device: "a test" });
    });

  test("tells no digits, no name of a person and no document", async () => {
    const all = JSON.stringify(await trail(1_000));
    for (const secret of [
      "651234",
      kisiKey,
      "Ada Guest",
      "Gardener",
      "Cleaner",
      "X1234567",
      "left angry",
      "Visitor",
      "X7654321",
      "brings",
      "Gus G",
    ])
      assert.ok(!all.includes(secret), secret);
  });

  test("what was refused leaves none", async () => {
    const before = await trail(1_000);
    for (const [method, path, body] of [
      ["PATCH", "/api/sites/none", { name: "X" }],
      ["DELETE", "/api/sites/demo/blacklist/none", undefined],
      ["POST", "/api/sites/demo/grants/none/revoke", undefined],
      ["POST", "/api/temp-codes", { name: "X", expiry: "2020-01-01T00:00" }],
      ["POST", "/api/security-events/none/resolve", undefined],
    ] as const)
      assert.ok((await cloud.ask(method, path, body)).status >= 400);
    assert.equal((await trail(1_000)).length, before.length);
  });

  test("what is repeated under one Idempotency-Key leaves one", async () => {
    const before = await trail(1_000);
    const key = { "idempotency-key": "twice" };
    const order = { subject: "document", value: "Y7654321" };
    clock.advance(1_000);
    for (const times of [1, 2])
      assert.equal((await cloud.ask("POST", "/api/sites/demo/blacklist", order, key)).status, 201, `${times}`);
    assert.equal((await trail(1_000)).length, before.length + 1);
  });
});

async function aSecurityEvent(): Promise<string> {
  await recordSecurity(cloud.store.db, { kind: "new-device", severity: "notice", subject: "person-1" }, clock.wall());
  const { items } = (await cloud.ask("GET", "/api/security-events?kind=new-device&resolved=no")).body;
  assert.equal(items.length, 1);
  return items[0].id;
}

test("what is refused to somebody is noted, and a warning when it is often", async () => {
  const looker = await cloud.as("user", ["demo"]);
  const noted = async () => {
    const { items } = (await cloud.ask("GET", "/api/security-events?kind=permission-refused")).body;
    return items.map(({ subject, severity, count }: Record<string, unknown>) => [subject, severity, count]);
  };
  const order = { name: "X", zone: "UTC" };
  assert.equal((await looker.ask("POST", "/api/sites", order)).status, 403);
  assert.deepEqual(await noted(), [[looker.id, "notice", 1]]);
  for (let times = 1; times < 10; times += 1) await looker.ask("POST", "/api/sites", order);
  assert.deepEqual(await noted(), [[looker.id, "warning", 10]]);
});

describe("reading the trail", () => {
  test("by who, action, thing, time and site, page by page", async () => {
    const ask = async (query: string) => (await cloud.ask("GET", `/api/audit?limit=200&${query}`)).body.items;
    const all = await ask("");
    assert.ok(all.length > 20);
    const codes = await ask("action=codes");
    assert.deepEqual(new Set(codes.map((one: { action: string }) => one.action.split(".")[0])), new Set(["codes"]));
    assert.deepEqual((await ask("action=codes.reveal")).length, 1);
    const [grant] = await ask(`thing=${places.grant}&action=grants.change`);
    assert.deepEqual(
      [grant.before, grant.after],
      [{ until: "2031-03-06T10:00:00Z" }, { until: "2031-03-07T10:00:00Z" }],
    );
    assert.equal((await ask("who=nobody")).length, 0);
    assert.equal((await ask(`from=${encodeURIComponent(all[0].at)}&until=2032-01-01T00:00:00Z`)).length, 1);
    assert.equal((await ask("site=demo")).length + (await ask("site=*")).length <= all.length, true);
    const paged: unknown[] = [];
    for (let next = ""; ; ) {
      const { body } = await cloud.ask("GET", `/api/audit?limit=7${next && `&after=${next}`}`);
      paged.push(...body.items);
      if (body.next === null) break;
      next = body.next;
    }
    assert.deepEqual(paged, all);
  });

  test("as a table that no spreadsheet calculates", async () => {
    const from = { address: "192.0.2.7", device: '=HYPERLINK("x")' };
    await cloud.store.transaction((tx) =>
      recordAudit(tx, { site: "demo", actor: "person-1", from, action: "doors.rename", thing: "front" }, clock.wall()),
    );
    const { status, text, headers } = await cloud.ask("GET", "/api/audit.csv?site=demo");
    assert.equal(status, 200);
    assert.match(headers.get("content-type") ?? "", /^text\/csv/);
    const lines = text.split("\r\n");
    assert.equal(lines[0], '"site","seq","at","actor","action","thing","before","after","address","device"');
    assert.match(lines[1] ?? "", /,"doors\.rename","front","","","192\.0\.2\.7","'=HYPERLINK\(""x""\)"$/);
    assert.equal(lines.length - 2, (await listAudit(cloud.store.db, { sites: ["demo"], limit: 1_000 })).length);
  });

  for (const [text, cell] of [
    ["=1+1", `"'=1+1"`],
    [" -1", `"' -1"`],
    ["@x", `"'@x"`],
    ["\t=1", `"'\t=1"`],
    ['a "b", c', `"a ""b"", c"`],
    ["plain", '"plain"'],
  ] as const)
    test(`the cell ${JSON.stringify(text)}`, () => {
      assert.equal(csvLine([text]), `${cell}\r\n`);
    });
});
