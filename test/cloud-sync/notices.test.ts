/** Telling hosts of their visitors: from the gateway's journal to a browser that reads it, an app, or a mail; once, and only whom it concerns. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Mail, MailChannel } from "../../cloud-sync/channels/mail.ts";
import type { AppChannel, PushNotice, PushResult } from "../../cloud-sync/channels/push.ts";
import { sendDue } from "../../cloud-sync/jobs/send-mail.ts";
import { sendDueNotices, sendNotices } from "../../cloud-sync/jobs/send-notices.ts";
import { outbox, pushSubscription, serviceKey } from "../../cloud-sync/store/schema.ts";
import { forgetSessions } from "../../cloud-sync/store/sessions.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import { givenCloud, HandClock, type TestCloud, type TestGateway, type TestPerson } from "../support/cloud.ts";
import { givenPushPeer, type PushPeer, senderOf, type TestBrowser } from "../support/push-peer.ts";
import { until } from "../support/until.ts";

class KeptMail implements MailChannel {
  readonly mails: Mail[] = [];

  async send(mail: Mail) {
    this.mails.push(mail);
    return { outcome: "sent" } as const;
  }
}

/** An app that keeps what it is given, and answers as it is told. */
class KeptApp implements AppChannel {
  readonly told: (readonly [person: string, notice: PushNotice])[] = [];
  answer: PushResult = { outcome: "gone", why: "nobody has it" };

  async send(person: string, notice: PushNotice) {
    this.told.push([person, notice]);
    return this.answer;
  }
}

const minute = 60_000;
const clock = new HandClock();
const mail = new KeptMail();
const app = new KeptApp();
const logged: string[] = [];
const log = (event: string, fields?: LogFields) => void logged.push(JSON.stringify([event, fields]));
const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
const closing: (() => unknown)[] = [];
let peer: PushPeer;
let cloud: TestCloud;
let gateway: TestGateway;
let guard: TestPerson;
before(async () => {
  peer = await givenPushPeer({ after: (close) => void closing.push(close as () => unknown) });
  const publicUrl = "http://localhost";
  cloud = await givenCloud({ clock, mail, app, logger, publicUrl, pushServices: [peer.origin] });
  await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Rome" });
  gateway = await cloud.gateway("hill");
  await gateway.report([{ id: "gate", name: "Main gate", lock: "relay", reads: false }]);
  guard = await cloud.as("guard", ["hill"], { name: "Rosa Guard" });
  const { body: link } = await cloud.ask("POST", `/api/people/${guard.id}/reset-link`);
  const token = new URL(link.url).hash.slice(1);
  await cloud.ask("POST", "/auth/link/password", { token, password: "gate at the hill" });
});
after(async () => {
  await cloud.close();
  for (const close of closing) await close();
});
beforeEach(() => {
  mail.mails.length = 0;
  app.told.length = 0;
  app.answer = { outcome: "gone", why: "nobody has it" };
  peer.answer = () => ({ status: 201 });
  clock.advance(60 * minute);
});

let hosts = 0;
interface Host extends TestPerson {
  readonly pass: string;
  readonly browsers: readonly TestBrowser[];
  readonly browser1: TestBrowser;
}

/** A resident with a guest invited and, unless told otherwise, one browser that is told. */
async function aHost({ email = null as string | null, browsers = 1, language = "en", pass = {} } = {}): Promise<Host> {
  hosts += 1;
  const person = await cloud.as("resident", ["hill"], { email, language });
  const invitation = { visitorName: "Lea", accessPoints: ["gate"], entriesAllowed: 3, validity: "week", ...pass };
  const made = await person.ask("POST", "/api/passes", invitation);
  assert.equal(made.status, 201, made.text);
  const all = Array.from({ length: browsers }, (_, index) => peer.browser(`${hosts}-${index}`));
  for (const { subscription } of all) {
    const added = await person.ask("POST", "/api/me/push", subscription);
    assert.equal(added.status, 201, added.text);
    clock.advance(1);
  }
  return { ...person, pass: made.body.id as string, browsers: all, browser1: all[0]! };
}

/** What the gate writes down, and the cloud takes in. */
async function atGate(
  pass: string,
  type: "admitted" | "denied" | "turned-away" = "admitted",
  more: object = {},
): Promise<void> {
  const first = gateway.lines.length + 1;
  const entry = { accessPoint: "gate", grant: pass, credential: "c", via: "pass", revision: 1 };
  const outcome = { admitted: { left: 2 }, denied: { reason: "OUTSIDE_SCHEDULE" }, "turned-away": { why: "other" } }[
    type
  ];
  gateway.record({ type, ...entry, ...outcome, scan: { staff: guard.id, nonce: "scan-0000-0000-0001" }, ...more });
  const pushed = await gateway.push(first);
  assert.equal(pushed.status, 200, pushed.text);
}

const send = () => sendDueNotices(cloud.parts);
const rowsOf = async (person: string) =>
  (await cloud.store.db.select().from(outbox)).filter(({ personId }) => personId === person);
const browsersOf = async (person: TestPerson) => (await person.ask("GET", "/api/me/push")).body.items.length;

test("a host's browser is told who came in, where, when, by which guard and what is left, as soon as the cloud knows", async () => {
  const host = await aHost();
  const stopping = new AbortController();
  // The clock stands still: whoever waited for it would never send.
  const running = sendNotices({ ...cloud.parts, stopping: stopping.signal });
  const photo = "ab".repeat(32);
  await atGate(host.pass, "admitted", { scan: { staff: guard.id, nonce: "scan-0000-0000-0001", photo } });
  await until("the browser is told", () => host.browser1.taken().length === 1);
  stopping.abort();
  await running;
  const [{ title, body, path, photo: shown }] = host.browser1.messages() as [ReturnType<TestBrowser["messages"]>[0]];
  assert.deepEqual([title, path], ["Lea has arrived", `/passes/${host.pass}`]);
  assert.equal(shown, `/api/passes/${host.pass}/photos/${photo}`);
  for (const said of ["Main gate", "4 Mar 2031, 14:00", "by Rosa Guard", "2 entries are left"])
    assert.ok(body.includes(said), `${said}: ${body}`);
  assert.ok(!body.includes("learnt only"));
  const { key } = (await host.ask("GET", "/api/me/push")).body;
  assert.equal(senderOf(host.browser1.taken()[0]!).key, key);
  assert.equal(mail.mails.length, 0);
});

test("an entry learnt late says when it was; in the host's language", async () => {
  const host = await aHost({ language: "es", pass: { entriesAllowed: null } });
  await atGate(host.pass, "admitted", { at: clock.wall() - 3 * 60 * minute });
  await send();
  const [message] = host.browser1.messages();
  assert.equal(message?.title, "Lea ha llegado");
  const [happened, learnt] = message!.body.matchAll(/4 mar 2031, (\d+):00/g).map(([, hour]) => Number(hour));
  assert.equal(learnt! - happened!, 3);
  assert.match(message!.body, /no se supo hasta/);
});

test("what was taken in twice, or is asked for by two senders at once, is told once", async () => {
  const host = await aHost();
  await atGate(host.pass);
  await gateway.push(1);
  await Promise.all([send(), send(), send()]);
  await send();
  assert.equal(host.browser1.taken().length, 1);
});

test("only whoever invited is told, and only of what they want to know", async () => {
  const [host, other] = [await aHost(), await aHost()];
  await atGate(host.pass, "denied");
  await send();
  assert.deepEqual([host.browser1.taken().length, other.browser1.taken().length], [0, 0]);
  const choice = { channel: "push", entries: false, denials: true };
  assert.equal((await host.ask("PUT", "/api/me/notices", choice)).status, 200);
  await atGate(host.pass);
  await atGate(host.pass, "denied");
  await atGate(host.pass, "turned-away");
  await send();
  assert.deepEqual(
    host.browser1.messages().map(({ title }) => title),
    ["Lea was not let in", "Lea was not let in"],
  );
  await host.ask("PUT", "/api/me/notices", { ...choice, channel: "none" });
  await atGate(host.pass, "denied");
  await send();
  assert.deepEqual([host.browser1.taken().length, other.browser1.taken().length], [2, 0]);
  // What happened long ago is in the history alone.
  await atGate(other.pass, "admitted", { at: clock.wall() - 8 * 24 * 60 * minute });
  await send();
  assert.equal(other.browser1.taken().length, 0);
});

test("whoever is disabled, or has left the site, is told nothing", async () => {
  for (const change of [{ disabled: true }, { sites: [] }]) {
    const host = await aHost();
    await atGate(host.pass);
    await cloud.ask("PATCH", `/api/people/${host.id}`, change);
    await send();
    assert.equal(host.browser1.taken().length, 0);
    assert.deepEqual(await rowsOf(host.id), []);
  }
});

test("what a push service cannot take now is sent again after pauses that grow, thrice, and not to browsers that have it", async () => {
  const host = await aHost({ browsers: 2 });
  const [first, second] = host.browsers;
  peer.answer = ({ path }) => ({ status: path === new URL(second!.subscription.endpoint).pathname ? 503 : 201 });
  await atGate(host.pass);
  await send();
  for (const pause of [5_000, 30_000, 120_000]) {
    const before = second!.taken().length;
    clock.advance(pause - 1);
    await send();
    assert.equal(second!.taken().length, before, `early, before ${pause}`);
    clock.advance(1);
    await send();
    assert.equal(second!.taken().length, before + 1, `after ${pause}`);
  }
  clock.advance(60 * minute);
  await send();
  assert.deepEqual([first!.taken().length, second!.taken().length], [1, 4]);
  assert.equal(new Set(second!.taken().map(({ headers }) => headers.topic)).size, 1);
  assert.equal((await rowsOf(host.id))[0]?.state, "sent");
});

test("a push service that says how long to wait is given that time; one that never answers is given up", async () => {
  const host = await aHost();
  peer.answer = () => ({ status: 429, headers: { "retry-after": "60" } });
  await atGate(host.pass);
  await send();
  clock.advance(59_000);
  await send();
  assert.equal(host.browser1.taken().length, 1);
  peer.answer = () => "hang";
  clock.advance(1_000);
  const hanging = send();
  await until("it hangs", () => host.browser1.taken().length === 2);
  clock.advance(10_000);
  await hanging;
  assert.match((await rowsOf(host.id))[0]?.why ?? "", /no answer/);
});

test("a browser that is gone is forgotten, what is refused for good is not sent again; then a mail goes", async () => {
  for (const [status, left] of [
    [404, 0],
    [410, 0],
    [400, 1],
    [403, 1],
    [413, 1],
  ] as const) {
    const host = await aHost({ email: `host-${status}@example.org` });
    peer.answer = () => ({ status });
    await atGate(host.pass);
    await send();
    await sendDue(cloud.parts, mail);
    clock.advance(60 * minute);
    await send();
    assert.deepEqual([host.browser1.taken().length, await browsersOf(host)], [1, left], String(status));
    const [letter] = mail.mails.splice(0);
    assert.deepEqual([letter?.to, letter?.subject], [`host-${status}@example.org`, "Lea has arrived"]);
    assert.match(letter!.text.reveal(), new RegExp(`http://localhost/passes/${host.pass}`));
  }
});

test("whoever wants mails, or has no browser, gets a mail; whoever has no address is not tried for ever", async () => {
  const byMail = await aHost({ email: "mail@example.org" });
  await byMail.ask("PUT", "/api/me/notices", { channel: "email", entries: true, denials: false });
  const bare = await aHost({ email: "bare@example.org", browsers: 0 });
  const unreached = await aHost({ browsers: 0 });
  for (const { pass } of [byMail, bare, unreached]) await atGate(pass);
  await send();
  await sendDue(cloud.parts, mail);
  assert.deepEqual(mail.mails.map(({ to }) => to).sort(), ["bare@example.org", "mail@example.org"]);
  assert.equal(byMail.browser1.taken().length, 0);
  assert.deepEqual(
    (await rowsOf(unreached.id)).map(({ state, body }) => [state, body]),
    [["failed", ""]],
  );
});

test("a community's app is asked first, and browsers where it reaches nobody; again when it may do later", async () => {
  const host = await aHost();
  app.answer = { outcome: "sent" };
  await atGate(host.pass);
  await send();
  assert.deepEqual([app.told.length, app.told[0]?.[0], host.browser1.taken().length], [1, host.id, 0]);
  assert.equal(app.told[0]?.[1].title, "Lea has arrived");
  app.answer = { outcome: "later", why: "OneSignal 503" };
  await atGate(host.pass);
  await send();
  assert.deepEqual([app.told.length, host.browser1.taken().length], [2, 0]);
  app.answer = { outcome: "gone", why: "nobody has it" };
  clock.advance(5_000);
  await send();
  assert.deepEqual([app.told.length, host.browser1.taken().length], [3, 1]);
});

test("nobody is told in a browser where they signed out; a session that has only grown idle goes on being told", async () => {
  const host = await aHost();
  assert.equal((await host.ask("DELETE", `/api/me/sessions/${host.session}`)).status, 204);
  await atGate(host.pass);
  await send();
  assert.equal(host.browser1.taken().length, 0);
  await cloud.store.transaction((tx) => forgetSessions(tx, clock.wall() + 1));
  assert.equal(
    (await cloud.store.db.select().from(pushSubscription)).filter(({ personId }) => personId === host.id).length,
    0,
  );
  const idle = await aHost();
  await cloud.store.transaction((tx) => forgetSessions(tx, clock.wall() + 1));
  await atGate(idle.pass);
  await send();
  assert.equal(idle.browser1.taken().length, 1);
});

test("a browser is one person's, ten of them at most; an address that is no push service's is refused", async () => {
  const [ana, ben] = [await cloud.as("resident", ["hill"]), await cloud.as("resident", ["hill"])];
  const { subscription } = peer.browser("shared");
  for (const person of [ana, ben]) await person.ask("POST", "/api/me/push", subscription);
  assert.deepEqual([await browsersOf(ana), await browsersOf(ben)], [0, 1]);
  for (let times = 0; times < 11; times += 1) {
    clock.advance(1);
    await ben.ask("POST", "/api/me/push", peer.browser(`many-${times}`).subscription);
  }
  assert.equal(await browsersOf(ben), 10);
  const [{ id }] = (await ben.ask("GET", "/api/me/push")).body.items;
  assert.equal((await ana.ask("DELETE", `/api/me/push/${id}`)).status, 404);
  assert.equal((await ben.ask("DELETE", `/api/me/push/${id}`)).status, 204);
  for (const [wrong, field] of [
    [{ ...subscription, endpoint: "https://127.0.0.1/push" }, "body.endpoint"],
    [{ ...subscription, endpoint: "http://fcm.googleapis.com/x" }, "body.endpoint"],
    [{ ...subscription, keys: { ...subscription.keys, auth: "AAAA" } }, "body.keys"],
  ] as const) {
    const { status, body } = await ana.ask("POST", "/api/me/push", wrong);
    assert.deepEqual([status, body.errors[0].field], [400, field]);
  }
});

test("no address of a browser and no key is in the store in the clear, nor in any log; the erased are forgotten", async () => {
  // Nothing that is sealed spells this by chance.
  const visitorName = "Leandra Sommerfeld";
  const host = await aHost({ email: "erased@example.org", pass: { visitorName } });
  peer.answer = () => ({ status: 500 });
  await atGate(host.pass);
  await send();
  const stored = JSON.stringify([
    await cloud.store.db.select().from(pushSubscription),
    await cloud.store.db.select().from(serviceKey),
    await cloud.store.db.select().from(outbox),
  ]);
  for (const secret of [peer.origin, host.browser1.subscription.keys.auth, visitorName])
    assert.ok(!stored.includes(secret));
  assert.ok(logged.some((line) => line.includes("notice-waits")));
  assert.ok(!logged.some((line) => line.includes(peer.origin) || line.includes(visitorName)));
  const { body } = await host.ask("GET", "/api/me/personal-data");
  assert.deepEqual([body.notices.channel, body.browsersTold.length], ["push", 1]);
  await cloud.ask("POST", `/api/people/${host.id}/erase`, { userName: host.userName });
  const subscriptions = await cloud.store.db.select().from(pushSubscription);
  assert.equal(subscriptions.filter(({ personId }) => personId === host.id).length, 0);
  clock.advance(60 * minute);
  await send();
  await sendDue(cloud.parts, mail);
  assert.deepEqual([host.browser1.taken().length, mail.mails.length], [1, 0]);
});
