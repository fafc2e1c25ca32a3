/** The guest's own page of a stay: what it shows to whoever has the link and when, what becomes of the link, and what it never tells. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { provisionAllDue } from "../../../cloud-sync/jobs/provision-stays.ts";
import { forgetGuests } from "../../../cloud-sync/store/bookings.ts";
import { booking as bookings } from "../../../cloud-sync/store/schema.ts";
import type { LogFields, Logger } from "../../../gateway/ports/logger.ts";
import { HandClock } from "../../support/cloud.ts";
import { boxDoor, givenPages, nukiDoor, type PageSite } from "../../support/page-visitor.ts";

const hour = 3_600_000;
// Tuesday 2031-03-04, 13:00 in Madrid.
const clock = new HandClock();
const began = clock.wall();
const logged: string[] = [];
const log = (event: string, fields?: LogFields) => void logged.push(JSON.stringify([event, fields]));
const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
const street = { id: "street", name: "Street door", lock: "street", reads: true, kinds: ["pin"] };
const ring = { id: "ring", name: "Garage", lock: "ring", reads: false, noCodes: "Ring has no way to put PINs in" };
const studio = {
  id: "studio",
  name: "Studio",
  lock: "kisi",
  reads: false,
  accounts: { capacity: 9 },
  noCodes: "No PINs",
};
let site: PageSite;

before(async () => {
  site = await givenPages({ clock, logger });
  await site.gateway.report([nukiDoor, boxDoor, street, ring, studio]);
});
after(() => site.cloud.close());

const ask = async (method: string, path: string, body?: unknown, status = 200) => {
  clock.advance(20);
  const answer = await site.cloud.ask(method, path, body);
  assert.equal(answer.status, status, answer.text);
  return answer.body;
};
const at = (text: string) => clock.stepWall(Date.parse(text) - clock.wall());

interface Stay {
  readonly id: string;
  readonly property: string;
  /** Path of the guest's page. */
  readonly page: string;
}

const linkOf = async (id: string, renew = false) =>
  new URL((await ask("POST", `/api/bookings/${id}/link`, { renew })).url).pathname;

async function aStay(property: object = {}, booking: object = {}): Promise<Stay> {
  at("2031-03-04T12:00:00Z");
  const order = { site: "home", name: "Harbour flat", accessPoints: ["street"], ...property };
  const { id } = await ask("POST", "/api/properties", order, 201);
  const wanted = { property: id, guest: { name: "Greta" }, arrival: "2031-03-05", departure: "2031-03-08", ...booking };
  const made = await ask("POST", "/api/bookings", wanted, 201);
  return { id: made.id, property: id, page: await linkOf(made.id) };
}

const look = async (page: string, language = "en") =>
  (await site.visit(undefined, page, { "accept-language": language })).text;
const codeIn = (text: string) => /<p class="stay-code">(\d+)<\/p>/.exec(text)?.[1];
const digits = async ({ id }: Pick<Stay, "id">) => (await ask("POST", `/api/bookings/${id}/reveal`)).code;

test("whoever has the link sees the code, when it works and how each door opens, in their language", async () => {
  const stay = await aStay({ accessPoints: ["street", "front-door"] });
  const answer = await site.visit(undefined, stay.page);
  assert.equal(answer.status, 200);
  assert.equal(codeIn(answer.text), await digits(stay));
  for (const said of ["Welcome, Greta", "Harbour flat", "5 Mar 2031, 15:00", "8 Mar 2031, 11:00", "Europe/Madrid"])
    assert.ok(answer.text.includes(said), said);
  assert.match(answer.text, /Street door<\/h3><p>Type the code at the keypad/);
  assert.match(answer.text, /Front door<\/h3><p>Type the code at the lock itself/);
  assert.deepEqual(
    [answer.headers.get("referrer-policy"), answer.headers.get("cache-control"), answer.headers.get("set-cookie")],
    ["no-referrer", "no-store", null],
  );
  assert.match(await look(stay.page, "es-MX,en;q=0.5"), /Le damos la bienvenida, Greta/);
  const german = await aStay({}, { guest: { name: "Greta", language: "es" } });
  assert.match(
    await look(german.page, "de"),
    /Le damos la bienvenida/,
    "the booking's language where theirs is not known",
  );
});

test("a door is ready when it is proven that the code opens it, and not before", async () => {
  const stay = await aStay({ accessPoints: ["street", "front-door"] });
  const states = async () =>
    [...(await look(stay.page)).matchAll(/Ready: the code|Not there yet/g)].map(([text]) => text);
  assert.deepEqual(await states(), ["Not there yet", "Not there yet"]);
  await site.gateway.catchUp();
  assert.deepEqual(await states(), ["Ready: the code", "Not there yet"]);
  const { grant } = (await ask("GET", `/api/bookings/${stay.id}`)).code;
  const { credentials, from, until } = await ask("GET", `/api/sites/home/grants/${grant}`);
  const window = { from: Date.parse(from), until: Date.parse(until) };
  const first = site.gateway.lines.length + 1;
  const code = { device: "nuki", grant, credential: credentials[0].id, change: "set", index: "i", window };
  site.gateway.record({ type: "code-sent", ...code }, { type: "code-read", ...code, state: "present", ref: "7" });
  assert.equal((await site.gateway.push(first)).status, 200);
  assert.deepEqual(await states(), ["Ready: the code", "Ready: the code"]);
  await ask("PATCH", "/api/sites/home", { lockdown: true });
  assert.deepEqual((await states())[0], "Not there yet", "behind, and locked down");
  await ask("PATCH", "/api/sites/home", { lockdown: false });
});

test("a member whose account a door opens to is told so, is shown no digits where none are of use, and has the button as well", async () => {
  const member = { name: "Ada", email: "ada@hub.example" };
  const hours = { from: "2031-03-04T12:30", until: "2031-03-04T18:00", arrival: undefined, departure: undefined };
  const booking = { kind: "member", guest: member, ...hours };
  const stay = await aStay({ accessPoints: ["studio"] }, booking);
  const text = await look(stay.page);
  assert.match(text, /Studio<\/h3><p>Open it with the app or the card/);
  assert.match(text, /your account still has to reach this lock/);
  assert.match(text, /No door of this stay takes a code/);
  assert.equal(codeIn(text), undefined);
  assert.match(text, /Open Studio/);
  assert.match(await look(stay.page, "es"), /Ábrala con la aplicación o la tarjeta/);
  const both = await aStay({ accessPoints: ["studio", "street"] }, booking);
  assert.equal(codeIn(await look(both.page)), await digits(both));
  const guest = await aStay({ accessPoints: ["studio"] });
  assert.match(await look(guest.page), /There is no PIN on this lock/);
});

test("the code is not shown before the property's wish, nor before it is made, and the page says when it will be", async () => {
  const early = await aStay({ rules: { showCodeHours: 2 } });
  const before = await look(early.page);
  assert.equal(codeIn(before), undefined);
  assert.match(before, /will be here from <strong><time[^>]*>5 Mar 2031, 13:00/);
  at("2031-03-05T11:59:00Z");
  assert.equal(codeIn(await look(early.page)), undefined);
  at("2031-03-05T12:00:00Z");
  assert.equal(codeIn(await look(early.page)), await digits(early));

  const later = await aStay({}, { arrival: "2031-03-20", departure: "2031-03-22" });
  assert.match(await look(later.page), /will be here from <strong><time[^>]*>18 Mar 2031, 15:00/);
});

test("where no lock takes a PIN none is shown, and where some do not, the page says which", async () => {
  const mixed = await aStay({ accessPoints: ["street", "ring"] });
  assert.match(await look(mixed.page), /Garage<\/h3><p>There is no PIN on this lock\.<\/p>/);
});

test("an ended, cancelled or unconfirmed stay shows no code and says so; some time after its end the link is dead", async () => {
  const off = await aStay();
  await ask("PATCH", `/api/bookings/${off.id}`, { status: "cancelled" });
  assert.match(await look(off.page), /was called off/);
  const doubt = await aStay({}, { status: "tentative" });
  assert.match(await look(doubt.page), /not confirmed yet/);
  const gone = await aStay();
  const pin = await digits(gone);
  await ask("PATCH", `/api/bookings/${gone.id}`, { status: "completed" });
  for (const page of [off.page, doubt.page, gone.page]) {
    const text = await look(page);
    assert.ok(codeIn(text) === undefined && !text.includes(pin) && !text.includes("Street door"), text);
  }
  const stay = await aStay();
  at("2031-03-08T10:00:00Z");
  assert.match(await look(stay.page), /This stay is over/);
  at("2031-03-11T09:59:00Z");
  assert.equal((await site.visit(undefined, stay.page)).status, 200);
  at("2031-03-11T10:00:00Z");
  assert.equal((await site.visit(undefined, stay.page)).status, 404);
  at("2031-03-04T12:00:00Z");
});

test("the link stays when the stay is extended, moved and given another code, until the owner makes a new one", async () => {
  const stay = await aStay();
  await ask("PATCH", `/api/bookings/${stay.id}`, { departure: "2031-03-12" });
  const other = await ask("POST", "/api/properties", { site: "home", name: "Attic", accessPoints: ["box"] }, 201);
  await ask("PATCH", `/api/bookings/${stay.id}`, { property: other.id });
  await ask("POST", `/api/bookings/${stay.id}/new-code`);
  await provisionAllDue(site.cloud.parts);
  assert.equal(await linkOf(stay.id), stay.page);
  const text = await look(stay.page);
  assert.equal(codeIn(text), await digits(stay));
  assert.ok(text.includes("Attic") && text.includes("12 Mar 2031, 11:00"));
  const renewed = await linkOf(stay.id, true);
  assert.notEqual(renewed, stay.page);
  assert.equal((await site.visit(undefined, stay.page)).status, 404);
  assert.equal(codeIn(await look(renewed)), await digits(stay));
  const { items } = await ask("GET", "/api/audit?action=bookings.renew-link");
  assert.equal(items[0].thing, stay.id);
});

test("who may not see codes is told no link; the link's secret is kept as its hash, sealed beside it, and is in no log", async () => {
  const stay = await aStay();
  const answer = await site.people.user.ask("POST", `/api/bookings/${stay.id}/link`, {});
  assert.equal(answer.status, 403);
  const token = stay.page.slice("/s/".length);
  await look(stay.page);
  const rows = JSON.stringify(await site.cloud.store.db.select().from(bookings));
  assert.ok(!rows.includes(token) && !logged.join().includes(token) && !logged.join().includes(await digits(stay)));
  assert.ok(!JSON.stringify(await ask("GET", `/api/bookings/${stay.id}`)).match(/link|sealed/));
});

test("who is forgotten has no link any more", async () => {
  const stay = await aStay();
  const now = clock.wall();
  await site.cloud.store.transaction((tx) => forgetGuests(tx, "home", now + 30 * 24 * hour, now));
  assert.equal((await site.visit(undefined, stay.page)).status, 404);
  await ask("POST", `/api/bookings/${stay.id}/link`, {}, 409);
});

test("the owner tells of the house, in languages, with its place on a map; nothing of it is markup", async () => {
  const guide = {
    address: "Calle Mayor 3, Madrid",
    place: { latitude: 40.4165, longitude: -3.7026 },
    notes: { en: "Wi-Fi: <b>harbour</b>\nBins behind the house.", es: "Basura detrás.", de: "Müll hinter dem Haus." },
  };
  const stay = await aStay({ guide });
  const english = await look(stay.page);
  assert.ok(english.includes("Wi-Fi: &lt;b&gt;harbour&lt;/b&gt;\nBins"), english);
  assert.match(english, /href="https:\/\/www\.openstreetmap\.org\/\?mlat=40\.4165&amp;mlon=-3\.7026#map=18/);
  assert.match(await look(stay.page, "es"), /lang="es">Basura detrás\./);
  assert.match(await look(stay.page, "de"), /lang="de">Müll hinter/);
  const own = await ask("PATCH", `/api/properties/${stay.property}`, {
    guide: { place: null, notes: { en: null, fr: "Les poubelles." } },
  });
  assert.deepEqual(
    [own.guide.address, own.guide.place, Object.keys(own.guide.notes)],
    [guide.address, null, ["es", "de", "fr"]],
  );
  assert.match(await look(stay.page), /search\?query=Calle%20Mayor%203%2C%20Madrid".*lang="es">Basura/s);
  const { items } = await ask("GET", "/api/audit?action=properties.change");
  assert.ok(items[0].thing === stay.property && !JSON.stringify(items[0]).includes("poubelles"));
});

for (const [what, guide, field] of [
  ["a language that is none", { notes: { english: "x" } }, "body.guide.notes.english"],
  ["a note too long", { notes: { en: "x".repeat(4_001) } }, "body.guide.notes.en"],
  ["a place that is none", { place: { latitude: 91, longitude: 0 } }, "body.guide.place.latitude"],
  ["a field nobody knows", { wifi: "x" }, "body.guide.wifi"],
  [
    "too many languages",
    { notes: Object.fromEntries([..."abcdefghijk"].map((one) => [`x${one}`, "x"])) },
    "body.guide.notes",
  ],
] as const)
  test(`refused: a guide with ${what}`, async () => {
    const { body, status } = await site.cloud.ask("POST", "/api/properties", {
      site: "home",
      name: "X",
      accessPoints: ["box"],
      guide,
    });
    assert.equal(status, 400);
    assert.deepEqual(
      body.errors.map((one: { field: string }) => one.field),
      [field],
    );
  });

test("a link that is none is told plainly; whoever tries many waits", async () => {
  for (const path of [`/s/${"x".repeat(22)}`, "/s/none", `/s/${"x".repeat(22)}/app.webmanifest`])
    assert.equal((await site.visit(undefined, path)).status, 404, path);
  assert.match(await look("/s/none"), /leads nowhere/);
  const statuses = [];
  for (let times = 0; times < 61; times += 1) statuses.push((await site.visit(undefined, "/s/none")).status);
  assert.ok(statuses.includes(429));
  clock.advance(60_000);
});

test("it can be kept on the phone: a manifest, a worker of its own, and all it loads within 150 kB", async () => {
  clock.stepWall(began - clock.wall());
  const { page } = await aStay();
  const { text, bytes } = await site.visit(undefined, page);
  const manifest = JSON.parse((await site.visit(undefined, `${page}/app.webmanifest`)).text);
  assert.deepEqual([manifest.start_url, manifest.scope, manifest.display], [page, page, "standalone"]);
  const worker = await site.visit(undefined, "/s/worker.js");
  assert.ok(text.includes('data-worker="/s/worker.js" data-scope="/s/"'));
  assert.equal(worker.headers.get("content-type"), "text/javascript; charset=utf-8");
  let all = bytes + worker.bytes;
  for (const [, url] of text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g))
    all += (await site.visit(undefined, url!)).bytes;
  assert.ok(all <= 150_000, `${all} bytes`);
});
