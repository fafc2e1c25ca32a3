/** What administrators have pages for: security events, API keys, a second step that was lost. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { recordSecurity } from "../../../cloud-sync/store/security-events.ts";
import { givenPages, type PageSite } from "../../support/page-visitor.ts";

let site: PageSite;
before(async () => {
  site = await givenPages();
});
after(() => site.cloud.close());

test("a security event is open until an administrator resolves it; support looks and changes nothing", async () => {
  const { admin, support } = site.people;
  const { store, clock } = site.cloud.parts;
  const event = { kind: "account-locked", severity: "warning", subject: site.people.agency.id } as const;
  await recordSecurity(store.db, { ...event, address: "192.0.2.7" }, clock.wall());

  const { text } = await site.visit(admin, "/security");
  assert.match(text, /An account is locked/);
  assert.match(text, /192\.0\.2\.7/);
  const [path] = /\/security\/[^"]+\/resolve/.exec(text)!;
  assert.doesNotMatch((await site.visit(support, "/security")).text, /\/resolve"/);
  assert.equal((await site.send(support, path)).status, 403);
  assert.doesNotMatch((await site.visit(admin, "/security?severity=alarm")).text, /An account is locked/);

  const resolved = await site.send(admin, path, { state: "open", severity: "warning" });
  assert.equal(resolved.headers.get("location"), "/security?state=open&severity=warning&done=resolved");
  assert.doesNotMatch((await site.visit(admin, "/security")).text, /An account is locked/);
  assert.match((await site.visit(admin, "/security?state=resolved")).text, /An account is locked/);
});

test("an API key is made with what it may do and until when, shown once, works, and is ended", async () => {
  const { admin } = site.people;
  const form = { name: "Booking import", role: "agency", sites: "home", lastDay: "" };
  const refused = await site.send(admin, "/api-keys", { ...form, lastDay: "2001-03-04" });
  assert.equal(refused.status, 422);
  assert.match(refused.text, /id="scopes-fault"/);
  assert.match(refused.text, /value="Booking import"/);
  const late = await site.send(admin, "/api-keys", { ...form, scopes: "codes.read", lastDay: "2001-03-04" });
  assert.match(late.text, /id="lastDay-fault"/);

  const scopes = await site.visit(admin, "/api-keys/scopes?role=agency&scopes=codes.read");
  assert.match(scopes.text, /value="codes.read" checked/);
  assert.doesNotMatch(scopes.text, /grants\.change|people\.change/);

  const made = await site.send(admin, "/api-keys", { ...form, scopes: ["codes.read", "doors.read"] });
  const [, token] = /<output[^>]*>([^<]+)</.exec(made.text)!;
  const asKey = { authorization: `Bearer ${token}` };
  assert.equal((await site.cloud.ask("GET", "/api/temp-codes", undefined, asKey)).status, 200);
  const { text } = await site.visit(admin, "/api-keys");
  assert.match(text, /Booking import/);
  assert.doesNotMatch(text, new RegExp(token!));

  const [path] = /\/api-keys\/[^"/]+\/end/.exec(text)!;
  assert.match((await site.visit(admin, path)).text, /End the key “Booking import”\?/);
  assert.equal((await site.send(admin, path)).headers.get("location"), "/api-keys?done=ended");
  assert.equal((await site.cloud.ask("GET", "/api/temp-codes", undefined, asKey)).status, 401);
});

test("a lost second step is removed after a question, stands in the audit, and nobody removes their own so", async () => {
  const { admin, support } = site.people;
  const page = await site.visit(admin, `/people/${support.id}`);
  assert.match(page.text, /Remove the second step/);
  assert.doesNotMatch((await site.visit(admin, `/people/${admin.id}`)).text, /Remove the second step/);
  const path = `/people/${support.id}/second-factor`;
  assert.match((await site.visit(admin, path)).text, /are signed out everywhere/);

  assert.equal((await site.send(admin, path)).headers.get("location"), `/people/${support.id}?done=factor`);
  assert.doesNotMatch((await site.visit(admin, `/people/${support.id}`)).text, /Remove the second step/);
  assert.equal((await site.visit(support, "/people")).status, 303);
  assert.match((await site.visit(admin, "/audit?action=people.forget-second-factor")).text, /forget-second-factor/);
  const own = await site.send(admin, `/people/${admin.id}/second-factor`);
  assert.equal(own.status, 422);
  assert.match(own.text, /change your own factors/);
});

test("signed passes are turned on, signed by another key and turned off at the site's page, by whoever may change the site", async () => {
  const { admin, agency } = site.people;
  const isOn = async () => (await site.cloud.ask("GET", "/api/sites/home")).body.signedPasses;
  const press = (to: string) => site.send(admin, "/sites/home/signed-passes", { to });
  const page = async () => (await site.visit(admin, "/sites/home")).text;
  assert.match(await page(), /name="to" value="on"/);
  assert.equal((await press("on")).headers.get("location"), "/sites/home?done=signed-on");
  assert.equal(await isOn(), true);
  assert.match(await page(), /value="new-key".*value="off"/s);
  assert.match((await site.visit(admin, "/sites/home?done=signed-new-key")).text, /A new key signs from now on/);
  assert.equal((await press("new-key")).status, 303);
  assert.equal((await press("off")).status, 303);
  assert.equal(await isOn(), false);
  assert.equal((await press("maybe")).status, 400);
  const other = await site.send(agency, "/sites/home/signed-passes", { to: "on" });
  assert.deepEqual([other.status, await isOn()], [403, false]);
});
