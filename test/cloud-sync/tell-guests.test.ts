/** Guests are told: from the booking to the telephone, by the next way when one fails, and never twice, whatever breaks in between. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { eq } from "drizzle-orm";
import { type GuestServices, guestServices, twilioPath } from "../../cloud-sync/channels/guest-services.ts";
import type { Mail, MailChannel, MailResult } from "../../cloud-sync/channels/mail.ts";
import { smtpChannel } from "../../cloud-sync/channels/smtp.ts";
import { twilioSignature } from "../../cloud-sync/channels/twilio.ts";
import { provisionAllDue } from "../../cloud-sync/jobs/provision-stays.ts";
import { readAllDue } from "../../cloud-sync/jobs/read-sources.ts";
import { forgetOfService, forgetOfSite } from "../../cloud-sync/jobs/retention.ts";
import { tellAllDue, tellGuests } from "../../cloud-sync/jobs/tell-guests.ts";
import { watchAllDue } from "../../cloud-sync/jobs/watch-stays.ts";
import { doubtWaiting, putMessage, writeMessage } from "../../cloud-sync/store/guest-messages.ts";
import { deliveryReport, guestMessage, messageSettings } from "../../cloud-sync/store/schema.ts";
import { LodgifyServer } from "../../firmware-sim/links/lodgify.ts";
import { MetaServer, type MetaWebhook } from "../../firmware-sim/links/meta-whatsapp.ts";
import { type TwilioCallback, TwilioServer } from "../../firmware-sim/links/twilio.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { type Answer, givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";
import fc from "../support/fast-check.ts";
import { startMailPeer, textOf } from "../support/mail-peer.ts";
import { until } from "../support/until.ts";

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2031, 2, 4, 12);
const publicUrl = "https://postern.example";
const lodgifyKey = "lodgify-key-of-a-test";

class KeptMail implements MailChannel {
  readonly mails: Mail[] = [];
  answer: MailResult = { outcome: "sent" };

  async send(mail: Mail) {
    this.mails.push(mail);
    return this.answer;
  }
}

// Tuesday 2031-03-04, 13:00 in Madrid.
const clock = new HandClock();
const mail = new KeptMail();
const logged: string[] = [];
const log = (event: string, fields?: LogFields) => void logged.push(JSON.stringify([event, fields]));
const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
const twilioAccount = { accountSid: `AC${"1".repeat(32)}`, authToken: "test-auth-token" };
const metaAccount = { phoneNumberId: "106540352242922", token: "test-meta-token", appSecret: "test-app-secret" };
const twilio = new TwilioServer({ ...twilioAccount, clock });
const meta = new MetaServer({ ...metaAccount, clock });
const lodgify = new LodgifyServer({
  key: lodgifyKey,
  clock,
  properties: [{ id: 812, name: "Casa", zone: "Europe/Madrid", rooms: [] }],
});
let cloud: TestCloud;
let services: { readonly twilio: GuestServices; readonly meta: GuestServices };
let gateway: TestGateway;
let site = "";
let flat = "";
let sites = 0;

before(async () => {
  const urls = {
    twilio: (await twilio.start()).url,
    meta: (await meta.start()).url,
    lodgify: (await lodgify.start()).url,
  };
  const base = { publicUrl, key: Buffer.alloc(32, 3) };
  const secret = (text: string) => new SecretString(text);
  const twilioSettings = {
    ...{ accountSid: twilioAccount.accountSid, authToken: secret(twilioAccount.authToken) },
    ...{ smsFrom: "+34600000000", whatsappFrom: "+34600000001", apiUrl: urls.twilio },
    templates: { code: { en: "HXcode" }, changed: { en: "HXchanged" } },
  };
  services = {
    twilio: guestServices({ ...base, twilio: twilioSettings }),
    meta: guestServices({
      ...base,
      meta: {
        ...{ phoneNumberId: metaAccount.phoneNumberId, version: "v25.0", apiUrl: urls.meta },
        ...{ token: secret(metaAccount.token), appSecret: secret(metaAccount.appSecret) },
        verifyToken: secret("test-verify-token"),
        templates: { code: { en: "stay_code" } },
      },
    }),
  };
  const all = { ...services.twilio, meta: services.meta.meta };
  cloud = await givenCloud({ clock, mail, logger, publicUrl, lodgifyUrl: urls.lodgify, guests: all });
});
after(async () => {
  await cloud.close();
  await Promise.all([twilio.stop(), meta.stop(), lodgify.stop()]);
});

beforeEach(async () => {
  sites += 1;
  site = `casa-${sites}`;
  // Whoever enrols too often is made to wait.
  clock.advance(hour);
  clock.stepWall(start - clock.wall());
  for (const sim of [twilio, meta, lodgify]) sim.settle();
  for (const list of [
    twilio.messages,
    twilio.callbacks,
    meta.messages,
    meta.webhooks,
    mail.mails,
    logged,
    lodgify.messages,
  ])
    list.length = 0;
  mail.answer = { outcome: "sent" };
  await cloud.ask("POST", "/api/sites", { id: site, name: "Casa", zone: "Europe/Madrid" });
  gateway = await cloud.gateway(site);
  await gateway.report([{ id: `front-${sites}`, name: "Front door", lock: "gate", reads: true, kinds: ["pin"] }]);
  flat = said(await cloud.ask("POST", "/api/properties", { site, name: "Attic" }), 201).id;
  await tell({ on: true, channels: ["sms", "mail"], country: "ES" });
});

const said = (answer: Answer, status: number) => {
  clock.advance(20);
  assert.equal(answer.status, status, answer.text);
  return answer.body;
};
const tell = async (settings: object) =>
  said(await cloud.ask("PATCH", `/api/properties/${flat}/messages`, settings), 200);
let guests = 0;
/** A guest whose telephone ends so, of a stay that begins tomorrow. */
const book = async (end = "0001", change: object = {}): Promise<{ readonly id: string }> => {
  guests += 1;
  const phone = `+3461${`${guests}`.padStart(3, "0")}${end}`;
  const guest = { name: "Greta Guest", phone, email: "greta@example.org", language: "en" };
  const days = { arrival: "2031-03-05", departure: "2031-03-08" };
  return said(await cloud.ask("POST", "/api/bookings", { property: flat, guest, ...days, ...change }), 201);
};
const change = async (id: string, body: object) => said(await cloud.ask("PATCH", `/api/bookings/${id}`, body), 200);
/** The gateway has the code, the stays are looked after, and what is due leaves. */
const run = async (parts = cloud.parts) => {
  await gateway.catchUp();
  await watchAllDue(parts);
  await tellAllDue(parts);
};
const later = async (ms: number) => {
  clock.stepWall(ms);
  await watchAllDue(cloud.parts);
  await tellAllDue(cloud.parts);
};
interface Message {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly channel: string | null;
  readonly tried: readonly string[];
  readonly why: string | null;
  readonly isProven: boolean;
}
const messages = async (booking: string): Promise<Message[]> =>
  said(await cloud.ask("GET", `/api/guest-messages?booking=${booking}`), 200).items;
const newest = async (booking: string): Promise<Message> => (await messages(booking))[0]!;
const codeOf = async (id: string): Promise<string> =>
  said(await cloud.ask("POST", `/api/bookings/${id}/reveal`), 200).code;
const alarms = async (): Promise<{ readonly kind: string; readonly detail: Record<string, unknown> }[]> =>
  said(await cloud.ask("GET", `/api/stay-alarms?site=${site}&open=true`), 200).items;

const calledBack = async ({ url, form, signature }: TwilioCallback) =>
  (
    await cloud.app.request(url.slice(publicUrl.length), {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature },
      body: form,
    })
  ).status;
const hooked = async ({ body, signature }: MetaWebhook, token = "test-verify-token") =>
  (
    await cloud.app.request(`/callbacks/meta/${token}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-hub-signature-256": signature },
      body,
    })
  ).status;

describe("a guest", () => {
  test("is told the way to the code once the door has confirmed it, and the digits are in no log, list or database", async () => {
    const { id } = await book();
    await watchAllDue(cloud.parts);
    await tellAllDue(cloud.parts);
    assert.equal(twilio.messages.length, 0);
    await later(minute);
    await run();
    await later(minute);
    assert.equal(twilio.messages.length, 1);
    const { to, body } = twilio.messages[0]!;
    assert.match(to, /^\+3461/);
    assert.match(
      body ?? "",
      /^Hello Greta Guest, here is your code for Attic: https:\/\/postern\.example\/s\/\S+\nIt works from 5 Mar 2031, 15:00 until 8 Mar 2031, 11:00: Front door\.$/,
    );
    const code = await codeOf(id);
    const shown = await newest(id);
    assert.deepEqual([shown.kind, shown.state, shown.channel, shown.isProven], ["code", "sent", "sms", true]);
    const kept = JSON.stringify(await cloud.store.db.select().from(guestMessage));
    for (const place of [body, logged.join(), kept, JSON.stringify(shown)]) assert.ok(!place?.includes(code));
    assert.ok(!logged.join().includes(to) && !logged.join().includes("Greta"));
  });

  test("gets the digits where the property says so, and the owner's own words, by mail too", async () => {
    await tell({
      pinInMessage: true,
      channels: ["mail"],
      wifi: "Attic / olives",
      texts: { en: { code: "Dear {guest}: {code}. Wi-Fi {wifi}." } },
    });
    const { id } = await book();
    await run();
    assert.equal(mail.mails[0]?.text.reveal(), `Dear Greta Guest: ${await codeOf(id)}. Wi-Fi Attic / olives.`);
    assert.deepEqual([mail.mails[0]?.to, mail.mails[0]?.subject], ["greta@example.org", "Your code for Attic"]);
  });

  test("is told in time what the doors have not confirmed, honestly", async () => {
    const { id } = await book();
    clock.stepWall(Date.UTC(2031, 2, 5, 12) - clock.wall());
    await watchAllDue(cloud.parts);
    await tellAllDue(cloud.parts);
    assert.match(twilio.messages[0]?.body ?? "", /has not confirmed it yet/);
    assert.deepEqual([(await newest(id)).isProven, (await alarms()).map(({ kind }) => kind)], [false, ["no-code"]]);
  });

  test("is told what changed, the new code, and that it is off; and of what does not concern them nothing", async () => {
    const { id } = await book();
    await run();
    await change(id, { departure: "2031-03-09" });
    await run();
    await change(id, { guest: { phone: "+34619990001" } });
    await run();
    said(await cloud.ask("POST", `/api/bookings/${id}/new-code`), 200);
    await run();
    await change(id, { status: "cancelled" });
    await run();
    assert.deepEqual(
      (await messages(id)).map(({ kind }) => kind),
      ["cancelled", "new-code", "changed", "code"],
    );
    assert.equal(twilio.messages.length, 4);
    assert.match(twilio.messages[1]?.body ?? "", /has changed.*9 Mar 2031/);
    assert.match(twilio.messages[3]?.body ?? "", /called off/);
  });

  test("sleeps: what comes about at night is told in the morning, as it is then", async () => {
    said(await cloud.ask("PATCH", `/api/properties/${flat}`, { rules: { aheadHours: 96 } }), 200);
    const { id } = await book("0001", { arrival: "2031-03-06", departure: "2031-03-08" });
    await run();
    clock.stepWall(Date.UTC(2031, 2, 4, 22) - clock.wall());
    await change(id, { departure: "2031-03-10" });
    await run();
    await change(id, { departure: "2031-03-09" });
    await run();
    assert.deepEqual(
      [(await messages(id)).map(({ state }) => state), twilio.messages.length],
      [["waiting", "sent"], 1],
    );
    clock.stepWall(Date.UTC(2031, 2, 5, 7) - clock.wall());
    await run();
    assert.equal(twilio.messages.length, 2);
    assert.match(twilio.messages[1]?.body ?? "", /9 Mar 2031/);
  });

  test("is never told what is not so any more, however late that is noticed", async () => {
    clock.stepWall(Date.UTC(2031, 2, 4, 22) - clock.wall());
    const { id } = await book();
    await run();
    assert.equal((await newest(id)).state, "waiting");
    const before = await codeOf(id);
    said(await cloud.ask("POST", `/api/bookings/${id}/new-code`), 200);
    clock.stepWall(Date.UTC(2031, 2, 5, 7) - clock.wall());
    await tellAllDue(cloud.parts);
    assert.deepEqual([await messages(id), twilio.messages.length], [[], 0]);
    await tell({ pinInMessage: true });
    await run();
    await later(minute);
    assert.deepEqual(
      (await messages(id)).map(({ kind }) => kind),
      ["code"],
    );
    assert.ok(twilio.messages[0]?.body?.includes(await codeOf(id)) && !twilio.messages[0].body.includes(before));
  });

  test("is told nothing after the stay, though it waited", async () => {
    mail.answer = { outcome: "later", why: "EENVELOPE 451" };
    await tell({ channels: ["mail"] });
    const { id } = await book();
    await run();
    assert.equal((await newest(id)).state, "waiting");
    mail.mails.length = 0;
    clock.stepWall(5 * 24 * hour);
    await tellAllDue(cloud.parts);
    assert.deepEqual([await messages(id), mail.mails], [[], []]);
  });

  test("is told nothing once messages are off, but what somebody asks for", async () => {
    clock.stepWall(Date.UTC(2031, 2, 4, 22) - clock.wall());
    const { id } = await book();
    await run();
    assert.equal((await newest(id)).state, "waiting");
    await tell({ on: false });
    clock.stepWall(10 * hour);
    await tellAllDue(cloud.parts);
    assert.deepEqual([await messages(id), twilio.messages.length], [[], 0]);
    await tell({ on: true });
    await later(minute);
    assert.equal(twilio.messages.length, 1);
    await tell({ on: false });
    said(await cloud.ask("POST", `/api/guest-messages/${(await newest(id)).id}/send-again`), 201);
    await tellAllDue(cloud.parts);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length], ["sent", 2]);
  });

  test("is told that it is off, however often something was planned and was not so any more", async () => {
    const { id } = await book();
    await run();
    await cloud.store.transaction(async (tx) => {
      const says = { from: 0, until: clock.wall() + hour, doors: [], code: "" };
      const fresh = { site, booking: id, kind: "changed", says, isProven: true, dueAt: clock.wall() } as const;
      for (let time = 0; time < 60; time += 1)
        await writeMessage(
          tx,
          await putMessage(tx, fresh, clock.wall()),
          { state: "dropped", dueAt: null },
          clock.wall(),
        );
    });
    await change(id, { status: "cancelled" });
    await run();
    assert.deepEqual([(await newest(id)).kind, twilio.messages.length], ["cancelled", 2]);
  });

  test("is told nothing where the property does not say so, and one that waits stays behind", async () => {
    await tell({ on: false });
    const { id } = await book();
    await run();
    assert.deepEqual([await messages(id), twilio.messages.length], [[], 0]);
  });
});

describe("when one way fails", () => {
  for (const [what, end, tried] of [
    ["a number that is no mobile", "0002", ["sms"]],
    ["a network that refuses it later", "0007", ["sms"]],
  ] as const)
    test(`${what}: the next is taken, once`, async () => {
      const { id } = await book(end);
      await run();
      for (const callback of twilio.callbacks) assert.equal(await calledBack(callback), 204);
      await run();
      const { state, channel, tried: ways } = await newest(id);
      assert.deepEqual([state, channel, ways, mail.mails.length], ["sent", "mail", tried, 1]);
      assert.deepEqual(await alarms(), []);
    });

  test("too many requests: it is tried again, when Twilio says", async () => {
    const { id } = await book("0004");
    await run();
    assert.equal((await newest(id)).state, "waiting");
    await later(minute);
    await later(5 * minute);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length, twilio.calls.length >= 3], ["sent", 1, true]);
  });

  test("a phone that is unreachable: again after a while, and delivered then", async () => {
    const { id } = await book("0003");
    await run();
    for (const callback of twilio.callbacks.splice(0)) await calledBack(callback);
    assert.equal((await newest(id)).state, "waiting");
    await later(14 * minute);
    assert.equal(twilio.messages.length, 1);
    await later(minute);
    assert.equal(twilio.messages.length, 2);
    for (const callback of twilio.callbacks) await calledBack(callback);
    assert.deepEqual([(await newest(id)).state, mail.mails.length], ["delivered", 0]);
  });

  test("a service that is down: three times more, then by the next way", async () => {
    twilio.trouble({ answer: { status: 503 } }, { times: 99 });
    const { id } = await book();
    await run();
    for (const pause of [minute, 5 * minute, 15 * minute]) await later(pause);
    const { state, channel, why } = await newest(id);
    assert.deepEqual([state, channel, why], ["sent", "mail", null]);
    assert.equal(twilio.messages.length, 0);
  });

  test("WhatsApp wants a template: the owner's words are left, and the template is sent", async () => {
    await tell({ channels: ["whatsapp"], texts: { en: { code: "Dear {guest}: {link}" } } });
    const { id } = await book("0005");
    await run();
    const [sent] = twilio.messages;
    assert.deepEqual([(await newest(id)).state, sent?.body, sent?.contentSid], ["sent", null, "HXcode"]);
    assert.deepEqual(Object.values(JSON.parse(sent?.contentVariables ?? "")).slice(0, 2), ["Greta Guest", "Attic"]);
  });

  test("a wrong key: somebody is told in the log, and the guest by the next way", async () => {
    twilio.trouble({ answer: { status: 401, json: { code: 20003 } } }, { times: 1 });
    const { id } = await book();
    await run();
    assert.equal((await newest(id)).channel, "mail");
    assert.ok(logged.some((line) => line.includes("message-settings-wrong") && line.includes("20003")));
  });

  test("nobody reaches the guest: the owner is alarmed, and tells them again once they can", async () => {
    mail.answer = { outcome: "never", why: "EENVELOPE 550" };
    const { id } = await book("0002");
    await run();
    const failed = await newest(id);
    assert.deepEqual([failed.state, failed.tried, failed.why], ["failed", ["sms", "mail"], "EENVELOPE 550"]);
    const [alarm] = await alarms();
    assert.deepEqual([alarm?.kind, alarm?.detail.tried], ["not-told", ["sms", "mail"]]);
    await later(hour);
    assert.equal(mail.mails.length, 1);
    mail.answer = { outcome: "sent" };
    const again = said(await cloud.ask("POST", `/api/guest-messages/${failed.id}/send-again`), 201);
    assert.equal((await cloud.ask("POST", `/api/guest-messages/${again.id}/send-again`)).status, 409);
    await run();
    assert.deepEqual([(await newest(id)).state, await alarms()], ["sent", []]);
    assert.equal((await cloud.ask("POST", `/api/guest-messages/${failed.id}/send-again`)).status, 409);
  });

  test("a guest whom no way is known to: alarm; once somebody writes one down, they are told", async () => {
    const { id } = await book("0001", { guest: { name: "Greta Guest" } });
    await run();
    assert.deepEqual([(await newest(id)).state, (await alarms()).map(({ kind }) => kind)], ["failed", ["not-told"]]);
    await change(id, { guest: { email: "greta@example.org" } });
    await run();
    assert.deepEqual([(await newest(id)).state, mail.mails.length, await alarms()], ["sent", 1, []]);
  });
});

describe("nothing is sent twice", () => {
  /** Runs the message to the moment at which the service has it, and lets the program end there. */
  const crash = async () => {
    const { store } = cloud.parts;
    let transactions = 0;
    const dies: typeof store = {
      ...store,
      db: store.db,
      wakes: store.wakes,
      transaction: (work) => {
        transactions += 1;
        // The first takes the message, guestLinkOf's is the second; what would write it down is the last.
        return transactions > 2 ? Promise.reject(new Error("the power is cut")) : store.transaction(work);
      },
      close: () => store.close(),
    };
    await assert.rejects(tellAllDue({ ...cloud.parts, store: dies }), /the power is cut/);
  };
  const planned = async (end?: string) => {
    const booking = await book(end);
    await gateway.catchUp();
    await watchAllDue(cloud.parts);
    return booking.id;
  };

  test("by SMS: after a crash between the sending and its record Twilio is asked, and has it", async () => {
    const id = await planned();
    await crash();
    assert.deepEqual([twilio.messages.length, (await newest(id)).state], [1, "sending"]);
    await later(30_000);
    assert.equal((await newest(id)).state, "sending");
    await later(2 * minute);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length], ["sent", 1]);
    for (const callback of twilio.callbacks) await calledBack(callback);
    assert.equal((await newest(id)).state, "delivered");
  });

  test("by SMS: after a crash before the sending Twilio is asked, has nothing, and gets it", async () => {
    const id = await planned();
    twilio.trouble("cut", { method: "POST" });
    await crash();
    assert.equal(twilio.messages.length, 0);
    await later(2 * minute);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length], ["sent", 1]);
  });

  test("by SMS: a callback after the crash says what became of it, and nothing is asked", async () => {
    const id = await planned();
    await crash();
    for (const callback of twilio.callbacks) assert.equal(await calledBack(callback), 204);
    assert.equal((await newest(id)).state, "delivered");
    await later(2 * minute);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length], ["delivered", 1]);
  });

  test("by SMS: Twilio does not say for long: it stays unknown, the owner is told, nothing is repeated", async () => {
    const id = await planned();
    await crash();
    twilio.trouble("cut", { times: 99, method: "GET" });
    for (let time = 0; time < 8; time += 1) await later(2 * minute);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length, mail.mails.length], ["unknown", 1, 0]);
    assert.deepEqual(
      (await alarms()).map(({ kind }) => kind),
      ["not-told"],
    );
    for (const callback of twilio.callbacks) await calledBack(callback);
    assert.deepEqual([(await newest(id)).state, await alarms()], ["delivered", []]);
  });

  test("by SMS: an answer that is lost on the line is looked for", async () => {
    twilio.trouble("drop", { method: "POST" });
    const id = await planned();
    await tellAllDue(cloud.parts);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length], ["sending", 1]);
    await later(minute);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length], ["sent", 1]);
  });

  test("by WhatsApp: of two templates to one telephone what is found of the first is not taken for the second", async () => {
    await tell({ channels: ["whatsapp"] });
    const phone = "+34619870001";
    const [first, second] = [
      await book("0001", { guest: { name: "Greta", phone } }),
      await book("0001", { guest: { name: "Gus", phone } }),
    ];
    await gateway.catchUp();
    await watchAllDue(cloud.parts);
    // The first is taken, the second never arrives.
    twilio.trouble({ slowMs: 0 }, { method: "POST" });
    twilio.trouble("cut", { method: "POST" });
    await tellAllDue(cloud.parts);
    assert.equal(twilio.messages.length, 1);
    for (let time = 0; time < 3; time += 1) await later(2 * minute);
    const states = [(await newest(first.id)).state, (await newest(second.id)).state].sort();
    assert.deepEqual([states, twilio.messages.length], [["sent", "unknown"], 1]);
    assert.deepEqual((await alarms()).map(({ kind }) => kind).sort(), ["booked-twice", "not-told"]);
  });

  test("by Meta: nobody can say, so it is not repeated and the owner is told", async () => {
    await tell({ channels: ["whatsapp"] });
    const parts = { ...cloud.parts, guests: services.meta };
    const id = await planned();
    meta.trouble("drop", { method: "POST" });
    await tellAllDue(parts);
    for (let time = 0; time < 4; time += 1) {
      clock.stepWall(10 * minute);
      await tellAllDue(parts);
    }
    assert.deepEqual([(await newest(id)).state, meta.messages.length], ["unknown", 1]);
    assert.deepEqual(
      (await alarms()).map(({ kind }) => kind),
      ["not-told"],
    );
  });

  test("by mail: the second attempt is the same message", async () => {
    await tell({ channels: ["mail"] });
    const id = await planned();
    await crash();
    await later(2 * minute);
    assert.deepEqual(
      [(await newest(id)).state, mail.mails.map((one) => one.id)],
      ["sent", [(await newest(id)).id, (await newest(id)).id]],
    );
  });

  test("two replicas at once, and a job that runs beside them", async () => {
    const ids = [await planned(), await planned(), await planned()];
    const stopping = new AbortController();
    const running = tellGuests({ ...cloud.parts, stopping: stopping.signal });
    await Promise.all([tellAllDue(cloud.parts), tellAllDue(cloud.parts), watchAllDue(cloud.parts)]);
    await until("all are told", async () =>
      (await Promise.all(ids.map(newest))).every(({ state }) => state === "sent"),
    );
    stopping.abort();
    await running;
    assert.equal(twilio.messages.length, 3);
  });

  test("of a restored store: what waited may have left since, and is not sent", async () => {
    const id = await planned();
    await cloud.store.transaction((tx) => doubtWaiting(tx, clock.wall()));
    await later(minute);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length], ["unknown", 0]);
    const [alarm, ...others] = await alarms();
    assert.deepEqual(
      [alarm?.kind, alarm?.detail.why, others],
      ["not-told", "the service was restored from a backup", []],
    );
  });

  for (const [what, wrong, after] of [
    ["called off", (id: string) => change(id, { status: "cancelled" }), "cancelled"],
    [
      "given other digits",
      async (id: string) => void said(await cloud.ask("POST", `/api/bookings/${id}/new-code`), 200),
      "new-code",
    ],
  ] as const)
    test(`by mail: what was perhaps sent of a stay that is ${what} since is not sent once more; what is so now is`, async () => {
      await tell({ channels: ["mail"] });
      const id = await planned();
      await crash();
      mail.mails.length = 0;
      await wrong(id);
      clock.stepWall(2 * minute);
      await tellAllDue(cloud.parts);
      assert.deepEqual([(await newest(id)).state, mail.mails], ["unknown", []]);
      await run();
      await later(minute);
      assert.deepEqual([(await newest(id)).kind, (await newest(id)).state, mail.mails.length], [after, "sent", 1]);
    });

  test("of a sender that was given up what it says at last is not heard: another has sent it", async () => {
    await tell({ channels: ["mail", "sms"] });
    const id = await planned();
    const { promise, resolve } = Promise.withResolvers<MailResult>();
    let times = 0;
    const slow: MailChannel = {
      send(one) {
        times += 1;
        return times === 1 ? promise : mail.send(one);
      },
    };
    const parts = { ...cloud.parts, mail: slow };
    const first = tellAllDue(parts);
    await until("it is being handed over", () => times === 1);
    clock.stepWall(2 * minute);
    await tellAllDue(parts);
    assert.deepEqual([(await newest(id)).state, mail.mails.length], ["sent", 1]);
    resolve({ outcome: "never", why: "EENVELOPE 550" });
    await first;
    await later(hour);
    assert.deepEqual(
      [(await newest(id)).state, (await newest(id)).channel, twilio.messages.length],
      ["sent", "mail", 0],
    );
  });
});

describe("what a service tells", () => {
  test("of Meta before its answer is there is not lost", async () => {
    await tell({ channels: ["whatsapp"] });
    const parts = { ...cloud.parts, guests: services.meta };
    const { id } = await book();
    await gateway.catchUp();
    await watchAllDue(parts);
    meta.trouble({ slowMs: 5_000 }, { method: "POST" });
    const sending = tellAllDue(parts);
    await until("Meta has it", () => meta.webhooks.length > 0);
    for (const webhook of meta.webhooks) assert.equal(await hooked(webhook), 200);
    assert.equal((await newest(id)).state, "sending");
    await until("Meta rests", () => clock.sleepers > 1);
    clock.advance(5_000);
    await sending;
    assert.equal((await newest(id)).state, "read");
  });

  test("of an attempt that failed, after it was sent anew, is not about the new one", async () => {
    const { id } = await book("0003");
    await run();
    const [first] = twilio.callbacks;
    for (const callback of twilio.callbacks.splice(0)) await calledBack(callback);
    await later(15 * minute);
    const form = new URLSearchParams(first?.form);
    form.set("MessageStatus", "delivered");
    const signature = twilioSignature(new SecretString(twilioAccount.authToken), first?.url ?? "", form);
    assert.equal(await calledBack({ url: first?.url ?? "", form: form.toString(), signature }), 204);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length], ["sent", 2]);
  });

  test("of an attempt that failed, while another is handed over, is not about that one", async () => {
    mail.answer = { outcome: "never", why: "EENVELOPE 550" };
    const { id } = await book("0007");
    await run();
    const [failure] = twilio.callbacks.filter(({ form }) => !form.includes("=sent"));
    assert.equal(await calledBack(failure!), 204);
    const slow: MailChannel = {
      async send(one) {
        const form = new URLSearchParams(failure!.form);
        form.set("MessageStatus", "sent");
        form.delete("ErrorCode");
        const signature = twilioSignature(new SecretString(twilioAccount.authToken), failure!.url, form);
        assert.equal(await calledBack({ url: failure!.url, form: form.toString(), signature }), 204);
        return mail.send(one);
      },
    };
    await tellAllDue({ ...cloud.parts, mail: slow });
    assert.deepEqual([(await newest(id)).state, (await alarms()).map(({ kind }) => kind)], ["failed", ["not-told"]]);
  });

  test("in any order, twice, and before the sending is written down, comes to the same", async () => {
    const { id } = await book("0001");
    await gateway.catchUp();
    await watchAllDue(cloud.parts);
    twilio.trouble({ slowMs: 5_000 }, { method: "POST" });
    const sending = tellAllDue(cloud.parts);
    await until("Twilio has it", () => twilio.callbacks.length > 0);
    for (const callback of [...twilio.callbacks].reverse()) assert.equal(await calledBack(callback), 204);
    await until("Twilio rests", () => clock.sleepers > 1);
    clock.advance(5_000);
    await sending;
    assert.equal((await newest(id)).state, "delivered");
    for (const callback of [...twilio.callbacks, ...twilio.callbacks]) assert.equal(await calledBack(callback), 204);
    assert.deepEqual([(await newest(id)).state, twilio.messages.length], ["delivered", 1]);
  });

  test("is believed only under its signature and its address", async () => {
    const { id } = await book();
    await run();
    const [callback] = twilio.callbacks as [TwilioCallback];
    const forged = { ...callback, form: callback.form.replace("sent", "failed") };
    assert.deepEqual(
      [
        await calledBack(forged),
        await calledBack({ ...callback, signature: "" }),
        await calledBack({ ...callback, url: callback.url.replace("/twilio/", "/twilio/x") }),
        await calledBack({ ...callback, url: callback.url.replace(/message-\w+$/, "message-other") }),
      ],
      [403, 403, 404, 403],
    );
    assert.equal((await newest(id)).state, "sent");
  });

  test("of Meta, by webhook: read, or failed after all, and the next way is taken", async () => {
    await tell({ channels: ["whatsapp", "mail"] });
    const parts = { ...cloud.parts, guests: services.meta };
    const [one, two] = [await book("0001"), await book("0006")];
    await run(parts);
    assert.deepEqual(
      meta.messages.map(({ template }) => template?.name),
      ["stay_code", "stay_code"],
    );
    for (const webhook of [...meta.webhooks].reverse()) assert.equal(await hooked(webhook), 200);
    await tellAllDue(parts);
    assert.deepEqual([(await newest(one.id)).state, (await newest(two.id)).channel], ["read", "mail"]);
    const [webhook] = meta.webhooks as [MetaWebhook];
    assert.equal(await hooked({ ...webhook, body: `${webhook.body} ` }), 403);
    assert.equal(await hooked(webhook, "wrong"), 404);
  });

  test("Meta wants a template outside of its 24 hours, and gets it", async () => {
    await tell({ channels: ["whatsapp"], texts: { en: { code: "Dear {guest}: {link}" } } });
    const parts = { ...cloud.parts, guests: services.meta };
    const { id } = await book("0005");
    await run(parts);
    assert.deepEqual([(await newest(id)).state, meta.messages.map(({ text }) => text)], ["sent", [null]]);
    assert.equal(meta.messages[0]?.template?.name, "stay_code");
  });

  test("and whoever signs rightly may tell nonsense: nothing breaks", async () => {
    const path = twilioPath(services.twilio.twilio?.pathToken ?? "", "message-none");
    const secrets = [new SecretString(twilioAccount.authToken), metaAccount.appSecret] as const;
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.string()), fc.json(), async (fields, json) => {
        const form = new URLSearchParams({ MessageStatus: "failed", MessageSid: `SM${"0".repeat(32)}`, ...fields });
        const signature = twilioSignature(secrets[0], publicUrl + path, form);
        assert.equal(await calledBack({ url: publicUrl + path, form: form.toString(), signature }), 204);
        const hash = createHmac("sha256", secrets[1]).update(json).digest("hex");
        assert.equal(await hooked({ body: json, signature: `sha256=${hash}` }), 200);
      }),
      { numRuns: 50 },
    );
  });

  test("Meta's console proves the address by its token alone", async () => {
    const verify = (token: string, mode = "subscribe") =>
      cloud.app.request(
        `/callbacks/meta/test-verify-token?hub.mode=${mode}&hub.verify_token=${token}&hub.challenge=1158201444`,
      );
    const right = await verify("test-verify-token");
    assert.deepEqual([right.status, await right.text()], [200, "1158201444"]);
    assert.deepEqual([(await verify("wrong")).status, (await verify("test-verify-token", "other")).status], [403, 403]);
  });
});

describe("by Lodgify", () => {
  const viaLodgify = async () => {
    await tell({ channels: ["lodgify"] });
    const order = { site, kind: "lodgify", name: "Lodgify", key: lodgifyKey, places: { "812": flat } };
    said(await cloud.ask("POST", "/api/booking-sources", order), 201);
    const number = lodgify.book({ property_id: 812, arrival: "2031-03-05", departure: "2031-03-08" });
    await readAllDue(cloud.parts);
    const [booking] = said(await cloud.ask("GET", `/api/bookings?site=${site}`), 200).items;
    await provisionAllDue(cloud.parts);
    return { number, id: booking.id as string };
  };

  test("a guest whose address the site hides is told; a 200 that is no success is none", async () => {
    const { number, id } = await viaLodgify();
    await run();
    assert.deepEqual([(await newest(id)).state, lodgify.messages.map(({ booking }) => booking)], ["sent", [number]]);
    assert.match(lodgify.messages[0]?.message ?? "", /here is your code/);
    lodgify.forget(number);
    await cloud.ask("POST", `/api/bookings/${id}/new-code`);
    await run();
    assert.notEqual((await newest(id)).state, "sent");
    lodgify.forget(number);
  });

  test("an answer that is lost is no second message: the same id is taken once", async () => {
    const { number, id } = await viaLodgify();
    lodgify.trouble("drop", { method: "POST" });
    await run();
    await later(2 * minute);
    assert.deepEqual([(await newest(id)).state, lodgify.messages.length], ["sent", 1]);
    lodgify.forget(number);
  });
});

test("by a real mail server: one that makes strangers wait gets it again, one that refuses is left, and each mail has its number", async (t) => {
  const peer = await startMailPeer();
  t.after(() => peer.stop());
  const from = "Postern <postern@example.org>";
  const smtp = smtpChannel({ host: "127.0.0.1", port: peer.port, encryption: "none", from });
  const parts = { ...cloud.parts, mail: smtp };
  await tell({ channels: ["mail", "sms"] });
  const pass = async (ms: number) => {
    clock.stepWall(ms);
    await tellAllDue(parts);
  };
  peer.refuse(451);
  const { id } = await book();
  await run(parts);
  assert.deepEqual([(await newest(id)).state, (await newest(id)).why], ["waiting", "EENVELOPE 451"]);
  peer.refuse(undefined);
  await pass(minute);
  const told = await newest(id);
  assert.deepEqual([told.state, peer.mails.length, twilio.messages.length], ["sent", 1, 0]);
  assert.match(peer.mails[0]?.raw ?? "", new RegExp(`^Message-ID: <${told.id}@example.org>`, "im"));
  assert.match(textOf(peer.mails[0]!), /here is your code for Attic/);
  peer.refuse(550);
  await change(id, { departure: "2031-03-09" });
  await run(parts);
  const second = await newest(id);
  assert.deepEqual([second.kind, second.channel, second.tried], ["changed", "sms", ["mail"]]);
});

describe("the owner", () => {
  test("sees a preview, and is told which field there is not", async () => {
    const shown = said(await cloud.ask("POST", `/api/properties/${flat}/messages/preview`, { language: "es" }), 200);
    assert.match(shown.text, /^Hola, Ana: aquí está su código para Attic: https:\/\/postern\.example\/s\//);
    const wrong = await cloud.ask("POST", `/api/properties/${flat}/messages/preview`, { text: "Hi {gest}: {link}" });
    assert.deepEqual([wrong.status, wrong.body.errors[0].field], [400, "body.text"]);
    assert.match(wrong.body.errors[0].message, /\{gest\}/);
    const refused = await cloud.ask("PATCH", `/api/properties/${flat}/messages`, { texts: { en: { code: "{code}" } } });
    assert.deepEqual([refused.status, refused.body.errors[0].field], [400, "body.texts.en.code"]);
    for (const settings of [
      { country: "XX" },
      { channels: ["sms", "sms"] },
      { quietFrom: "25:00" },
      { texts: { fr: {} } },
      {},
    ])
      assert.equal((await cloud.ask("PATCH", `/api/properties/${flat}/messages`, settings)).status, 400);
  });

  test("keeps the Wi-Fi to whoever may change it: it stands sealed, and neither it nor the words in the audit trail", async () => {
    await tell({ wifi: "Attic / olives", texts: { en: { code: "Dear {guest}: {link}" } } });
    assert.equal((await cloud.ask("GET", `/api/properties/${flat}/messages`)).body.wifi, "Attic / olives");
    assert.ok(!JSON.stringify(await cloud.store.db.select().from(messageSettings)).includes("olives"));
    const looker = await cloud.as("user", [site]);
    assert.equal((await looker.ask("GET", `/api/properties/${flat}/messages`)).status, 403);
    const trail = (await cloud.ask("GET", "/api/audit?limit=200")).text;
    assert.ok(trail.includes("messages.settings"));
    assert.ok(!trail.includes("olives") && !trail.includes("Dear {guest}"));
  });

  test("finds page after page of what was told", async () => {
    const { id } = await book();
    await run();
    await change(id, { departure: "2031-03-09" });
    await run();
    const page = said(await cloud.ask("GET", `/api/guest-messages?site=${site}&limit=1`), 200);
    const rest = said(await cloud.ask("GET", `/api/guest-messages?site=${site}&limit=1&after=${page.next}`), 200);
    assert.deepEqual([page.items[0].kind, rest.items[0].kind, rest.next], ["changed", "code", null]);
    const stranger = await cloud.as("owner", []);
    assert.deepEqual((await stranger.ask("GET", "/api/guest-messages")).body.items, []);
    assert.equal((await stranger.ask("POST", `/api/guest-messages/${page.items[0].id}/send-again`)).status, 404);
  });
});

test("what was told is forgotten with the guest, and what services said of it a month later", async () => {
  const { id } = await book();
  await run();
  for (const callback of twilio.callbacks) await calledBack(callback);
  clock.stepWall(400 * 24 * hour);
  await forgetOfSite(cloud.parts, site);
  await forgetOfService(cloud.parts);
  const rows = await cloud.store.db.select().from(guestMessage).where(eq(guestMessage.bookingId, id));
  assert.deepEqual([rows, await cloud.store.db.select().from(deliveryReport)], [[], []]);
});

test("of a stay that goes on nothing is forgotten: its guest is not told the same again", async () => {
  const { id } = await book("0001", { departure: "2032-04-06" });
  await run();
  clock.stepWall(380 * 24 * hour);
  await forgetOfSite(cloud.parts, site);
  await change(id, { guest: { name: "Greta G." } });
  await run();
  await later(24 * hour);
  assert.deepEqual([(await messages(id)).map(({ kind }) => kind), twilio.messages.length], [["code"], 1]);
});

test("one that cannot be read keeps no other waiting", async () => {
  const [broken, whole] = [await book(), await book("0001", { arrival: "2031-03-10", departure: "2031-03-12" })];
  said(await cloud.ask("PATCH", `/api/properties/${flat}`, { rules: { aheadHours: 240 } }), 200);
  await provisionAllDue(cloud.parts);
  await gateway.catchUp();
  await watchAllDue(cloud.parts);
  const its = eq(guestMessage.bookingId, broken.id);
  await cloud.store.db.update(guestMessage).set({ says: "{", dueAt: 0 }).where(its);
  await tellAllDue(cloud.parts);
  assert.equal((await newest(whole.id)).state, "sent");
  assert.ok(logged.some((line) => line.includes("guest-not-told")));
});
