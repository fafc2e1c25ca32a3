/** Signing in by name and password: what is told, what is not, and what too many attempts lead to. */
import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { after, before, describe, test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { Passwords } from "../../../cloud-sync/people/passwords.ts";
import { peopleParts } from "../../../cloud-sync/people/people-parts.ts";
import { signIn } from "../../../cloud-sync/people/sign-in.ts";
import { changePerson } from "../../../cloud-sync/store/people.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import type { HttpProblem } from "../../../web/problem.ts";
import { cheapPasswords, givenCloud, HandClock, type TestCloud, type TestPerson } from "../../support/cloud.ts";

const password = "sea wind over the harbour";
const clock = new HandClock();
let cloud: TestCloud;
let ada: TestPerson;

const enter = (name: string, secret: string, more: object = {}, headers: Record<string, string> = {}) =>
  cloud.ask("POST", "/auth/sign-in", { name, password: secret, ...more }, { authorization: "", ...headers });
const hourMs = 3_600_000;

async function withPassword(person: TestPerson, change: object = {}): Promise<TestPerson> {
  const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString(password));
  await cloud.store.transaction((tx) => changePerson(tx, person.id, { passwordHash, ...change }, clock.wall()));
  return person;
}

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
  ada = await withPassword(await cloud.as("owner", ["home"], { userName: "ada", email: "ada@example.org" }));
});
after(() => cloud.close());

describe("with the right password", () => {
  test("by user name or e-mail address, in any case: an access token that works", async () => {
    for (const name of ["ada", " ADA ", "Ada@Example.org"]) {
      const { status, body } = await enter(name, password);
      assert.deepEqual([status, body.outcome, body.person], [200, "signed-in", ada.id]);
      const me = await cloud.ask("GET", "/api/me", undefined, { authorization: `Bearer ${body.accessToken}` });
      assert.deepEqual([me.status, me.body.userName, me.body.sites], [200, "ada", ["home"]]);
    }
  });

  test("typed in another spelling of its letters", async () => {
    const person = await cloud.as("user");
    const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString("una contraseña larga"));
    await cloud.store.transaction((tx) => changePerson(tx, person.id, { passwordHash }, clock.wall()));
    assert.equal((await enter(person.userName, "una contraseña larga".normalize("NFD"))).status, 200);
  });

  test("an access token is good for five minutes, and for no moment after its session", async () => {
    const { body } = await enter("ada", password);
    const authorization = `Bearer ${body.accessToken}`;
    clock.advance(299_000);
    assert.equal((await cloud.ask("GET", "/api/me", undefined, { authorization })).status, 200);
    clock.advance(2_000);
    assert.equal((await cloud.ask("GET", "/api/me", undefined, { authorization })).status, 401);

    const again = (await enter("ada", password)).body;
    assert.equal((await cloud.ask("POST", "/auth/sign-out", { refreshToken: again.refreshToken })).status, 204);
    const late = { authorization: `Bearer ${again.accessToken}` };
    assert.equal((await cloud.ask("GET", "/api/me", undefined, late)).status, 401);
  });

  test("a person who is disabled, or whose role changes, feels it at the next request", async () => {
    const person = await withPassword(await cloud.as("owner", ["home"]));
    assert.equal((await person.ask("GET", "/api/sites/home/gateways")).status, 200);
    await cloud.store.transaction((tx) => changePerson(tx, person.id, { role: "resident" }, clock.wall()));
    assert.equal((await person.ask("GET", "/api/sites/home/gateways")).status, 403);
    await cloud.store.transaction((tx) => changePerson(tx, person.id, { disabledAt: clock.wall() }, clock.wall()));
    assert.equal((await person.ask("GET", "/api/me")).status, 401);
  });

  test("one hashed at a lower cost is hashed anew", async () => {
    const passwordHash = await new Passwords({ memoryKiB: 8, passes: 1 }).hash(new SecretString(password));
    const person = await withPassword(await cloud.as("user"), { passwordHash });
    assert.equal((await enter(person.userName, password)).status, 200);
    const { rows } = (await cloud.store.db.execute(
      `select password_hash from person where id = '${person.id}'`,
    )) as unknown as { rows: { password_hash: string }[] };
    assert.match(rows[0]!.password_hash, /^\$argon2id\$v=19\$m=16,t=1,p=1\$/);
    assert.equal((await enter(person.userName, password)).status, 200);
  });
});

test("wrong password, nobody, nobody's address, disabled, invited: one answer", async () => {
  const disabled = await withPassword(await cloud.as("user"), { disabledAt: clock.wall() });
  const invited = await cloud.as("user");
  clock.advance(hourMs);
  const told = new Set<string>();
  for (const [name, secret] of [
    ["ada", "another password"],
    ["ada@example.org", "another password"],
    ["nobody", password],
    ["nobody@example.org", password],
    [disabled.userName, password],
    [invited.userName, password],
  ] as const) {
    const { status, body, headers } = await enter(name, secret);
    const { requestId: _, ...problem } = body;
    told.add(JSON.stringify([status, problem, [...headers.keys()].sort()]));
  }
  assert.equal(told.size, 1);
  assert.match([...told][0]!, /^\[401,.*"sign-in-refused"/);
});

test("wrong password, nobody, disabled, invited, locked: the same work, hashes and words with the database alike", async (t) => {
  const disabled = await withPassword(await cloud.as("user"), { disabledAt: clock.wall() });
  const invited = await cloud.as("user");
  clock.advance(hourMs);
  const locked = await withPassword(await cloud.as("user"), { failures: 12, lockedUntil: clock.wall() + hourMs });
  const known = await withPassword(await cloud.as("user", [], { email: "known@example.org" }));
  let hashes = 0;
  const hook = createHook({
    init(_, type) {
      if (type === "ARGON2REQUEST") hashes += 1;
    },
  }).enable();
  t.after(() => hook.disable());
  const words = t.mock.method(PGlite.prototype, "execProtocolRaw").mock;
  const work: Record<string, [hashes: number, words: number]> = {};
  for (const [who, name, secret] of [
    ["wrong password", known.userName, "another password"],
    ["wrong password for an address", "known@example.org", "another password"],
    ["nobody", "nobody", password],
    ["nobody's address", "nobody@example.org", password],
    ["disabled", disabled.userName, password],
    ["invited", invited.userName, password],
    ["locked", locked.userName, password],
    ["locked, wrong password", locked.userName, "another password"],
  ] as const) {
    const before = { hashes, words: words.callCount() };
    assert.equal((await enter(name, secret)).status, 401, who);
    work[who] = [hashes - before.hashes, words.callCount() - before.words];
  }
  const expected = work["wrong password"]!;
  assert.deepEqual(work, Object.fromEntries(Object.keys(work).map((who) => [who, expected])));
  assert.ok(expected[0] === 1 && expected[1] > 0, String(expected));
});

describe("too many wrong passwords", () => {
  test("lock the account for a minute, then two, without telling; the right one ends it after that", async () => {
    const person = await withPassword(await cloud.as("user"));
    const tryOnce = async (secret: string) => {
      clock.advance(2_000);
      return (await enter(person.userName, secret)).status;
    };
    for (let times = 0; times < 9; times += 1) assert.equal(await tryOnce("not the password"), 401);
    assert.equal(await tryOnce(password), 200, "nine wrong ones lock nothing");

    for (let times = 0; times < 10; times += 1) assert.equal(await tryOnce("not the password"), 401);
    assert.equal(await tryOnce(password), 401);
    clock.advance(58_000);
    assert.equal(await tryOnce("not the password"), 401);
    clock.advance(60_000);
    assert.equal(await tryOnce(password), 401, "locked twice as long");
    clock.advance(60_000);
    assert.equal(await tryOnce(password), 200);
    assert.equal(await tryOnce("not the password"), 401);
    assert.equal(await tryOnce(password), 200, "it counts from the beginning again");
  });

  test("10,000 at once: few are looked at, the others are turned away, and the account's owner gets in later", async () => {
    const person = await withPassword(await cloud.as("user"));
    const people = peopleParts(cloud.parts);
    const outcomes = new Map<string, number>();
    const guesses = Array.from({ length: 10_000 }, async (_, at) => {
      const guess = { name: person.userName, password: new SecretString(`guess number ${at}`) };
      const told = await signIn(people, guess, { address: "192.0.2.1", device: "guesser" }).then(
        ({ outcome }) => outcome,
        ({ status }: HttpProblem) => String(status),
      );
      outcomes.set(told, (outcomes.get(told) ?? 0) + 1);
    });
    await Promise.all(guesses);
    assert.deepEqual(Object.fromEntries(outcomes), { refused: 30, 429: 9_970 });
    clock.advance(2 * hourMs);
    assert.equal((await enter(person.userName, password)).status, 200);
  });

  test("1,000 from as many addresses: the account is locked, none gets in, and one event tells of it", async () => {
    const person = await withPassword(await cloud.as("user"));
    const people = peopleParts(cloud.parts);
    const guess = async (at: number) => {
      const address = `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
      const told = await signIn(
        people,
        { name: person.userName, password: new SecretString(`guess number ${at}`) },
        { address, device: "guesser" },
      ).catch((error: HttpProblem) => ({ outcome: String(error.status) }));
      return told.outcome;
    };
    const outcomes = await Promise.all(Array.from({ length: 1_000 }, (_, at) => guess(at)));
    assert.deepEqual(
      outcomes.filter((outcome) => outcome !== "refused" && outcome !== "503"),
      [],
      "looked at, or turned away by too long a queue",
    );
    assert.equal((await enter(person.userName, password)).status, 401, "it is locked, and does not say so");
    const { items } = (await cloud.ask("GET", "/api/security-events?limit=100")).body;
    const told = items.filter(({ subject }: { subject: string }) => subject === person.id);
    assert.deepEqual(
      told.map(({ kind, severity }: { kind: string; severity: string }) => [kind, severity]),
      [["account-locked", "warning"]],
    );
    clock.advance(hourMs);
    assert.equal((await enter(person.userName, password)).status, 200);
  });

  test("an address that tries too many is turned away with when to come back", async () => {
    clock.advance(hourMs);
    for (let times = 0; times < 30; times += 1) assert.equal((await enter("nobody", password)).status, 401);
    const { status, headers } = await enter("nobody", password);
    assert.deepEqual([status, headers.get("retry-after")], [429, "2"]);
    clock.advance(2_000);
    assert.equal((await enter("nobody", password)).status, 401);
  });

  test("a queue for hashing that is full turns away instead of growing", async () => {
    const passwords = new Passwords({ memoryKiB: 256, passes: 2 });
    const kept = await passwords.hash(new SecretString(password));
    const asked = Array.from({ length: 200 }, () => passwords.verify(new SecretString(password), kept));
    const settled = await Promise.allSettled(asked);
    const right = settled.filter((one) => one.status === "fulfilled" && one.value.right).length;
    const busy = settled.filter((one) => one.status === "rejected" && one.reason.status === 503).length;
    assert.deepEqual([right, busy], [34, 166]);
    assert.equal((await passwords.verify(new SecretString(password), kept)).right, true);
    assert.equal((await passwords.verify(new SecretString("another"), kept)).right, false);
  });
});

test("mass assignment and fields that are none of a sign-in are refused by name", async () => {
  clock.advance(hourMs);
  const { status, body } = await enter("ada", password, { role: "admin" });
  assert.deepEqual([status, body.errors[0].field], [400, "body.role"]);
});
