/** To which addresses push messages go, how the service says who it is, and what each answer means. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import type { PushResult } from "../../../cloud-sync/channels/push.ts";
import { isPushService, type PushKeys, sendPush } from "../../../cloud-sync/channels/web-push.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { givenPushPeer, type PushAnswer, senderOf } from "../../support/push-peer.ts";

const notice = { id: "notice-1", title: "Lea has arrived", body: "at the gate", path: "/passes/1", language: "en" };
const now = Date.UTC(2031, 2, 4, 12);
const contact = "https://postern.example";

function someKeys(): PushKeys {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const point = publicKey.export({ format: "der", type: "spki" }).subarray(-65);
  const secret = privateKey.export({ format: "der", type: "pkcs8" }).toString("base64url");
  return { publicKey: point.toString("base64url"), privateKey: new SecretString(secret) };
}

describe("a push service is", () => {
  for (const [endpoint, isOne] of [
    ["https://fcm.googleapis.com/fcm/send/abc", true],
    ["https://updates.push.services.mozilla.com/wpush/v2/abc", true],
    ["https://web.push.apple.com/abc", true],
    ["https://wns2-par02p.notify.windows.com/w/?token=abc", true],
    ["https://own.example:8443/abc", true],
    ["https://own.example/abc", false],
    ["http://fcm.googleapis.com/fcm/send/abc", false],
    ["https://fcm.googleapis.com:8443/abc", false],
    ["https://me@fcm.googleapis.com/abc", false],
    ["https://fcm.googleapis.com.example/abc", false],
    ["https://push.services.mozilla.com/abc", false],
    ["https://evilnotify.windows.com/abc", false],
    ["https://127.0.0.1/abc", false],
    ["file:///etc/passwd", false],
    ["none", false],
  ] as const)
    test(`${isOne ? "" : "not "}${endpoint}`, () =>
      assert.equal(isPushService(endpoint, ["https://own.example:8443"]), isOne));
});

test("a message says who sends it, how long it is good, and is for its browser alone", async (t) => {
  const peer = await givenPushPeer(t);
  const browser = peer.browser("phone");
  const { endpoint, keys: browserKeys } = browser.subscription;
  const keys = someKeys();
  const settings = { contact, services: [peer.origin] };
  const { signal } = new AbortController();
  const result = await sendPush(settings, keys, { endpoint, ...browserKeys }, notice, now, signal);
  assert.deepEqual(result, { outcome: "sent" });
  const { language: _, ...told } = notice;
  assert.deepEqual(browser.messages(), [told]);
  const [push] = peer.taken;
  const sender = senderOf(push!);
  assert.equal(sender.key, keys.publicKey);
  assert.deepEqual(sender.claims, { aud: peer.origin, sub: contact, exp: now / 1_000 + 12 * 3_600 });
  assert.deepEqual(
    [push?.headers["content-encoding"], push?.headers.ttl, push?.headers.urgency],
    ["aes128gcm", "86400", "high"],
  );
  assert.match(String(push?.headers.topic), /^[\w-]{32}$/);
  assert.ok(!push?.body.includes("Lea"));
});

describe("the answer", () => {
  for (const [answer, outcome] of [
    [{ status: 200 }, { outcome: "sent" }],
    [
      { status: 301, headers: { location: "http://127.0.0.1:1/" } },
      { outcome: "never", why: "web push 301" },
    ],
    [{ status: 400 }, { outcome: "never", why: "web push 400" }],
    [{ status: 401 }, { outcome: "never", why: "web push 401" }],
    [{ status: 403 }, { outcome: "never", why: "web push 403" }],
    [{ status: 404 }, { outcome: "gone", why: "web push 404" }],
    [{ status: 410 }, { outcome: "gone", why: "web push 410" }],
    [{ status: 413 }, { outcome: "never", why: "web push 413" }],
    [
      { status: 429, headers: { "retry-after": "7" } },
      { outcome: "later", why: "web push 429", afterMs: 7_000 },
    ],
    [{ status: 500 }, { outcome: "later", why: "web push 500", afterMs: undefined }],
    [{ status: 503 }, { outcome: "later", why: "web push 503", afterMs: undefined }],
    ["cut", { outcome: "later", why: "web push: no answer (UND_ERR_SOCKET)" }],
  ] as const satisfies readonly (readonly [PushAnswer, PushResult])[])
    test(typeof answer === "string" ? answer : String(answer.status), async (t) => {
      const peer = await givenPushPeer(t);
      peer.answer = () => answer;
      const { endpoint, keys } = peer.browser("phone").subscription;
      const settings = { contact, services: [peer.origin] };
      const { signal } = new AbortController();
      assert.deepEqual(await sendPush(settings, someKeys(), { endpoint, ...keys }, notice, now, signal), outcome);
      assert.equal(peer.taken.length, 1);
    });

  test("that does not come is given up, and one that is not to be had is not asked for", async (t) => {
    const peer = await givenPushPeer(t);
    const given = new AbortController();
    peer.answer = () => {
      given.abort();
      return "hang";
    };
    const { endpoint, keys } = peer.browser("phone").subscription;
    const send = (services: readonly string[]) =>
      sendPush({ contact, services }, someKeys(), { endpoint, ...keys }, notice, now, given.signal);
    assert.deepEqual(await send([peer.origin]), { outcome: "later", why: "web push: no answer (AbortError)" });
    assert.equal((await send([])).outcome, "gone");
    assert.equal(peer.taken.length, 1);
  });
});
