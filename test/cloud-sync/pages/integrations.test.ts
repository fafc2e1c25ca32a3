/** Makers' accounts on the pages: given without being said back, switched, taken away, by whoever may; and the log of access. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openAtGateway } from "../../../gateway/wire/gateway-secret.ts";
import { boxDoor, givenPages, nukiDoor, type PageSite } from "../../support/page-visitor.ts";

const key = "5f2c7e-the-key-of-the-account";
let site: PageSite;
before(async () => {
  site = await givenPages();
});
after(() => site.cloud.close());

test("a key is given by an owner, reaches the gateway, and stands on no page; then it is switched off and taken away", async () => {
  const { owner } = site.people;
  const { gateway } = site;
  assert.match((await site.visit(owner, "/integrations")).text, /No doors of Kisi or Brivo yet/);
  const fresh = await site.visit(owner, "/integrations/new");
  assert.match(fresh.text, /<input id="apiKey" name="apiKey" type="password"[^>]*autocomplete="off"/);

  const wrong = { gateway: gateway.id, provider: "BRIVO", apiKey: key, password: "pass word 4711" };
  const refused = await site.send(owner, "/integrations", wrong);
  assert.equal(refused.status, 422);
  assert.match(refused.text, /id="clientSecret-fault"/);
  assert.match(refused.text, /value="BRIVO" checked/);
  const given = await site.send(owner, "/integrations", { gateway: gateway.id, provider: "KISI", apiKey: key });
  assert.equal(given.headers.get("location"), "/integrations?done=saved");
  await gateway.report(
    [nukiDoor, boxDoor, { id: "studio", name: "Studio", lock: "kisi-1" }],
    [{ id: "kisi-1", link: "online", driver: "kisi" }],
  );
  const shown = await site.visit(owner, "/integrations?done=saved");
  assert.match(shown.text, /on its way to the gateway/);
  assert.match(shown.text, /Nobody can read it here again/);
  assert.match(shown.text, /Studio/);
  for (const { text } of [fresh, refused, given, shown])
    for (const secret of [key, "pass word 4711"]) assert.ok(!text.includes(secret), "it is not said back");

  const row = (await gateway.catchUp()).find(({ kind }) => kind === "integration");
  const purpose = { site: "home", gateway: gateway.id, provider: "kisi" };
  const opened = openAtGateway(gateway.privateKey, purpose, String(row?.body?.sealed));
  assert.equal(opened?.apiKey?.reveal(), key);
  assert.match((await site.visit(owner, "/integrations")).text, /the gateway has it/);

  const off = await site.send(owner, `/integrations/${gateway.id}:kisi/switch`, { to: "off" });
  assert.equal(off.headers.get("location"), "/integrations?done=switched");
  const { text: switched } = await site.visit(owner, "/integrations");
  assert.match(switched, /off: nobody new is let in/);
  assert.match(switched, /value="on"/);
  const remove = `/integrations/${gateway.id}:kisi/remove`;
  assert.match((await site.visit(owner, remove)).text, /Take the key of Kisi away from gate\?/);
  assert.equal((await site.send(owner, remove)).headers.get("location"), "/integrations?done=removed");
  assert.match((await site.visit(owner, "/integrations")).text, /nothing given here/);
  assert.equal((await site.visit(owner, remove)).status, 404);
});

test("support looks on, whoever else gets nowhere, and a form that outlived its session keeps no key", async () => {
  const { support, agency } = site.people;
  const { text } = await site.visit(support, "/integrations");
  assert.doesNotMatch(text, /\/integrations\/new/);
  assert.equal((await site.send(support, "/integrations", { provider: "KISI", apiKey: key })).status, 403);
  assert.equal((await site.visit(agency, "/integrations")).status, 403);
  const over = await site.send(undefined, "/integrations", { gateway: site.gateway.id, provider: "KISI", apiKey: key });
  assert.equal(over.status, 401);
  assert.ok(over.text.includes(site.gateway.id), "the rest of the form is kept");
  assert.ok(!over.text.includes(key));
});

test("the log tells people what became of access, page by page", async () => {
  const { owner } = site.people;
  const { gateway } = site;
  const facts = { device: "kisi-1", grant: "grant-gone", credential: "c-1", index: "x", window: null, ref: "role-81" };
  gateway.record(
    ...Array.from({ length: 30 }, (_, nth) => ({
      ...{ type: "code-read", change: nth % 2 === 0 ? "set" : "clear", state: nth % 2 === 0 ? "present" : "absent" },
      ...facts,
    })),
  );
  assert.equal((await gateway.push(1)).body.outcome, "taken");
  const { text } = await site.visit(owner, "/integrations");
  assert.match(text, /no longer kept/);
  assert.equal(text.match(/role-81/g)?.length, 25);
  const [, next = ""] = /href="(\/integrations\?after=[^"]+)"/.exec(text) ?? [];
  assert.equal((await site.visit(owner, next)).text.match(/role-81/g)?.length, 5);
});
