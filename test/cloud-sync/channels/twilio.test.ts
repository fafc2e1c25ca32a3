/** Twilio: what it is asked, what each of its answers and callbacks means, and whose callbacks are believed. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { describe, test } from "node:test";
import type { GuestNote } from "../../../cloud-sync/channels/guest-channel.ts";
import { isTwilios, twilioChannel, twilioSignature, twilioWord } from "../../../cloud-sync/channels/twilio.ts";
import { classOfTwilio, twilioErrors } from "../../../cloud-sync/channels/twilio-errors.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { givenPeer, type PeerAnswer } from "../../support/web-peer.ts";

const note: GuestNote = {
  id: "message-1",
  kind: "code",
  to: "+34612345697",
  language: "es",
  subject: "Su código",
  text: new SecretString("Hola, Ana: 445566"),
  values: ["Ana", "Ático", "hoy", "mañana", "https://postern.example/s/x"].map((value) => new SecretString(value)),
  byTemplate: false,
};
const options = {
  accountSid: `AC${"1".repeat(32)}`,
  authToken: new SecretString("test-auth-token"),
  from: "+34600000000",
  templates: { code: { en: "HX1", es: "HX2" } },
  callbackUrl: (message: string) => `https://postern.example/callbacks/twilio/path-token/${message}`,
};
const { signal } = new AbortController();
const vectors = JSON.parse(
  readFileSync(new URL("../../wire/golden/guest-callbacks.json", import.meta.url), "utf8"),
).twilio;

test("a text message is asked for with everything Twilio wants, and nothing else", async (t) => {
  const peer = await givenPeer(t, () => ({ status: 201, body: { sid: "SM1", status: "queued" } }));
  const channel = twilioChannel("sms", { ...options, apiUrl: peer.url });
  assert.deepEqual(await channel.send(note, signal), { outcome: "sent", ref: "SM1" });
  assert.deepEqual(peer.asked(), [`POST /2010-04-01/Accounts/${options.accountSid}/Messages.json`]);
  const [asked] = peer.questions;
  const basic = Buffer.from(`${options.accountSid}:test-auth-token`).toString("base64");
  assert.equal(asked?.headers.authorization, `Basic ${basic}`);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(asked?.body)), {
    To: "+34612345697",
    From: "+34600000000",
    Body: "Hola, Ana: 445566",
    StatusCallback: "https://postern.example/callbacks/twilio/path-token/message-1",
    ValidityPeriod: "3600",
  });
});

test("WhatsApp by a template has no body; a messaging service is named as such", async (t) => {
  const peer = await givenPeer(t, () => ({ status: 201, body: { sid: "SM1" } }));
  const channel = twilioChannel("whatsapp", { ...options, from: `MG${"2".repeat(32)}`, apiUrl: peer.url });
  await channel.send({ ...note, byTemplate: true }, signal);
  const asked = Object.fromEntries(new URLSearchParams(peer.questions[0]?.body));
  assert.deepEqual(
    [asked.To, asked.MessagingServiceSid, asked.From, asked.Body, asked.ContentSid],
    ["whatsapp:+34612345697", `MG${"2".repeat(32)}`, undefined, undefined, "HX2"],
  );
  assert.equal(JSON.parse(asked.ContentVariables ?? "")[5], "https://postern.example/s/x");
  assert.deepEqual([channel.hasTemplate("code", "fr"), channel.hasTemplate("changed", "en")], [true, false]);
});

describe("the answer", () => {
  const refusal = (status: number, code: number) => ({
    status,
    body: { code, message: "Hola, Ana +34612345697", status },
  });
  for (const [code, kind] of Object.entries(twilioErrors))
    test(`${code}: ${kind}`, async (t) => {
      const peer = await givenPeer(t, () => refusal(400, Number(code)));
      const result = await twilioChannel("sms", { ...options, apiUrl: peer.url }).send(note, signal);
      const outcome = { later: "later", template: "template", recipient: "never", operator: "never" }[kind];
      assert.equal(result.outcome, outcome);
      if (result.outcome === "never") assert.equal(result.operator, kind === "operator");
      assert.equal("why" in result && result.why, `Twilio 400: ${code}`);
    });

  for (const [what, answer, outcome] of [
    ["a code of tomorrow", refusal(400, 99_999), "never"],
    ["too many, without a code", { status: 429, headers: { "retry-after": "7" } }, "later"],
    ["a failure", { status: 503, body: "<html>" }, "later"],
    ["a wrong sign-in", { status: 401 }, "never"],
    ["a 201 that is none", { status: 201, body: "" }, "unknown"],
    ["a line that breaks", "cut", "unknown"],
  ] as const satisfies readonly (readonly [string, PeerAnswer, string])[])
    test(`${what}: ${outcome}`, async (t) => {
      const peer = await givenPeer(t, () => answer);
      const result = await twilioChannel("sms", { ...options, apiUrl: peer.url }).send(note, signal);
      assert.equal(result.outcome, outcome);
      if (result.outcome === "later" && what.startsWith("too")) assert.equal(result.afterMs, 7_000);
      assert.doesNotMatch(JSON.stringify(result), /Ana|612345697|445566|test-auth/);
    });

  test("of nobody there: it certainly was not sent", async () => {
    const place = createServer().listen(0, "127.0.0.1");
    await once(place, "listening");
    const { port } = place.address() as AddressInfo;
    await new Promise((resolve) => place.close(resolve));
    const nobody = twilioChannel("sms", { ...options, apiUrl: `http://127.0.0.1:${port}` });
    assert.equal((await nobody.send(note, signal)).outcome, "later");
  });

  test("that does not come in time is unknown", async (t) => {
    const given = new AbortController();
    const peer = await givenPeer(t, () => {
      given.abort();
      return "hang";
    });
    const result = await twilioChannel("sms", { ...options, apiUrl: peer.url }).send(note, given.signal);
    assert.equal(result.outcome, "unknown");
  });
});

describe("one whose answer was lost", () => {
  const since = Date.UTC(2031, 2, 4, 12);
  const row = { sid: "SM9", to: note.to, body: note.text.reveal(), date_created: "Tue, 04 Mar 2031 12:00:01 +0000" };
  for (const [what, messages, found] of [
    ["is found by its recipient, moment and words", [row], { ref: "SM9" }],
    ["is not one from before", [{ ...row, date_created: "Tue, 04 Mar 2031 11:00:00 +0000" }], "absent"],
    ["may be one in other words: they may have been changed since", [{ ...row, body: "Hola" }], "unknown"],
    ["is not one to another number", [{ ...row, to: "+34612345698" }], "absent"],
    ["is absent when there is none", [], "absent"],
  ] as const)
    test(what, async (t) => {
      const peer = await givenPeer(t, () => ({ status: 200, body: { messages } }));
      const channel = twilioChannel("sms", { ...options, apiUrl: peer.url });
      assert.deepEqual(await channel.find?.(note, since, signal), found);
      const query = new URL(peer.questions[0]?.path ?? "", peer.url).searchParams;
      // A message that waits in the queue has no date of sending, and would be left out by one.
      assert.deepEqual(
        [...query],
        [
          ["To", note.to],
          ["PageSize", "50"],
        ],
      );
    });

  test("is found though our clock is minutes ahead, and past midnight already", async (t) => {
    const early = { ...row, date_created: "Mon, 03 Mar 2031 23:55:00 +0000" };
    const peer = await givenPeer(t, () => ({ status: 200, body: { messages: [early] } }));
    const channel = twilioChannel("sms", { ...options, apiUrl: peer.url });
    assert.deepEqual(await channel.find?.(note, Date.UTC(2031, 2, 4, 0, 4), signal), { ref: "SM9" });
  });

  test("is not known while Twilio does not say", async (t) => {
    const peer = await givenPeer(t, () => ({ status: 503 }));
    assert.equal(await twilioChannel("sms", { ...options, apiUrl: peer.url }).find?.(note, since, signal), "unknown");
  });
});

test("callbacks are signed as Twilio signs, over the address it was given", () => {
  assert.equal(vectors[0].signature, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
  for (const { authToken, url, fields, signature } of vectors) {
    const [key, form] = [new SecretString(authToken), new URLSearchParams(fields)];
    assert.equal(twilioSignature(key, url, form), signature);
    assert.ok(isTwilios(signature, key, url, form));
    assert.ok(!isTwilios(signature, key, url.replace("https:", "http:"), form));
    assert.ok(!isTwilios(signature, new SecretString("another"), url, form));
    assert.ok(!isTwilios("", key, url, form));
    form.append("MessageStatus", "read");
    assert.ok(!isTwilios(signature, key, url, form));
  }
});

test("its words mean ours; of a failure without a code the next way is taken", () => {
  const words = [
    "accepted",
    "queued",
    "sending",
    "sent",
    "delivered",
    "read",
    "undelivered",
    "failed",
    "canceled",
    "toString",
  ];
  assert.deepEqual(words.map(twilioWord), [
    ...[undefined, undefined, undefined],
    ...["sent", "delivered", "read", "failed", "failed", "failed", undefined],
  ]);
  assert.deepEqual([classOfTwilio(undefined, undefined), classOfTwilio(30_003, undefined)], ["recipient", "later"]);
});
