/** A guard asks the cloud about a visitor's pass, and counts one in through it: judged by the gates' rule, counted by the gate alone. The gate is played. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { changePerson } from "../../cloud-sync/store/people.ts";
import type { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import type { WirePollReply } from "../../gateway/wire/feed.ts";
import { sealedEntry } from "../../gateway/wire/guard-api.ts";
import { givenCloud, HandClock, type TestCloud, type TestGateway, type TestPerson } from "../support/cloud.ts";
import { until } from "../support/until.ts";

const clock = new HandClock();
let cloud: TestCloud;
let gateway: TestGateway;
let other: TestGateway;
let guard: TestPerson;
let seal: CredentialSeal;

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Rome" });
  gateway = await cloud.gateway("hill", ["gate"]);
  other = await cloud.gateway("hill", ["back"]);
  guard = await cloud.as("guard", ["hill"], { name: "Rosa Guard" });
  // With a password the gateways are told of the guard.
  await cloud.store.transaction((tx) => changePerson(tx, guard.id, { passwordHash: "none that fits" }, clock.wall()));
  seal = await cloud.parts.siteKeys.seal(cloud.store.db, "hill");
});
after(() => cloud.close());
beforeEach(async () => {
  clock.advance(60_000);
  await gateway.catchUp();
  await other.catchUp();
});

async function aPass(more: object = {}) {
  const order = { visitorName: "Lea", visitorType: "Guest", accessPoints: ["gate", "back"], validity: "week", ...more };
  const { body } = await cloud.ask("POST", "/api/passes", order);
  await gateway.catchUp();
  await other.catchUp();
  return body as { id: string; recordUid: string };
}

let numbers = 0;
const nonce = () => {
  numbers += 1;
  return `entry-0000-0000-${String(numbers).padStart(4, "0")}`;
};
const check = (record_uid: string, more: object = {}) =>
  guard.ask("POST", "/api/validate-qr", { record_uid, access_point: "gate", ...more });
const enter = (record_uid: string, number: string, more: object = {}) =>
  guard.ask("POST", "/api/log-entry", { record_uid, access_point: "gate", nonce: number, ...more });

/** The commands that the gate has not seen. */
const commands = async () => {
  const { body } = await gateway.poll();
  return body.commands;
};
/** The gate hears the command that follows `work`, and ends it so. */
async function gateSays(ended: object): Promise<WirePollReply["commands"][number]> {
  let command: WirePollReply["commands"][number] | undefined;
  await until("the gate is asked", async () => {
    [command] = (await commands()) ?? [];
    return command !== undefined;
  });
  gateway.lastCommand = command!.id;
  const facts = { command: command!.id, accessPoint: "gate", action: "enter" };
  const first = gateway.lines.length + 1;
  gateway.record({ type: "command-taken", ...facts, by: guard.id }, { type: "command-ended", ...facts, ...ended });
  assert.equal((await gateway.push(first)).status, 200);
  return command!;
}

test("a pass is judged by the gates' rule: entries where they lie, dates, bars, doors, lockdown; in the guard's language", async () => {
  const pass = await aPass({ entriesAllowed: 2 });
  const good = await check(pass.recordUid.toLowerCase());
  assert.equal(good.status, 200, good.text);
  assert.deepEqual([good.body.access_granted, good.body.reason, good.body.message], [true, null, "May come in"]);
  const { name, type, entries_used, entries_left } = good.body.visitor;
  assert.deepEqual([name, type, entries_used, entries_left], ["Lea", "Guest", 0, 2]);
  const atBack = await check(pass.recordUid, { access_point: "back" });
  assert.deepEqual([atBack.body.reason, atBack.body.visitor.entries_left], ["HELD_AT_OTHER_GATE", 0]);
  const spanish = await guard.ask(
    "POST",
    "/api/validate-qr",
    { record_uid: "VIS-00000-AAA", access_point: "gate" },
    {
      "accept-language": "es",
    },
  );
  assert.equal(spanish.body.reason, "QR_NOT_FOUND");
  assert.match(spanish.body.message, /no es válido/);
  assert.equal(spanish.body.visitor, null);

  const other = await aPass({ accessPoints: ["back"] });
  assert.equal((await check(other.recordUid)).body.reason, "WRONG_ACCESS_POINT");
  await cloud.ask("DELETE", `/api/passes/${other.id}`);
  assert.equal((await check(other.recordUid)).body.reason, "REVOKED");
  const later = await aPass({ validity: "custom", from: "2031-03-20T10:00", until: "2031-03-20T12:00" });
  assert.equal((await check(later.recordUid)).body.reason, "NOT_YET_VALID");
  await cloud.ask("PATCH", "/api/sites/hill", { lockdown: true });
  assert.equal((await check(pass.recordUid)).body.reason, "LOCKDOWN");
  await cloud.ask("PATCH", "/api/sites/hill", { lockdown: false });
  const { body: events } = await cloud.ask("GET", "/api/sites/hill/events?type=denied");
  assert.deepEqual(events.items, [], "nothing is written down");
});

test("an entry is the gate's: asked by a command that carries the pass sealed, answered with what the gate has counted", async () => {
  const pass = await aPass({ entriesAllowed: 1 });
  const number = nonce();
  const entering = enter(pass.recordUid, number, { age_ms: 300 });
  const command = await gateSays({ result: "confirmed", of: 7 });
  assert.deepEqual(
    [command.action, command.accessPoint, command.staff, command.nonce, command.ageMs, command.ttlMs],
    ["enter", "gate", guard.id, number, 300, 10_000],
  );
  assert.equal(seal.open(sealedEntry, command.pass ?? "")?.reveal(), pass.recordUid);
  assert.doesNotMatch(JSON.stringify(command), new RegExp(pass.recordUid));
  const { status, body, text } = await entering;
  assert.equal(status, 200, text);
  assert.deepEqual([body.access_granted, body.entry, body.gate, body.message], [true, 7, "open", "The gate is open."]);
  const again = await enter(pass.recordUid, number);
  assert.deepEqual([again.body.entry, again.body.gate], [7, "open"]);
  assert.deepEqual(await commands(), [], "asked once");
  const audit = await cloud.ask("GET", "/api/audit?action=doors.enter");
  assert.equal(audit.body.items.length, 1);
  assert.equal(audit.body.items[0].actor, guard.id);
  const foreign = await enter((await aPass()).recordUid, number);
  assert.deepEqual([foreign.status, foreign.body.errors[0].field], [409, "body.nonce"]);
});

test("what the gate denies is denied with its reason, and a gate that did not move has counted nothing", async () => {
  const pass = await aPass();
  const denied = enter(pass.recordUid, nonce());
  await gateSays({ result: "refused", reason: "LIMIT_REACHED" });
  const { body } = await denied;
  assert.deepEqual([body.access_granted, body.reason, body.entry, body.gate], [false, "LIMIT_REACHED", null, null]);
  const stuck = enter(pass.recordUid, nonce());
  await gateSays({ result: "refused", of: 9 });
  const { body: unmoved } = await stuck;
  assert.deepEqual([unmoved.access_granted, unmoved.entry, unmoved.gate], [false, null, "not-moved"]);
  const unaware = enter(pass.recordUid, nonce());
  await gateSays({ result: "refused" });
  assert.deepEqual([(await unaware).status, (await unaware).body.code], [409, "gate-unaware"]);
});

test("two requests of one number at the same moment are one command", async () => {
  const pass = await aPass();
  const number = nonce();
  const both = [enter(pass.recordUid, number), enter(pass.recordUid, number)];
  await gateSays({ result: "accepted", of: 11 });
  const answers = await Promise.all(both);
  assert.deepEqual(
    answers.map(({ body }) => [body.entry, body.gate]),
    [
      [11, "told"],
      [11, "told"],
    ],
  );
});

test("a gate that is away counts nothing; one that goes silent is asked again under the same number", async () => {
  const pass = await aPass();
  const number = nonce();
  const unheard = enter(pass.recordUid, number);
  await until("it waits", () => clock.sleepers > 0);
  clock.advance(12_001);
  const away = await unheard;
  assert.deepEqual([away.status, away.body.code], [503, "gate-away"]);
  assert.deepEqual(await commands(), [], "too old to be handed out");

  const heard = enter(pass.recordUid, number);
  await until("the gate is asked", async () => (await commands()).length > 0);
  clock.advance(12_001);
  const silent = await heard;
  assert.deepEqual([silent.status, silent.body.code], [503, "gate-silent"]);
  const third = enter(pass.recordUid, number);
  const command = await gateSays({ result: "confirmed", of: 13 });
  assert.equal(command.nonce, number);
  assert.equal((await third).body.entry, 13);

  clock.advance(30 * 60_000);
  const long = await enter(pass.recordUid, nonce());
  assert.deepEqual(
    [long.status, long.body.code],
    [503, "gate-away"],
    "at once, where nothing was heard of it for long",
  );
});

test("whoever may not open doors asks nothing; a person enters in their own name, a word too old counts nothing", async () => {
  const pass = await aPass();
  const resident = await cloud.as("resident", ["hill"]);
  const order = { record_uid: pass.recordUid, access_point: "gate" };
  assert.equal((await resident.ask("POST", "/api/validate-qr", order)).status, 403);
  assert.equal((await enter(pass.recordUid, nonce(), { guard_id: resident.id })).status, 403);
  const admin = await cloud.ask("POST", "/api/log-entry", { ...order, nonce: nonce() });
  assert.deepEqual([admin.status, admin.body.errors[0].field], [400, "body.guard_id"]);
  const old = await enter(pass.recordUid, nonce(), { age_ms: 10_000 });
  assert.deepEqual([old.status, old.body.code], [503, "too-late"]);
  const unnamed = await guard.ask("POST", "/api/validate-qr", { record_uid: pass.recordUid });
  assert.equal(unnamed.body.errors[0].field, "body.access_point");
  assert.equal((await enter(pass.recordUid, nonce(), { photo: "a".repeat(64) })).body.errors[0].field, "body.photo");
  assert.deepEqual(await commands(), []);
});
