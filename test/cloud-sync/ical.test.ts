/** A flat whose bookings stand in platforms' calendars, over HTTP: whatever these do, nobody's code goes but the one whose stay is off. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { eq } from "drizzle-orm";
import { readAllDue } from "../../cloud-sync/jobs/read-sources.ts";
import { bookingSource } from "../../cloud-sync/store/schema.ts";
import { IcalFeeds, type Platform } from "../../firmware-sim/links/ical-feeds.ts";
import type { Logger } from "../../gateway/ports/logger.ts";
import { BookedSite } from "../support/booked-site.ts";
import { HandClock } from "../support/cloud.ts";

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2031, 2, 4, 12);

// Tuesday 2031-03-04, 13:00 in Madrid.
const clock = new HandClock();
const feeds = new IcalFeeds({ clock });
const logged: string[] = [];
const note = (event: string, fields?: object) => void logged.push(JSON.stringify([event, fields], errorText));
const errorText = (_: string, value: unknown) => (value instanceof Error ? `${value.stack}` : value);
const logger = { debug: note, info: note, warn: note, error: note, child: () => logger } as unknown as Logger;
let site: BookedSite;
let url: string;
let token: string;
let source: string;
let count = 0;
/** Of the test. */
let flat: string;

before(async () => {
  ({ url } = await feeds.start());
  site = await BookedSite.build(clock, { calendarOrigins: [url], logger });
});
after(async () => {
  await site.cloud.close();
  await feeds.stop();
});

const connected: string[] = [];
/** A listing with a calendar of its own. Answers the source's id. */
async function list(platform: Platform, more: object = {}): Promise<string> {
  count += 1;
  token = `secret-token-${count}`;
  const key = `${url}${feeds.open(token, platform)}?s=very-secret`;
  source = await site.connect({ kind: "ical", name: platform, key, places: { calendar: flat }, ...more });
  connected.push(source);
  return source;
}

beforeEach(async () => {
  for (const id of connected.splice(0)) await site.ask("DELETE", `/api/booking-sources/${id}`);
  clock.stepWall(start - clock.wall());
  feeds.settle();
  logged.length = 0;
  flat = await site.property("up", { codeLength: 4, codeFrom: "phone" });
});

const read = (of = source) => site.read(of);
const later = async (minutes: number) => {
  clock.stepWall(minutes * minute);
  return read();
};

describe("bookings come from a calendar by themselves", () => {
  test("Airbnb's: the code works from check-in, and ends as the guest's telephone does where the property wants that", async () => {
    await list("airbnb");
    feeds.book(token, "2031-03-05", "2031-03-08", { code: "HMABCDEFGH", phone: "7291" });
    feeds.close(token, "2031-03-10", "2031-03-12");
    assert.deepEqual(await read(), { read: 1, added: 1, changed: 0, held: 0, unknownPlaces: [] });
    const { guest, externalId, code, id } = await site.booking(source);
    assert.deepEqual([guest.name, externalId, code.from], ["HMABCDEFGH", "HMABCDEFGH", "2031-03-05T14:00:00Z"]);
    assert.equal(await site.digits(id), "7291");
  });

  test("Booking.com's: what may be a guest is one, unless the owner says otherwise", async () => {
    await list("booking");
    feeds.book(token, "2031-03-05", "2031-03-08");
    assert.equal((await read()).added, 1);
    await list("booking", { options: { closedIsStay: false } });
    feeds.book(token, "2031-04-05", "2031-04-08");
    assert.equal((await read()).added, 0);
    await site.ask("PATCH", `/api/booking-sources/${source}`, { options: { closedIsStay: true } });
    assert.equal((await read()).added, 1);
  });

  test("also when a clock that was ahead has put the next reading, and whoever reads, off for years", async () => {
    await list("vrbo");
    feeds.book(token, "2031-03-05", "2031-03-08", { name: "Ines" });
    const years = 3 * 365 * 24 * hour;
    const put = { nextAt: clock.wall() + years, runUntil: clock.wall() + years };
    await site.cloud.store.db.update(bookingSource).set(put).where(eq(bookingSource.id, source));
    await readAllDue(site.cloud.parts);
    assert.equal((await site.booking(source)).guest.name, "Ines");
  });

  test("by themselves, every quarter of an hour", async () => {
    await list("vrbo");
    feeds.book(token, "2031-03-05", "2031-03-08", { name: "Ines" });
    await readAllDue(site.cloud.parts);
    assert.equal((await site.booking(source)).guest.name, "Ines");
    const calls = feeds.calls.length;
    clock.stepWall(14 * minute);
    await readAllDue(site.cloud.parts);
    assert.equal(feeds.calls.length, calls);
    clock.stepWall(3 * minute);
    await readAllDue(site.cloud.parts);
    assert.equal(feeds.calls.length, calls + 1);
  });

  test("which property it is is said afterwards: nothing had changed there, and it is read whole", async () => {
    await list("vrbo", { places: {} });
    feeds.book(token, "2031-03-05", "2031-03-08");
    assert.deepEqual((await read()).unknownPlaces, ["calendar"]);
    assert.deepEqual((await site.ask("GET", `/api/booking-sources/${source}/places`)).items, [
      { id: "calendar", name: "Calendar" },
    ]);
    await site.ask("PATCH", `/api/booking-sources/${source}`, { places: { calendar: flat } });
    assert.equal((await read()).added, 1);
  });

  test("what has not changed does not come again, and what is missing is counted on", async () => {
    await list("vrbo");
    const gone = feeds.book(token, "2031-03-15", "2031-03-18");
    feeds.book(token, "2031-03-05", "2031-03-08", { name: "Ines" });
    await read();
    feeds.remove(token, gone);
    for (const minutes of [15, 15, 15]) await later(minutes);
    assert.equal((await site.booking(source, "Gil Guest")).status, "cancelled");
    assert.equal((await site.booking(source, "Ines")).status, "confirmed");
  });
});

describe("the guest stays the guest, and the digits stay", () => {
  for (const [what, platform, change, begins] of [
    ["the dates move under the same UID", "vrbo", { start: "2031-03-20", end: "2031-03-24" }, "2031-03-20T14:00:00Z"],
    [
      "the dates move under the same code",
      "airbnb",
      { start: "2031-03-20", end: "2031-03-24", uid: "new" },
      "2031-03-20T14:00:00Z",
    ],
    ["the UID changes over the same dates", "booking", { uid: "new@booking.com" }, "2031-03-05T14:00:00Z"],
    ["the UID changes as the guest stays on", "vrbo", { uid: "new", end: "2031-03-10" }, "2031-03-05T14:00:00Z"],
    ["the name is corrected", "vrbo", { summary: "Reserved - Gill Guest" }, "2031-03-05T14:00:00Z"],
  ] as const)
    test(what, async () => {
      await list(platform);
      const uid = feeds.book(token, "2031-03-05", "2031-03-08");
      await read();
      const { id } = await site.booking(source);
      const digits = await site.digits(id);
      feeds.change(token, uid, change);
      for (const minutes of [15, 15, 15]) await later(minutes);
      const now = await site.booking(source);
      assert.deepEqual([now.id, now.status, now.begins], [id, "confirmed", begins]);
      assert.equal(await site.digits(id), digits);
    });

  test("two guests of one name at once, and every week one of the same name: each has a code of their own", async () => {
    await list("other");
    for (const [from, until] of [
      ["2031-03-05", "2031-03-08"],
      ["2031-03-12", "2031-03-15"],
      ["2031-03-19", "2031-03-22"],
    ] as const)
      feeds.book(token, from, until, { name: "Weekly Wim" });
    assert.equal((await read()).added, 3);
    assert.deepEqual([(await later(15)).added, (await later(15)).changed], [0, 0]);
  });

  test("a calendar that gives its UID to whoever comes next: the next guest gets other digits", async () => {
    await list("other");
    const event = { uid: "next", start: "2031-03-05", end: "2031-03-06", summary: "Ada" };
    feeds.put(token, event);
    await read();
    const first = await site.digits((await site.booking(source)).id);
    feeds.put(token, { ...event, start: "2031-03-07", end: "2031-03-09", summary: "Bob" });
    clock.stepWall(50 * hour);
    await read();
    const next = await site.booking(source, "Bob");
    assert.notEqual(await site.digits(next.id), first);
    assert.equal((await site.booking(source, "Ada")).status, "confirmed");
  });
});

describe("a stay that is off", () => {
  async function aStay(from = "2031-03-15", until = "2031-03-18") {
    await list("vrbo");
    const uid = feeds.book(token, from, until);
    feeds.book(token, "2031-05-15", "2031-05-18", { name: "Ines" });
    await read();
    return uid;
  }
  const stay = () => site.booking(source, "Gil Guest");

  test("says so: it goes at once", async () => {
    const uid = await aStay();
    feeds.change(token, uid, { status: "CANCELLED" });
    await read();
    assert.equal((await stay()).status, "cancelled");
  });

  test("is not there: it goes when it was not there three times, over half an hour", async () => {
    const uid = await aStay();
    feeds.remove(token, uid);
    for (const minutes of [1, 1, 1, 27]) {
      await later(minutes);
      assert.equal((await stay()).status, "confirmed");
    }
    await later(2);
    assert.equal((await stay()).status, "cancelled");
  });

  test("was not there, and is again: nothing has happened", async () => {
    const uid = await aStay();
    for (let round = 0; round < 4; round += 1) {
      feeds.remove(token, uid);
      for (const minutes of [20, 20]) await later(minutes);
      feeds.put(token, { uid, start: "2031-03-15", end: "2031-03-18", summary: "Reserved - Gil Guest" });
      await later(20);
      assert.equal((await stay()).status, "confirmed");
    }
  });

  test("is not there while its guest is, or is about to arrive: the owner is asked", async () => {
    const uid = await aStay("2031-03-04", "2031-03-08");
    feeds.remove(token, uid);
    for (const minutes of [15, 15, 15]) await later(minutes);
    const { status, held, id } = await stay();
    assert.deepEqual([status, held.why, held.status], ["confirmed", "arriving", "cancelled"]);
    await site.ask("POST", `/api/bookings/${id}/decide`, { agree: true });
    assert.equal((await stay()).status, "cancelled");
  });

  test("was the only one: an empty calendar takes no code, and after a day the owner is asked", async () => {
    await list("vrbo");
    const uid = feeds.book(token, "2031-03-15", "2031-03-18");
    await read();
    feeds.remove(token, uid);
    for (let round = 0; round < 5; round += 1) await later(5 * 60);
    assert.deepEqual([(await stay()).status, (await stay()).held], ["confirmed", null]);
    await later(5 * 60);
    assert.equal((await stay()).held.why, "empty");
    feeds.put(token, { uid, start: "2031-03-15", end: "2031-03-18", summary: "Reserved - Gil Guest" });
    await later(15);
    assert.deepEqual([(await stay()).status, (await stay()).held], ["confirmed", null]);
  });
});

describe("two calendars of one flat, each closed where the other has a guest: one stay", () => {
  const confirmed = async (of: string) =>
    (await site.bookings(of)).filter(({ status }: { status: string }) => status === "confirmed").length;

  for (const isGuestFirst of [true, false])
    test(`the guest's is read ${isGuestFirst ? "first" : "last"}`, async () => {
      const guests = await list("airbnb");
      feeds.book(token, "2031-03-15", "2031-03-18");
      const closed = await list("booking");
      feeds.close(token, "2031-03-15", "2031-03-18");
      for (const one of isGuestFirst ? [guests, closed] : [closed, guests, closed, closed]) {
        clock.stepWall(minute);
        await read(one);
      }
      assert.deepEqual([await confirmed(guests), await confirmed(closed)], [1, 0]);
    });

  test("closed for two guests one after the other, it stays closed when the first has left", async () => {
    const guests = await list("airbnb");
    feeds.book(token, "2031-03-04", "2031-03-06", { code: "HMFIRSTONE" });
    feeds.book(token, "2031-03-06", "2031-03-10", { code: "HMSECONDON" });
    const closed = await list("booking");
    feeds.close(token, "2031-03-04", "2031-03-10");
    for (const one of [guests, closed]) await read(one);
    clock.stepWall(3 * 24 * hour);
    for (const one of [guests, closed]) await read(one);
    assert.equal(await confirmed(closed), 0);
  });

  test("neither says who it is: the one that was known first stays", async () => {
    const first = await list("booking");
    feeds.book(token, "2031-03-15", "2031-03-18");
    await read();
    const second = await list("booking");
    feeds.book(token, "2031-03-15", "2031-03-18");
    for (const one of [second, first, second, first]) await read(one);
    assert.deepEqual([await confirmed(first), await confirmed(second)], [1, 0]);
  });
});

describe("its address opens the calendar to whoever knows it", () => {
  test("it is in no answer, no line of the log, no error, and not in the database as it is", async () => {
    await list("airbnb");
    feeds.trouble({ answer: { status: 302, json: {}, headers: { location: "https://192.168.0.1/very-secret" } } });
    assert.deepEqual(await read(), { failed: "Calendar: its address is of a private network" });
    feeds.trouble({ answer: { status: 404, html: "very-secret" } });
    assert.deepEqual(await read(), { failed: "Calendar: answers 404; copy the export address again" });
    feeds.trouble("cut");
    assert.deepEqual(await read(), { failed: "Calendar: no answer" });
    const rows = await site.cloud.store.db.select().from(bookingSource);
    const audit = await site.ask("GET", "/api/audit?limit=100");
    for (const text of [rows, audit, await site.ask("GET", "/api/booking-sources"), logged].map((one) =>
      JSON.stringify(one),
    ))
      assert.ok(!/secret/.test(text.replaceAll('"secret', "")), text);
    assert.ok(logged.some((line) => line.includes("booking-source-failed")));
  });

  for (const [what, body, field] of [
    ["without https", { key: "http://example.org/calendar.ics" }, "body.key"],
    ["that is no address", { key: "calendar-of-mine" }, "body.key"],
    ["with a name and a password in it", { key: "https://me:secret@example.org/c.ics" }, "body.key"],
    ["with a place of Lodgify's", { places: { 812: "moon" } }, "body.places.812"],
    ["read every minute", { everyMinutes: 1 }, "body.everyMinutes"],
    ["with an option that is none", { options: { moon: true } }, "body.options.moon"],
    ["with an option of another type", { options: { closedIsStay: "no" } }, "body.options.closedIsStay"],
  ] as const)
    test(`refused: a calendar ${what}`, async () => {
      const source = { kind: "ical", name: "A", key: "https://example.org/c.ics", ...body };
      const answer = await site.cloud.ask("POST", "/api/booking-sources", source);
      assert.deepEqual([answer.status, answer.body.errors?.[0].field], [400, field], answer.text);
      assert.ok(!answer.text.includes("secret"));
    });

  test("webcal: is taken as platforms write it", async () => {
    const key = "webcal://192.168.7.7/c.ics";
    const id = await site.connect({ kind: "ical", name: "A", key, places: { calendar: flat } });
    assert.deepEqual(await read(id), { failed: "Calendar: its address is of a private network" });
    await site.ask("DELETE", `/api/booking-sources/${id}`);
  });
});
