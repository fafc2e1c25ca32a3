/** Keys of programs: what they may do, where, and until when. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { cloudApp } from "../../../cloud-sync/app.ts";
import { givenCloud, HandClock, type TestCloud, type TestPerson } from "../../support/cloud.ts";

const clock = new HandClock();
let cloud: TestCloud;

before(async () => {
  cloud = await givenCloud({ clock });
  for (const id of ["home", "hill"]) await cloud.ask("POST", "/api/sites", { id, name: id, zone: "UTC" });
});
after(() => cloud.close());
beforeEach(() => clock.advance(3_600_000));

describe("an API key", () => {
  const wanted = { name: "booking import", role: "owner", sites: ["home"], scopes: ["sites.read", "grants.change"] };
  const make = (change: object = {}) => cloud.ask("POST", "/api/api-keys", { ...wanted, ...change });
  const dayMs = 86_400_000;
  const inDays = (days: number) => Temporal.Instant.fromEpochMilliseconds(clock.wall() + days * dayMs).toString();
  const stateOf = async (id: string) =>
    (await cloud.ask("GET", "/api/api-keys")).body.items.find((key: { id: string }) => key.id === id).state;
  const by = (token: string) => (method: string, path: string, body?: unknown) =>
    cloud.ask(method, path, body, { authorization: `Bearer ${token}` });

  test("does what its scopes say at its sites, is not shown again, and is seen used", async () => {
    const { status, body } = await make();
    assert.equal(status, 201);
    assert.match(body.token, /^postern_key_[\w-]{43}$/);
    const ask = by(body.token);
    assert.equal((await ask("GET", "/api/sites/home")).status, 200);
    assert.equal((await ask("GET", "/api/sites/hill")).status, 404);
    assert.equal((await ask("POST", "/api/sites/home/grants", {})).status, 400, "it may, and the body is wrong");
    for (const path of ["/api/sites/home/grants", "/api/people", "/api/me", "/api/api-keys"])
      assert.equal((await ask("GET", path)).status, 403, path);
    const { text } = await cloud.ask("GET", "/api/api-keys");
    assert.ok(!text.includes(body.token));
    const [mine] = JSON.parse(text).items;
    assert.deepEqual(Object.keys(mine).sort(), Object.keys(body.key).sort());
    assert.equal(mine.usedAt, Temporal.Instant.fromEpochMilliseconds(clock.wall()).toString());
  });

  test("ends when it is revoked, and at its time", async () => {
    const first = (await make()).body;
    assert.equal((await cloud.ask("DELETE", `/api/api-keys/${first.key.id}`)).status, 204);
    assert.equal((await by(first.token)("GET", "/api/sites")).status, 401);
    assert.equal((await cloud.ask("DELETE", "/api/api-keys/key-of-nobody")).status, 404);

    const expiresAt = Temporal.Instant.fromEpochMilliseconds(clock.wall() + 60_000).toString();
    const second = (await make({ expiresAt })).body;
    clock.advance(59_000);
    assert.equal((await by(second.token)("GET", "/api/sites")).status, 200);
    clock.advance(1_000);
    assert.equal((await by(second.token)("GET", "/api/sites")).status, 401);
  });

  test("ends by itself after 90 days when nothing else was asked for, and after a year at the latest", async () => {
    const usual = (await make()).body;
    assert.equal(usual.key.expiresAt, inDays(90));
    assert.equal(usual.key.state, "live");
    assert.equal((await make({ expiresAt: inDays(366) })).status, 201);
    clock.advance(90 * dayMs);
    assert.equal((await by(usual.token)("GET", "/api/sites")).status, 401);
    assert.equal(await stateOf(usual.key.id), "expired");
  });

  test("ends with its maker's account, or with the role that makes keys, and the list says so", async () => {
    for (const end of [
      (maker: TestPerson) => cloud.ask("PATCH", `/api/people/${maker.id}`, { disabled: true }),
      (maker: TestPerson) => cloud.ask("PATCH", `/api/people/${maker.id}`, { role: "support" }),
    ]) {
      const maker = await cloud.as("admin");
      const { status, body } = await maker.ask("POST", "/api/api-keys", wanted);
      assert.deepEqual([status, body.key.createdBy, body.key.state], [201, maker.id, "live"]);
      assert.equal((await by(body.token)("GET", "/api/sites")).status, 200);
      assert.equal((await end(maker)).status, 200);
      assert.equal((await by(body.token)("GET", "/api/sites")).status, 401);
      assert.equal(await stateOf(body.key.id), "maker-gone");
    }
  });

  test("made by an administrator's token ends when the service takes none any more", async () => {
    const { token } = (await make()).body;
    const authorization = `Bearer ${token}`;
    assert.equal((await by(token)("GET", "/api/sites")).status, 200);
    const without = cloudApp({ ...cloud.parts, adminTokenHashes: [] });
    assert.equal((await without.request("/api/sites", { headers: { authorization } })).status, 401);
  });

  test("is refused by name when it asks for what it cannot have", async () => {
    for (const [change, field] of [
      [{ scopes: ["sites.read", "backup.take"] }, "body.scopes[1]"],
      [{ scopes: ["account.self"] }, "body.scopes[0]"],
      [{ role: "admin", scopes: ["people.read", "people.change"] }, "body.scopes[1]"],
      [{ scopes: [] }, "body.scopes"],
      [{ sites: ["nowhere"] }, "body.sites[0]"],
      [{ expiresAt: "2031-03-04T10:00:00Z" }, "body.expiresAt"],
      [{ expiresAt: inDays(367) }, "body.expiresAt"],
      [{ createdBy: "person-x" }, "body.createdBy"],
    ] as const) {
      const { status, body } = await make(change);
      assert.deepEqual([status, body.errors[0].field], [400, field], JSON.stringify(change));
    }
  });

  test("one that was made up is turned away", async () => {
    for (const token of ["postern_key_x", `postern_key_${"A".repeat(43)}`, "postern_admin_x", "x.y.z"])
      assert.equal((await by(token)("GET", "/api/sites")).status, 401, token);
  });
});
