/** Sessions: tokens that follow each other, an old one that comes back, cookies, and the list a person sees. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { judgeToken } from "../../../cloud-sync/domain/session-rules.ts";
import { changePassword } from "../../../cloud-sync/people/own-account.ts";
import { Passwords } from "../../../cloud-sync/people/passwords.ts";
import { peopleParts } from "../../../cloud-sync/people/people-parts.ts";
import { totpCode } from "../../../cloud-sync/people/totp.ts";
import { changePerson, readPerson } from "../../../cloud-sync/store/people.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import {
  cheapPasswords,
  givenCloud,
  HandClock,
  type TestCloud,
  type TestPerson,
  totpSecret,
} from "../../support/cloud.ts";

const password = "sea wind over the harbour";
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const clock = new HandClock();
let cloud: TestCloud;
let ada: TestPerson;

const bare = { authorization: "" };
const enter = async (name: string, more: object = {}, headers: Record<string, string> = {}) =>
  cloud.ask("POST", "/auth/sign-in", { name, password, ...more }, { ...bare, ...headers });
const refresh = (refreshToken: string) => cloud.ask("POST", "/auth/refresh", { refreshToken }, bare);
const me = (headers: Record<string, string>) => cloud.ask("GET", "/api/me", undefined, headers);

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
});
after(() => cloud.close());
beforeEach(async () => {
  clock.advance(hourMs);
  ada = await cloud.as("owner", ["home"]);
  const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString(password));
  await cloud.store.transaction((tx) => changePerson(tx, ada.id, { passwordHash }, clock.wall()));
});

describe("a token's number", () => {
  const rows = [
    ["the newest", 5, 100_000, 900_000, "current"],
    ["the newest, for the first time", 5, null, 900_000, "current"],
    ["one that the store has forgotten it gave", 6, null, 900_000, "current"],
    ["the one before, the newest having never come", 4, null, 900_000_000, "superseded"],
    ["the one before, as the newest comes first", 4, 100_000, 100_000, "superseded"],
    ["the one before, 20 s later", 4, 100_000, 120_000, "superseded"],
    ["the one before, a moment after that", 4, 100_000, 120_001, "replayed"],
    ["an older one, at once", 3, 100_000, 100_000, "replayed"],
    ["an older one, the newest having never come", 3, null, 100_000, "replayed"],
  ] as const;
  for (const [what, number, presentedAt, now, verdict] of rows)
    test(`${what}: ${verdict}`, () => assert.equal(judgeToken({ counter: 5, presentedAt }, number, now), verdict));
});

describe("refresh tokens", () => {
  test("follow each other; each access token works", async () => {
    let { refreshToken } = (await enter(ada.userName)).body;
    const seen = new Set([refreshToken]);
    for (let times = 0; times < 3; times += 1) {
      clock.advance(10 * 60_000);
      const { status, body } = await refresh(refreshToken);
      assert.equal(status, 200);
      assert.equal((await me({ authorization: `Bearer ${body.accessToken}` })).status, 200);
      refreshToken = body.refreshToken;
      seen.add(refreshToken);
    }
    assert.equal(seen.size, 4);
  });

  test("two tabs at the same moment get the same successor, and both go on", async () => {
    const { refreshToken } = (await enter(ada.userName)).body;
    clock.advance(60_000);
    const [one, two] = await Promise.all([refresh(refreshToken), refresh(refreshToken)]);
    assert.deepEqual([one.status, two.status], [200, 200]);
    assert.equal(one.body.refreshToken, two.body.refreshToken);
    clock.advance(60_000);
    assert.equal((await refresh(one.body.refreshToken)).status, 200);
  });

  test("one that was stolen and used ends the session for thief and owner, not the person's other ones", async () => {
    const stolen = (await enter(ada.userName)).body.refreshToken;
    const other = (await enter(ada.userName)).body;
    const thief = (await refresh(stolen)).body;
    const asThief = { authorization: `Bearer ${thief.accessToken}` };
    assert.equal((await me(asThief)).status, 200);
    clock.advance(20_001);
    const { status, body } = await refresh(stolen);
    assert.deepEqual([status, body.code], [401, "session-over"]);
    assert.equal((await refresh(thief.refreshToken)).status, 401);
    assert.equal((await me(asThief)).status, 401);
    assert.equal((await refresh(other.refreshToken)).status, 200);
  });

  test("one whose renewal was lost on the way is renewed again, a day later too, as often as it is lost", async () => {
    const { refreshToken } = (await enter(ada.userName)).body;
    clock.advance(hourMs);
    const lost = (await refresh(refreshToken)).body;
    for (let times = 0; times < 3; times += 1) {
      clock.advance(dayMs);
      const { status, body } = await refresh(refreshToken);
      assert.deepEqual([status, body.refreshToken], [200, lost.refreshToken]);
    }
    assert.equal((await refresh(lost.refreshToken)).status, 200);
  });

  test("a thief who was first and only waits loses the session as soon as both go on", async () => {
    const stolen = (await enter(ada.userName)).body.refreshToken;
    const thief = (await refresh(stolen)).body;
    clock.advance(hourMs);
    const owner = (await refresh(stolen)).body;
    const next = (await refresh(owner.refreshToken)).body;
    assert.equal((await me({ authorization: `Bearer ${next.accessToken}` })).status, 200);
    clock.advance(20_001);
    assert.equal((await refresh(thief.refreshToken)).status, 401);
    assert.equal((await refresh(next.refreshToken)).status, 401);
  });

  test("a session that is used by renewals alone, each of them lost, is not idle", async () => {
    const { refreshToken } = (await enter(ada.userName)).body;
    for (let day = 0; day < 9; day += 1) {
      clock.advance(dayMs);
      assert.equal((await refresh(refreshToken)).status, 200, `day ${day}`);
    }
  });

  test("one made up, cut, or of another session is nobody's and ends nothing", async () => {
    const { refreshToken } = (await enter(ada.userName)).body;
    const [session, , mac] = refreshToken.split(".");
    for (const wrong of [`${session}.2.${mac}`, `${session}.0.${mac}`, refreshToken.slice(0, -1), "x", `${session}.1`])
      assert.equal((await refresh(wrong)).status, 401, wrong);
    assert.equal((await refresh(refreshToken)).status, 200);
  });

  test("a session ends after a week without use and after a month of use; sooner for an administrator", async () => {
    const { refreshToken } = (await enter(ada.userName)).body;
    clock.advance(7 * dayMs - 1_000);
    const next = (await refresh(refreshToken)).body.refreshToken;
    clock.advance(7 * dayMs);
    assert.equal((await refresh(next)).status, 401);

    let token = (await enter(ada.userName)).body.refreshToken;
    for (let day = 0; day < 29; day += 1) {
      clock.advance(dayMs);
      token = (await refresh(token)).body.refreshToken;
    }
    clock.advance(dayMs);
    assert.equal((await refresh(token)).status, 401);

    const admin = await cloud.as("admin");
    clock.advance(12 * hourMs - 1_000);
    assert.equal((await admin.ask("GET", "/api/people")).status, 200);
    clock.advance(12 * hourMs);
    assert.equal((await admin.ask("GET", "/api/people")).status, 401);
  });
});

describe("a browser's cookie", () => {
  const page = { "sec-fetch-site": "same-origin" };
  const cookieOf = (answer: { headers: Headers }) => answer.headers.getSetCookie()[0] ?? "";
  const pair = (cookie: string) => cookie.split(";")[0]!;

  test("a page that is left open and asks for itself anew does not keep the session from growing idle", async () => {
    const visitor = await cloud.as("agency");
    const look = (headers: Record<string, string>) =>
      cloud.app.request("/codes", { headers: { ...visitor.browser, ...headers } });
    assert.equal((await look({})).status, 200);
    const byItself: number[] = [];
    for (let day = 0; day < 8; day += 1) {
      clock.advance(dayMs);
      const answer = await look({ "x-by-itself": "yes" });
      byItself.push(answer.status);
      assert.deepEqual(
        answer.headers.getSetCookie().filter((one) => /=session-/.test(one)),
        [],
      );
    }
    assert.deepEqual(byItself, [200, 200, 200, 200, 200, 200, 303, 303]);
  });

  test("is out of a script's reach, lasts, and works; no token is told beside it", async () => {
    const answer = await enter(ada.userName, { by: "cookie" }, page);
    assert.deepEqual(answer.body, { outcome: "signed-in", person: ada.id });
    const cookie = cookieOf(answer);
    assert.match(cookie, /^postern=session-/);
    assert.match(cookie, /; Path=\/; HttpOnly; SameSite=Lax$/);
    assert.equal((await me({ ...bare, cookie: pair(cookie) })).status, 401, "an Authorization header counts alone");
    const response = await cloud.app.request("/api/me", { headers: { cookie: pair(cookie) } });
    assert.equal(response.status, 200);
  });

  test("by https is secure and of this host alone", async () => {
    const answer = await enter(ada.userName, { by: "cookie" }, { ...page, "x-forwarded-proto": "https" });
    assert.match(cookieOf(answer), /^__Host-postern=session-[^;]+;.* Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });

  test("is not given over a line others can listen to", async () => {
    const response = await cloud.app.request("http://192.168.1.20:8090/auth/sign-in", {
      method: "POST",
      headers: { ...page, "content-type": "application/json" },
      body: JSON.stringify({ name: ada.userName, password, by: "cookie" }),
    });
    assert.deepEqual([response.status, JSON.parse(await response.text()).code], [403, "https-needed"]);
    assert.deepEqual(response.headers.getSetCookie(), []);
  });

  test("is renewed every five minutes; a tab that still has the one before gets the new one", async () => {
    const first = pair(cookieOf(await enter(ada.userName, { by: "cookie" }, page)));
    const get = (cookie: string) => cloud.app.request("/api/me", { headers: { cookie } });
    assert.deepEqual((await get(first)).headers.getSetCookie(), []);
    clock.advance(5 * 60_000);
    const renewed = (await get(first)).headers.getSetCookie()[0]!;
    const second = (await get(first)).headers.getSetCookie()[0]!;
    assert.equal(pair(renewed), pair(second));
    clock.advance(hourMs);
    assert.equal(pair((await get(first)).headers.getSetCookie()[0]!), pair(renewed), "the answer may have been lost");
    const third = pair((await get(pair(renewed))).headers.getSetCookie()[0]!);
    assert.equal((await get(third)).status, 200);
    clock.advance(20_001);
    assert.equal((await get(pair(renewed))).status, 401, "somebody has kept the old one");
    assert.equal((await get(third)).status, 401);
  });

  test("changes nothing for a page of another origin, nor for one that does not say where it is from", async () => {
    const { cookie } = ada.browser;
    const patch = async (headers: Record<string, string>) => {
      const response = await cloud.app.request("http://localhost/api/me", {
        method: "PATCH",
        headers: { cookie: cookie!, "content-type": "application/json", ...headers },
        body: JSON.stringify({ name: "Mallory" }),
      });
      return [response.status, JSON.parse(await response.text()).code];
    };
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "none" },
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site", origin: "http://localhost" },
      {},
    ])
      assert.deepEqual(
        await patch(headers as Record<string, string>),
        [403, "foreign-origin"],
        JSON.stringify(headers),
      );
    assert.equal((await ada.ask("GET", "/api/me")).body.name.startsWith("Person"), true);
    assert.equal((await patch({ "sec-fetch-site": "same-origin" }))[0], 200);
    assert.equal((await patch({ origin: "http://localhost" }))[0], 200);
  });

  test("is not given to a form of another origin, which would sign its victim in as somebody else", async () => {
    const { status, body } = await enter(ada.userName, { by: "cookie" }, { "sec-fetch-site": "cross-site" });
    assert.deepEqual([status, body.code], [403, "foreign-origin"]);
  });

  test("goes with sign-out, and its session with it", async () => {
    const response = await cloud.app.request("/auth/sign-out", { method: "POST", headers: { ...ada.browser } });
    assert.equal(response.status, 204);
    assert.match(response.headers.getSetCookie()[0]!, /^postern=; Max-Age=0; Path=\//);
    assert.equal((await ada.ask("GET", "/api/me")).status, 401);
  });

  test("a sign-in begins a session of its own, whatever cookie came with it", async () => {
    const answer = await enter(ada.userName, { by: "cookie" }, { ...page, ...ada.browser });
    assert.ok(!cookieOf(answer).includes(ada.session));
  });
});

describe("the list of one's own sessions", () => {
  test("shows devices, ends one, ends all others, and shows nobody else's", async () => {
    const phone = (await enter(ada.userName, {}, { "user-agent": "Phone 7" })).body;
    const laptop = (await enter(ada.userName, {}, { "user-agent": "x".repeat(400) })).body;
    const { items } = (await ada.ask("GET", "/api/me/sessions")).body;
    assert.deepEqual(items.map(({ device }: { device: string }) => device).sort(), [
      "Phone 7",
      "test",
      "x".repeat(200),
    ]);
    assert.deepEqual(
      items.filter(({ current }: { current: boolean }) => current).map(({ id }: { id: string }) => id),
      [ada.session],
    );
    const its = items.find(({ device }: { device: string }) => device === "Phone 7").id;
    const bob = await cloud.as("owner", ["home"]);
    assert.equal((await bob.ask("DELETE", `/api/me/sessions/${its}`)).status, 404);
    assert.equal((await ada.ask("DELETE", `/api/me/sessions/${its}`)).status, 204);
    assert.equal((await refresh(phone.refreshToken)).status, 401);
    assert.equal((await refresh(laptop.refreshToken)).status, 200);
    assert.equal((await ada.ask("DELETE", "/api/me/sessions")).status, 204);
    assert.equal((await refresh(laptop.refreshToken)).status, 401);
    assert.equal((await ada.ask("GET", "/api/me/sessions")).body.items.length, 1);
  });

  test("holds thirty at most: the one not seen for longest makes room", async () => {
    const first = (await enter(ada.userName)).body;
    for (let times = 0; times < 30; times += 1) {
      clock.advance(10_000);
      await enter(ada.userName);
    }
    assert.equal((await refresh(first.refreshToken)).status, 401);
  });
});

describe("changing the password", () => {
  test("asks for the old one, ends the other sessions, and lets nobody in by the old one", async () => {
    const other = (await enter(ada.userName)).body;
    const change = (current: string, wanted: string) =>
      ada.ask("POST", "/api/me/password", { current, password: wanted });
    const fields = async (current: string, wanted: string) => (await change(current, wanted)).body.errors?.[0].field;
    assert.equal(await fields("not the password", "another long password"), "body.current");
    assert.equal(await fields(password, "short"), "body.password");
    assert.equal(await fields(password, "password1234"), "body.password");
    assert.equal((await change(password, "a new and longer sentence")).status, 204);
    assert.equal((await refresh(other.refreshToken)).status, 401);
    assert.equal((await ada.ask("GET", "/api/me")).status, 200);
    assert.equal((await enter(ada.userName)).status, 401);
  });

  test("comes too late where another one was set while the old one was being proven", async () => {
    const before = (await readPerson(cloud.store.db, ada.id))!;
    const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString("chosen by the link"));
    await cloud.store.transaction((tx) => changePerson(tx, ada.id, { passwordHash }, clock.wall()));
    const change = {
      person: before,
      session: ada.session,
      current: new SecretString(password),
      wanted: new SecretString("what a thief would like"),
    };
    const caller = { address: "127.0.0.1", device: "test" };
    assert.equal(await changePassword(peopleParts(cloud.parts), change, caller), "wrong");
    assert.equal((await readPerson(cloud.store.db, ada.id))?.passwordHash, passwordHash);
  });
});

test("an administrator's token and the second factor: the token has no account, the ticket opens nothing by itself", async () => {
  assert.deepEqual(
    [(await cloud.ask("GET", "/api/me")).status, (await cloud.ask("GET", "/api/sites")).status],
    [403, 200],
  );
  const admin = await cloud.as("admin");
  const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString(password));
  await cloud.store.transaction((tx) => changePerson(tx, admin.id, { passwordHash }, clock.wall()));
  const { body } = await enter(admin.userName);
  assert.deepEqual([body.outcome, body.factors], ["second-factor", ["totp"]]);
  assert.equal((await me({ authorization: `Bearer ${body.ticket}` })).status, 401);
  const prove = (code: string) => cloud.ask("POST", "/auth/second-factor", { ticket: body.ticket, code }, bare);
  const code = totpCode(totpSecret, clock.wall());
  assert.equal((await prove(code === "000000" ? "000001" : "000000")).status, 401);
  assert.equal((await prove(code)).body.outcome, "signed-in");
  assert.equal((await prove(code)).status, 401, "a code is good once");
});
