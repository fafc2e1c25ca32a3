/** What happens to accounts leaves entries in the audit trail, and what looks like an attack leaves security events; neither tells a secret. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { makeFirstAdminLink } from "../../../cloud-sync/people/links.ts";
import { Passwords } from "../../../cloud-sync/people/passwords.ts";
import { totpCode } from "../../../cloud-sync/people/totp.ts";
import { listAudit, readAuditBodies } from "../../../cloud-sync/store/audit-trail.ts";
import { addPasskey } from "../../../cloud-sync/store/passkeys.ts";
import { changePerson } from "../../../cloud-sync/store/people.ts";
import { listSecurity } from "../../../cloud-sync/store/security-events.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import {
  type Answer,
  cheapPasswords,
  givenCloud,
  HandClock,
  type TestCloud,
  type TestPerson,
} from "../../support/cloud.ts";

const password = "sea wind over the harbour";
const clock = new HandClock();
let cloud: TestCloud;
let ada: TestPerson;
let places: Record<string, string>;
const bare = { authorization: "" };
const tokenOf = (url: string) => new URL(url).hash.slice(1);

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
  ada = await cloud.as("owner", ["home"], { name: "Ada Keeper" });
  const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString(password));
  const key = { id: "a2V5", personId: ada.id, name: "phone", publicKey: "x", counter: 0, transports: [] };
  await cloud.store.transaction(async (tx) => {
    await addPasskey(tx, key, clock.wall());
    await changePerson(tx, ada.id, { passwordHash }, clock.wall());
  });
  const other = (await cloud.ask("POST", "/auth/sign-in", { name: ada.userName, password }, bare)).body;
  assert.equal(other.outcome, "second-factor");
  const guard = await cloud.as("guard", ["home"]);
  const made = await cloud.ask("POST", "/api/api-keys", { name: "k", role: "owner", scopes: ["sites.read"] });
  places = { person: guard.id, key: made.body.key.id, passkey: "a2V5", session: ada.session };
});
after(() => cloud.close());

const trail = () => listAudit(cloud.store.db, { limit: 1_000 });
const kinds = async () => (await listSecurity(cloud.store.db, { limit: 100 })).map(({ kind }) => kind);

/** What each route is asked with and leaves; ada asks the own ones, an administrator the others. */
const changes: Record<string, readonly [body: object | undefined, action: string]> = {
  "patch /api/me": [{ language: "es", name: "Ada the Keeper" }, "account.change"],
  "post /api/me/password": [{ current: password, password: "another sentence of mine" }, "account.password"],
  "post /api/me/passkeys/{passkey}/remove": [{ password: "another sentence of mine" }, "account.remove-passkey"],
  "delete /api/me/sessions": [undefined, "account.end-sessions"],
  "post /api/me/totp/confirm": [undefined, "account.add-totp"],
  "post /api/me/totp/remove": [{ password: "another sentence of mine" }, "account.remove-totp"],
  "delete /api/me/sessions/{session}": [undefined, "account.end-session"],
  "post /api/people": [{ userName: "gus", name: "Gus Guard", role: "guard", sites: ["home"] }, "people.invite"],
  "patch /api/people/{person}": [{ role: "owner" }, "people.change"],
  "post /api/people/{person}/reset-link": [undefined, "people.reset-link"],
  "delete /api/people/{person}/sessions": [undefined, "people.end-sessions"],
  "delete /api/people/{person}/second-factor": [undefined, "people.forget-second-factor"],
  "post /api/api-keys": [{ name: "import", role: "owner", scopes: ["sites.read"] }, "api-keys.make"],
  "delete /api/api-keys/{key}": [undefined, "api-keys.revoke"],
};
/** They only hand out what a later one confirms; a passkey's is with the passkeys' tests, an erasure's with privacy's. */
const offers = ["post /api/me/totp", "post /api/me/passkeys/options", "post /api/me/passkeys"];
const elsewhere = ["post /api/people/{person}/erase"];
/** How and where somebody is told of their visitors: their own affair, and a browser's ends with its session. */
const unrecorded = ["put /api/me/notices", "post /api/me/push", "delete /api/me/push/{id}"];

describe("every changing route of accounts", () => {
  test("is in the list of this test", async () => {
    const { body } = await cloud.ask("GET", "/openapi.json");
    const changing = Object.entries<object>(body.paths)
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
      .filter((name) => /^(?!get )\w+ \/api\/(me|people|api-keys)\b/.test(name));
    assert.deepEqual(changing.sort(), [...Object.keys(changes), ...offers, ...elsewhere, ...unrecorded].sort());
  });

  for (const [name, [body, action]] of Object.entries(changes))
    test(`${name} leaves one entry, "${action}"`, async () => {
      clock.advance(60_000);
      const [method = "", path = ""] = name.split(" ");
      const isOwn = path.startsWith("/api/me");
      const url = path.replace(/\{(\w+)\}/g, (_, place) => places[place]!);
      const sent = path.endsWith("/confirm") ? await aCode() : body;
      const before = (await trail()).length;
      const headers = { "user-agent": "a test" };
      const ask = isOwn ? ada.ask : cloud.ask;
      const answer: Answer = await ask(method.toUpperCase(), url, sent, headers);
      assert.ok(answer.status < 300, answer.text);
      const rows = await trail();
      assert.equal(rows.length, before + 1);
      assert.deepEqual(
        [rows[0]?.action, rows[0]?.actor, rows[0]?.at],
        [action, isOwn ? ada.id : "admin", clock.wall()],
      );
      const [said] = await readAuditBodies(cloud.store.db, rows.slice(0, 1));
      assert.deepEqual(said?.from, { address: "in-process", device: "a test" });
    });

  /** Of an app that was just set up: the password was changed by then. */
  async function aCode(): Promise<{ code: string }> {
    const { body } = await ada.ask("POST", "/api/me/totp", { password: "another sentence of mine" });
    return { code: totpCode(new SecretString(body.secret), clock.wall()) };
  }

  test("a link that sets a password, and the first administrator, leave theirs", async () => {
    clock.advance(60_000);
    const { body } = await cloud.ask("POST", `/api/people/${places.person}/reset-link`);
    assert.equal(
      (await cloud.ask("POST", "/auth/link/password", { token: tokenOf(body.url), password }, bare)).status,
      204,
    );
    const link = await makeFirstAdminLink(cloud.store, "http://localhost", clock.wall());
    const token = tokenOf(link!.reveal());
    const admin = { token, name: "Eve First", userName: "eve", password };
    const made = await cloud.ask("POST", "/auth/first-admin", admin, bare);
    const [first, second] = await trail();
    assert.deepEqual([first?.action, first?.actor], ["people.first-admin", made.body.person]);
    assert.deepEqual([second?.action, second?.actor], ["account.password", places.person]);
  });

  test("none tells a password, a hash, a token or a name", async () => {
    const all = JSON.stringify(await trail());
    assert.doesNotMatch(all, /argon2|postern_|sentence of mine|sea wind|Ada|Gus|Eve|"gus"/);
  });
});

describe("security events", () => {
  test("a locked account, a burst from one address, a replayed session, a new device, a refusal, a foreign page", async () => {
    clock.advance(3_600_000);
    const bob = await cloud.as("user", ["home"]);
    const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString(password));
    await cloud.store.transaction((tx) => changePerson(tx, bob.id, { passwordHash }, clock.wall()));
    const enter = (secret: string, device: string) =>
      cloud.ask("POST", "/auth/sign-in", { name: bob.userName, password: secret }, { ...bare, "user-agent": device });
    const before = await kinds();
    const { refreshToken } = (await enter(password, "test")).body;
    assert.deepEqual(await kinds(), before, "a known device is no news");

    await enter(password, "another phone");
    const thief = (await cloud.ask("POST", "/auth/refresh", { refreshToken }, bare)).body;
    await cloud.ask("GET", "/api/me", undefined, { authorization: `Bearer ${thief.accessToken}` });
    clock.advance(21_000);
    await cloud.ask("POST", "/auth/refresh", { refreshToken }, bare);
    for (let times = 0; times < 40; times += 1) await enter("not the password", "guesser");
    assert.equal((await bob.ask("GET", "/api/people")).status, 403);
    await cloud.app.request("/api/me", {
      method: "PATCH",
      headers: { ...bob.browser, "sec-fetch-site": "cross-site" },
    });

    const events = await listSecurity(cloud.store.db, { limit: 100 });
    const told = events.filter(({ kind }) => !before.includes(kind));
    assert.deepEqual(told.map(({ kind, severity }) => `${kind} ${severity}`).sort(), [
      "account-locked warning",
      "foreign-origin notice",
      "new-device notice",
      "permission-refused notice",
      "session-replayed alarm",
      "sign-in-burst warning",
    ]);
    assert.equal(told.find(({ kind }) => kind === "account-locked")?.subject, bob.id);
    assert.equal(told.find(({ kind }) => kind === "sign-in-burst")?.count, 1);
    assert.doesNotMatch(JSON.stringify(events), /not the password|sea wind|session-[a-z0-9]{16}\./);
  });
});
