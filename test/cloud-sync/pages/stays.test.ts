/** Stays by pages: the list and the month, one of them, what waits for the owner's word, alarms, and what runs by itself. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eq } from "drizzle-orm";
import { watchAllDue } from "../../../cloud-sync/jobs/watch-stays.ts";
import { rowsOf } from "../../../cloud-sync/pages/stays/month.tsx";
import { codeStand, type SeenBooking } from "../../../cloud-sync/pages/stays/stay-shapes.ts";
import { booking as bookings } from "../../../cloud-sync/store/schema.ts";
import { HandClock } from "../../support/cloud.ts";
import { type Fields, givenPages, type PageSite } from "../../support/page-visitor.ts";

// Tuesday 2031-03-04, 13:00 in Madrid.
const clock = new HandClock();
let site: PageSite;
let flat: string;
before(async () => {
  site = await givenPages({ clock, publicUrl: "http://localhost" });
});
after(() => site.cloud.close());

const filledIn = { name: "Greta Guest", arrival: "2031-03-05", departure: "2031-03-08" };
/** Answers the page of the stay. */
async function add(more: Fields = {}): Promise<string> {
  const made = await site.send(site.people.owner, "/stays/new", { property: flat, ...filledIn, ...more });
  assert.equal(made.status, 303, made.text);
  return made.headers.get("location")!.replace(/\?.*/, "");
}
const shown = async (path: string, who = site.people.owner) => (await site.visit(who, path)).text;

test("without a property there is nothing to add to, and nothing in the list", async () => {
  assert.match(await shown("/stays"), /No stay is ahead/);
  assert.match(await shown("/stays/new"), /Nothing is let yet/);
  const order = { site: "home", name: "Flat 3", accessPoints: ["box", "front-door"] };
  flat = (await site.cloud.ask("POST", "/api/properties", order)).body.id;
});

test("what runs by itself is seen and started; housekeeping by whoever runs the service alone", async () => {
  const page = await shown("/jobs");
  assert.match(page, /Look for a code that outlived its stay/);
  assert.equal((await site.send(site.people.owner, "/jobs/sweep/run")).status, 303);
  assert.ok(!page.includes("/jobs/housekeeping/run"));
  assert.ok((await shown("/jobs", site.people.admin)).includes("/jobs/housekeeping/run"));
});

test("an owner adds a stay, sees its code come to the doors, its digits and its guest's page", async () => {
  const { owner } = site.people;
  const path = await add({ phone: "+34 612 345 697" });
  const page = await shown(`${path}?done=made`);
  assert.match(page, /The stay is added/);
  assert.match(page, /Parcel box/);
  assert.match(page, /waiting: the gateway has not confirmed it yet/);
  await site.gateway.catchUp();
  assert.match(await shown(`${path}/status`), /the gateway decides at this door/);
  assert.match((await site.send(owner, `${path}/reveal`)).text, /<output class="big" id="secret">\d{6}</);
  assert.match((await site.send(owner, `${path}/link`)).text, /http:\/\/localhost\/s\/[\w-]{22}/);
  assert.match(await shown("/stays"), /Greta Guest/);
});

test("what does not fit comes back as it was filled in, with what is wrong beside its field", async () => {
  for (const [more, field] of [
    [{ name: "" }, "name"],
    [{ email: "nobody" }, "email"],
    [{ departure: "2031-03-05" }, "departure"],
    [{ arrival: "" }, "arrival"],
    [{ checkIn: "25:00" }, "checkIn"],
  ] as const) {
    const order = { property: flat, ...filledIn, phone: "+34 600", ...more };
    const { status, text } = await site.send(site.people.owner, "/stays/new", order);
    assert.equal(status, 422, field);
    assert.match(text, new RegExp(`id="${field}-fault"`), field);
    assert.match(text, /value="\+34 600"/);
  }
});

test("a stay is made longer, has another code, is called off; each is asked for first where it cannot be undone", async () => {
  const { owner } = site.people;
  const path = await add({ name: "Lena Longer" });
  assert.equal((await site.send(owner, `${path}/extend`, { hours: "25" })).status, 422);
  assert.match((await site.send(owner, `${path}/extend`, { hours: "three" })).text, /id="hours-fault"/);
  assert.equal((await site.send(owner, `${path}/extend`, { hours: "3" })).status, 303);
  assert.match(await shown(path), /name="hours"[^>]*value="3"/);
  const digits = async () => /id="secret">(\d{6})</.exec((await site.send(owner, `${path}/reveal`)).text)?.[1];
  const first = await digits();
  assert.match(await shown(`${path}/new-code`), /Lena Longer/);
  assert.equal((await site.send(owner, `${path}/new-code`)).status, 303);
  assert.notEqual(await digits(), first);
  assert.match(await shown(`${path}/cancel`), /opens nothing any more/);
  assert.equal((await site.send(owner, `${path}/cancel`)).status, 303);
  assert.match(await shown(path), /cancelled/);
});

test("what a source says and waits for the owner's word is told, and decided with one press", async () => {
  const path = await add({ name: "Hans Held", arrival: "2031-04-05", departure: "2031-04-08" });
  const guest = { name: "Hans Held", phone: null, email: null, language: null };
  const days = { arrival: "2031-04-05", departure: "2031-04-07", checkIn: null, checkOut: null };
  const held = JSON.stringify({ status: "confirmed", property: flat, days, guest });
  const its = eq(bookings.id, path.split("/").at(-1)!);
  await site.cloud.store.db.update(bookings).set({ held, heldWhy: "many", heldAt: clock.wall() }).where(its);
  assert.match(await shown("/stays"), /waits for your word/);
  assert.match(await shown(path), /confirmed, from 2031-04-05 to 2031-04-07\. Nothing has changed here\./);
  const since = /name="since" value="([^"]+)"/.exec(await shown(path))![1]!;
  const earlier = await site.send(site.people.owner, `${path}/decide`, { agree: "yes", since: "2031-03-04T00:00:00Z" });
  assert.match(earlier.text, /Its source says something else by now/);
  assert.equal((await site.send(site.people.owner, `${path}/decide`, { agree: "yes", since })).status, 303);
  const [row] = await site.cloud.store.db.select().from(bookings).where(its);
  assert.deepEqual([row?.departure, row?.held], ["2031-04-07", null]);
});

test("an alarm stands in the list and on its stay until somebody has seen to it", async () => {
  assert.match(await shown("/alarms"), /Nothing needs you/);
  const path = await add({ name: "Nora Nocode", arrival: "2031-03-05", departure: "2031-03-06" });
  // Two hours before.
  clock.advance(24 * 3_600_000);
  await watchAllDue(site.cloud.parts);
  assert.match(await shown(path), /The doors have not confirmed the guest&#39;s code/);
  const list = await shown("/alarms");
  assert.ok(list.includes(`href="${path}"`));
  const [, settle] = /action="(\/alarms\/[\w-]+\/settle)"/.exec(list)!;
  assert.equal((await site.send(site.people.owner, settle!)).status, 303);
});

test("whoever only looks on sees stays and neither digits nor what changes them", async () => {
  const { user } = site.people;
  const path = await add({ name: "Uta Unseen", arrival: "2031-05-05", departure: "2031-05-08" });
  const page = await shown(path, user);
  assert.match(page, /Uta Unseen/);
  for (const hidden of ["/reveal", "/link", "/extend", "/new-code", "/cancel"])
    assert.ok(!page.includes(hidden), hidden);
  for (const step of ["reveal", "link", "extend", "new-code", "cancel", "decide"])
    assert.equal((await site.send(user, `${path}/${step}`)).status, 403, step);
});

test("a month shows each night once, and two stays of one night in two rows", async () => {
  const stay = (arrival: string, departure: string) => ({ arrival, departure }) as SeenBooking;
  const march = Temporal.PlainYearMonth.from("2031-03");
  const nights = (stays: readonly SeenBooking[]) =>
    rowsOf(stays, march, "Europe/Madrid").map((cells) =>
      cells.map(({ nights: count, stay: one }) => (one ? `${count}*` : `${count}`)).join(""),
    );
  assert.deepEqual(nights([]), ["1".repeat(31)]);
  assert.deepEqual(nights([stay("2031-03-05", "2031-03-08"), stay("2031-03-08", "2031-03-09")]), [
    `${"1".repeat(4)}3*1*${"1".repeat(23)}`,
  ]);
  assert.deepEqual(nights([stay("2031-02-25", "2031-03-03"), stay("2031-03-30", "2031-04-04")]), [
    `2*${"1".repeat(27)}2*`,
  ]);
  assert.deepEqual(nights([stay("2031-03-05", "2031-03-08"), stay("2031-03-07", "2031-03-09")]), [
    `${"1".repeat(4)}3*${"1".repeat(24)}`,
    `${"1".repeat(6)}2*${"1".repeat(23)}`,
  ]);
  const page = await shown("/stays/month?month=2031-03");
  assert.match(page, /March 2031/);
  assert.match(page, /href="\/stays\/month\?month=2031-04"/);
  // Where a phone begins to look.
  assert.match(await shown("/stays"), /href="\/stays\/month#today"/);
  assert.match(await shown("/stays/month"), /id="today">\d</);
  assert.doesNotMatch(await shown("/stays/month?month=2031-05"), /id="today"/);
});

test("members who share a room are not said to be in each other's way", async () => {
  const { cloud } = site;
  const desks = { site: "home", name: "Shared desks", accessPoints: ["box"] };
  const { id: room } = (await cloud.ask("POST", "/api/properties", desks)).body;
  for (const from of ["09:00", "13:00"]) {
    const hours = { from: `2031-06-05T${from}`, until: `2031-06-05T${from.slice(0, 2)}:30` };
    const order = { property: room, kind: "member", guest: { name: `Member at ${from}` }, ...hours };
    assert.equal((await cloud.ask("POST", "/api/bookings", order)).status, 201);
    clock.advance(20);
  }
  const page = await shown("/stays/month?month=2031-06");
  assert.equal(page.split(">Shared desks<").length, 3);
  assert.doesNotMatch(page, /booked twice/);
});

test("a month has a booking on the day that it is at its own site", async () => {
  const { cloud } = site;
  await cloud.ask("POST", "/api/sites", { id: "zz-far", name: "Far", zone: "Pacific/Auckland" });
  const far = await cloud.gateway("zz-far");
  await far.report([{ id: "desk", lock: "gate", reads: true, kinds: ["pin"] }]);
  const room = await cloud.ask("POST", "/api/properties", { site: "zz-far", name: "Far room", accessPoints: ["desk"] });
  const keeper = await cloud.as("owner", ["home", "zz-far"]);
  const member = { property: room.body.id, kind: "member", guest: { name: "Moana" } };
  for (const day of ["2031-05-01", "2031-05-31"]) {
    const made = await cloud.ask("POST", "/api/bookings", {
      ...member,
      ...{ from: `${day}T08:00`, until: `${day}T09:00` },
    });
    assert.equal(made.status, 201, made.text);
  }
  const days = async (month: string) => {
    const page = await shown(`/stays/month?month=${month}`, keeper);
    const row = /Far room<\/th>(.*?)<\/tr>/s.exec(page)?.[1] ?? "";
    return [...row.matchAll(/<td.*?<\/td>/gs)].flatMap(([cell], index) => (cell.includes("Moana") ? [index + 1] : []));
  };
  assert.deepEqual([await days("2031-04"), await days("2031-05"), await days("2031-06")], [[], [1, 31], []]);
});

test("a code stands as the door that has come least far", () => {
  const code = { grant: "grant-1", problem: null, dueAt: null };
  const at = (...states: string[]) =>
    codeStand({ status: "confirmed", code: { ...code, doors: states.map((state) => ({ state })) } } as never);
  assert.equal(at("on-lock", "gateway-decides"), "ready");
  assert.equal(at("on-lock", "not-due"), "later");
  assert.equal(at("not-due", "waiting-lock"), "waiting");
  assert.equal(at("refused", "waiting-lock"), "problem");
  assert.equal(
    codeStand({ status: "confirmed", code: { ...code, grant: null, dueAt: "2031", doors: [] } } as never),
    "later",
  );
  assert.equal(codeStand({ status: "cancelled", code: { ...code, grant: null, doors: [] } } as never), "none");
});
