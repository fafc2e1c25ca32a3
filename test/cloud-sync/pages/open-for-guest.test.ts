/** A guest opens a door from the page of their stay: asked of the gate alone, at most once, and told as it is. The gate is played. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { CredentialSeal } from "../../../gateway/wire/credential-seal.ts";
import type { WirePollReply } from "../../../gateway/wire/feed.ts";
import { sealedLink } from "../../../gateway/wire/gateway-api.ts";
import { HandClock } from "../../support/cloud.ts";
import { boxDoor, givenPages, type PageAnswer, type PageSite } from "../../support/page-visitor.ts";
import { until } from "../../support/until.ts";

const hour = 3_600_000;
const clock = new HandClock();
const ring = { id: "ring", name: "Garage", lock: "ring", reads: false, noCodes: "Ring has no way to put PINs in" };
let site: PageSite;
let seal: CredentialSeal;
let page: string;
let booking: string;

before(async () => {
  site = await givenPages({ clock });
  await site.gateway.report([boxDoor, ring]);
  seal = await site.cloud.parts.siteKeys.seal(site.cloud.store.db, "home");
  const order = { site: "home", name: "Harbour flat", accessPoints: ["box", "ring"] };
  const property = await ask("POST", "/api/properties", order, 201);
  const made = await ask("POST", "/api/bookings", stay(property.id), 201);
  booking = made.id;
  page = await linkOf(booking);
});
after(() => site.cloud.close());
beforeEach(async () => {
  clock.advance(60_000);
  await site.gateway.catchUp();
});

const ask = async (method: string, path: string, body?: unknown, status = 200) => {
  const answer = await site.cloud.ask(method, path, body);
  assert.equal(answer.status, status, answer.text);
  return answer.body;
};
const moment = (ms: number) => new Date(clock.wall() + ms).toISOString();
const stay = (property: string, more: object = {}) => ({
  property,
  guest: { name: "Greta" },
  from: moment(-hour),
  until: moment(5 * hour),
  ...more,
});
const linkOf = async (id: string) => new URL((await ask("POST", `/api/bookings/${id}/link`, {})).url).pathname;
const look = async (path = page) => (await site.visit(undefined, path, { "accept-language": "en" })).text;
const nonceOf = (text: string, door: string) =>
  new RegExp(`name="door" value="${door}"/?><input type="hidden" name="nonce" value="([^"]+)"`).exec(text)?.[1] ?? "";
const press = (door: string, nonce: string, path = page) =>
  site.send(undefined, `${path}/open`, { door, nonce }, { "accept-language": "en" });
/** Where the answer leads: what the guest sees. */
const follow = async ({ status, headers, text }: PageAnswer) => {
  if (status !== 303) return text;
  return look(headers.get("location") ?? "");
};
const told = (text: string) => /<p class="notice (?:good|bad)" role="status">(.*?)<\/p>/.exec(text)?.[1];

const commands = async () => (await site.gateway.poll()).body.commands as WirePollReply["commands"];
async function gateSays(ended: object): Promise<WirePollReply["commands"][number]> {
  let command: WirePollReply["commands"][number] | undefined;
  await until("the gate is asked", async () => {
    [command] = await commands();
    return command !== undefined;
  });
  site.gateway.lastCommand = command!.id;
  const facts = { command: command!.id, accessPoint: command!.accessPoint, action: "present" };
  const first = site.gateway.lines.length + 1;
  site.gateway.record({ type: "command-taken", ...facts, by: booking }, { type: "command-ended", ...facts, ...ended });
  assert.equal((await site.gateway.push(first)).status, 200);
  return command!;
}

test("each door has its button, open where there is no PIN; a press is a command that carries the link sealed, and is told once", async () => {
  const text = await look();
  assert.match(
    text,
    /Garage<\/h3><p>There is no PIN on this lock\.<\/p><p class="ready">Ready: open it from this page/,
  );
  assert.match(text, /<details class="no-print" open="">.*Open Garage/s);
  const nonce = nonceOf(text, "box");
  assert.match(nonce, /^[\w-]{22}$/);
  const pressed = press("box", nonce);
  const command = await gateSays({ result: "confirmed", of: 7 });
  assert.deepEqual(
    [command.action, command.accessPoint, command.by, command.ageMs, command.ttlMs],
    ["present", "box", booking, 0, 10_000],
  );
  const value = seal.open(sealedLink, command.link ?? "")?.reveal() ?? "";
  const { grant } = (await ask("GET", `/api/bookings/${booking}`)).code;
  const rows = await site.gateway.catchUp();
  const feed = JSON.stringify(rows);
  assert.ok(
    value.length >= 32 && !JSON.stringify(command).includes(value) && !feed.includes(value) && !text.includes(value),
  );
  assert.match(JSON.stringify(await ask("GET", `/api/sites/home/grants/${grant}`)), /"kind":"link"/);
  const answer = await pressed;
  assert.deepEqual([answer.status, answer.headers.get("location")], [303, `${page}?press=${nonce}`]);
  assert.equal(told(await follow(answer)), "<strong>Parcel box: </strong>The door is open.");

  const again = await press("box", nonce);
  assert.equal(told(await follow(again)), "<strong>Parcel box: </strong>The door is open.");
  assert.deepEqual(await commands(), [], "asked once");
  const { items } = await ask("GET", "/api/audit?action=doors.present");
  assert.deepEqual([items.length, items[0].actor, items[0].thing], [1, booking, "box"]);
});

test("a press that comes again after a minute opens nothing: the page is old", async () => {
  const nonce = nonceOf(await look(), "box");
  const first = press("box", nonce);
  await gateSays({ result: "accepted", of: 8 });
  assert.match(await follow(await first), /The lock was told to open/);
  clock.advance(60_000);
  await site.gateway.catchUp();
  const late = await press("box", nonce);
  assert.equal(late.status, 409);
  assert.match(late.text, /This page was old/);
  assert.deepEqual(await commands(), []);
  clock.advance(9 * 60_000);
  assert.equal(told(await look(`${page}?press=${nonce}`)), undefined, "what became of it is shown for ten minutes");
});

for (const [what, ended, words] of [
  ["the house refuses", { result: "refused", reason: "LOCKDOWN" }, /locked down/],
  ["the house cannot read it", { result: "refused" }, /has refused it/],
  ["the lock does not move", { result: "refused", of: 9 }, /did not move/],
  ["the lock does not say", { result: "unknown", of: 9 }, /has not said whether it opened/],
  ["it comes too late", { result: "expired" }, /could not be reached in time/],
] as const)
  test(`told as it is: ${what}`, async () => {
    const pressed = press("ring", nonceOf(await look(), "ring"));
    await gateSays(ended);
    const text = await follow(await pressed);
    assert.match(told(text) ?? "", words);
    assert.match(text, /notice bad/);
  });

test("without a line to the house nothing is asked, and the page points to the code; a house that goes silent is unknown", async () => {
  const nonce = nonceOf(await look(), "box");
  const waiting = press("box", nonce);
  await until("the gate is asked", async () => (await commands()).length > 0);
  clock.advance(12_001);
  assert.match(told(await follow(await waiting)) ?? "", /has not said whether it opened/);

  const other = nonceOf(await look(), "box");
  clock.advance(30 * 60_000);
  const away = await press("box", other);
  assert.equal(away.status, 503);
  assert.match(away.text, /could not be reached in time/);
  const text = await look();
  assert.match(text, /Parcel box.*no line to the internet now, so this page cannot open it\. Use the code/s);
  assert.match(text, /Garage.*no line to the internet now, so this page cannot open it\. Ask your host/s);
  assert.equal(nonceOf(text, "box"), "");
});

test("no more than four presses a minute at one door; another door goes on", async () => {
  for (let times = 0; times < 4; times += 1) {
    const pressed = press("box", nonceOf(await look(), "box"));
    await gateSays({ result: "confirmed", of: 20 + times });
    assert.equal((await pressed).status, 303);
  }
  const fifth = await press("box", nonceOf(await look(), "box"));
  assert.equal(fifth.status, 429);
  assert.match(fifth.text, /Too often/);
  const other = press("ring", nonceOf(await look(), "ring"));
  await gateSays({ result: "confirmed", of: 30 });
  assert.equal((await other).status, 303);
});

test("nothing is asked of a door that is not theirs, outside the stay, for a code that is gone, or by whoever has no link", async () => {
  const nonce = nonceOf(await look(), "box");
  assert.equal((await press("front-door", nonce)).status, 409);
  assert.equal((await press("box", nonce, `/s/${"x".repeat(22)}`)).status, 404);
  assert.equal((await press("box", "short")).status, 400);
  const property = (await ask("GET", `/api/bookings/${booking}`)).property;
  const later = await ask("POST", "/api/bookings", stay(property, { from: moment(2 * hour) }), 201);
  const early = await linkOf(later.id);
  assert.equal(nonceOf(await look(early), "box"), "");
  assert.equal((await press("box", nonce, early)).status, 409);
  const over = await ask("POST", "/api/bookings", stay(property), 201);
  const gone = await linkOf(over.id);
  await ask("PATCH", `/api/bookings/${over.id}`, { status: "cancelled" });
  assert.equal((await press("box", nonce, gone)).status, 409);
  const held = await ask("POST", "/api/bookings", stay(property), 201);
  const link = await linkOf(held.id);
  await ask("POST", `/api/sites/home/grants/${held.code.grant}/revoke`);
  assert.equal((await press("box", nonce, link)).status, 409);
  assert.deepEqual(await commands(), []);
});
