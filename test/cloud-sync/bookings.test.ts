/** Bookings: a code comes of each, follows it and goes with it; what stands in the way is said, and nothing but a clear word takes a code away. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eq } from "drizzle-orm";
import { provisionAllDue } from "../../cloud-sync/jobs/provision-stays.ts";
import { forgetOfSite } from "../../cloud-sync/jobs/retention.ts";
import { listAudit, readAuditBodies } from "../../cloud-sync/store/audit-trail.ts";
import { booking as rows } from "../../cloud-sync/store/schema.ts";
import { type Answer, givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";

const hour = 3_600_000;
const keypad = (id: string, lock: string) => ({ id, lock, reads: true, kinds: ["pin"] });
const nuki = {
  lengths: [6],
  digits: "123456789",
  forbiddenPrefixes: ["12"],
  capacity: 10,
  windows: "range",
};

// Tuesday 2031-03-04, 13:00 in Madrid.
const clock = new HandClock();
let cloud: TestCloud;
let gateway: TestGateway;
let flat: string;

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "casa", name: "Casa", zone: "Europe/Madrid" });
  gateway = await cloud.gateway("casa");
  await gateway.report([
    keypad("street", "gate"),
    keypad("flat-a", "box-a"),
    keypad("flat-b", "box-b"),
    { id: "flat-n", lock: "nuki", reads: false, codes: nuki },
    { id: "flat-m", lock: "other", reads: false, codes: { ...nuki, lengths: [4] } },
    { id: "flat-r", lock: "ring", reads: false, noCodes: "Ring has no way to put PINs into this lock" },
  ]);
  flat = (await aProperty({ name: "Flat A", accessPoints: ["street", "flat-a"] })).id;
});
after(() => cloud.close());

const said = (answer: Answer, status: number) => {
  clock.advance(20);
  assert.equal(answer.status, status, answer.text);
  return answer.body;
};
const aProperty = async (body: object) => said(await cloud.ask("POST", "/api/properties", body), 201);
const order = (change: object = {}) => ({
  property: flat,
  guest: { name: "Greta Guest", phone: "+34 612 345 697" },
  arrival: "2031-03-05",
  departure: "2031-03-08",
  ...change,
});
const book = async (change: object = {}) => said(await cloud.ask("POST", "/api/bookings", order(change)), 201);
const change = async (id: string, body: object) => said(await cloud.ask("PATCH", `/api/bookings/${id}`, body), 200);
const read = async (id: string) => said(await cloud.ask("GET", `/api/bookings/${id}`), 200);
const digits = async (id: string): Promise<string> =>
  said(await cloud.ask("POST", `/api/bookings/${id}/reveal`), 200).code;
const grantOf = async (id: string) => said(await cloud.ask("GET", `/api/sites/casa/grants/${id}`), 200);

/** Each test has its flat to itself. */
const alone = async (accessPoints = ["street", "flat-a"], rules = {}) =>
  (await aProperty({ name: "Alone", accessPoints, rules })).id;

describe("the code of a booking", () => {
  test("is made when it is time, works for the stay alone, and reaches the gateway", async () => {
    const booking = await book();
    assert.deepEqual(
      [booking.code.from, booking.code.until, booking.code.problem, booking.code.dueAt, booking.isBookedTwice],
      ["2031-03-05T14:00:00Z", "2031-03-08T10:00:00Z", null, null, false],
    );
    const rows = await gateway.catchUp();
    const { body } = rows.find(({ id }) => id === booking.code.grant) as unknown as { body: Record<string, unknown> };
    assert.deepEqual(
      [body.kind, body.accessPoints, body.validity, body.entriesAllowed, body.about],
      [
        "stay",
        ["street", "flat-a"],
        { from: Date.parse("2031-03-05T14:00Z"), until: Date.parse("2031-03-08T10:00Z") },
        null,
        { booking: booking.id, property: flat },
      ],
    );
    assert.match(await digits(booking.id), /^[1-9]{6}$/);
    const seen = (await read(booking.id)).code.doors;
    assert.deepEqual(
      seen.map(({ accessPoint }: { accessPoint: string }) => accessPoint),
      ["street", "flat-a"],
    );
    assert.ok(!JSON.stringify(await read(booking.id)).includes(await digits(booking.id)));
  });

  test("is not made before its time, and to the minute then", async () => {
    const booking = await book({ property: await alone(), arrival: "2031-03-20", departure: "2031-03-22" });
    assert.deepEqual([booking.code.grant, booking.code.dueAt], [null, "2031-03-18T14:00:00Z"]);
    const refused = await cloud.ask("POST", `/api/bookings/${booking.id}/reveal`);
    assert.deepEqual([refused.status, refused.body.code], [409, "no-code"]);
    assert.match(refused.body.detail, /made at 2031-03-18T14:00:00Z/);
    clock.stepWall(Date.parse("2031-03-18T13:59:59Z") - clock.wall());
    await provisionAllDue(cloud.parts);
    assert.equal((await read(booking.id)).code.grant, null);
    clock.stepWall(1_000);
    await provisionAllDue(cloud.parts);
    assert.notEqual((await read(booking.id)).code.grant, null);
    clock.stepWall(Date.parse("2031-03-04T12:00:00Z") - clock.wall());
  });

  test("keeps its digits when the stay is extended, moved, renamed, or given another room", async () => {
    const [property, other] = [await alone(), await alone(["street", "flat-b"])];
    const booking = await book({ property });
    const pin = await digits(booking.id);
    for (const [body, from, until, doors] of [
      [{ departure: "2031-03-10" }, "2031-03-05T14:00:00Z", "2031-03-10T10:00:00Z", ["street", "flat-a"]],
      [
        { arrival: "2031-03-06", checkIn: "18:30" },
        "2031-03-06T17:30:00Z",
        "2031-03-10T10:00:00Z",
        ["street", "flat-a"],
      ],
      [{ guest: { name: "Greta G. Guest" } }, "2031-03-06T17:30:00Z", "2031-03-10T10:00:00Z", ["street", "flat-a"]],
      [{ property: other }, "2031-03-06T17:30:00Z", "2031-03-10T10:00:00Z", ["street", "flat-b"]],
      [
        { arrival: "2031-06-06", departure: "2031-06-09" },
        "2031-06-06T16:30:00Z",
        "2031-06-09T09:00:00Z",
        ["street", "flat-b"],
      ],
    ] as const) {
      const after = await change(booking.id, body);
      const grant = await grantOf(after.code.grant);
      assert.deepEqual(
        [after.code.grant, grant.from, grant.until, grant.accessPoints, grant.holder.name === after.guest.name],
        [booking.code.grant, from, until, doors, true],
      );
    }
    clock.stepWall(Date.parse("2031-06-05T12:00Z") - clock.wall());
    assert.equal(await digits(booking.id), pin);
    clock.stepWall(Date.parse("2031-03-04T12:00Z") - clock.wall());
  });

  test("goes when the booking is called off, and has the same digits when that was a mistake", async () => {
    const booking = await book({ property: await alone() });
    const pin = await digits(booking.id);
    const off = await change(booking.id, { status: "cancelled" });
    assert.deepEqual([off.code.grant, off.code.doors], [null, []]);
    assert.equal(off.code.former.grant, booking.code.grant);
    assert.deepEqual(
      off.code.former.doors.map(({ accessPoint }: { accessPoint: string }) => accessPoint),
      ["street", "flat-a"],
    );
    assert.match((await cloud.ask("POST", `/api/bookings/${booking.id}/reveal`)).body.detail, /it is cancelled/);
    assert.equal((await grantOf(booking.code.grant)).state, "revoked");
    await change(booking.id, { status: "cancelled" });
    const on = await change(booking.id, { status: "confirmed" });
    assert.notEqual(on.code.grant, booking.code.grant);
    assert.equal(await digits(booking.id), pin);
  });

  test("stays while a booking that had one is in doubt, and none is made for one that always was", async () => {
    const booking = await book({ property: await alone() });
    assert.equal((await change(booking.id, { status: "tentative" })).code.grant, booking.code.grant);
    assert.equal((await grantOf(booking.code.grant)).state, "upcoming");
    assert.equal((await book({ property: await alone(), status: "tentative" })).code.grant, null);
  });

  test("goes when the guest has left early", async () => {
    const booking = await book({ property: await alone(), arrival: "2031-03-03" });
    assert.equal((await grantOf(booking.code.grant)).state, "active");
    await change(booking.id, { status: "completed" });
    assert.equal((await grantOf(booking.code.grant)).state, "revoked");
  });

  test("that somebody has taken away by hand stays away, until another is wanted", async () => {
    const booking = await book({ property: await alone() });
    const pin = await digits(booking.id);
    said(await cloud.ask("POST", `/api/sites/casa/grants/${booking.code.grant}/revoke`), 200);
    await change(booking.id, { departure: "2031-03-09" });
    await provisionAllDue(cloud.parts);
    assert.equal((await grantOf(booking.code.grant)).state, "revoked");
    assert.match((await read(booking.id)).code.problem, /somebody has revoked its code/);
    const renewed = said(await cloud.ask("POST", `/api/bookings/${booking.id}/new-code`), 200);
    assert.notEqual(renewed.code.grant, booking.code.grant);
    assert.notEqual(await digits(booking.id), pin);
  });

  test("has other digits when they have come to the wrong ears, and the first are revoked", async () => {
    const property = await alone(["street", "flat-a"], { codeFrom: "phone", codeLength: 4 });
    const booking = await book({ property });
    assert.equal(await digits(booking.id), "5697");
    const renewed = said(await cloud.ask("POST", `/api/bookings/${booking.id}/new-code`), 200);
    assert.notEqual(await digits(booking.id), "5697");
    assert.equal((await grantOf(booking.code.grant)).state, "revoked");
    assert.equal((await grantOf(renewed.code.grant)).state, "upcoming");
  });

  test("whose digits alone were revoked by hand never has them again", async () => {
    const booking = await book({ property: await alone() });
    const pin = await digits(booking.id);
    const { credentials } = await grantOf(booking.code.grant);
    const path = `/api/sites/casa/grants/${booking.code.grant}/credentials/${credentials[0].id}/revoke`;
    said(await cloud.ask("POST", path), 200);
    await change(booking.id, { departure: "2031-03-09" });
    assert.match((await read(booking.id)).code.problem, /somebody has revoked its code/);
    assert.equal((await cloud.ask("POST", `/api/bookings/${booking.id}/reveal`)).status, 409);
    await change(booking.id, { status: "cancelled" });
    said(await cloud.ask("POST", `/api/bookings/${booking.id}/new-code`), 200);
    await change(booking.id, { status: "confirmed" });
    assert.notEqual(await digits(booking.id), pin);
  });

  test("follows a booking that is in doubt, and the site's zone", async () => {
    const [property, other] = [await alone(), await alone(["street", "flat-b"])];
    const [doubt, far] = [await book({ property }), await book({ property: other })];
    const moved = await change(doubt.id, { status: "tentative", property: other, departure: "2031-03-07" });
    const grant = await grantOf(moved.code.grant);
    assert.deepEqual([grant.accessPoints, grant.until], [["street", "flat-b"], "2031-03-07T10:00:00Z"]);
    said(await cloud.ask("PATCH", "/api/sites/casa", { zone: "Atlantic/Canary" }), 200);
    await provisionAllDue(cloud.parts);
    assert.equal((await grantOf(far.code.grant)).from, "2031-03-05T15:00:00Z");
    said(await cloud.ask("PATCH", "/api/sites/casa", { zone: "Europe/Madrid" }), 200);
    await provisionAllDue(cloud.parts);
    assert.equal((await grantOf(far.code.grant)).from, "2031-03-05T14:00:00Z");
  });

  test("stays what it was where the property's new hours would leave it none, and that is said", async () => {
    const property = await alone();
    const booking = await book({
      property,
      arrival: "2031-03-05",
      departure: "2031-03-05",
      checkIn: "10:00",
      checkOut: "18:00",
    });
    const rules = { checkIn: "19:00" };
    const short = await book({ property, arrival: "2031-03-05", departure: "2031-03-05", checkOut: "18:00" });
    said(await cloud.ask("PATCH", `/api/properties/${property}`, { rules }), 200);
    await provisionAllDue(cloud.parts);
    assert.match((await read(short.id)).code.problem, /it ends before it begins/);
    assert.equal((await grantOf(short.code.grant)).from, "2031-03-05T14:00:00Z");
    assert.equal((await read(booking.id)).code.problem, null);
  });

  test("two changes at once are both kept", async () => {
    const booking = await book({ property: await alone() });
    await Promise.all([change(booking.id, { arrival: "2031-03-04" }), change(booking.id, { departure: "2031-03-11" })]);
    const { arrival, departure } = await read(booking.id);
    assert.deepEqual([arrival, departure], ["2031-03-04", "2031-03-11"]);
  });

  test("of one that cannot be looked at keeps no other waiting", async () => {
    const [broken, next] = [await book({ property: await alone() }), await book({ property: await alone() })];
    await cloud.store.db.update(rows).set({ arrival: "no day", lookAt: 1 }).where(eq(rows.id, broken.id));
    await cloud.store.db.update(rows).set({ guestName: "Next Guest", lookAt: 2 }).where(eq(rows.id, next.id));
    await provisionAllDue(cloud.parts);
    assert.equal((await grantOf(next.code.grant)).holder.name, "Next Guest");
    assert.match((await read(broken.id)).code.problem, /could not be looked at/);
    assert.equal((await grantOf(broken.code.grant)).state, "upcoming");
  });

  test("of a telephone's end is random where another has it, or it is weak", async () => {
    const property = await alone(["street", "flat-b"], { codeFrom: "phone", codeLength: 4 });
    const guest = { name: "Bo", phone: "+49 170 5550917" };
    const first = await book({ property, guest });
    assert.equal(await digits(first.id), "0917");
    const second = await book({ property, guest, departure: "2031-03-06" });
    assert.notEqual(await digits(second.id), "0917");
    const weak = await book({ property, guest: { name: "Bo", phone: "+49 170 5551234" }, departure: "2031-03-06" });
    assert.notEqual(await digits(weak.id), "1234");
  });

  test("is one that all the locks take, and changes only for a lock that does not take it", async () => {
    const property = await alone(["street", "flat-a"], { codeLength: 8 });
    const booking = await book({ property });
    assert.match(await digits(booking.id), /^\d{8}$/);
    const moved = await change(booking.id, { property: await alone(["street", "flat-n"], { codeLength: 8 }) });
    assert.notEqual(moved.code.grant, booking.code.grant);
    assert.match(await digits(booking.id), /^(?!12)[1-9]{6}$/);
    assert.equal((await grantOf(booking.code.grant)).state, "revoked");
  });

  test("that no lock could honour is said to be so, and is made once it could", async () => {
    const property = await alone(["flat-n", "flat-m"]);
    const booking = await book({ property });
    assert.equal(booking.code.grant, null);
    assert.match(booking.code.problem, /no PIN fits all the locks/);
    assert.equal(Date.parse(booking.code.dueAt), clock.wall() - 20 + 5 * 60_000);
    said(await cloud.ask("PATCH", `/api/properties/${property}`, { accessPoints: ["street"] }), 200);
    await provisionAllDue(cloud.parts);
    const healed = await read(booking.id);
    assert.deepEqual([healed.code.problem, (await grantOf(healed.code.grant)).accessPoints], [null, ["street"]]);
  });

  test("goes with a link for the guest's page, which opens where no PIN does, and is told to nobody", async () => {
    const booking = await book({ property: await alone(["street", "flat-r"]), arrival: "2031-03-04" });
    const { credentials } = await grantOf(booking.code.grant);
    assert.deepEqual(
      credentials.map(({ kind }: { kind: string }) => kind),
      ["pin", "link"],
    );
    await gateway.catchUp();
    assert.deepEqual(
      (await read(booking.id)).code.doors.map(({ state }: { state: string }) => state),
      ["gateway-decides", "gateway-decides"],
    );
  });

  test("follows its property's rules, and no other's", async () => {
    const [property, other] = [await alone(), await alone()];
    const [booking, beside] = [await book({ property }), await book({ property: other })];
    const rules = { checkIn: "16:00", earlyMinutes: 30, lateMinutes: 60 };
    said(await cloud.ask("PATCH", `/api/properties/${property}`, { rules }), 200);
    await provisionAllDue(cloud.parts);
    const grant = await grantOf(booking.code.grant);
    assert.deepEqual([grant.from, grant.until], ["2031-03-05T14:30:00Z", "2031-03-08T11:00:00Z"]);
    const { begins, code } = await read(booking.id);
    assert.deepEqual([begins, code.from], ["2031-03-05T15:00:00Z", "2031-03-05T14:30:00Z"]);
    assert.equal((await grantOf(beside.code.grant)).from, "2031-03-05T14:00:00Z");
  });

  test("of a room booked by the hour works for those hours", async () => {
    const booking = await book({
      property: await alone(["flat-b"]),
      kind: "member",
      arrival: undefined,
      departure: undefined,
      from: "2031-03-04T15:00",
      until: "2031-03-04T17:30",
    });
    const grant = await grantOf(booking.code.grant);
    assert.deepEqual(
      [grant.kind, grant.from, grant.until, booking.arrival],
      ["member", "2031-03-04T14:00:00Z", "2031-03-04T16:30:00Z", null],
    );
    const later = await change(booking.id, { until: "2031-03-04T19:00" });
    assert.deepEqual([later.begins, later.ends], ["2031-03-04T14:00:00Z", "2031-03-04T18:00:00Z"]);
  });
});

test("two stays of one flat at once are told, and one that begins as another ends is not", async () => {
  const property = await alone();
  const [first, next] = [
    await book({ property }),
    await book({ property, arrival: "2031-03-08", departure: "2031-03-10" }),
  ];
  assert.deepEqual([(await read(first.id)).isBookedTwice, (await read(next.id)).isBookedTwice], [false, false]);
  const second = await book({ property, arrival: "2031-03-07", departure: "2031-03-09" });
  for (const { id } of [first, next, second]) assert.ok((await read(id)).isBookedTwice);
  await change(second.id, { status: "cancelled" });
  assert.equal((await read(first.id)).isBookedTwice, false);
});

describe("extra hours and cleaning", () => {
  const extend = (id: string, hours: number, status = 200) =>
    cloud.ask("POST", `/api/bookings/${id}/extend`, { hours }).then((answer) => said(answer, status));

  test("a guest may stay longer: the same digits, and the hours can be taken back", async () => {
    const booking = await book({ property: await alone(["street", "flat-a"], { lateMinutes: 30 }) });
    const pin = await digits(booking.id);
    const longer = await extend(booking.id, 3);
    assert.deepEqual([longer.extraHours, longer.ends, longer.code.until], [3, booking.ends, "2031-03-08T13:30:00Z"]);
    assert.equal((await grantOf(booking.code.grant)).until, "2031-03-08T13:30:00Z");
    await extend(booking.id, 3);
    assert.equal((await grantOf(booking.code.grant)).until, "2031-03-08T13:30:00Z");
    await change(booking.id, { departure: "2031-03-09" });
    assert.equal((await grantOf(booking.code.grant)).until, "2031-03-09T13:30:00Z");
    await extend(booking.id, 0);
    assert.equal((await grantOf(booking.code.grant)).until, "2031-03-09T10:30:00Z");
    assert.equal(await digits(booking.id), pin);
  });

  test("they are refused where they would reach into the cleaning, and for a stay that is off; the field is named", async () => {
    const property = await alone(["street", "flat-a"], { cleaningMinutes: 120 });
    const booking = await book({ property });
    await book({ property, arrival: "2031-03-08", departure: "2031-03-10", checkIn: "15:00" });
    const refused = await extend(booking.id, 3, 409);
    assert.deepEqual(
      [refused.errors[0].field, refused.errors[0].message],
      ["body.hours", "the next stay leaves 2 hours, cleaning apart"],
    );
    await extend(booking.id, 2);
    assert.equal((await grantOf(booking.code.grant)).until, "2031-03-08T12:00:00Z");
    await change(booking.id, { status: "cancelled" });
    assert.equal((await extend(booking.id, 1, 409)).errors[0].field, "path.id");
    assert.equal((await extend(booking.id, 25, 400)).errors[0].field, "body.hours");
  });

  test("a stay that comes beside another cuts its buffers at once, gives them back when it goes, and is told when it is too tight", async () => {
    const property = await alone(["street", "flat-a"], { cleaningMinutes: 180, lateMinutes: 120, earlyMinutes: 60 });
    const first = await book({ property });
    const until = async () => {
      await provisionAllDue(cloud.parts);
      return (await grantOf(first.code.grant)).until;
    };
    assert.equal(await until(), "2031-03-08T12:00:00Z");
    const next = await book({ property, arrival: "2031-03-08", departure: "2031-03-10", checkIn: "15:00" });
    assert.equal(await until(), "2031-03-08T11:00:00Z");
    assert.equal(next.code.from, "2031-03-08T14:00:00Z", "nor does the next come early");
    assert.equal((await read(first.id)).isTooTight, false);
    await change(next.id, { checkIn: "13:00" });
    assert.equal(await until(), "2031-03-08T10:00:00Z");
    assert.equal((await read(first.id)).isTooTight, true);
    await change(next.id, { status: "cancelled" });
    assert.equal(await until(), "2031-03-08T12:00:00Z");
    assert.equal((await read(first.id)).isTooTight, false);
  });
});

test("the same request books once; the same name of the source is refused", async () => {
  const key = { "idempotency-key": "one-booking" };
  const body = order({ property: await alone(), externalId: "HM1234" });
  const first = said(await cloud.ask("POST", "/api/bookings", body, key), 201);
  const again = said(await cloud.ask("POST", "/api/bookings", body, key), 201);
  assert.deepEqual([again.id, again.code.grant], [first.id, first.code.grant]);
  const twice = await cloud.ask("POST", "/api/bookings", body);
  assert.deepEqual([twice.status, twice.body.errors[0].field], [409, "body.externalId"]);
});

test("the list is of the owner's own site, in the order in which they end, a page at a time", async () => {
  const property = await alone();
  const made = [];
  for (const [arrival, departure] of [
    ["2031-03-20", "2031-03-22"],
    ["2031-03-05", "2031-03-08"],
    ["2031-03-10", "2031-03-15"],
  ])
    made.push(await book({ property, arrival, departure }));
  clock.stepWall(-40 * 24 * hour);
  const past = await book({ property, arrival: "2031-02-01", departure: "2031-02-03" });
  clock.stepWall(40 * 24 * hour);
  const page = async (query: string) => said(await cloud.ask("GET", `/api/bookings?property=${property}${query}`), 200);
  const ids = ({ items }: { items: { id: string }[] }) => items.map(({ id }) => id);
  const first = await page("&limit=2");
  assert.deepEqual(ids(first), [made[1]!.id, made[2]!.id]);
  assert.deepEqual(ids(await page(`&limit=2&after=${first.next}`)), [made[0]!.id]);
  assert.deepEqual(ids(await page("&from=2031-01-01T00:00:00Z&until=2031-03-01T00:00:00Z")), [past.id]);
  const looker = await cloud.as("user", ["casa"]);
  const { phone } = said(await looker.ask("GET", `/api/bookings/${past.id}`), 200).guest;
  assert.equal(phone, "+34 6•• ••• •••");
  const [owner, stranger] = [await cloud.as("owner", ["casa"]), await cloud.as("owner", [])];
  assert.ok(ids(said(await owner.ask("GET", "/api/bookings?limit=200"), 200)).includes(made[0]!.id));
  assert.deepEqual(said(await stranger.ask("GET", "/api/bookings"), 200).items, []);
  assert.equal((await stranger.ask("GET", `/api/bookings/${past.id}`)).status, 404);
  assert.equal((await stranger.ask("GET", `/api/properties/${property}`)).status, 404);
});

for (const [what, body, field] of [
  ["without days", { arrival: undefined, departure: undefined }, "body.arrival"],
  ["without a departure", { departure: undefined }, "body.departure"],
  ["ending before it begins", { departure: "2031-03-04" }, "body.departure"],
  ["of more than 400 days", { departure: "2033-03-04" }, "body.departure"],
  ["of days and moments", { until: "2031-03-08T10:00" }, "body.until"],
  ["in the past", { arrival: "2021-03-01", departure: "2021-03-03" }, "body.departure"],
  ["of a day that is none", { arrival: "2031-02-30" }, "body.arrival"],
  ["at an hour that is none", { checkIn: "25:00" }, "body.checkIn"],
  ["of nobody", { guest: { name: " " } }, "body.guest.name"],
  ["with a telephone number that is none", { guest: { name: "Bo", phone: "abc 1" } }, "body.guest.phone"],
  ["with a mail address that is none", { guest: { name: "Bo", email: "bo" } }, "body.guest.email"],
  ["of a status nobody knows", { status: "booked" }, "body.status"],
  ["with a field nobody knows", { nights: 3 }, "body.nights"],
] as const)
  test(`refused: a booking ${what}`, async () => {
    const answer = await cloud.ask("POST", "/api/bookings", order(body));
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(
      answer.body.errors.map((one: { field: string }) => one.field),
      [field],
    );
  });

for (const [what, body, field] of [
  ["a door that is none", { accessPoints: ["street", "moon"] }, "body.accessPoints[1]"],
  ["a code of three digits", { rules: { codeLength: 3 } }, "body.rules.codeLength"],
  ["a rule nobody knows", { rules: { late: 3 } }, "body.rules.late"],
  ["no doors", { accessPoints: [] }, "body.accessPoints"],
] as const)
  test(`refused: a property with ${what}`, async () => {
    const answer = await cloud.ask("POST", "/api/properties", { name: "X", accessPoints: ["street"], ...body });
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(
      answer.body.errors.map((one: { field: string }) => one.field),
      [field],
    );
  });

test("a property is closed once nobody has booked it any more, and takes no bookings then", async () => {
  const property = await alone();
  const booking = await book({ property });
  const refused = await cloud.ask("DELETE", `/api/properties/${property}`);
  assert.deepEqual([refused.status, refused.body.errors[0].field], [409, "path.id"]);
  await change(booking.id, { status: "cancelled" });
  assert.notEqual(said(await cloud.ask("DELETE", `/api/properties/${property}`), 200).closedAt, null);
  assert.equal((await cloud.ask("POST", "/api/bookings", order({ property }))).status, 409);
  const { items } = said(await cloud.ask("GET", "/api/properties"), 200);
  assert.ok(items.every(({ id }: { id: string }) => id !== property));
});

test("the audit says who told what and who saw the digits, and names no guest", async () => {
  const booking = await book({ property: await alone() });
  await digits(booking.id);
  await change(booking.id, { guest: { phone: "+34 699 000 111" } });
  const entries = await listAudit(cloud.store.db, { thing: booking.id, limit: 10 });
  assert.deepEqual(
    entries.map(({ action, actor }) => [action, actor]),
    [
      ["bookings.change", "admin"],
      ["bookings.reveal", "admin"],
      ["bookings.provision", "planner"],
      ["bookings.create", "admin"],
    ],
  );
  const text = JSON.stringify(await readAuditBodies(cloud.store.db, entries));
  for (const secret of ["Greta", "612 345", "699 000"]) assert.ok(!text.includes(secret), secret);
  assert.match(text, /"phone":"changed"/);
});

test("who the guest was is forgotten a year after the stay, and nobody changes it then", async () => {
  const booking = await book({ property: await alone() });
  clock.stepWall(366 * 24 * hour);
  await forgetOfSite(cloud.parts, "casa");
  assert.equal((await read(booking.id)).guest.name, "Greta Guest");
  clock.stepWall(10 * 24 * hour);
  await forgetOfSite(cloud.parts, "casa");
  const { guest } = await read(booking.id);
  assert.deepEqual([guest.name, guest.phone], ["erased", null]);
  assert.equal((await cloud.ask("PATCH", `/api/bookings/${booking.id}`, { status: "confirmed" })).status, 409);
});
