/**
 * What users of other systems have complained of (reference/upstreams.md §3.3 and §10), each as a test under its name: here, or where it is
 * shown already. An entry whose test has gone or was renamed fails.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { toE164 } from "../../cloud-sync/channels/phone-number.ts";
import { IcalFeeds } from "../../firmware-sim/links/ical-feeds.ts";
import { BookedSite } from "../support/booked-site.ts";
import { givenCloud, HandClock } from "../support/cloud.ts";

const root = join(import.meta.dirname, "..");

/** Complaint → the test that shows that it does not apply here, by a part of its name. */
const shown: Readonly<Record<string, readonly [file: string, name: string]>> = {
  "the feed was empty for a while, and codes were wiped": [
    "contract/booking-source.ts",
    "nobody loses a code, and the next good",
  ],
  "the feed was down for hours, and the guest stood outside": [
    "contract/booking-source.ts",
    "the code works on the day",
  ],
  "the vendor's outage stopped check-in": ["contract/booking-source.ts", "the code works on the day"],
  "dates changed, and the code's times did not": [
    "contract/booking-source.ts",
    "it moves, back and forth: one booking, one code",
  ],
  "an extension changed the UID, and the guest got another code": [
    "cloud-sync/ical.test.ts",
    "the UID changes as the guest stays on",
  ],
  "the first UID that was seen was final": ["cloud-sync/ical.test.ts", "the UID changes over the same dates"],
  "a guest of the same name came every week, and codes were deleted and added for ever": [
    "cloud-sync/ical.test.ts",
    "every week one of the same name",
  ],
  "Booking.com shows CLOSED for everything": [
    "cloud-sync/ical.test.ts",
    "what may be a guest is one, unless the owner says otherwise",
  ],
  "the address of the page was given instead of the calendar's": ["cloud-sync/calendar.test.ts", "a web page"],
  "the lock was full: a guest far away held the place of the next one": [
    "flows/keep-codes.test.ts",
    "who arrives next gets a place",
  ],
  "after an upgrade the lock's codes were wiped, because records were believed over the lock": [
    "flows/keep-codes.test.ts",
    "a lock in order that cannot be read after a restart is no alarm",
  ],
  "the lock lost a code, and nobody saw it": ["flows/keep-codes.test.ts", "is seen within a day and put there again"],
  "a code that could not be cleared was forgotten, and stayed": [
    "cloud-sync/stay-alarms.test.ts",
    "a code that nobody has seen leave its lock is told half an hour after checkout",
  ],
  "a code that had come to the wrong ears could not be given anew": [
    "cloud-sync/bookings.test.ts",
    "has other digits when they have come to the wrong ears",
  ],
  "the code was not there in time, and nobody was told": [
    "cloud-sync/stay-alarms.test.ts",
    "the owner is told at each step that no door has the code",
  ],
  "the guest was sent a code that did not work yet": [
    "cloud-sync/tell-guests.test.ts",
    "is told the way to the code once the door has confirmed it",
  ],
  "the PIN changed after it was sent": [
    "cloud-sync/bookings.test.ts",
    "keeps its digits when the stay is extended, moved, renamed",
  ],
  "the guest came early, and the code did not work": [
    "cloud-sync/bookings.test.ts",
    "follows its property's rules, and no other's",
  ],
  "an extension was not taken over": [
    "cloud-sync/lodgify.test.ts",
    "what changes there changes here, and the digits stay",
  ],
  "the cloud lists codes that are not in the lock": [
    "cloud-sync/evidence.test.ts",
    "never yes for a lock without a read-back",
  ],
  "somebody else's code in the lock kept ours out": [
    "flows/keep-codes.test.ts",
    "somebody else's codes are left alone",
  ],
  "one who guesses locks everybody out": [
    "domain/guess-budget.test.ts",
    "whatever is done at other keypads, this one never waits for it",
  ],
};

describe("a complaint that is answered elsewhere", () => {
  for (const [complaint, [file, name]] of Object.entries(shown))
    test(complaint, () => {
      const source = readFileSync(join(root, file), "utf8");
      assert.ok(source.includes(name), `${file}: no test "${name}"`);
    });
});

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2031, 2, 4, 12);
const clock = new HandClock();
const feeds = new IcalFeeds({ clock });
let site: BookedSite;
let url: string;
let source: string;
let token = "";
let count = 0;

before(async () => {
  ({ url } = await feeds.start());
  site = await BookedSite.build(clock, { calendarOrigins: [url] });
});
after(async () => {
  await site.cloud.close();
  await feeds.stop();
});
beforeEach(() => clock.stepWall(start - clock.wall()));

/** A calendar of a manager, for a new property behind the door. */
async function list(door: "up" | "down", rules: object = {}): Promise<string> {
  count += 1;
  token = `token-${count}`;
  const key = `${url}${feeds.open(token, "other")}`;
  const places = { calendar: await site.property(door, rules) };
  source = await site.connect({ kind: "ical", name: "Calendar", key, places });
  return token;
}
const stay = (guest: string, of = source) => site.booking(of, guest);
async function codeOf(guest: string, of = source): Promise<string> {
  return site.digits((await stay(guest, of)).id);
}
const later = async (minutes = 15) => {
  clock.stepWall(minutes * minute);
  await site.read(source);
};

describe("a complaint that is answered here", () => {
  test("a nearer booking came, slots were shuffled, and a live code moved", async () => {
    await list("up", { aheadHours: 96 });
    feeds.book(token, "2031-03-04", "2031-03-09", { name: "Here Hal" });
    feeds.book(token, "2031-03-06", "2031-03-09", { name: "Far Fay" });
    await site.read(source);
    const before = [await codeOf("Here Hal"), await codeOf("Far Fay")];
    for (const day of [5, 6]) {
      feeds.book(token, `2031-03-0${day}`, `2031-03-0${day + 1}`, { name: `Near ${day}` });
      await later();
    }
    clock.stepWall(11 * hour + 59 * minute);
    await site.bookings(source);
    assert.deepEqual([await codeOf("Here Hal"), await codeOf("Far Fay")], before);
  });

  test('ten blocks of one name, "Blocked by Guesty", were taken for guests and for each other', async () => {
    await list("up");
    for (let day = 10; day < 20; day += 1) feeds.close(token, `2031-03-${day}`, `2031-03-${day + 1}`);
    for (let round = 0; round < 3; round += 1) await later();
    assert.deepEqual(await site.bookings(source), []);
  });

  test("two stays had the same code at the door that they share", async () => {
    const codes: string[] = [];
    for (const door of ["up", "down"] as const) {
      await list(door, { codeLength: 4, codeFrom: "phone" });
      const description = "Phone Number (Last 4 Digits): 7291";
      feeds.put(token, { uid: "one", start: "2031-03-05", end: "2031-03-08", summary: "Ada", description });
      await site.read(source);
      codes.push(await codeOf("Ada"));
    }
    assert.equal(codes[0], "7291");
    assert.notEqual(codes[1], "7291");
  });

  test("the PIN was kept nowhere, and changed after a restart", async () => {
    await list("up");
    feeds.book(token, "2031-03-05", "2031-03-08", { name: "Ada" });
    await site.read(source);
    const { id } = await stay("Ada");
    const digits = await site.digits(id);
    const again = await givenCloud({ clock, store: site.cloud.store });
    assert.equal((await again.ask("POST", `/api/bookings/${id}/reveal`)).body.code, digits);
    await again.close();
  });

  test("the PIN came of the description, and changed with every word of it", async () => {
    await list("up", { codeLength: 4, codeFrom: "phone" });
    const event = { uid: "one", start: "2031-03-05", end: "2031-03-08", summary: "Ada" };
    feeds.put(token, { ...event, description: "Phone Number (Last 4 Digits): 6182" });
    await site.read(source);
    const digits = await codeOf("Ada");
    for (const description of ["Phone Number (Last 4 Digits): 7355", "Guests: 3", "Email: ada@example.org"]) {
      feeds.put(token, { ...event, description });
      await later();
      assert.equal(await codeOf("Ada"), digits);
    }
  });

  test("the guest before could still come in", async () => {
    await list("up");
    feeds.book(token, "2031-03-04", "2031-03-05", { name: "First Flo" });
    feeds.book(token, "2031-03-05", "2031-03-08", { name: "Next Nat" });
    await site.read(source);
    const [first, next] = [await stay("First Flo"), await stay("Next Nat")];
    assert.notEqual(await site.digits(first.id), await site.digits(next.id));
    clock.stepWall(Date.UTC(2031, 2, 5, 10) + 1 - clock.wall());
    assert.notEqual(await site.stateOf(first.code.grant), "active");
  });

  test("last digits of a telephone and dates are guessed: unless the owner wants them, digits are random", async () => {
    await list("up");
    const description = "Phone Number (Last 4 Digits): 7291";
    for (let day = 10; day < 20; day += 1)
      feeds.put(token, {
        uid: `u${day}`,
        start: `2031-03-${day}`,
        end: `2031-03-${day + 1}`,
        summary: `Guest ${day}`,
        description,
      });
    clock.stepWall(6 * 24 * hour);
    await site.read(source);
    const made = (await site.bookings(source)).filter(({ code }) => code.grant !== null);
    const codes = await Promise.all(made.map(({ id }) => site.digits(id)));
    assert.ok(codes.length >= 2);
    assert.equal(new Set(codes).size, codes.length);
    assert.ok(codes.every((code) => code.length === 6 && !code.endsWith("7291")));
  });

  test("the end of a number was written to as if it were one, and a stranger got the message", () => {
    for (const country of ["ES", "DE", "AT", "US", null]) assert.equal(toE164("…1234", country), undefined);
  });
});
