/** Visitors by pages: inviting, sharing, inviting again, changing, withdrawing, barring. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HandClock } from "../../support/cloud.ts";
import { type Fields, givenPages, type PageSite } from "../../support/page-visitor.ts";

// Tuesday 2031-03-04, 13:00 in Madrid.
const clock = new HandClock();
let site: PageSite;
before(async () => {
  site = await givenPages({ clock, publicUrl: "http://localhost" });
});
after(() => site.cloud.close());

const filledIn = { site: "home", visitorName: "Lea", visitorType: "Guest", validity: "today", entries: "once" };
const order = (more: Fields = {}) => ({ ...filledIn, accessPoints: "box", ...more });

/** Answers the page of the pass. */
async function invite(more: Fields = {}): Promise<string> {
  const made = await site.send(site.people.resident, "/passes", order(more));
  assert.equal(made.status, 303, made.text);
  return made.headers.get("location")!.replace(/\?.*/, "");
}

test("a resident begins at their visitors, invites one, and has the QR code and every way to send it", async () => {
  const { resident } = site.people;
  assert.equal((await site.visit(resident, "/")).headers.get("location"), "/passes");
  assert.match((await site.visit(resident, "/passes")).text, /Nobody is invited yet/);

  const path = await invite({ documentNum: "X-77", notes: "brings a dog", entries: "some", entriesCount: "3" });
  const { text } = await site.visit(resident, `${path}?done=made`);
  assert.match(text, /The pass is made/);
  assert.match(text, /VIS-\d{5}-[A-Z]{3}/);
  const [, link] = /<output id="pass-link">(http:\/\/localhost\/v\/[\w-]{22})</.exec(text)!;
  const said = encodeURIComponent(link!);
  for (const way of ["https://wa.me/?text=", "sms:?&amp;body=", "mailto:?subject="])
    assert.match(text, new RegExp(`href="${way.replaceAll(/[?.]/g, "\\$&")}[^"]*${said}`), way);
  for (const way of ["data-share=", 'data-copy="pass-link"', "data-print", "qr.png"])
    assert.ok(text.includes(way), way);
  assert.match(text, /3 of 3/);
  assert.match(text, /brings a dog/);
  assert.match((await site.visit(resident, "/passes")).text, /Lea/);
});

test("what does not fit comes back as it was filled in, with what is wrong beside its field", async () => {
  for (const [more, field] of [
    [{ visitorName: "" }, "visitorName"],
    [{ validity: "custom", until: "2030-01-01T10:00" }, "until"],
    [{ validity: "custom", until: "2033-01-01T10:00" }, "until"],
    [{ entries: "some", entriesCount: "many" }, "entriesCount"],
    [{ accessPoints: [] }, "accessPoints"],
    [{ hoursFrom: "08:00" }, "days"],
  ] as const) {
    const { status, text } = await site.send(site.people.resident, "/passes", order({ notes: "kept", ...more }));
    assert.equal(status, 422, field);
    assert.match(text, new RegExp(`id="${field}-fault"`));
    assert.match(text, /kept<\/textarea>/);
  }
});

test("an earlier pass fills in the next one for the same visitor", async () => {
  const { resident } = site.people;
  const path = await invite({ visitorName: "Nia", visitorType: "Service", days: ["2", "5"], hoursFrom: "08:00" });
  const again = await site.visit(resident, `/passes/new?again=${path.replace("/passes/", "")}`);
  for (const said of ['value="Nia"', 'value="Service" selected', 'value="2" checked', 'value="08:00"'])
    assert.ok(again.text.includes(said), said);
  const [, earlier] = /name="again" value="([^"]+)"/.exec(again.text)!;
  const next = await invite({ visitorName: "Nia", again: earlier!, days: "2", hoursFrom: "08:00" });
  const read = async (one: string) => (await site.cloud.ask("GET", `/api${one}`)).body;
  assert.equal((await read(next)).visitorId, (await read(path)).visitorId);
  assert.match((await site.visit(resident, next)).text, /Tuesday 08:00–24:00/);
});

test("it is changed without moving what nobody touched, its link is renewed, and it is withdrawn after a question", async () => {
  const { resident } = site.people;
  const path = await invite({ visitorName: "Bo" });
  const read = async () => (await site.cloud.ask("GET", `/api${path}`)).body;
  const { text } = await site.visit(resident, `${path}/edit`);
  const [, until] = /name="until"[^>]* value="([^"]+)"/.exec(text)!;
  const form = { visitorName: "Bo B.", visitorType: "Family", until: until!, entries: "any" };
  assert.equal((await site.send(resident, `${path}/edit`, form)).headers.get("location"), `${path}?done=changed`);
  const changed = await read();
  assert.deepEqual(
    [changed.visitorName, changed.visitorType, changed.entriesAllowed, changed.validUntil],
    ["Bo B.", "Family", null, "2031-03-04T23:00:00Z"],
  );
  const refused = await site.send(resident, `${path}/edit`, { ...form, entries: "some", entriesCount: "0" });
  assert.equal(refused.status, 422);
  assert.match(refused.text, /id="entriesCount-fault"/);

  const linkOf = async () => /\/v\/[\w-]{22}/.exec((await site.visit(resident, path)).text)![0];
  const before = await linkOf();
  assert.equal((await site.send(resident, `${path}/link`)).headers.get("location"), `${path}?done=link`);
  const renewed = await linkOf();
  assert.notEqual(renewed, before);
  assert.deepEqual(
    [(await site.visit(undefined, before)).status, (await site.visit(undefined, renewed)).status],
    [404, 200],
  );

  assert.match((await site.visit(resident, `${path}/withdraw`)).text, /Bo B\. will not be let in/);
  assert.equal((await site.send(resident, `${path}/withdraw`)).headers.get("location"), "/passes?done=withdrawn");
  const gone = await site.visit(resident, path);
  assert.match(gone.text, /withdrawn/);
  assert.doesNotMatch(gone.text, /VIS-|\/v\/|wa\.me/);
  assert.match((await site.visit(resident, "/passes?state=past")).text, /Bo B\./);
});

test("an owner bars a visitor from the page of a pass, and lifts it; a resident and a guard find no way to it", async () => {
  const { owner, resident, guard } = site.people;
  const path = await invite({ visitorName: "Max", documentNum: "D-5" });
  for (const who of [resident, guard]) {
    assert.doesNotMatch((await site.visit(who, path)).text, /\/bar"/);
    assert.equal((await site.visit(who, `${path}/bar`)).status, 403);
  }
  assert.doesNotMatch((await site.visit(guard, path)).text, /VIS-|\/edit|wa\.me/);
  assert.match((await site.visit(owner, path)).text, /\/bar"/);
  const barred = await site.send(owner, `${path}/bar`, { subject: "document", reason: "stole a lamp" });
  assert.equal(barred.headers.get("location"), `${path}?done=barred`);
  assert.match((await site.visit(owner, path)).text, /class="tag bad">barred/);
  assert.doesNotMatch((await site.visit(resident, path)).text, /class="tag bad">barred/);
  const { text } = await site.visit(owner, `${path}/bar`);
  assert.match(text, /stole a lamp/);
  const [lift] = /\/passes\/[^"]+\/lift/.exec(text)!;
  assert.equal((await site.send(owner, lift)).headers.get("location"), `${path}?done=unbarred`);
  assert.doesNotMatch((await site.visit(owner, path)).text, /class="tag bad">barred/);
});

test("the pages are in Spanish for whoever reads that", async () => {
  const rosa = await site.cloud.as("resident", ["home"], { language: "es" });
  assert.match((await site.visit(rosa, "/passes")).text, /Aún no hay nadie invitado/);
  const late = await site.send(rosa, "/passes", order({ validity: "custom", until: "2033-01-01T10:00" }));
  assert.match(late.text, /Un pase vale un año como mucho/);
});
