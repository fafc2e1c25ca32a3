/** Meta's WhatsApp Cloud API: what it is asked, what each of its codes means, and whose webhooks are believed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { GuestNote } from "../../../cloud-sync/channels/guest-channel.ts";
import { metaErrors } from "../../../cloud-sync/channels/meta-errors.ts";
import { isMetas, metaChannel, metaStatuses } from "../../../cloud-sync/channels/meta-whatsapp.ts";
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
  byTemplate: true,
};
const options = {
  phoneNumberId: "106540352242922",
  token: new SecretString("test-meta-token"),
  version: "v25.0",
  templates: { code: { en: "stay_code" } },
};
const { signal } = new AbortController();
const [vector] = JSON.parse(
  readFileSync(new URL("../../wire/golden/guest-callbacks.json", import.meta.url), "utf8"),
).meta;

test("a template is asked for in its own language, with everything Meta wants", async (t) => {
  const peer = await givenPeer(t, () => ({ status: 200, body: { messages: [{ id: "wamid.1" }] } }));
  const channel = metaChannel({ ...options, apiUrl: peer.url });
  assert.deepEqual(await channel.send(note, signal), { outcome: "sent", ref: "wamid.1" });
  assert.deepEqual(peer.asked(), ["POST /v25.0/106540352242922/messages"]);
  assert.equal(peer.questions[0]?.headers.authorization, "Bearer test-meta-token");
  assert.deepEqual(JSON.parse(peer.questions[0]?.body ?? ""), {
    messaging_product: "whatsapp",
    recipient_type: "individual",
    to: "34612345697",
    type: "template",
    template: {
      name: "stay_code",
      language: { code: "en" },
      components: [
        {
          type: "body",
          parameters: ["Ana", "Ático", "hoy", "mañana", "https://postern.example/s/x"].map((text) => ({
            type: "text",
            text,
          })),
        },
      ],
    },
  });
  await channel.send({ ...note, byTemplate: false }, signal);
  const { type, text } = JSON.parse(peer.questions[1]?.body ?? "");
  assert.deepEqual([type, text], ["text", { body: "Hola, Ana: 445566", preview_url: false }]);
  assert.equal(channel.find, undefined);
});

describe("the answer", () => {
  const refusal = (status: number, code: number) => ({ status, body: { error: { message: `(#${code}) Ana`, code } } });
  for (const [code, kind] of Object.entries(metaErrors))
    test(`${code}: ${kind}, whatever the HTTP status`, async (t) => {
      for (const status of [400, 500, 200]) {
        const peer = await givenPeer(t, () => refusal(status, Number(code)));
        const result = await metaChannel({ ...options, apiUrl: peer.url }).send(note, signal);
        const outcome = { later: "later", template: "template", recipient: "never", operator: "never" }[kind];
        assert.equal(result.outcome, outcome);
        if (result.outcome === "never") assert.equal(result.operator, kind === "operator");
        if (code === "131056") assert.ok(result.outcome === "later" && (result.afterMs ?? 0) >= 6_000);
        assert.doesNotMatch(JSON.stringify(result), /Ana|test-meta/);
      }
    });

  for (const [what, answer, outcome] of [
    ["a code of tomorrow", refusal(400, 999_999), "never"],
    ["a failure", { status: 502, body: "<html>" }, "later"],
    ["a 200 that is none", { status: 200, body: "{}" }, "unknown"],
    ["a line that breaks", "cut", "unknown"],
  ] as const satisfies readonly (readonly [string, PeerAnswer, string])[])
    test(`${what}: ${outcome}`, async (t) => {
      const peer = await givenPeer(t, () => answer);
      assert.equal((await metaChannel({ ...options, apiUrl: peer.url }).send(note, signal)).outcome, outcome);
    });
});

test("webhooks are signed over their bytes; another byte or key is nobody's", () => {
  const [secret, body] = [new SecretString(vector.appSecret), Buffer.from(vector.body)];
  assert.ok(isMetas(vector.signature, secret, body));
  assert.ok(isMetas(vector.signature.toUpperCase().replace("SHA256", "sha256"), secret, body));
  assert.ok(!isMetas(vector.signature, secret, Buffer.concat([body, Buffer.from(" ")])));
  assert.ok(!isMetas(vector.signature, new SecretString("another"), body));
  assert.ok(!isMetas(vector.signature.slice(0, -2), secret, body));
  assert.deepEqual(metaStatuses(JSON.parse(vector.body)), [{ ref: "wamid.HBgL", word: "delivered", code: undefined }]);
});

test("of a webhook what is known is taken, and nothing breaks on the rest", () => {
  const status = (facts: object) => ({ entry: [{ changes: [{ value: { statuses: [facts] } }] }] });
  assert.deepEqual(metaStatuses(status({ id: "w", status: "failed", errors: [{ code: 131_026, title: "x" }] })), [
    { ref: "w", word: "failed", code: 131_026 },
  ]);
  for (const body of [undefined, null, 7, [], {}, { entry: {} }, status({ id: "w", status: "warned" }), status({})])
    assert.deepEqual(metaStatuses(body), []);
  assert.deepEqual(metaStatuses({ entry: [{ changes: [{ value: { messages: [{}] } }] }] }), []);
});
