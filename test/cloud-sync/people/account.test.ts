/** How people come to have accounts: the first administrator, invitations, resets; and what administrators may change. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { hashOf } from "../../../cloud-sync/ids.ts";
import { cleanOnce } from "../../../cloud-sync/jobs/housekeeping.ts";
import { makeFirstAdminLink } from "../../../cloud-sync/people/links.ts";
import { adminToken as adminTokens } from "../../../cloud-sync/store/schema.ts";
import { givenCloud, HandClock, type TestCloud, type TestPerson } from "../../support/cloud.ts";

const password = "sea wind over the harbour";
const dayMs = 86_400_000;
const clock = new HandClock();
let cloud: TestCloud;
const bare = { authorization: "" };
const post = (path: string, body: object) => cloud.ask("POST", path, body, bare);
const enter = (name: string, secret = password) => post("/auth/sign-in", { name, password: secret });
const tokenOf = (url: string) => new URL(url).hash.slice(1);

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
});
after(() => cloud.close());
beforeEach(() => clock.advance(3_600_000));

describe("the first administrator", () => {
  const facts = { name: "Ada Keeper", userName: "Ada", email: "Ada@Example.org", password };

  test("is made by the newest or any other link of a start, once, and the token of an earlier version retires", async () => {
    const made = () => makeFirstAdminLink(cloud.store, "http://localhost:8090", clock.wall());
    const [former, link] = [await made(), await made()];
    assert.match(link!.reveal(), /^http:\/\/localhost:8090\/first-admin#postern_link_/);
    const printed = "postern_admin_of-an-earlier-version";
    await cloud.store.db.insert(adminTokens).values({ siteId: "*", hash: hashOf(printed), createdAt: 1 });
    const byPrinted = () => cloud.ask("GET", "/api/sites", undefined, { authorization: `Bearer ${printed}` });
    assert.equal((await byPrinted()).status, 200);

    const token = tokenOf(link!.reveal());
    assert.equal((await post("/auth/first-admin", { ...facts, token: `${token}x` })).status, 404);
    const weak = await post("/auth/first-admin", { ...facts, token, password: "adakeeper1234" });
    assert.deepEqual([weak.status, weak.body.errors[0].field], [400, "body.password"]);
    const two = await Promise.all([
      post("/auth/first-admin", { ...facts, token }),
      post("/auth/first-admin", { ...facts, token, userName: "eve", email: "eve@example.org" }),
    ]);
    assert.deepEqual(two.map(({ status }) => status).sort(), [201, 404]);
    assert.equal((await post("/auth/first-admin", { ...facts, userName: "eve", token })).status, 404);
    assert.equal((await post("/auth/first-admin", { ...facts, token: tokenOf(former!.reveal()) })).status, 404);
    assert.equal((await byPrinted()).status, 401);
    assert.equal(await made(), undefined);
  });

  test("is made by no link once there is an administrator, however that one came to be", async (t) => {
    const own = await givenCloud({ clock });
    t.after(() => own.close());
    const link = await makeFirstAdminLink(own.store, "http://localhost", clock.wall());
    const invited = await own.ask("POST", "/api/people", { userName: "bea", name: "Bea", role: "admin" });
    const choice = { token: tokenOf(invited.body.link.url), password };
    assert.equal((await own.ask("POST", "/auth/link/password", choice, bare)).status, 204);
    const late = await own.ask("POST", "/auth/first-admin", { ...facts, token: tokenOf(link!.reveal()) }, bare);
    assert.deepEqual([late.status, late.body.code], [404, "unknown-link"]);
  });

  test("may set up a second factor, and nothing else before it has one", async () => {
    const { items } = (await cloud.ask("GET", "/api/people?role=admin")).body;
    const { status, body } = await enter(items[0].userName);
    assert.deepEqual([status, body.outcome], [200, "signed-in"]);
    const headers = { authorization: `Bearer ${body.accessToken}` };
    const me = await cloud.ask("GET", "/api/me", undefined, headers);
    assert.deepEqual([me.status, me.body.secondFactor.needed, me.body.actions], [200, true, ["account.self"]]);
    for (const path of ["/api/sites", "/api/people", "/api/sites/home/gateways"]) {
      const refused = await cloud.ask("GET", path, undefined, headers);
      assert.deepEqual([refused.status, refused.body.code], [403, "second-factor-needed"], path);
    }
  });
});

describe("an invitation", () => {
  const invite = (change: object = {}) =>
    cloud.ask("POST", "/api/people", {
      userName: `agency.${clock.wall()}`,
      name: "Sun Agency",
      role: "agency",
      sites: ["home"],
      ...change,
    });

  test("leads to a password and from there in, once", async () => {
    const { status, body } = await invite({ email: "Sun@Example.org", language: "es" });
    assert.equal(status, 201);
    assert.deepEqual(
      [body.person.state, body.person.email, body.person.sites, body.person.createdBy],
      ["invited", "sun@example.org", ["home"], "admin"],
    );
    const token = tokenOf(body.link.url);
    const look = await post("/auth/link", { token });
    assert.deepEqual(look.body, {
      purpose: "invite",
      userName: body.person.userName,
      name: "Sun Agency",
      language: "es",
    });
    assert.equal((await post("/auth/link/password", { token, password: "short" })).status, 400);
    const both = await Promise.all([
      post("/auth/link/password", { token, password }),
      post("/auth/link/password", { token, password: "somebody else's sentence" }),
    ]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [204, 404]);
    assert.equal((await post("/auth/link", { token })).status, 404);
    const mine = both[0]!.status === 204 ? password : "somebody else's sentence";
    assert.equal((await enter("sun@example.org", mine)).status, 200);
    assert.equal((await cloud.ask("GET", `/api/people/${body.person.id}`)).body.state, "active");
  });

  test("is good for a week, and only the newest one", async () => {
    const { body } = await invite();
    const again = await cloud.ask("POST", `/api/people/${body.person.id}/reset-link`);
    assert.equal((await post("/auth/link", { token: tokenOf(body.link.url) })).status, 404);
    assert.equal((await post("/auth/link", { token: tokenOf(again.body.url) })).body.purpose, "invite");
    clock.advance(7 * dayMs);
    assert.equal((await post("/auth/link", { token: tokenOf(again.body.url) })).status, 404);
  });

  test("names what is wrong: names in use, a site that is none, a role that is none, fields nobody may set", async () => {
    const { body } = await invite({ userName: "Taken.Name", email: "taken@example.org" });
    assert.equal(body.person.userName, "taken.name");
    const rows: [object, number, string][] = [
      [{ userName: "TAKEN.name" }, 409, "body.userName"],
      [{ email: "TAKEN@example.org" }, 409, "body.email"],
      [{ userName: "a b" }, 400, "body.userName"],
      [{ userName: "ada@example.org" }, 400, "body.userName"],
      [{ email: "no address" }, 400, "body.email"],
      [{ sites: ["home", "nowhere"] }, 400, "body.sites[1]"],
      [{ role: "root" }, 400, "body.role"],
      [{ passwordHash: "x" }, 400, "body.passwordHash"],
    ];
    for (const [change, status, field] of rows) {
      clock.advance(1_000);
      const answer = await invite(change);
      assert.deepEqual([answer.status, answer.body.errors?.[0].field], [status, field], JSON.stringify(change));
    }
  });
});

describe("a reset", () => {
  test("sets a new password, ends all sessions, unlocks, and does not go round the second factor", async () => {
    const admin = await cloud.as("admin");
    const { body } = await cloud.ask("POST", `/api/people/${admin.id}/reset-link`);
    const token = tokenOf(body.url);
    clock.advance(1_000);
    assert.equal((await post("/auth/link/password", { token, password })).status, 204);
    assert.equal((await admin.ask("GET", "/api/me")).status, 401);
    assert.equal((await enter(admin.userName)).body.outcome, "second-factor");
  });

  test("is refused to whoever was disabled meanwhile", async () => {
    const person = await cloud.as("user");
    const { body } = await cloud.ask("POST", `/api/people/${person.id}/reset-link`);
    await cloud.ask("PATCH", `/api/people/${person.id}`, { disabled: true });
    assert.equal((await post("/auth/link", { token: tokenOf(body.url) })).status, 404);
    assert.equal((await post("/auth/link/password", { token: tokenOf(body.url), password })).status, 404);
  });
});

describe("administrators", () => {
  let admin: TestPerson;
  beforeEach(async () => {
    admin = await cloud.as("admin");
  });
  const change = (who: TestPerson, id: string, body: object) => who.ask("PATCH", `/api/people/${id}`, body);

  test("change name, role, sites and state of others, at once", async () => {
    const person = await cloud.as("user");
    assert.equal((await person.ask("GET", "/api/sites/home")).status, 404);
    const changed = await change(admin, person.id, { role: "owner", sites: ["home", "home"], name: "Bo" });
    assert.deepEqual([changed.body.role, changed.body.sites, changed.body.name], ["owner", ["home"], "Bo"]);
    assert.equal((await person.ask("GET", "/api/sites/home/gateways")).status, 200);
    assert.equal((await change(admin, person.id, { disabled: true })).body.state, "disabled");
    assert.equal((await person.ask("GET", "/api/me")).status, 401);
    await change(admin, person.id, { disabled: false });
    assert.equal((await person.ask("GET", "/api/me")).status, 401, "its sessions do not come back");
  });

  test("change neither their own role nor disable themselves", async () => {
    for (const [body, field] of [
      [{ role: "user" }, "body.role"],
      [{ disabled: true }, "body.disabled"],
    ] as const) {
      const refused = await change(admin, admin.id, body);
      assert.deepEqual([refused.status, refused.body.errors[0].field], [409, field]);
    }
    assert.equal((await change(admin, admin.id, { name: "Still Ada" })).status, 200);
  });

  test("cannot all go: the last one stays", async () => {
    const { items } = (await cloud.ask("GET", "/api/people?role=admin")).body;
    const [last] = items.filter(({ state }: { state: string }) => state === "active");
    for (const { id } of items) if (id !== last.id) await cloud.ask("PATCH", `/api/people/${id}`, { disabled: true });
    for (const [body, field] of [
      [{ role: "user" }, "body.role"],
      [{ disabled: true }, "body.disabled"],
    ] as const) {
      const refused = await cloud.ask("PATCH", `/api/people/${last.id}`, body);
      assert.deepEqual([refused.status, refused.body.errors[0].field], [409, field]);
    }
  });

  test("find people by part of a name, by role and site, page by page", async () => {
    for (const userName of ["find-1", "find-2", "find-3"]) await cloud.as("guard", ["home"], { userName });
    const page = (await admin.ask("GET", "/api/people?search=FIND-&site=home&role=guard&limit=2")).body;
    assert.deepEqual(
      page.items.map(({ userName }: { userName: string }) => userName),
      ["find-1", "find-2"],
    );
    const rest = (await admin.ask("GET", `/api/people?search=find-&limit=2&after=${page.next}`)).body;
    assert.deepEqual([rest.items.length, rest.next], [1, null]);
    assert.equal((await admin.ask("GET", "/api/people?search=%25")).body.items.length, 0);
  });

  test("make somebody forget lost factors, whose sessions then end", async () => {
    const support = await cloud.as("support");
    assert.equal((await support.ask("GET", "/api/sites")).status, 200);
    assert.equal((await admin.ask("DELETE", `/api/people/${support.id}/second-factor`)).status, 204);
    assert.equal((await support.ask("GET", "/api/sites")).status, 401);
    assert.equal((await admin.ask("DELETE", `/api/people/${admin.id}/second-factor`)).status, 409);
  });
});

test("what is over is forgotten a month later, and an open session is not", async () => {
  const gone = await cloud.as("user");
  await gone.ask("DELETE", `/api/me/sessions/${gone.session}`);
  clock.advance(25 * dayMs);
  const open = await cloud.as("user");
  clock.advance(6 * dayMs);
  await cleanOnce(cloud.parts);
  const { rows } = (await cloud.store.db.execute("select id from session")) as unknown as { rows: { id: string }[] };
  assert.deepEqual(
    rows.map(({ id }) => id),
    [open.session],
  );
});
