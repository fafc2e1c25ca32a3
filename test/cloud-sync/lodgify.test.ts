/** A flat that is let by Lodgify, over HTTP: its bookings come by themselves, and whatever goes wrong there takes no guest's code away. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { provisionAllDue } from "../../cloud-sync/jobs/provision-stays.ts";
import { readAllDue } from "../../cloud-sync/jobs/read-sources.ts";
import { bookingSource } from "../../cloud-sync/store/schema.ts";
import { LodgifyServer } from "../../firmware-sim/links/lodgify.ts";
import { type Answer, givenCloud, HandClock, type TestCloud } from "../support/cloud.ts";
import { until } from "../support/until.ts";

const minute = 60_000;
const hour = 60 * minute;
const key = "lodgify-key-of-a-test";
const start = Date.UTC(2031, 2, 4, 12);

// Tuesday 2031-03-04, 13:00 in Madrid.
const clock = new HandClock();
const lodgify = new LodgifyServer({
  key,
  clock,
  properties: [
    {
      id: 812,
      name: "Casa",
      zone: "Europe/Madrid",
      rooms: [
        { id: 44, name: "Up" },
        { id: 45, name: "Down" },
      ],
    },
    { id: 900, name: "Shed", zone: "Europe/Madrid", rooms: [] },
  ],
});
let cloud: TestCloud;
let up: string;
let down: string;
let source: string;

before(async () => {
  const { url } = await lodgify.start();
  cloud = await givenCloud({ clock, lodgifyUrl: url });
  await cloud.ask("POST", "/api/sites", { id: "casa", name: "Casa", zone: "Europe/Madrid" });
  await cloud.gateway("casa", ["street", "up", "down"]);
  up = (await ask("POST", "/api/properties", { name: "Up", accessPoints: ["street", "up"] }, 201)).id;
  down = (await ask("POST", "/api/properties", { name: "Down", accessPoints: ["street", "down"] }, 201)).id;
});
after(async () => {
  await cloud.close();
  await lodgify.stop();
});

/** Each test has an account of its own; the bookings of the one before are somebody else's. */
beforeEach(async () => {
  if (source !== undefined) await ask("DELETE", `/api/booking-sources/${source}`);
  clock.stepWall(start - clock.wall());
  lodgify.settle();
  lodgify.changeKey(key);
  for (const id of ids.splice(0)) lodgify.forget(id);
  const places = { "812/44": up, "812/45": down };
  source = (await ask("POST", "/api/booking-sources", { kind: "lodgify", name: "Lodgify", key, places }, 201)).id;
  await run();
});

async function ask(method: string, path: string, body?: object, status = 200): Promise<Answer["body"]> {
  clock.advance(20);
  const answer = await cloud.ask(method, path, body);
  assert.equal(answer.status, status, answer.text);
  return answer.body;
}

const ids: number[] = [];
const guest = (name: string) => ({ name, phone: "+34 612 345 697", email: "guest@example.org" });
function book(arrival: string, departure: string, facts: Parameters<LodgifyServer["change"]>[1] = {}): number {
  const id = lodgify.book({ property_id: 812, arrival, departure, guest: guest("Gil Guest"), ...facts });
  ids.push(id);
  return id;
}

const run = () => ask("POST", `/api/booking-sources/${source}/run`);
async function codes() {
  await provisionAllDue(cloud.parts);
  const { items } = await ask("GET", "/api/bookings?limit=200&from=2031-03-01T00:00:00Z");
  return items.filter((one: { source: string }) => one.source === source);
}
async function bookingOf(id: number) {
  const found = (await codes()).find(({ externalId }: { externalId: string }) => externalId.startsWith(`${id}`));
  assert.ok(found, `a booking ${id}`);
  return found;
}
const digits = async (id: string) => (await ask("POST", `/api/bookings/${id}/reveal`)).code;
const stateOf = async (grant: string) => (await ask("GET", `/api/sites/casa/grants/${grant}`)).state;

/** Time passes for whoever waits, until the request is answered. */
async function patiently<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  const before = clock.sleepers;
  while (!isDone) {
    await until("it waits, or is answered", async () => isDone || clock.sleepers > before + 1);
    if (!isDone) clock.advance(30_000);
  }
  return done;
}

describe("bookings come by themselves", () => {
  test("with a code where it is time, each for the doors of its room", async () => {
    const first = book("2031-03-05", "2031-03-08", { rooms: [{ room_type_id: 45, key_code: null }] });
    const later = book("2031-04-05", "2031-04-08", { check_in: { time: "17:30:00" } });
    const { result } = await run();
    assert.deepEqual(result, { read: 2, added: 2, changed: 0, held: 0, unknownPlaces: [] });
    const [soon, then] = [await bookingOf(first), await bookingOf(later)];
    assert.deepEqual(
      [soon.property, soon.guest.name, soon.code.from, soon.code.problem, soon.kind],
      [down, "Gil Guest", "2031-03-05T14:00:00Z", null, "stay"],
    );
    assert.deepEqual([then.property, then.code.grant, then.begins], [up, null, "2031-04-05T15:30:00Z"]);
    assert.match(await digits(soon.id), /^\d{6}$/);
    assert.deepEqual((await run()).result.changed, 0);
  });

  test("of guests who are in the house too, whom Lodgify leaves out of its list unless asked", async () => {
    const here = book("2031-03-02", "2031-03-06");
    await run();
    assert.equal(await stateOf((await bookingOf(here)).code.grant), "active");
  });

  test("of a hundred and twenty, over several pages", async () => {
    for (let night = 0; night < 120; night += 1) {
      const arrival = Temporal.PlainDate.from("2031-04-01").add({ days: night });
      book(arrival.toString(), arrival.add({ days: 1 }).toString());
    }
    assert.equal((await run()).result.added, 120);
  });

  test("of every room where one booking has several, and one where the house is let whole", async () => {
    const rooms = [44, 45].map((room_type_id) => ({ room_type_id, key_code: null }));
    const both = book("2031-03-05", "2031-03-08", { rooms });
    await run();
    const made = (await codes()).filter(({ externalId }: { externalId: string }) => externalId.startsWith(`${both}`));
    assert.deepEqual(made.map(({ property }: { property: string }) => property).sort(), [up, down].sort());
    await ask("PATCH", `/api/booking-sources/${source}`, { places: { 812: up } });
    book("2031-05-05", "2031-05-08", { rooms });
    assert.equal((await run()).result.added, 1);
  });

  test("not of flats that nobody has said which property they are: that is told", async () => {
    book("2031-03-05", "2031-03-08", { property_id: 900, rooms: null });
    assert.deepEqual((await run()).result, { read: 1, added: 0, changed: 0, held: 0, unknownPlaces: ["900"] });
    const { items } = await ask("GET", `/api/booking-sources/${source}/places`);
    assert.deepEqual(items, [
      { id: "812", name: "Casa" },
      { id: "812/44", name: "Casa: Up" },
      { id: "812/45", name: "Casa: Down" },
      { id: "900", name: "Shed" },
    ]);
  });

  for (const status of ["Tentative", "Open", "Declined", "Quoted"])
    test(`not while it is ${status}`, async () => {
      book("2031-03-05", "2031-03-08", { status });
      assert.equal((await run()).result.added, 0);
    });

  test("again and again by themselves, by one of two that look at the same moment", async () => {
    book("2031-03-05", "2031-03-08");
    clock.stepWall(70 * minute);
    const before = lodgify.calls.length;
    await Promise.all([readAllDue(cloud.parts), readAllDue(cloud.parts)]);
    assert.equal(lodgify.calls.length, before + 2);
    assert.equal((await codes()).length, 1);
  });
});

describe("what changes there changes here, and the digits stay", () => {
  for (const [what, facts, begins, ends] of [
    ["another day", { arrival: "2031-03-06", departure: "2031-03-09" }, "2031-03-06T14:00:00Z", "2031-03-09T10:00:00Z"],
    ["longer", { departure: "2031-03-12" }, "2031-03-05T14:00:00Z", "2031-03-12T10:00:00Z"],
    ["later in the day", { check_in: { time: "19:00:00" } }, "2031-03-05T18:00:00Z", "2031-03-08T10:00:00Z"],
    ["another room", { rooms: [{ room_type_id: 45, key_code: null }] }, "2031-03-05T14:00:00Z", "2031-03-08T10:00:00Z"],
  ] as const)
    test(what, async () => {
      const id = book("2031-03-05", "2031-03-08");
      await run();
      const before = await bookingOf(id);
      const pin = await digits(before.id);
      lodgify.change(id, facts);
      await run();
      const now = await bookingOf(id);
      const property = what === "another room" ? down : up;
      assert.deepEqual([now.begins, now.ends, now.property], [begins, ends, property]);
      assert.deepEqual([await digits(now.id), now.code.grant], [pin, before.code.grant]);
    });

  for (const [what, take] of [
    ["cancelled", (id: number) => lodgify.cancel(id)],
    ["put into the bin", (id: number) => lodgify.change(id, { is_deleted: true })],
    ["declined", (id: number) => lodgify.change(id, { status: "Declined" })],
  ] as const)
    test(`${what}: its code goes at once`, async () => {
      const id = book("2031-03-05", "2031-03-08");
      await run();
      const { code } = await bookingOf(id);
      take(id);
      await run();
      assert.deepEqual([(await bookingOf(id)).status, await stateOf(code.grant)], ["cancelled", "revoked"]);
    });

  test("gone without a word: its code goes once it was not there twice, half an hour apart", async () => {
    const id = book("2031-03-05", "2031-03-08");
    await run();
    const { code } = await bookingOf(id);
    lodgify.forget(id);
    for (const ms of [0, 10 * minute]) {
      clock.stepWall(ms);
      await run();
      assert.equal((await bookingOf(id)).status, "confirmed");
    }
    clock.stepWall(30 * minute);
    await run();
    assert.deepEqual([(await bookingOf(id)).status, await stateOf(code.grant)], ["cancelled", "revoked"]);
  });

  test("cancelled and booked again: the same digits", async () => {
    const id = book("2031-03-05", "2031-03-08");
    await run();
    const pin = await digits((await bookingOf(id)).id);
    lodgify.cancel(id);
    await run();
    await codes();
    lodgify.change(id, { status: "Booked", canceled_at: null });
    await run();
    assert.equal(await digits((await bookingOf(id)).id), pin);
  });
});

describe("whatever goes wrong there, the guests keep their codes, and it is told", () => {
  const html = "<html><body>Sign in</body></html>";
  for (const [what, trouble, failed] of [
    ["answers 429 for good", { answer: { status: 429, json: {} } }, "Lodgify: answers 429"],
    ["answers 500 for good", { answer: { status: 500, json: { code: "Unknown" } } }, "Lodgify: answers 500"],
    ["breaks off", "garble", "Lodgify: what came is not whole"],
    ["hangs up", "cut", "Lodgify: no answer"],
    ["answers with a page", { answer: { status: 200, html } }, "Lodgify: what came is not whole"],
    [
      "answers with something else",
      { answer: { status: 200, json: { items: [{ id: 1 }] } } },
      "Lodgify: a booking is not as it should be (property_id)",
    ],
    [
      "sends the reader elsewhere",
      { answer: { status: 302, json: {}, headers: { location: "http://127.0.0.1:1/" } } },
      "Lodgify: answers 302",
    ],
  ] as const)
    test(what, async () => {
      const id = book("2031-03-05", "2031-03-08");
      await run();
      const { code } = await bookingOf(id);
      lodgify.trouble(trouble, { times: 100 });
      const told = await patiently(run());
      assert.deepEqual(told.result, { failed });
      assert.ok(told.goodAt !== null && Date.parse(told.nextAt) - clock.wall() <= 11 * minute);
      assert.equal(await stateOf(code.grant), "upcoming");
      lodgify.settle();
      assert.equal((await run()).result.read, 1);
    });

  for (const [what, answer] of [
    ["an empty list", { status: 200, json: { count: null, items: [] } }],
    ["no list", { status: 200, json: { count: null, items: null } }],
  ] as const)
    test(`${what}, though there are bookings`, async () => {
      const id = book("2031-03-05", "2031-03-08");
      await run();
      const { code } = await bookingOf(id);
      lodgify.trouble({ answer }, { times: 6, path: /stayFilter/ });
      for (let round = 0; round < 3; round += 1) {
        clock.stepWall(hour);
        await run();
      }
      assert.deepEqual([(await bookingOf(id)).status, await stateOf(code.grant)], ["confirmed", "upcoming"]);
    });

  test("a short burst of 429 is waited out", async () => {
    book("2031-03-05", "2031-03-08");
    lodgify.trouble({ answer: { status: 429, json: {}, headers: { "retry-after": "7" } } }, { times: 3 });
    assert.equal((await patiently(run())).result.added, 1);
  });

  test("a key that is not taken is asked with once, and another one heals it", async () => {
    lodgify.changeKey("another-key-of-a-test");
    const before = lodgify.calls.length;
    assert.deepEqual((await run()).result, { failed: "Lodgify: the key is not taken (401): give it another" });
    assert.equal(lodgify.calls.length, before + 1);
    await ask("PATCH", `/api/booking-sources/${source}`, { key: "another-key-of-a-test" });
    assert.equal((await run()).result.read, 0);
  });

  test("the key is in no answer and not in the database as it is", async () => {
    const rows = JSON.stringify(await cloud.store.db.select().from(bookingSource));
    for (const text of [rows, JSON.stringify(await ask("GET", "/api/booking-sources"))]) assert.ok(!text.includes(key));
  });
});

describe("what would lock a guest out waits for the owner's word", () => {
  const here = () => book("2031-03-02", "2031-03-06");

  test("a guest in the house is cancelled: the code works until the owner agrees", async () => {
    const id = here();
    await run();
    const { code, id: booking } = await bookingOf(id);
    lodgify.cancel(id);
    assert.equal((await run()).result.held, 1);
    const { held, status } = await bookingOf(id);
    assert.deepEqual(
      [held.why, held.status, status, await stateOf(code.grant)],
      ["in-house", "cancelled", "confirmed", "active"],
    );
    await ask("POST", `/api/bookings/${booking}/decide`, { agree: true });
    assert.deepEqual([(await bookingOf(id)).status, await stateOf(code.grant)], ["cancelled", "revoked"]);
  });

  test("refused, it is not asked again; told as it was, nothing waits", async () => {
    const id = here();
    await run();
    const { code, id: booking } = await bookingOf(id);
    lodgify.change(id, { departure: "2031-03-05" });
    await run();
    await ask("POST", `/api/bookings/${booking}/decide`, { agree: false });
    await run();
    assert.deepEqual([(await bookingOf(id)).held, await stateOf(code.grant)], [null, "active"]);
    await ask("POST", `/api/bookings/${booking}/decide`, { agree: true }, 409);
    lodgify.cancel(id);
    await run();
    assert.equal((await bookingOf(id)).held.status, "cancelled");
    lodgify.change(id, { status: "Booked", canceled_at: null, departure: "2031-03-06" });
    await run();
    assert.equal((await bookingOf(id)).held, null);
  });

  test("many at once are cancelled: none goes by itself", async () => {
    const many = [5, 8, 11, 14, 17].map((day) => {
      const two = (number: number) => String(number).padStart(2, "0");
      return book(`2031-03-${two(day)}`, `2031-03-${two(day + 2)}`);
    });
    await run();
    for (const id of many.slice(0, 2)) lodgify.cancel(id);
    assert.equal((await run()).result.held, 2);
    assert.ok((await codes()).every(({ status }: { status: string }) => status === "confirmed"));
    const first = await bookingOf(many[0]!);
    assert.equal(first.held.why, "many");
    await ask("POST", `/api/bookings/${first.id}/decide`, { agree: true });
    assert.equal((await bookingOf(many[0]!)).status, "cancelled");
  });
});

test("a booking that comes from there is changed there; other digits may be given here", async () => {
  const id = book("2031-03-05", "2031-03-08");
  await run();
  const { id: booking } = await bookingOf(id);
  const pin = await digits(booking);
  await ask("PATCH", `/api/bookings/${booking}`, { status: "cancelled" }, 409);
  await ask("POST", `/api/bookings/${booking}/new-code`);
  assert.notEqual(await digits(booking), pin);
});

test("a source that is closed is read no more, and what it told of stays", async () => {
  const id = book("2031-03-05", "2031-03-08");
  await run();
  const { code } = await bookingOf(id);
  await ask("DELETE", `/api/booking-sources/${source}`);
  await ask("POST", `/api/booking-sources/${source}/run`, undefined, 409);
  const before = lodgify.calls.length;
  clock.stepWall(3 * hour);
  await readAllDue(cloud.parts);
  assert.deepEqual([lodgify.calls.length, await stateOf(code.grant)], [before, "upcoming"]);
});

for (const [what, body, field] of [
  ["of a kind that is none", { kind: "moon" }, "body.kind"],
  ["without a key", { key: undefined }, "body.key"],
  ["with a key of two lines", { key: "lodgify\nkey" }, "body.key"],
  ["with a property that is none", { places: { 812: "moon" } }, "body.places.812"],
  ["with a place that is no number", { places: { casa: "moon" } }, "body.places.casa"],
  ["that is read every minute", { everyMinutes: 1 }, "body.everyMinutes"],
] as const)
  test(`refused: a source ${what}`, async () => {
    const answer = await cloud.ask("POST", "/api/booking-sources", { kind: "lodgify", name: "L", key, ...body });
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(
      answer.body.errors.map((one: { field: string }) => one.field),
      [field],
    );
    assert.ok(!answer.text.includes("lodgify\\nkey"));
  });
