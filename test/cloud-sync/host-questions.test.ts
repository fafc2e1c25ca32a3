/** A guard's question about a visitor without a pass: from the gateway to the host, and the host's answer back to the gate; once, and in time. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Mail, MailChannel } from "../../cloud-sync/channels/mail.ts";
import { findHosts } from "../../cloud-sync/domain/find-hosts.ts";
import { cleanOnce } from "../../cloud-sync/jobs/housekeeping.ts";
import { sendDue } from "../../cloud-sync/jobs/send-mail.ts";
import { sendDueNotices } from "../../cloud-sync/jobs/send-notices.ts";
import { hostQuestion } from "../../cloud-sync/store/schema.ts";
import { givenCloud, HandClock, type TestCloud, type TestGateway, type TestPerson } from "../support/cloud.ts";
import { givenPushPeer, type PushPeer, type TestBrowser } from "../support/push-peer.ts";

class KeptMail implements MailChannel {
  readonly mails: Mail[] = [];

  async send(mail: Mail) {
    this.mails.push(mail);
    return { outcome: "sent" } as const;
  }
}

const minute = 60_000;
const clock = new HandClock();
const mail = new KeptMail();
const closing: (() => unknown)[] = [];
let peer: PushPeer;
let cloud: TestCloud;
let gateway: TestGateway;
let guard: TestPerson;

before(async () => {
  peer = await givenPushPeer({ after: (close) => void closing.push(close as () => unknown) });
  cloud = await givenCloud({ clock, mail, publicUrl: "http://localhost", pushServices: [peer.origin] });
  await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Rome" });
  await cloud.ask("POST", "/api/sites", { id: "vale", name: "Vale", zone: "Europe/Rome" });
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
  clock.advance(60 * minute);
});

let hosts = 0;
async function aHost({ name = "", browsers = 1, email = null as string | null, language = "en", site = "hill" } = {}) {
  hosts += 1;
  const person = await cloud.as("resident", [site], { email, language, name: name || `Host Number${hosts}` });
  const all = Array.from({ length: browsers }, (_, index) => peer.browser(`asked-${hosts}-${index}`));
  for (const { subscription } of all)
    assert.equal((await person.ask("POST", "/api/me/push", subscription)).status, 201);
  return { ...person, name: name || `Host Number${hosts}`, browser: all[0]! };
}

let questions = 0;
const newId = () => {
  questions += 1;
  return `question-0000-${String(questions).padStart(6, "0")}`;
};

async function ask(host: object, more: object = {}) {
  const question = {
    id: newId(),
    accessPoint: "gate",
    staff: guard.id,
    ageMs: 0,
    visitor: { name: "Tom Plumber", type: "Service" },
    host,
    ...more,
  };
  const { status, body } = await gateway.send("POST", `/v1/gateways/${gateway.id}/questions`, {
    body: JSON.stringify(question),
    type: "application/json",
  });
  return { question, status, body };
}

const send = () => sendDueNotices(cloud.parts);
const lastOf = (browser: TestBrowser) => browser.messages().at(-1)!;
const open = async (path: string, headers: Record<string, string> = {}) => {
  const response = await cloud.app.request(path, { headers });
  return { status: response.status, text: await response.text() };
};
const answer = (path: string, said: string, headers: Record<string, string> = {}) =>
  cloud.app.request(path, { method: "POST", body: new URLSearchParams({ answer: said }), headers });
const commands = async () => (await gateway.poll()).body.commands;

test("whom a guard means: the whole name in any writing; by a part of it those who may be; one letter is nobody", () => {
  const people = ["José Ángel Ruiz", "Ana Ruiz", "Ana María Ruiz", "O'Neil Pat"].map((name) => ({ id: name, name }));
  const found = (said: string) => {
    const answer = findHosts(people, said, 8);
    return "meant" in answer ? answer.meant.name : answer.candidates.map(({ name }) => name);
  };
  assert.equal(found("jose angel RUIZ"), "José Ángel Ruiz");
  assert.equal(found(" ana  ruiz "), "Ana Ruiz");
  assert.deepEqual(found("ana"), ["Ana Ruiz", "Ana María Ruiz"]);
  assert.deepEqual(found("pat o neil"), ["O'Neil Pat"]);
  assert.deepEqual([found("a"), found(""), found("…"), found("Eva")], [[], [], [], []]);
  assert.deepEqual(findHosts(people, "ru", 2), { candidates: people.slice(0, 2) });
});

test("the host's browser is asked at once with two answers; a yes on the notice reaches the gate once, and says so", async () => {
  const host = await aHost();
  const { question, body } = await ask({ name: host.name.toUpperCase() });
  assert.deepEqual([body.outcome, body.host], ["asked", { id: host.id, name: host.name }]);
  await send();
  const notice = lastOf(host.browser) as ReturnType<typeof lastOf> & { answers: { action: string; title: string }[] };
  assert.equal(notice.title, "Tom Plumber is at the gate");
  for (const said of ["Hill", "Main gate", "Rosa Guard asks", "two minutes"])
    assert.ok(notice.body.includes(said), said);
  assert.deepEqual(
    notice.answers.map(({ action, title }) => [action, title]),
    [
      ["approve", "Let in"],
      ["deny", "Do not let in"],
    ],
  );
  assert.equal(host.browser.taken().at(-1)?.headers.ttl, "120");
  assert.deepEqual(await commands(), []);

  const told = await answer(notice.path, "approve", { accept: "application/json" });
  assert.deepEqual(await told.json(), { body: "You let this visitor in. The gate is being told." });
  clock.advance(1_500);
  const [command, ...others] = await commands();
  assert.equal(others.length, 0);
  const { action, question: of, approves, ageMs, ttlMs } = command!;
  assert.deepEqual([action, of, approves, ageMs, ttlMs], ["host-answer", question.id, true, 1_500, 120_000]);

  const again = await answer(notice.path, "deny", { accept: "application/json" });
  assert.match(((await again.json()) as { body: string }).body, /^You let this visitor in/, "the first answer stands");
  assert.equal((await commands()).length, 1);
  const facts = { command: command!.id, accessPoint: "gate", question: question.id, approves: true };
  gateway.record({ type: "host-answered", ...facts, staff: guard.id, by: host.id });
  await gateway.push(gateway.lines.length);
  gateway.lastCommand = command!.id;
  assert.deepEqual(await commands(), []);
  assert.match((await open(notice.path)).text, /The guard knows\./);
  const audit = await cloud.ask("GET", "/api/audit?action=walk-ins");
  const entries = audit.body.items.filter(({ thing }: { thing: string }) => thing === question.id);
  assert.deepEqual(
    entries.map(({ action, actor }: { action: string; actor: string }) => [action, actor]),
    [
      ["walk-ins.answer", host.id],
      ["walk-ins.ask", guard.id],
    ],
  );
  assert.doesNotMatch(audit.text, /Tom Plumber/);
});

test("sent again it asks nobody twice, and two hosts of a name are told apart", async () => {
  const [one, two] = [await aHost({ name: "Ana Twin" }), await aHost({ name: "Ana Twin" })];
  const first = await ask({ name: "ana twin" });
  assert.equal(first.body.outcome, "choose");
  assert.deepEqual(first.body.hosts.map(({ id }: { id: string }) => id).sort(), [one.id, two.id].sort());
  const chosen = await ask({ id: two.id }, { id: first.question.id });
  assert.equal(chosen.body.outcome, "asked");
  for (let time = 0; time < 3; time += 1)
    assert.equal((await ask({ id: two.id }, { id: first.question.id })).body.outcome, "asked");
  await send();
  assert.deepEqual([one.browser.messages().length, two.browser.messages().length], [0, 1]);
});

test("the page works without a script, in both languages; looking answers nothing, and an answer after two minutes sends nothing", async () => {
  const host = await aHost({ language: "es" });
  await ask({ name: host.name });
  await send();
  const { path, title } = lastOf(host.browser);
  assert.equal(title, "Tom Plumber está en la entrada");
  const spanish = await open(path, { "accept-language": "es" });
  assert.match(spanish.text, /¿Puede entrar esta visita\?/);
  const page = await open(path);
  assert.match(page.text, /<form method="post" action="\/a\//);
  assert.match(page.text, /May this visitor come in\?/);
  clock.advance(2 * minute);
  assert.match((await open(path)).text, /It is too late to answer/);
  assert.doesNotMatch((await open(path)).text, /<form/);
  const late = await answer(path, "approve");
  assert.deepEqual([late.status, late.headers.get("location")], [303, path]);
  assert.deepEqual(await commands(), []);
  assert.equal((await answer(path, "perhaps")).status, 400);
  assert.equal((await open("/a/AAAAAAAAAAAAAAAAAAAAAA")).status, 404);
  assert.equal((await open("/a/x")).status, 404);
});

test("an answer that the gate does not hear in time is told to the host as such", async () => {
  const host = await aHost();
  await ask({ name: host.name });
  await send();
  const { path } = lastOf(host.browser);
  assert.equal((await answer(path, "approve")).status, 303);
  assert.match((await open(path)).text, /The gate is being told/);
  clock.advance(2 * minute + 1);
  assert.match((await open(path)).text, /came too late/);
});

test("where no browser is told it goes by mail with its link; who wants no notices is not asked, and it is said", async () => {
  const byMail = await aHost({ browsers: 0, email: "ana@example.org" });
  await ask({ name: byMail.name });
  await send();
  await sendDue(cloud.parts, mail);
  const [letter] = mail.mails;
  assert.equal(letter?.to, "ana@example.org");
  const link = letter?.text.reveal().match(/http:\/\/localhost(\/a\/[\w-]{22})\n/)?.[1] ?? "";
  assert.match((await open(link)).text, /<form/);

  const nobody = await aHost({ browsers: 0 });
  assert.equal((await ask({ name: nobody.name })).body.outcome, "unreachable");
  const quiet = await aHost();
  await quiet.ask("PUT", "/api/me/notices", { channel: "none", entries: true, denials: true });
  assert.equal((await ask({ name: quiet.name })).body.outcome, "unreachable");
});

test("hosts of another site, guards and strangers are nobody; a question that is too old, or one too many, asks nobody", async () => {
  const other = await aHost({ site: "vale" });
  assert.equal((await ask({ name: other.name })).body.outcome, "nobody");
  assert.equal((await ask({ id: other.id })).body.outcome, "nobody");
  assert.equal((await ask({ id: guard.id })).body.outcome, "nobody");
  const host = await aHost();
  const stranger = await ask({ name: host.name }, { staff: host.id });
  assert.deepEqual([stranger.status, stranger.body.errors?.[0]?.field ?? stranger.body.detail], [400, "body.staff"]);
  assert.equal((await ask({ name: host.name }, { ageMs: 2 * minute })).body.outcome, "over");
  for (let time = 0; time < 5; time += 1) assert.equal((await ask({ name: host.name })).body.outcome, "asked");
  assert.equal((await ask({ name: host.name })).body.outcome, "too-many");
  await send();
  assert.equal(host.browser.messages().length, 5);
  clock.advance(11 * minute);
  assert.equal((await ask({ name: host.name })).body.outcome, "asked");
});

test("whoever has left the site answers nothing; a day later nothing of it is kept", async () => {
  const host = await aHost();
  await ask({ name: host.name });
  await send();
  const { path } = lastOf(host.browser);
  await cloud.ask("PATCH", `/api/people/${host.id}`, { sites: ["vale"] });
  assert.equal((await open(path)).status, 404);
  assert.equal((await answer(path, "approve")).status, 404);
  clock.advance(25 * 60 * minute);
  await cleanOnce(cloud.parts);
  assert.deepEqual(await cloud.store.db.select().from(hostQuestion), []);
});
