/** Notifications by pages: what one is told, by which way, and in which browsers. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { givenPages, type PageSite } from "../../support/page-visitor.ts";
import { givenPushPeer, type PushPeer } from "../../support/push-peer.ts";

const closing: (() => unknown)[] = [];
let peer: PushPeer;
let site: PageSite;
before(async () => {
  peer = await givenPushPeer({ after: (close) => void closing.push(close as () => unknown) });
  site = await givenPages({ pushServices: [peer.origin] });
});
after(async () => {
  await site.cloud.close();
  for (const close of closing) await close();
});

const page = "/account/notices";

test("a resident chooses what they are told, and by which way", async () => {
  const { resident } = site.people;
  assert.match((await site.visit(resident, "/passes")).text, /href="\/account\/notices"/);
  const first = await site.visit(resident, page);
  assert.match(first.text, /value="push" checked/);
  assert.match(first.text, /value="entries" checked/);
  assert.doesNotMatch(first.text, /value="denials" checked/);
  const chosen = await site.send(resident, page, { channel: "email", about: ["denials"] });
  assert.equal(chosen.headers.get("location"), `${page}?done=saved`);
  const { text } = await site.visit(resident, page);
  assert.match(text, /value="email" checked/);
  assert.match(text, /value="denials" checked/);
  assert.doesNotMatch(text, /value="entries" checked/);
  const refused = await site.send(resident, page, { channel: "pigeon" });
  assert.equal(refused.status, 422);
  assert.match(refused.text, /id="channel-fault"/);
});

test("a browser subscribes with the service's key, stands in the list, and is taken off it", async () => {
  const { resident } = site.people;
  const first = await site.visit(resident, page);
  const { text } = first;
  assert.match(text, /data-push="B[\w-]{86}"/);
  const worker = await site.visit(undefined, /data-worker="([^"]+)"/.exec(text)![1]!);
  assert.equal(worker.headers.get("content-type"), "text/javascript; charset=utf-8");
  // A phone that wants the pages on its home screen first finds what it needs for that.
  const [, manifest] = /rel="manifest" href="([^"]+)"/.exec(text)!;
  assert.equal(JSON.parse((await site.visit(undefined, manifest!)).text).start_url, "/");
  assert.match(first.headers.get("content-security-policy") ?? "", /manifest-src 'self'/);
  const subscription = JSON.stringify(peer.browser("phone").subscription);
  const agent = { "user-agent": "Pocket Browser" };
  const added = await site.send(resident, `${page}/browsers`, { subscription }, agent);
  assert.equal(added.headers.get("location"), `${page}?done=added`);
  const listed = await site.visit(resident, page);
  assert.match(listed.text, /Pocket Browser/);
  const [remove] = /\/account\/notices\/browsers\/[^"]+\/remove/.exec(listed.text)!;
  assert.equal((await site.send(resident, remove)).headers.get("location"), `${page}?done=removed`);
  assert.doesNotMatch((await site.visit(resident, page)).text, /Pocket Browser/);
});

test("an address that is no push service's is refused in the reader's language", async () => {
  const rosa = await site.cloud.as("resident", ["home"], { language: "es" });
  const { subscription } = peer.browser("far");
  const far = JSON.stringify({ ...subscription, endpoint: "https://push.example/far" });
  const refused = await site.send(rosa, `${page}/browsers`, { subscription: far });
  assert.equal(refused.status, 422);
  assert.match(refused.text, /no conoce los avisos de este navegador/);
  assert.equal((await site.send(rosa, `${page}/browsers`, { subscription: "none" })).status, 422);
});
