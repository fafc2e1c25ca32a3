/** A forgotten password: the same answer for everybody, a link by mail for whoever has an account, tried again until it is too old. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Mail, MailChannel, MailResult } from "../../../cloud-sync/channels/mail.ts";
import { sendDue, sendMails } from "../../../cloud-sync/jobs/send-mail.ts";
import { linkLifeMs } from "../../../cloud-sync/people/forgot-password.ts";
import { outbox } from "../../../cloud-sync/store/schema.ts";
import type { LogFields, Logger } from "../../../gateway/ports/logger.ts";
import { HandClock, type TestPerson } from "../../support/cloud.ts";
import { givenPages, type PageSite } from "../../support/page-visitor.ts";
import { until } from "../../support/until.ts";

/** A channel that keeps what it is given, and answers as it is told. */
class KeptMail implements MailChannel {
  readonly mails: Mail[] = [];
  answer: MailResult = { outcome: "sent" };

  async send(mail: Mail): Promise<MailResult> {
    this.mails.push(mail);
    return this.answer;
  }
}

const clock = new HandClock();
const channel = new KeptMail();
const logged: string[] = [];
const log = (event: string, fields?: LogFields) => void logged.push(JSON.stringify([event, fields]));
const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
let site: PageSite;
let ada: TestPerson;
before(async () => {
  site = await givenPages({ clock, mail: channel, publicUrl: "http://localhost", logger });
  ada = await site.cloud.as("agency", ["home"], { email: "ada@example.org", name: "Ada", language: "es" });
});
after(() => site.cloud.close());
beforeEach(() => {
  channel.mails.length = 0;
  channel.answer = { outcome: "sent" };
  clock.advance(linkLifeMs);
});

const ask = (email: string) => site.cloud.ask("POST", "/auth/forgot-password", { email });
const rows = () => site.cloud.store.db.select().from(outbox);
const send = () => sendDue(site.cloud.parts, channel);

test("the page answers every address alike; the link of the mail sets a password, once", async () => {
  const said = [];
  for (const email of ["ada@example.org", "nobody@example.org"])
    said.push(await site.send(undefined, "/forgot-password", { email }));
  assert.deepEqual(
    said.map(({ status, headers, text }) => [status, headers.get("location"), text]),
    Array(2).fill([303, "/forgot-password?done=asked", ""]),
  );
  assert.match((await site.visit(undefined, "/forgot-password?done=asked")).text, /If there is an account/);

  await send();
  assert.deepEqual(
    channel.mails.map(({ to }) => to),
    ["ada@example.org"],
  );
  const [mail] = channel.mails;
  assert.match(mail!.subject, /contraseña/);
  const [, token] = /http:\/\/localhost\/link#(postern_link_[\w-]+)/.exec(mail!.text.reveal())!;
  const choose = (password: string) => site.cloud.ask("POST", "/auth/link/password", { token, password });
  assert.equal((await choose("a cleaner at six")).status, 204);
  assert.equal((await choose("a cleaner at nine")).status, 404);
  const signIn = { name: "ada@example.org", password: "a cleaner at six" };
  assert.equal((await site.cloud.ask("POST", "/auth/sign-in", signIn)).status, 200);

  const audit = await site.cloud.ask("GET", "/api/audit?action=account.forgot-password");
  assert.equal(audit.body.items[0].thing, ada.id);
  assert.ok(logged.some((line) => line.includes("mail-sent")));
  assert.ok(!logged.some((line) => line.includes(token!) || line.includes("ada@example.org")));
});

test("nothing in the store tells the link or the address, before and after it is sent", async () => {
  await ask("ada@example.org");
  channel.answer = { outcome: "later", why: "EENVELOPE 451" };
  await send();
  const [waiting] = (await rows()).filter(({ state }) => state === "waiting");
  assert.deepEqual([waiting?.kind, waiting?.why], ["mail", "EENVELOPE 451"]);
  assert.doesNotMatch(JSON.stringify(waiting), /ada@|postern_link/);
  channel.answer = { outcome: "sent" };
  clock.advance(15_000);
  await send();
  assert.equal((await rows()).filter(({ id }) => id === waiting!.id)[0]?.body, "");
});

test("what could not be sent is sent again after pauses that grow, with the same link and id, until it is too old", async () => {
  channel.answer = { outcome: "later", why: "ESOCKET" };
  await ask("ada@example.org");
  await send();
  for (const pause of [15_000, 60_000, 300_000, 600_000]) {
    clock.advance(pause - 1);
    const before = channel.mails.length;
    await send();
    assert.equal(channel.mails.length, before, `early, before ${pause}`);
    clock.advance(1);
    await send();
    assert.equal(channel.mails.length, before + 1, `after ${pause}`);
  }
  assert.equal(new Set(channel.mails.map(({ id }) => id)).size, 1);
  assert.equal(new Set(channel.mails.map(({ text }) => text.reveal())).size, 1);

  const { length } = channel.mails;
  clock.advance(linkLifeMs);
  await send();
  assert.equal(channel.mails.length, length);
  assert.deepEqual(
    (await rows()).filter(({ id }) => id === channel.mails[0]!.id).map(({ state, body, why }) => [state, body, why]),
    [["failed", "", "ESOCKET"]],
  );
});

test("a refusal for good is the end of it", async () => {
  channel.answer = { outcome: "never", why: "EENVELOPE 550" };
  await ask("ada@example.org");
  await send();
  clock.advance(15_000);
  await send();
  assert.equal(channel.mails.length, 1);
  const { body } = await site.cloud.ask("GET", `/api/people/${ada.id}/mails`);
  assert.deepEqual([body.items[0].state, body.items[0].why], ["failed", "EENVELOPE 550"]);
  assert.doesNotMatch(JSON.stringify(body), /postern_link|ada@/);
  const { text } = await site.visit(site.people.admin, `/people/${ada.id}`);
  assert.match(text, /not delivered/);
  assert.ok(logged.some((line) => line.includes("mail-failed") && line.includes("550")));
});

test("whoever asks for one address again and again is answered alike and sends three; nobody disabled gets one", async () => {
  const statuses = new Set<number>();
  for (let times = 0; times < 6; times += 1) {
    clock.advance(2_000);
    statuses.add((await ask("ada@example.org")).status);
  }
  assert.deepEqual([...statuses], [202]);
  await send();
  assert.equal(channel.mails.length, 3);

  clock.advance(linkLifeMs);
  await site.cloud.ask("PATCH", `/api/people/${ada.id}`, { disabled: true });
  await ask("ada@example.org");
  await send();
  assert.equal(channel.mails.length, 3);
  await site.cloud.ask("PATCH", `/api/people/${ada.id}`, { disabled: false });
});

test("a link that an administrator has handed over stays good when a stranger asks for another", async () => {
  const { body } = await site.cloud.ask("POST", `/api/people/${ada.id}/reset-link`);
  await ask("ada@example.org");
  await send();
  const token = new URL(body.url).hash.slice(1);
  assert.equal((await site.cloud.ask("POST", "/auth/link", { token })).status, 200);
});

test("whoever is erased while a mail waits gets none", async () => {
  const gone = await site.cloud.as("agency", ["home"], { email: "gone@example.org" });
  channel.answer = { outcome: "later", why: "ESOCKET" };
  await ask("gone@example.org");
  await send();
  const erased = await site.cloud.ask("POST", `/api/people/${gone.id}/erase`, { userName: gone.userName });
  assert.equal(erased.status, 200, erased.text);
  clock.advance(15_000);
  await send();
  assert.equal(channel.mails.length, 1);
});

test("the job is woken by what is put in, and ends with the service", async () => {
  const stopping = new AbortController();
  const running = sendMails({ ...site.cloud.parts, stopping: stopping.signal }, channel);
  await ask("ada@example.org");
  await until("the mail is sent", () => channel.mails.length === 1);
  stopping.abort();
  await running;
});

test("a service that sends no mail says whom to ask", async () => {
  const silent = await givenPages();
  const { text } = await silent.visit(undefined, "/forgot-password");
  assert.match(text, /Ask an administrator/);
  assert.doesNotMatch(text, /<form[^>]*action="\/forgot-password"/);
  const asked = await silent.cloud.ask("POST", "/auth/forgot-password", { email: "ada@example.org" });
  assert.deepEqual([asked.status, asked.body.code], [409, "no-mail"]);
  await silent.cloud.close();
});
