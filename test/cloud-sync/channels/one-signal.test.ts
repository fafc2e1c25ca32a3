/** OneSignal: what it is asked, and what each of its answers means; 200 alone is no success. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { oneSignal } from "../../../cloud-sync/channels/one-signal.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { givenPeer, type PeerAnswer } from "../../support/web-peer.ts";

const notice = { id: "notice-1", title: "Lea ha llegado", body: "en la entrada", path: "/passes/1", language: "es" };
const options = { appId: "b2f7f966-0000-4000-8000-000000000000", key: new SecretString("os_v2_app_secret") };

test("the person is told in their words, once for each notice, and a tap opens the page", async (t) => {
  const peer = await givenPeer(t, () => ({ status: 200, body: { id: "1" } }));
  const app = oneSignal({ ...options, apiUrl: peer.url, publicUrl: "https://postern.example" });
  const { signal } = new AbortController();
  assert.deepEqual(await app.send("person-1", notice, signal), { outcome: "sent" });
  await app.send("person-1", notice, signal);
  await app.send("person-1", { ...notice, id: "notice-2" }, signal);
  assert.deepEqual(new Set(peer.asked()), new Set(["POST /notifications"]));
  const [first, again, other] = peer.questions.map(({ body }) => JSON.parse(body));
  assert.equal(peer.questions[0]?.headers.authorization, "Key os_v2_app_secret");
  const { idempotency_key: key, ...asked } = first;
  assert.match(key, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual([again.idempotency_key === key, other.idempotency_key === key], [true, false]);
  assert.deepEqual(asked, {
    app_id: options.appId,
    target_channel: "push",
    include_aliases: { external_id: ["person-1"] },
    headings: { en: "Lea ha llegado", es: "Lea ha llegado" },
    contents: { en: "en la entrada", es: "en la entrada" },
    data: { path: "/passes/1" },
    url: "https://postern.example/passes/1",
    ttl: 86_400,
  });
});

describe("the answer", () => {
  for (const [what, answer, outcome, why] of [
    ["nobody has the app", { status: 200, body: { id: "", errors: ["not subscribed"] } }, "gone", /nobody has its app/],
    ["an empty 200", { status: 200, body: "" }, "later", /an answer that is none/],
    ["a wrong request", { status: 400, body: { errors: ["app_id not found"] } }, "never", /400: app_id not found/],
    ["a wrong key", { status: 403, body: { errors: ["no"] } }, "never", /403/],
    ["too many", { status: 429, headers: { "retry-after": "3" } }, "later", /429/],
    ["a failure", { status: 500, body: "<html>" }, "later", /500/],
    ["a line that breaks", "cut", "later", /no answer/],
    ["more than is read", { status: 400, body: "x".repeat(200_000) }, "never", /^OneSignal 400$/],
  ] as const satisfies readonly (readonly [string, PeerAnswer, string, RegExp])[])
    test(`${what}: ${outcome}`, async (t) => {
      const peer = await givenPeer(t, () => answer);
      const app = oneSignal({ ...options, apiUrl: peer.url });
      const result = await app.send("person-1", notice, new AbortController().signal);
      assert.equal(result.outcome, outcome);
      const said = "why" in result ? result.why : "";
      assert.match(said, why);
      assert.doesNotMatch(JSON.stringify(result), /os_v2|person-1/);
      if (what === "too many") assert.equal("afterMs" in result && result.afterMs, 3_000);
    });

  test("that does not come is given up", async (t) => {
    const given = new AbortController();
    const peer = await givenPeer(t, () => {
      given.abort();
      return "hang";
    });
    const app = oneSignal({ ...options, apiUrl: peer.url });
    assert.equal((await app.send("person-1", notice, given.signal)).outcome, "later");
  });
});
