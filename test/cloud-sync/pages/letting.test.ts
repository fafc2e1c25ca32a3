/** What is let, set up by pages: a property and its words to guests, where its bookings come from, and what guests were told. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { provisionAllDue } from "../../../cloud-sync/jobs/provision-stays.ts";
import { tellAllDue } from "../../../cloud-sync/jobs/tell-guests.ts";
import { watchAllDue } from "../../../cloud-sync/jobs/watch-stays.ts";
import { LodgifyServer } from "../../../firmware-sim/links/lodgify.ts";
import { HandClock, type TestPerson } from "../../support/cloud.ts";
import { type Fields, givenPages, type PageSite } from "../../support/page-visitor.ts";

const key = "lodgify-key-of-a-test";
const clock = new HandClock();
const rooms = [{ id: 44, name: "Up" }];
const properties = [{ id: 812, name: "Casa", zone: "Europe/Madrid", rooms }];
const lodgify = new LodgifyServer({ key, clock, properties });
let site: PageSite;
let owner: TestPerson;
let property: string;
before(async () => {
  const { url: lodgifyUrl } = await lodgify.start();
  const mail = { send: async () => ({ outcome: "sent" }) as const };
  site = await givenPages({ clock, lodgifyUrl, mail, publicUrl: "http://127.0.0.1" });
  owner = site.people.owner;
  const { body } = await owner.ask("POST", "/api/properties", { name: "Harbour flat", accessPoints: ["box"] });
  property = body.id;
});
after(async () => {
  await site.cloud.close();
  await lodgify.stop();
});

const visit = async (path: string, person = owner) => {
  clock.advance(1_000);
  return site.visit(person, path);
};
const send = async (path: string, fields: Fields = {}, person = owner) => {
  clock.advance(1_000);
  return site.send(person, path, fields);
};
const read = async (path: string) => (await owner.ask("GET", path)).body;
const goesTo = (answer: { readonly headers: Headers; readonly text: string }) =>
  answer.headers.get("location") ?? assert.fail(answer.text);

/** What a browser would send of the page's form at `action`, untouched. */
function formOf(text: string, action: string): Fields {
  const form = text.split("<form").find((one) => one.includes(`action="${action}"`)) ?? assert.fail(action);
  const fields: Record<string, string[]> = {};
  const put = (name: string, value: string) => {
    fields[name] = [...(fields[name] ?? []), value];
  };
  for (const [input] of form.matchAll(/<input [^>]*>/g)) {
    const attribute = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(input)?.[1];
    const isTicked = !/type="(?:checkbox|radio)"/.test(input) || / checked/.test(input);
    if (isTicked) put(attribute("name")!, attribute("value") ?? "");
  }
  for (const [, name, options] of form.matchAll(/<select [^>]*name="([^"]+)"[^>]*>(.*?)<\/select>/gs))
    put(name!, (/value="([^"]*)" selected/.exec(options!) ?? /value="([^"]*)"/.exec(options!))?.[1] ?? "");
  for (const [, name, value] of form.matchAll(/<textarea [^>]*name="([^"]+)"[^>]*>\n?(.*?)<\/textarea>/gs))
    put(name!, value!);
  return fields;
}

describe("a property", () => {
  test("is added with its doors and hours, and stands in the list", async () => {
    const at = "/properties/new";
    const order = {
      site: "home",
      name: "Attic",
      accessPoints: ["front-door", "box"],
      checkIn: "16:00",
      checkOut: "10:30",
    };
    const made = goesTo(await send(at, order));
    assert.match(made, /^\/properties\/property-\w+\?done=made$/);
    const { text } = await visit("/properties");
    assert.match(text, /Attic/);
    assert.match(text, /Front door, Parcel box|Parcel box, Front door/);
    assert.match(text, /16:00 – 10:30/);
    const refused = await send(at, { ...order, name: "", checkIn: "late" });
    assert.equal(refused.status, 422);
    for (const field of ["name", "checkIn"]) assert.match(refused.text, new RegExp(`id="${field}-fault"`));
  });

  test("its page, sent as it came, changes nothing; what is typed is kept, and what is wrong stands beside its field", async () => {
    const at = `/properties/${property}`;
    const { text } = await visit(at);
    const api = `/api/properties/${property}`;
    const before = await read(api);
    for (const form of ["doors", "rules", "guide"])
      assert.equal(goesTo(await send(`${at}/${form}`, formOf(text, `${at}/${form}`))), `${at}?done=saved`);
    const { spares: _, ...after } = await read(api);
    const { spares: __, ...was } = before;
    assert.deepEqual(after, was);

    const rules = formOf(text, `${at}/rules`);
    goesTo(await send(`${at}/rules`, { ...rules, lateMinutes: "30", showCodeHours: "24", codeFrom: "phone" }));
    const told = await read(api);
    assert.deepEqual([told.rules.lateMinutes, told.rules.showCodeHours, told.rules.codeFrom], [30, 24, "phone"]);
    const refused = await send(`${at}/rules`, { ...rules, lateMinutes: "much", aheadHours: "9999" });
    assert.equal(refused.status, 422);
    assert.match(refused.text, /id="lateMinutes-fault">Write a number/);
    assert.match(refused.text, /id="aheadHours-fault">At most 1440/);
    assert.match(refused.text, /value="much"/);

    const guide = {
      address: "Harbour Lane 12",
      latitude: "36.53",
      longitude: "-6.3",
      "notes-en": "Bins:\r\nbehind",
      "notes-es": "",
    };
    goesTo(await send(`${at}/guide`, guide));
    const { guide: kept } = await read(api);
    assert.deepEqual(kept.place, { latitude: 36.53, longitude: -6.3 });
    assert.deepEqual(kept.notes, { en: "Bins:\nbehind" });
    assert.match((await send(`${at}/guide`, { ...guide, latitude: "400" })).text, /id="latitude-fault"/);
  });

  test("its guests are told by the chosen ways in the owner's words, seen before they are kept", async () => {
    const at = `/properties/${property}/messages`;
    const settings = formOf((await visit(at)).text, at);
    const ways = { "channel-0": "mail", "channel-1": "", "channel-2": "sms", "channel-3": "" };
    const chosen = { ...settings, ...ways, ticked: ["on"], country: "es", wifi: "casa / 12 olives" };
    assert.equal(goesTo(await send(at, chosen)), `${at}?done=saved`);
    const kept = await read(`/api${at}`);
    assert.deepEqual(
      [kept.on, kept.channels, kept.country, kept.wifi],
      [true, ["mail", "sms"], "ES", "casa / 12 olives"],
    );
    const twice = await send(at, { ...chosen, "channel-1": "mail" });
    assert.match(twice.text, /id="channel-0-fault"/);
    assert.match((await send(at, { ...chosen, country: "QQ" })).text, /id="country-fault"/);

    const words = { "text-en-code": "Hello {guest}\r\n{link}", preview: "text-en-code" };
    const shown = await send(`/properties/${property}/texts`, words);
    assert.equal(shown.status, 200);
    assert.match(shown.text, /Hello Ana/);
    assert.deepEqual((await read(`/api${at}`)).texts, {}, "a preview keeps nothing");
    const wrong = await send(`/properties/${property}/texts`, { ...words, "text-en-code": "Hello {who}" });
    assert.match(wrong.text, /id="text-en-code-fault"/);
    goesTo(await send(`/properties/${property}/texts`, { "text-en-code": "Hello {guest}\r\n{link}" }));
    assert.deepEqual((await read(`/api${at}`)).texts, { en: { code: "Hello {guest}\n{link}" } });
  });

  test("is closed after a question, not while somebody has booked it", async () => {
    const { body } = await owner.ask("POST", "/api/properties", { name: "Shed", accessPoints: ["box"] });
    const now = clock.wall();
    const moment = (instant: number) => Temporal.Instant.fromEpochMilliseconds(instant).toString();
    const time = { from: moment(now + 3_600_000), until: moment(now + 7_200_000) };
    const order = { property: body.id, guest: { name: "Greta" }, ...time };
    const { body: stay } = await owner.ask("POST", "/api/bookings", order);
    const at = `/properties/${body.id}/close`;
    assert.match((await visit(at)).text, /Close Shed\?/);
    const refused = await send(at);
    assert.equal(refused.status, 422);
    assert.match(refused.text, /1 of its bookings have not ended/);
    await owner.ask("PATCH", `/api/bookings/${stay.id}`, { status: "cancelled" });
    assert.equal(goesTo(await send(at)), "/properties?done=closed");
    assert.doesNotMatch((await visit("/properties")).text, /Shed/);
  });
});

describe("a source", () => {
  test("Lodgify is connected by its key, tested, its rooms chosen, read, and closed", async () => {
    const made = goesTo(await send("/sources/new", { kind: "lodgify", name: "Lodgify", site: "home", key }));
    const [, id] = /^\/sources\/(source-\w+)\/places\?done=made$/.exec(made) ?? assert.fail(made);
    const at = `/sources/${id}`;
    const { text } = await visit(made);
    assert.match(text, /The source answers: 2 found/);
    assert.match(text, />Casa: Up</);
    assert.equal(
      goesTo(await send(`${at}/places`, { place: ["812", "812/44"], property: ["", property] })),
      `${at}?done=placed`,
    );
    assert.deepEqual((await read(`/api/booking-sources/${id}`)).places, { "812/44": property });

    assert.equal(goesTo(await send(`${at}/run`)), "/sources?done=read");
    assert.match((await visit("/sources")).text, /0 read, 0 new, 0 changed/);
    const page = await visit(at);
    assert.ok(!page.text.includes(key), "the key is not shown again");
    const form = formOf(page.text, `${at}/change`);
    goesTo(await send(`${at}/change`, { ...form, everyMinutes: "30", options: ["keyCodes"] }));
    const kept = await read(`/api/booking-sources/${id}`);
    assert.deepEqual([kept.everyMinutes, kept.options.keyCodes, kept.options.signed], [30, true, false]);
    assert.match((await send(`${at}/change`, { ...form, everyMinutes: "1" })).text, /id="everyMinutes-fault"/);

    lodgify.changeKey("another-key-of-a-test");
    const failed = await visit(`${at}/places`);
    assert.equal(failed.status, 200);
    assert.match(failed.text, /does not answer as it should/);
    assert.match(failed.text, /name="place" value="812\/44"/, "what was chosen is still there to be changed");
    goesTo(await send(`${at}/run`));
    assert.match((await visit("/sources")).text, /not read; it is tried again/);
    lodgify.changeKey(key);

    assert.match((await visit(`${at}/close`)).text, /Close Lodgify\?/);
    assert.equal(goesTo(await send(`${at}/close`)), "/sources?done=closed");
    assert.doesNotMatch((await visit("/sources")).text, new RegExp(id!));
  });

  test("a program that sends is shown its address and its secret once, and another one on demand", async () => {
    const made = await send("/sources/new", { kind: "webhook", name: "Hub", site: "home", key: "" });
    assert.equal(made.status, 200);
    const [secret] = /whsec_[\w+/=]+/.exec(made.text) ?? assert.fail(made.text);
    assert.match(made.text, /http:\/\/127\.0\.0\.1\/hooks\//);
    const { items } = await read("/api/booking-sources");
    const { id } = items.find(({ name }: { name: string }) => name === "Hub");
    const at = `/sources/${id}`;
    const { text } = await visit(at);
    assert.ok(!text.includes(secret));
    const form = formOf(text, `${at}/change`);
    goesTo(await send(`${at}/change`, form));
    assert.equal((await read(`/api/booking-sources/${id}`)).options.signature, "standard");
    const rotated = await send(`${at}/rotate`);
    assert.match(rotated.text, /whsec_/);
    assert.ok(!rotated.text.includes(secret));
    goesTo(await send(`${at}/places`, { morePlace: "flat/3", moreProperty: property }));
    assert.deepEqual((await read(`/api/booking-sources/${id}`)).places, { "flat/3": property });
  });

  test("a calendar's address is looked at before it is kept, in the visitor's language too", async () => {
    const order = { kind: "ical", name: "Airbnb", property, key: "http://127.0.0.1/calendar.ics" };
    assert.match((await send("/sources/new", order)).text, /id="key-fault"/);
    const spanish = await site.cloud.as("owner", ["home"], { language: "es" });
    const refused = await send("/sources/new", order, spanish);
    assert.equal(refused.status, 422);
    assert.match(refused.text, /No es la dirección de exportación de un calendario/);
  });
});

test("the log of messages leads to the stay and sends again; whoever looks on presses nothing", async () => {
  const now = clock.wall();
  const moment = (instant: number) => Temporal.Instant.fromEpochMilliseconds(instant).toString();
  await owner.ask("PATCH", `/api/properties/${property}/messages`, {
    on: true,
    channels: ["mail"],
    quietFrom: "00:00",
    quietUntil: "00:00",
  });
  const { body: stay } = await owner.ask("POST", "/api/bookings", {
    ...{ property, guest: { name: "Lea Sommer", email: "lea@example.org" } },
    ...{ from: moment(now + 3_600_000), until: moment(now + 48 * 3_600_000) },
  });
  await provisionAllDue(site.cloud.parts);
  clock.advance(20 * 60_000);
  await watchAllDue(site.cloud.parts);
  await tellAllDue(site.cloud.parts);
  const { text } = await visit("/messages");
  assert.match(text, new RegExp(`href="/stays/${stay.id}">Lea Sommer<`));
  const [path] = /\/messages\/[^"]+\/send-again/.exec(text) ?? assert.fail(text);
  assert.equal(goesTo(await send(path)), "/messages?done=again");
  const refused = await send(path);
  assert.equal(refused.status, 422);
  assert.match(refused.text, /on its way already/);
  const { user } = site.people;
  const seen = await visit("/messages", user);
  assert.match(seen.text, /Lea Sommer/);
  assert.doesNotMatch(seen.text, /send-again/);
  for (const page of ["/properties", "/sources"]) {
    const answer = await visit(page, user);
    assert.equal(answer.status, 200);
    assert.doesNotMatch(answer.text, new RegExp(`href="${page}/(?:new|\\w+-)`));
  }
  for (const page of ["/properties/new", "/sources/new", `/properties/${property}`])
    assert.equal((await visit(page, user)).status, 403);
});
