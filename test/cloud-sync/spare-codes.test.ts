/** Spare codes: made ahead, proven at the locks, nobody's until they are given to a stay whose own code is not there. The gateway is played. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Mail } from "../../cloud-sync/channels/mail.ts";
import { isWeakPin } from "../../cloud-sync/domain/pin-policy.ts";
import { keepAllPools } from "../../cloud-sync/jobs/keep-spares.ts";
import { provisionAllDue } from "../../cloud-sync/jobs/provision-stays.ts";
import { tellAllDue } from "../../cloud-sync/jobs/tell-guests.ts";
import { watchAllDue } from "../../cloud-sync/jobs/watch-stays.ts";
import { restoreBackup, takeBackup } from "../../cloud-sync/store/backup.ts";
import { saveBackup } from "../../cloud-sync/store/backup-file.ts";
import { spareCode } from "../../cloud-sync/store/schema.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import { HandClock } from "../support/cloud.ts";
import { givenPages, type PageSite } from "../support/page-visitor.ts";

const hour = 3_600_000;
const day = 24 * hour;
const began = Date.UTC(2031, 2, 4, 12);
const street = { id: "street", name: "Street door", lock: "street", reads: true, kinds: ["pin"] };
const codes = { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"], capacity: 10 };
const nuki = { id: "flat", name: "Flat", lock: "nuki", reads: false, codes: { ...codes, windows: "range" } };
const plain = { id: "shed", name: "Shed", lock: "plain", reads: false, codes: { ...codes, windows: "none" } };

const clock = new HandClock();
let site: PageSite;
before(async () => {
  site = await givenPages({ clock });
  await site.gateway.report([street, nuki, plain]);
});
after(() => site.cloud.close());

const ask = async (method: string, path: string, body?: unknown, status = 200) => {
  clock.advance(20);
  const answer = await site.cloud.ask(method, path, body);
  assert.equal(answer.status, status, answer.text);
  return answer.body;
};
const at = (ms: number) => clock.stepWall(began + ms - clock.wall());
const aProperty = async (accessPoints: readonly string[], rules: object = { spareCodes: 1 }): Promise<string> =>
  (await ask("POST", "/api/properties", { site: "home", name: "Flat", accessPoints, rules }, 201)).id;
const spares = async (property: string) => (await ask("GET", `/api/properties/${property}`)).spares;
const poolOf = async (property: string) =>
  (await site.cloud.store.db.select().from(spareCode)).filter(({ propertyId }) => propertyId === property);
const grantOf = async (id: string) => ask("GET", `/api/sites/home/grants/${id}`);
const body = async (id: string): Promise<Grant> => {
  const rows = await site.gateway.catchUp();
  return rows.findLast((row) => row.id === id)?.body as unknown as Grant;
};
/** The lock says what it has of this grant's code. */
async function lockSays(
  device: string,
  grant: string,
  said: "present" | "absent" | "no-room" | "nothing",
): Promise<void> {
  const { credentials, from, until } = await grantOf(grant);
  const window = device === "nuki" ? { from: Date.parse(from), until: Date.parse(until) } : null;
  const code = { device, grant, credential: credentials[0].id, change: "set", index: "i", window, at: clock.wall() };
  const first = site.gateway.lines.length + 1;
  if (said === "no-room") site.gateway.record({ ...code, type: "code-missing", why: said });
  else if (said === "nothing") site.gateway.record({ type: "code-sent", ...code });
  else site.gateway.record({ type: "code-sent", ...code }, { type: "code-read", ...code, state: said, ref: "7" });
  assert.equal((await site.gateway.push(first)).status, 200);
}
/** Each test has its days. */
let days = 0;
async function aProvenPool(accessPoints: readonly string[], device: string) {
  days += 1;
  at(days * 3 * day);
  const property = await aProperty(accessPoints);
  await keepAllPools(site.cloud.parts);
  const [spare] = await poolOf(property);
  await site.gateway.catchUp();
  await lockSays(device, spare!.grantId, "present");
  clock.stepWall(20 * 60_000);
  await keepAllPools(site.cloud.parts);
  return { property, spare: spare!.grantId };
}
const moment = (ms: number) => new Date(clock.wall() + ms).toISOString();
const book = (property: string, from: number, until = 24 * hour) =>
  ask("POST", "/api/bookings", { property, guest: { name: "Greta" }, from: moment(from), until: moment(until) }, 201);
const read = (id: string) => ask("GET", `/api/bookings/${id}`);
const reveal = async (id: string): Promise<string> => (await ask("POST", `/api/bookings/${id}/reveal`)).code;

describe("the pool", () => {
  test("is made ahead as a grant that opens nothing at a gateway, of strong digits, and counts once every lock has shown it", async () => {
    at(0);
    const property = await aProperty(["street", "flat"]);
    await keepAllPools(site.cloud.parts);
    const [spare, ...others] = await poolOf(property);
    assert.deepEqual(others, []);
    assert.deepEqual(await spares(property), { ready: 0, problem: null });
    const grant = await body(spare!.grantId);
    assert.deepEqual([grant.mustUnderstand, grant.kind, grant.accessPoints], [["reserve"], "stay", ["street", "flat"]]);
    const [pin] = grant.credentials;
    const seal = await site.cloud.parts.siteKeys.seal(site.cloud.store.db, "home");
    const digits = seal.open(pin!.id, pin!.sealed!)!.reveal();
    assert.ok(/^[1-9]{6}$/.test(digits) && !isWeakPin(digits));
    assert.ok(!JSON.stringify(await grantOf(spare!.grantId)).includes(digits));

    await lockSays("nuki", spare!.grantId, "present");
    clock.stepWall(15 * 60_000);
    await keepAllPools(site.cloud.parts);
    assert.deepEqual(await spares(property), { ready: 1, problem: null });
    const { items } = await ask("GET", "/api/audit?action=spares.make");
    assert.equal(items[0].actor, "planner");
  });

  test("makes one anew that a lock will never hold, moves with the property's doors, and goes when it is not wanted", async () => {
    at(day);
    const property = await aProperty(["flat"]);
    await keepAllPools(site.cloud.parts);
    const [first] = await poolOf(property);
    await lockSays("nuki", first!.grantId, "no-room");
    clock.stepWall(15 * 60_000);
    await keepAllPools(site.cloud.parts);
    assert.equal((await grantOf(first!.grantId)).state, "revoked");
    assert.equal((await poolOf(property)).length, 1, "not at once");
    clock.stepWall(hour);
    await keepAllPools(site.cloud.parts);
    const live = async () => (await poolOf(property)).filter(({ endedAt }) => endedAt === null);
    const [second] = await live();
    assert.notEqual(second!.grantId, first!.grantId);
    await ask("PATCH", `/api/properties/${property}`, { accessPoints: ["flat", "street"] });
    await keepAllPools(site.cloud.parts);
    const [third] = await live();
    assert.notEqual(third!.grantId, second!.grantId);
    await ask("PATCH", `/api/properties/${property}`, { rules: { spareCodes: 0 } });
    await keepAllPools(site.cloud.parts);
    assert.deepEqual(await live(), []);
    assert.equal((await grantOf(third!.grantId)).state, "revoked");
  });

  test("rotates after 90 days, and of a property that is closed none is left", async () => {
    const { property, spare } = await aProvenPool(["flat"], "nuki");
    clock.stepWall(90 * day);
    await site.gateway.catchUp();
    await keepAllPools(site.cloud.parts);
    assert.equal((await grantOf(spare)).state, "revoked");
    const live = async () => (await poolOf(property)).filter(({ endedAt }) => endedAt === null);
    assert.equal((await live()).length, 1);
    await ask("DELETE", `/api/properties/${property}`);
    await keepAllPools(site.cloud.parts);
    assert.deepEqual(await live(), []);
  });

  test("that no code fits is said to be so, and is tried again", async () => {
    at(2 * day);
    await site.gateway.report([street, nuki, plain, { ...plain, id: "odd", codes: { ...plain.codes, lengths: [4] } }]);
    const property = await aProperty(["flat", "odd"]);
    await keepAllPools(site.cloud.parts);
    assert.match((await spares(property)).problem, /no PIN fits all the locks/);
    await ask("PATCH", `/api/properties/${property}`, { accessPoints: ["flat"] });
    await keepAllPools(site.cloud.parts);
    assert.equal((await spares(property)).problem, null);
  });
});

describe("a spare code", () => {
  test("is given four hours before a stay whose own code no lock has shown, and not a minute sooner; the digits before go on", async () => {
    const { property, spare } = await aProvenPool(["street", "flat"], "nuki");
    const booking = await book(property, 6 * hour);
    const own = await reveal(booking.id);
    await site.gateway.catchUp();
    await lockSays("nuki", booking.code.grant, "nothing");
    const look = async (ms: number) => {
      clock.stepWall(ms);
      await site.gateway.catchUp();
      await watchAllDue(site.cloud.parts);
      return (await read(booking.id)).code.grant;
    };
    assert.equal(await look(2 * hour - 60_000), booking.code.grant);
    assert.equal(await look(61_000), spare);
    assert.notEqual(await reveal(booking.id), own);
    const given = await grantOf(spare);
    assert.deepEqual(
      [given.from, given.until, given.holder.name],
      [booking.code.from, booking.code.until, "Greta"],
      "the lock keeps windows: it works for the stay alone",
    );
    assert.equal((await body(spare)).mustUnderstand, undefined);
    assert.equal((await grantOf(booking.code.grant)).state, "upcoming");
    const { items } = await ask("GET", "/api/audit?action=bookings.give-spare");
    assert.deepEqual([items[0].thing, items[0].actor], [booking.id, "planner"]);
    await keepAllPools(site.cloud.parts);
    const waiting = (await poolOf(property)).filter(({ endedAt, givenAt }) => endedAt === null && givenAt === null);
    assert.equal(waiting.length, 1, "another is made in its place");

    await ask("PATCH", `/api/bookings/${booking.id}`, { until: moment(30 * hour) });
    assert.equal((await grantOf(spare)).state, "upcoming");
    assert.equal((await grantOf(booking.code.grant)).state, "revoked", "with the first change the other goes");
    await ask("PATCH", `/api/bookings/${booking.id}`, { status: "cancelled" });
    assert.equal((await grantOf(spare)).state, "revoked");
  });

  test("is told to the guest once, and its digits in no message before the stay begins, where there is a page", async () => {
    const { property } = await aProvenPool(["shed"], "plain");
    await ask("PATCH", `/api/properties/${property}/messages`, { on: true, channels: ["mail"], pinInMessage: true });
    const mails: Mail[] = [];
    const send = async (mail: Mail) => {
      mails.push(mail);
      return { outcome: "sent" } as const;
    };
    const parts = { ...site.cloud.parts, mail: { send }, publicUrl: "https://postern.example" };
    const order = {
      property,
      guest: { name: "Greta", email: "greta@example.org" },
      from: moment(3 * hour),
      until: moment(day),
    };
    const booking = await ask("POST", "/api/bookings", order, 201);
    for (let minutes = 0; minutes < 60; minutes += 5) {
      clock.stepWall(5 * 60_000);
      await watchAllDue(parts);
      await tellAllDue(parts);
    }
    assert.notEqual((await read(booking.id)).code.grant, booking.code.grant);
    assert.deepEqual(
      mails.map(({ subject }) => subject),
      ["Your code for Flat"],
    );
    assert.match(mails[0]!.text.reveal(), /https:\/\/postern\.example\/s\//);
    assert.ok(!mails[0]!.text.reveal().includes(await reveal(booking.id)));
  });

  test("is told though the stay before it is cleaned after, so that its own early minutes are cut", async () => {
    const { property } = await aProvenPool(["shed"], "plain");
    const rules = { spareCodes: 1, earlyMinutes: 120, cleaningMinutes: 180 };
    await ask("PATCH", `/api/properties/${property}`, { rules });
    await ask("PATCH", `/api/properties/${property}/messages`, { on: true, channels: ["mail"] });
    const subjects: string[] = [];
    const send = async ({ subject }: Mail) => {
      subjects.push(subject);
      return { outcome: "sent" } as const;
    };
    const parts = { ...site.cloud.parts, mail: { send } };
    const before = await book(property, -hour, 2 * hour);
    await site.gateway.catchUp();
    await lockSays("plain", before.code.grant, "present");
    const guest = { name: "Greta", email: "greta@example.org" };
    const order = { property, guest, from: moment(6 * hour), until: moment(day) };
    const booking = await ask("POST", "/api/bookings", order, 201);
    for (let minutes = 0; minutes < 5 * 60; minutes += 5) {
      clock.stepWall(5 * 60_000);
      await watchAllDue(parts);
      await tellAllDue(parts);
    }
    assert.notEqual((await read(booking.id)).code.grant, booking.code.grant);
    assert.deepEqual(subjects, ["Your code for Flat"]);
  });

  test("is not given to a stay whose code is there, nor one that no lock has shown, nor where somebody has taken the code away", async () => {
    const { property, spare } = await aProvenPool(["flat"], "nuki");
    const good = await book(property, 5 * hour);
    await site.gateway.catchUp();
    await lockSays("nuki", good.code.grant, "present");
    const revoked = await book(property, 5 * hour, 20 * hour);
    await ask("POST", `/api/sites/home/grants/${revoked.code.grant}/revoke`);
    clock.stepWall(2 * hour);
    await site.gateway.catchUp();
    await watchAllDue(site.cloud.parts);
    for (const one of [good, revoked]) assert.equal((await read(one.id)).code.grant, one.code.grant);
    await lockSays("nuki", spare, "absent");
    const late = await book(property, hour);
    clock.stepWall(30 * 60_000);
    await site.gateway.catchUp();
    await watchAllDue(site.cloud.parts);
    assert.equal((await read(late.id)).code.grant, late.code.grant);
  });

  test("is given when the guest says that it does not work, once, and shown on the page; it ends with the stay", async () => {
    const { property, spare } = await aProvenPool(["shed"], "plain");
    const booking = await book(property, -hour);
    const { url } = await ask("POST", `/api/bookings/${booking.id}/link`, {});
    const page = new URL(url).pathname;
    const tell = () => site.send(undefined, `${page}/trouble`, {}, { "accept-language": "en" });
    const own = await reveal(booking.id);
    const answer = await tell();
    const code = await reveal(booking.id);
    assert.notEqual(code, own);
    assert.ok(answer.text.includes(`<p class="stay-code">${code}</p>`), answer.text);
    assert.match(answer.text, /Use this code instead.*Here is another code for you/s);
    assert.match((await tell()).text, /was told a moment ago/);
    assert.equal((await read(booking.id)).code.grant, spare);
    const given = await grantOf(spare);
    assert.ok(Date.parse(given.from) < clock.wall(), "a lock without windows keeps what it has");
    assert.equal(given.until, booking.code.until);
    const [alarm] = (await ask("GET", `/api/stay-alarms?about=${booking.id}`)).items;
    assert.equal(alarm.detail.spareGiven, true);
    assert.ok(!JSON.stringify(alarm).includes(code));
    await ask("PATCH", `/api/bookings/${booking.id}`, { status: "completed" });
    assert.equal((await grantOf(spare)).state, "revoked");
    assert.equal((await grantOf(booking.code.grant)).state, "revoked");
  });

  test("of a lock without windows is not shown, and the page opens nothing, before the stay begins", async () => {
    const { property, spare } = await aProvenPool(["shed"], "plain");
    const booking = await book(property, 3 * hour);
    clock.stepWall(11 * 60_000);
    await watchAllDue(site.cloud.parts);
    assert.equal((await read(booking.id)).code.grant, spare);
    const { url } = await ask("POST", `/api/bookings/${booking.id}/link`, {});
    const look = async () => (await site.visit(undefined, new URL(url).pathname, { "accept-language": "en" })).text;
    const early = await look();
    assert.ok(!early.includes("stay-code") && !early.includes('name="nonce"') && /has not begun yet/.test(early));
    clock.stepWall(3 * hour);
    await site.gateway.catchUp();
    assert.match(await look(), /class="stay-code".*Use this code instead/s);
  });

  test("other digits, asked for by the owner, end it and the code before it", async () => {
    const { property, spare } = await aProvenPool(["flat"], "nuki");
    const booking = await book(property, 2 * hour);
    await site.gateway.catchUp();
    await lockSays("nuki", booking.code.grant, "nothing");
    clock.stepWall(11 * 60_000);
    await watchAllDue(site.cloud.parts);
    assert.equal((await read(booking.id)).code.grant, spare);
    await ask("POST", `/api/bookings/${booking.id}/new-code`);
    await provisionAllDue(site.cloud.parts);
    for (const id of [spare, booking.code.grant]) assert.equal((await grantOf(id)).state, "revoked");
  });
});

test("of a store that came back from its backup none is given: perhaps somebody has its digits", async (t) => {
  const { property, spare } = await aProvenPool(["shed"], "plain");
  const folder = mkdtempSync(join(tmpdir(), "postern-spares-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "backup");
  const { store } = site.cloud;
  await saveBackup(path, (write) => takeBackup(store, { madeAt: clock.wall(), by: "test" }, write));
  await restoreBackup(store, path, clock.wall());
  const booking = await book(property, hour);
  clock.stepWall(30 * 60_000);
  await watchAllDue(site.cloud.parts);
  assert.equal((await read(booking.id)).code.grant, booking.code.grant);
  await keepAllPools(site.cloud.parts);
  assert.equal((await grantOf(spare)).state, "revoked");
  const waiting = (await poolOf(property)).filter(({ endedAt }) => endedAt === null);
  assert.deepEqual([waiting.length, waiting[0]?.grantId === spare], [1, false]);
});
