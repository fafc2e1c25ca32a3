/** What gateways ask: enrolment, tokens, held polls, commands that live for seconds. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { enrol } from "../../gateway/sync/enrol.ts";
import { HttpCloudLink } from "../../gateway/sync/http-cloud-link.ts";
import { chainNext, chainStart } from "../../gateway/wire/journal-line.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenCloud, HandClock, type TestCloud, TestGateway } from "../support/cloud.ts";

let cloud: TestCloud;
const clock = new HandClock();
const never = new AbortController().signal;
const ask = (method: string, path: string, body?: unknown) => cloud.ask(method, `/api/sites/demo${path}`, body);
const anEntry = () => ask("POST", "/blacklist", { subject: "person", value: "someone" });

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "UTC" });
});
after(async () => {
  await cloud.close();
});

/** Resolves once as many as that wait in held polls: the clock may move then. */
async function whenHeld(count: number): Promise<void> {
  while (cloud.store.wakes.waiting < count || clock.sleepers < count) await new Promise(setImmediate);
}

describe("enrolment", () => {
  test("a code works once, for fifteen minutes, however it is spelled", async () => {
    const { body } = await ask("POST", "/gateways", { name: "gate" });
    const first = new TestGateway(cloud.app, clock);
    const second = new TestGateway(cloud.app, clock);

    const answer = await first.enrol(` ${body.code.toLowerCase().replaceAll("-", " ")}`);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual([answer.body.site, answer.body.gateway, answer.body.epoch], ["demo", body.gateway, 1]);
    assert.equal((await second.enrol(body.code)).body.code, "enrolment-refused");

    const late = (await ask("POST", "/gateways", { name: "late" })).body;
    clock.advance(15 * 60_000 + 1);
    assert.equal((await second.enrol(late.code)).status, 403);
  });

  test("a code pasted with a newline and spaces around it works; one with a newline inside is refused by name", async () => {
    const { body } = await ask("POST", "/gateways", { name: "gate" });
    const gateway = new TestGateway(cloud.app, clock);

    const broken = await gateway.enrol(body.code.replace("-", "\n"));
    assert.deepEqual([broken.status, broken.body.errors[0].field], [400, "body.code"]);

    assert.equal((await gateway.enrol(`  ${body.code} \r\n`)).status, 200);
  });

  test("a new code asked for twice with one Idempotency-Key is the same one, and works", async () => {
    const { body } = await ask("POST", "/gateways", { name: "gate" });
    const renew = (key: string) =>
      cloud.ask("POST", `/api/sites/demo/gateways/${body.gateway}/enrolment-codes`, undefined, {
        "idempotency-key": key,
      });

    const first = await renew("new-card");
    const again = await renew("new-card");

    assert.deepEqual([again.status, again.body], [201, first.body]);
    assert.equal(again.headers.get("idempotent-replayed"), "true");
    assert.equal((await new TestGateway(cloud.app, clock).enrol(first.body.code)).status, 200);
    assert.notEqual((await renew("another-card")).body.code, first.body.code);
  });

  test("what is no key is refused, and the code stays good", async () => {
    const { body } = await ask("POST", "/gateways", { name: "keyless" });
    const gateway = new TestGateway(cloud.app, clock);
    for (const publicKey of ["!".repeat(43), "\0".repeat(43), `${"A".repeat(42)}B`]) {
      const content = JSON.stringify({ code: body.code, publicKey, version: "1" });
      const answer = await gateway.send("POST", "/v1/enrol", { body: content, type: "application/json" });
      assert.deepEqual([answer.status, answer.body.errors[0].field], [400, "body.publicKey"]);
    }
    assert.equal((await gateway.enrol(body.code)).status, 200);
  });

  test("who guesses codes is told to wait", async () => {
    const guesser = new TestGateway(cloud.app, clock);
    const statuses: number[] = [];
    for (let index = 0; index < 12; index += 1)
      statuses.push((await guesser.enrol(`demo.AAAA-AAAA-AAA${index % 10}`)).status);
    assert.ok(statuses.includes(429));
    clock.advance(120_000);
  });
});

test("a text with a NUL is refused before it reaches the store", async () => {
  assert.equal((await cloud.app.request("/v1/gateways/a%00b/feed")).status, 401);
  const gateway = await cloud.gateway("demo");
  const path = `/v1/gateways/${gateway.id}`;
  const authorization = { authorization: `Bearer ${gateway.token()}` };
  const named = { headers: { authorization: `Bearer ${gateway.token()}` } };
  assert.equal((await cloud.app.request("/v1/gateways/a%00b/feed", named)).status, 401);
  assert.equal((await cloud.app.request(`${path}/feed?feed=%00`, named)).status, 400);
  const right = { grant: "a\0b", granted: 1, returned: 0, order: 1 };
  for (const [method, url, body] of [
    ["POST", "/v1/enrol", { code: "demo.\0AAAAAAAA", publicKey: "A".repeat(43), version: "1" }],
    ["PUT", `${path}/report`, { version: "1", accessPoints: [{ id: "a\0b", name: "a" }], devices: [] }],
    ["PUT", `${path}/report`, { version: "1", accessPoints: [], devices: [], lan: "a\0b" }],
    ["POST", `${path}/audit`, { feed: "f", epoch: 1, rights: [right], revoked: [], complete: true }],
    ["POST", `${path}/audit`, { feed: "f", epoch: 1, rights: [], revoked: ["a\0b"], complete: true }],
  ] as const)
    assert.equal((await cloud.ask(method, url, body, authorization)).status, 400, `${url} ${JSON.stringify(body)}`);
});

describe("tokens", () => {
  test("only this gateway's own, fresh and for us, is taken", async () => {
    const gateway = await cloud.gateway("demo");
    const other = await cloud.gateway("demo");
    const now = Math.floor(clock.wall() / 1000);
    const path = `/v1/gateways/${gateway.id}/feed`;
    const status = async (token: string) => (await gateway.send("GET", path, { token })).status;

    assert.equal(await status(gateway.token()), 200);
    assert.equal(await status(gateway.token({ exp: now - 10 })), 401);
    assert.equal(await status(gateway.token({ exp: now + 3600 })), 401);
    assert.equal(await status(gateway.token({ exp: undefined })), 401);
    assert.equal(await status(gateway.token({ aud: "elsewhere" })), 401);
    assert.equal(await status(gateway.token({ iss: other.id })), 401);
    assert.equal(await status(other.token({ iss: gateway.id })), 401);
    assert.equal(await status("not.a.token"), 401);
  });

  test("a revoked gateway is told so at its next request, and one that waits at once", async () => {
    const gateway = await cloud.gateway("demo");
    await gateway.catchUp();
    const held = gateway.poll(25_000);
    await whenHeld(1);

    await ask("POST", `/gateways/${gateway.id}/revoke`);

    const refused = [await held, await gateway.poll()];
    assert.deepEqual(
      refused.map(({ status, text }) => [status, JSON.parse(text).code]),
      [
        [403, "gateway-revoked"],
        [403, "gateway-revoked"],
      ],
    );
  });
});

describe("held polls", () => {
  test("a gateway holds one: a newer one ends the older, and whoever still reads that does not come back at once", async () => {
    const [gateway, other] = [await cloud.gateway("demo"), await cloud.gateway("demo")];
    await other.catchUp();
    await gateway.catchUp();
    await other.catchUp();
    const held = gateway.poll(25_000);
    const elsewhere = other.poll(25_000);
    await whenHeld(2);

    const newer = gateway.poll(25_000);

    const { status, body } = await held;
    assert.deepEqual([status, body.rows, body.retryAfterMs], [200, [], 5_000]);
    await whenHeld(2);
    assert.equal(cloud.store.wakes.waiting, 2);
    await anEntry();
    for (const reply of [await newer, await elsewhere])
      assert.deepEqual([reply.body.rows.length, reply.body.retryAfterMs], [1, undefined]);
  });

  test("a change answers them at once; without one they are answered after their time", async () => {
    const gateway = await cloud.gateway("demo");
    await gateway.catchUp();

    const woken = gateway.poll(25_000);
    await whenHeld(1);
    clock.advance(3_000);
    await anEntry();
    const { body } = await woken;
    assert.deepEqual([body.rows.length, body.complete, body.heldMs], [1, true, 3_000]);

    gateway.cursor = { feed: body.feed, version: body.to };
    const quiet = gateway.poll(25_000);
    await whenHeld(1);
    clock.advance(25_000);
    const after = (await quiet).body;
    assert.deepEqual([after.rows, after.to, after.heldMs], [[], body.to, 25_000]);
    assert.ok(after.checksum);
  });

  test("a caller that hangs up is let go", async () => {
    const gateway = await cloud.gateway("demo");
    await gateway.catchUp();
    const hangUp = new AbortController();
    const held = gateway.poll(25_000, hangUp.signal);
    await whenHeld(1);
    hangUp.abort();
    await held.catch(() => undefined);
    assert.equal(cloud.store.wakes.waiting, 0);
  });

  test("many rows go out packed to a caller that says it can unpack them, a poll without news as it is", async () => {
    const gateway = await cloud.gateway("demo", ["packed"]);
    for (let count = 0; count < 40; count += 1)
      await ask("POST", "/grants", {
        kind: "visitor",
        holder: { name: `Visitor ${count}` },
        accessPoints: ["packed"],
        from: "2031-03-04T00:00:00Z",
        until: `2031-03-${10 + (count % 20)}T11:00:00Z`,
        entriesAllowed: count % 3 === 0 ? 1 : null,
        credentials: [{ kind: "pin" }],
      });
    const feed = async (query: string, accepted?: string) => {
      const path = `/v1/gateways/${gateway.id}/feed?waitMs=0${query}`;
      const headers = { authorization: `Bearer ${gateway.token()}`, ...(accepted && { "accept-encoding": accepted }) };
      const response = await cloud.app.request(path, { headers });
      return { encoding: response.headers.get("content-encoding"), bytes: Buffer.from(await response.arrayBuffer()) };
    };

    const plain = await feed("");
    const packed = await feed("", "gzip, deflate");

    assert.deepEqual([plain.encoding, packed.encoding], [null, "gzip"]);
    assert.deepEqual(JSON.parse(gunzipSync(packed.bytes).toString()), JSON.parse(plain.bytes.toString()));
    assert.ok(packed.bytes.length * 2 < plain.bytes.length, `${packed.bytes.length} of ${plain.bytes.length} bytes`);

    const { to, feed: id } = JSON.parse(plain.bytes.toString());
    const quiet = await feed(`&feed=${id}&cursor=${to}`, "gzip");
    assert.equal(quiet.encoding, null);
  });

  test("an entry of another site wakes nobody here", async () => {
    await cloud.ask("POST", "/api/sites", { id: "other", name: "Other", zone: "UTC" });
    const gateway = await cloud.gateway("demo");
    await gateway.catchUp();
    const held = gateway.poll(25_000);
    await whenHeld(1);
    await cloud.ask("PATCH", "/api/sites/other", { name: "Else" });
    clock.advance(25_000);
    assert.deepEqual((await held).body.rows, []);
  });
});

describe("unlock commands", () => {
  const given = async (accessPoint: string) => {
    const gateway = await cloud.gateway("demo", [accessPoint]);
    await gateway.catchUp();
    const unlock = () => ask("POST", `/access-points/${accessPoint}/unlock`);
    const state = async (id: number) => (await ask("GET", `/gateways/${gateway.id}/commands/${id}`)).body.state;
    return { gateway, unlock, state };
  };

  test("one rides on the poll with its age, again until it is known, and never after its life", async () => {
    const { gateway, unlock, state } = await given("c1");
    const held = gateway.poll(25_000);
    await whenHeld(1);
    const { status, body } = await unlock();
    assert.deepEqual([status, body.id, body.state], [202, 1, "pending"]);
    assert.deepEqual((await held).body.commands, [
      { id: 1, accessPoint: "c1", action: "unlock", ageMs: 0, ttlMs: 10_000, by: "admin" },
    ]);

    clock.advance(4_000);
    assert.equal((await gateway.poll()).body.commands[0]?.ageMs, 4_000);
    gateway.lastCommand = 1;
    assert.deepEqual((await gateway.poll()).body.commands, []);
    gateway.lastCommand = 0;
    clock.advance(6_000);
    assert.deepEqual((await gateway.poll()).body.commands, []);
    assert.equal(await state(1), "unknown", "it was handed out: time alone does not tell that it did not run");
    clock.advance(6_000);
    await gateway.poll();
    assert.equal(await state(1), "expired", "asked after its life, the gateway did not know it");
  });

  test("its age is told of the instant until which the poll was held, however long the store takes", async () => {
    const { gateway, unlock } = await given("c5");
    const held = gateway.poll(25_000);
    await whenHeld(1);
    const askedAt = clock.wall();
    const asked = Promise.all([held, unlock()]);
    let over = false;
    void asked.finally(() => {
      over = true;
    });
    for (let passed = 0; !over; passed += 1) {
      if (passed < 5_000) clock.advance(1);
      await new Promise(setImmediate);
    }
    const [{ body }, issued] = await asked;
    assert.equal(body.commands.length, 1);
    assert.equal(askedAt + body.heldMs, Date.parse(issued.body.createdAt) + body.commands[0].ageMs);
  });

  test("one from before the clock went back never runs", async () => {
    const { gateway, unlock } = await given("c6");
    const { id } = (await unlock()).body;
    clock.stepWall(-60_000);
    assert.deepEqual((await gateway.poll()).body.commands, []);
    clock.stepWall(60_000);
    assert.deepEqual((await gateway.poll()).body.commands, []);
    assert.equal((await ask("GET", `/gateways/${gateway.id}/commands/${id}`)).body.state, "expired");
  });

  test("identify rides like an unlock, under its own name, and is told of as such", async () => {
    const { gateway, state } = await given("c4");
    const { status, body } = await ask("POST", "/access-points/c4/identify");
    assert.deepEqual([status, body.action, body.state], [202, "identify", "pending"]);

    const [command] = (await gateway.poll()).body.commands;
    assert.deepEqual([command?.id, command?.accessPoint, command?.action], [body.id, "c4", "identify"]);
    gateway.record({ type: "command-taken", command: body.id, accessPoint: "c4", action: "identify", by: "admin" });
    gateway.record({
      type: "command-ended",
      command: body.id,
      accessPoint: "c4",
      action: "identify",
      result: "accepted",
    });
    await gateway.push(1);

    assert.equal(await state(body.id), "done");
    const { items } = (await ask("GET", `/gateways/${gateway.id}/commands`)).body;
    assert.deepEqual(
      items.map(({ action }: { action: string }) => action),
      ["identify"],
    );
    assert.equal((await ask("POST", "/access-points/nowhere/identify")).status, 404);
  });

  test("one never handed out is expired when its life ends", async () => {
    const { unlock, state } = await given("c2");
    const { body } = await unlock();
    clock.advance(10_000);
    assert.equal(await state(body.id), "expired");
  });

  test("the gateway's events tell how it ended", async () => {
    const { gateway, unlock, state } = await given("c3");
    const results = ["confirmed", "refused", "expired", "unknown"];
    for (const result of results) {
      const { id } = (await unlock()).body;
      await gateway.poll();
      gateway.record({ type: "command-taken", command: id, accessPoint: "c3", by: "admin" });
      await gateway.push(gateway.lines.length);
      assert.equal(await state(id), "taken");
      gateway.record({ type: "command-ended", command: id, accessPoint: "c3", result });
      await gateway.push(gateway.lines.length);
      assert.equal(await state(id), result === "confirmed" ? "done" : result);
    }
  });
});

test("the gateway's own link enrols, polls, pushes and reports here", async () => {
  const { code } = (await ask("POST", "/gateways", { name: "real" })).body;
  const fetch = async (url: string, init: RequestInit) => cloud.app.request(url.replace("http://cloud", ""), init);
  const { enrolled, privateKey } = await enrol("http://cloud", new SecretString(code), "1", fetch);
  const { gateway } = enrolled;
  const link = new HttpCloudLink("http://cloud", { gateway, privateKey }, clock, fetch);

  const codes = {
    lengths: [6],
    digits: "123456789",
    forbiddenPrefixes: ["12"],
    capacity: 100,
    places: { kind: "given" },
    windows: "range",
  } as const;
  const door = { id: "real-door", name: "Door", lock: "nuki-1", reads: false, kinds: [], codes };
  await link.report({ version: "1", accessPoints: [door], devices: [] }, never);
  const journal = { epoch: 1, seq: 0, head: chainStart(gateway, 1), boot: 1, beat: 1 };
  const reply = await link.poll({ cursor: { feed: "", version: 0 }, waitMs: 0, lastCommand: 0, journal }, never);

  assert.equal(reply.page.reset, true);
  assert.ok(reply.page.rows.some(({ kind }) => kind === "site"));
  assert.equal(reply.serverTime, clock.wall());
  const { items } = (await ask("GET", "/access-points")).body;
  const { places, ...told } = codes;
  assert.deepEqual(
    items.find(({ id }: { id: string }) => id === "real-door"),
    { ...door, gateway, goneAt: null, codes: told, accounts: null, noCodes: null },
  );
});

test("a journal that is shorter than it had vouched for, or says something else, raises the alarm", async () => {
  const { code } = (await ask("POST", "/gateways", { name: "cut" })).body;
  const fetch = async (url: string, init: RequestInit) => cloud.app.request(url.replace("http://cloud", ""), init);
  const { enrolled, privateKey } = await enrol("http://cloud", new SecretString(code), "1", fetch);
  const { gateway, epoch } = enrolled;
  const link = new HttpCloudLink("http://cloud", { gateway, privateKey }, clock, fetch);
  const status = async () => (await ask("GET", `/gateways/${gateway}`)).body;
  const event = (seq: number, version: string) =>
    JSON.stringify({ seq, at: clock.wall(), clock: "synced", boot: 1, mono: 1, type: "boot", version, cutBytes: 0 });
  const start = chainStart(gateway, epoch);
  const honest = [event(1, "a"), event(2, "b")];
  const head = honest.reduce<string>(chainNext, start);
  const vouch = (seq: number, upTo: string, beat: number) =>
    link.poll(
      {
        cursor: { feed: "", version: 0 },
        waitMs: 0,
        lastCommand: 0,
        journal: { epoch, seq, head: upTo, boot: 1, beat },
      },
      never,
    );

  await vouch(2, head, 1);
  assert.deepEqual([(await status()).eventsOwed, (await status()).cutAt], [2, null]);
  const other = [event(1, "a"), event(2, "c")];
  const rewritten = { epoch, first: 1, prev: start, head: other.reduce<string>(chainNext, start), lines: other };
  assert.deepEqual(await link.push(rewritten, never), { outcome: "fork", seq: 2 });
  assert.equal((await link.push({ epoch, first: 1, prev: start, head, lines: honest }, never)).outcome, "taken");
  assert.equal((await status()).eventsOwed, 0);

  await vouch(1, chainNext(start, honest[0]!), 2);
  assert.equal((await status()).cutAt, 2);
});
