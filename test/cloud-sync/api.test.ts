/** The administrator's routes: what they do, and that every refusal names its field. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { pollReplySchema, toFeedRow } from "../../gateway/wire/feed.ts";
import { type Answer, givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";

let cloud: TestCloud;
let gateway: TestGateway;
const clock = new HandClock();
const aGrant = (change: Record<string, unknown> = {}) => ({
  kind: "visitor",
  holder: { name: "Ada Guest" },
  accessPoints: ["front"],
  from: "2031-03-04T10:00:00+01:00",
  until: "2031-03-06T11:00:00+01:00",
  entriesAllowed: null,
  credentials: [{ kind: "pin" }],
  ...change,
});
const create = (change: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  cloud.ask("POST", "/api/sites/demo/grants", aGrant(change), headers);
const fields = (answer: Answer) => (answer.body?.errors ?? []).map((one: { field: string }) => one.field);

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "Europe/Madrid" });
  gateway = await cloud.gateway("demo", ["front", "back"]);
});
after(async () => {
  await cloud.close();
});

describe("refusals name the field", () => {
  const rows: readonly (readonly [string, string, string, unknown, number, readonly string[]])[] = [
    ["an unknown field", "POST", "/api/sites", { name: "X", zone: "UTC", colour: 1 }, 400, ["body.colour"]],
    ["an unknown zone", "POST", "/api/sites", { name: "X", zone: "Mars/Base" }, 400, ["body.zone"]],
    ["a bad site id", "POST", "/api/sites", { id: "No Good", name: "X", zone: "UTC" }, 400, ["body.id"]],
    ["a taken site id", "POST", "/api/sites", { id: "demo", name: "X", zone: "UTC" }, 409, ["body.id"]],
    ["an empty change", "PATCH", "/api/sites/demo", {}, 400, ["body"]],
    [
      "a wrong type deep inside",
      "PATCH",
      "/api/sites/demo",
      { offlineMaxAgeMs: { stay: "x" } },
      400,
      ["body.offlineMaxAgeMs.stay"],
    ],
    ["a control character", "PATCH", "/api/sites/demo", { name: "a\u0000b" }, 400, ["body.name"]],
    ["no body", "POST", "/api/sites/demo/gateways", undefined, 400, ["body.name"]],
    ["a wrong subject", "POST", "/api/sites/demo/blacklist", { subject: "dog", value: "rex" }, 400, ["body.subject"]],
    ["an unknown query", "GET", "/api/sites/demo/events?colour=1", undefined, 400, ["query.colour"]],
    ["a page too big", "GET", "/api/sites/demo/grants?limit=1000", undefined, 400, ["query.limit"]],
    ["a page of events too big", "GET", "/api/sites/demo/events?limit=201", undefined, 400, ["query.limit"]],
    ["a page of no events", "GET", "/api/sites/demo/events?limit=0", undefined, 400, ["query.limit"]],
    ["half an event", "GET", "/api/sites/demo/events?limit=1.5", undefined, 400, ["query.limit"]],
    ["a page mark of another list", "GET", "/api/sites/demo/grants?after=xyz", undefined, 400, ["query.after"]],
    [
      "a moment without offset",
      "GET",
      "/api/sites/demo/events?from=2031-03-04T10:00:00",
      undefined,
      400,
      ["query.from"],
    ],
    ["an unknown event type", "GET", "/api/sites/demo/events?type=boom", undefined, 400, ["query.type"]],
  ];
  for (const [what, method, path, body, status, named] of rows) {
    test(what, async () => {
      const answer = await cloud.ask(method, path, body);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.headers.get("content-type"), "application/problem+json");
      assert.equal(answer.body.requestId, answer.headers.get("x-request-id"));
      assert.deepEqual(fields(answer), named);
    });
  }

  const grants: readonly (readonly [string, Record<string, unknown>, number, readonly string[]])[] = [
    ["an unknown access point", { accessPoints: ["front", "cellar"] }, 400, ["body.accessPoints[1]"]],
    ["an access point named twice", { accessPoints: ["front", "back", "front"] }, 400, ["body.accessPoints[2]"]],
    ["a gateway of nowhere", { homeGateway: "demo.gw-none" }, 400, ["body.homeGateway"]],
    ["a window that ends before it begins", { until: "2031-03-04T09:00:00+01:00" }, 400, ["body.until"]],
    ["a window in the past", { from: "2020-01-01T00:00:00Z", until: "2020-01-02T00:00:00Z" }, 400, ["body.until"]],
    ["zero entries", { entriesAllowed: 0 }, 400, ["body.entriesAllowed"]],
    ["no say on entries", { entriesAllowed: undefined }, 400, ["body.entriesAllowed"]],
    ["a PIN of three digits", { credentials: [{ kind: "pin", value: "123" }] }, 400, ["body.credentials[0].value"]],
    [
      "a PIN of letters",
      { credentials: [{ kind: "pin" }, { kind: "pin", value: "12a4" }] },
      400,
      ["body.credentials[1].value"],
    ],
    ["a card without number", { credentials: [{ kind: "card" }] }, 400, ["body.credentials[0].value"]],
    [
      "a maker's account that is no address",
      { credentials: [{ kind: "provider", value: "ada.l" }] },
      400,
      ["body.credentials[0].value"],
    ],
    ["an unknown credential kind", { credentials: [{ kind: "smell" }] }, 400, ["body.credentials[0].kind"]],
    [
      "length and value",
      { credentials: [{ kind: "pin", value: "481516", length: 6 }] },
      400,
      ["body.credentials[0].length"],
    ],
    [
      "a schedule that is no time",
      { schedule: { windows: [{ days: [1], from: "8", until: "24:30" }] } },
      400,
      ["body.schedule.windows[0].from", "body.schedule.windows[0].until"],
    ],
    ["a holder without name", { holder: {} }, 400, ["body.holder.name"]],
    ["too much about it", { about: { note: "x".repeat(9000) } }, 400, ["body.about"]],
  ];
  for (const [what, change, status, named] of grants) {
    test(`a grant with ${what}`, async () => {
      const answer = await create(change);
      assert.equal(answer.status, status, answer.text);
      assert.deepEqual(fields(answer), named);
    });
  }

  test("what is not JSON, not the type, too large, not there or not allowed", async () => {
    const json = { "content-type": "application/json" };
    const statuses = [
      await cloud.ask("POST", "/api/sites", "{nope", json),
      await cloud.ask("POST", "/api/sites", "<xml/>", { "content-type": "text/xml" }),
      await cloud.ask("POST", "/api/sites", `{"name":"${"x".repeat(70_000)}"}`, json),
      await cloud.ask("GET", "/api/nothing"),
      await cloud.ask("DELETE", "/api/sites"),
      await cloud.ask("GET", "/api/sites/nowhere"),
      await cloud.ask("GET", "/api/sites", undefined, { authorization: "Bearer wrong" }),
      await cloud.ask("GET", "/api/sites", undefined, { authorization: "" }),
    ].map(({ status, body }) => [status, body.code]);
    assert.deepEqual(statuses, [
      [400, "malformed-json"],
      [415, "unsupported-media-type"],
      [413, "body-too-large"],
      [404, "not-found"],
      [405, "method-not-allowed"],
      [404, "not-found"],
      [401, "unauthorized"],
      [401, "unauthorized"],
    ]);
  });

  test("who tries many tokens is told to wait", async () => {
    const other = await givenCloud({ clock, store: cloud.store });
    const tries = await Promise.all(
      Array.from({ length: 40 }, () => other.ask("GET", "/api/sites", undefined, { authorization: "Bearer guess" })),
    );
    assert.ok(tries.some(({ status }) => status === 429));
    const late = tries.find(({ status }) => status === 429);
    assert.match(late?.headers.get("retry-after") ?? "", /^\d+$/);
    assert.equal((await other.ask("GET", "/api/sites")).status, 200);
  });
});

describe("a grant's life", () => {
  test("its PIN is told once, and no other answer holds it", async () => {
    const answer = await create({ credentials: [{ kind: "pin" }, { kind: "pass" }, { kind: "link" }] });
    assert.equal(answer.status, 201, answer.text);
    const [pin, pass, link] = answer.body.credentials.map(({ value }: { value: string }) => value);
    assert.match(pin, /^(?!12)[1-9]{6}$/);
    assert.match(pass, /^VIS-\d{5}-[A-HJKMNP-Z]{3}$/);
    assert.ok(link.length >= 32);

    const others = await Promise.all([
      cloud.ask("GET", `/api/sites/demo/grants/${answer.body.id}`),
      cloud.ask("GET", "/api/sites/demo/grants"),
      gateway.poll(),
    ]);
    for (const other of others) for (const value of [pin, pass, link]) assert.ok(!other.text.includes(value));
  });

  test("gateways find the PIN by its index and open its seal with the site's key", async () => {
    const { body } = await create({ credentials: [{ kind: "pin", value: "864209" }], entriesAllowed: 2 });
    const key = await cloud.parts.siteKeys.key(cloud.store.db, "demo");
    const seal = new CredentialSeal("demo", Buffer.from(key.reveal(), "base64url"));

    const rows = pollReplySchema.parse((await gateway.poll()).body).rows.map(toFeedRow);

    const row = rows.find(({ id }) => id === body.id);
    assert.equal(row?.kind, "grant");
    if (row?.kind !== "grant") return;
    const [credential] = row.body.credentials;
    assert.equal(credential?.index, seal.index("pin", "864209"));
    assert.equal(seal.open(credential!.id, credential!.sealed!)?.reveal(), "864209");
    assert.equal(row.granted, 2);
    assert.equal(row.body.homeGateway, gateway.id);
  });

  test("a PIN that another live grant has is a conflict that says so; once that is revoked it is free", async () => {
    const first = await create({ credentials: [{ kind: "pin", value: "777333" }] });
    const second = await create({ credentials: [{ kind: "pin" }, { kind: "pin", value: "777333" }] });
    assert.equal(second.status, 409);
    assert.deepEqual(fields(second), ["body.credentials[1].value"]);
    assert.ok(!second.text.includes("777333"));

    await cloud.ask("POST", `/api/sites/demo/grants/${first.body.id}/revoke`);

    assert.equal((await create({ credentials: [{ kind: "pin", value: "777333" }] })).status, 201);
  });

  test("the administrator sees which gateway has confirmed a revocation, and since when it is silent", async () => {
    const { body } = await create();
    await gateway.catchUp();
    const path = `/api/sites/demo/grants/${body.id}`;
    const confirmations = async () => (await cloud.ask("GET", path)).body.confirmations;
    const mine = async () => (await confirmations()).find((one: { gateway: string }) => one.gateway === gateway.id);
    assert.equal((await mine()).confirmed, true);

    const revoked = await cloud.ask("POST", `${path}/revoke`);
    assert.equal(revoked.body.state, "revoked");
    assert.equal((await mine()).confirmed, false);
    clock.advance(120_000);
    assert.equal((await mine()).silentSince, new Date(clock.wall() - 120_000).toISOString().replace(".000Z", "Z"));

    const rows = await gateway.catchUp();
    assert.deepEqual(rows.find(({ id }) => id === body.id)?.revoked, [body.id]);
    assert.deepEqual(await mine(), { gateway: gateway.id, name: "gate", confirmed: true, silentSince: null });
  });

  test("one credential of several is revoked, the others stay", async () => {
    const { body } = await create({ credentials: [{ kind: "pin" }, { kind: "pin" }] });
    const [first] = body.credentials;
    const answer = await cloud.ask("POST", `/api/sites/demo/grants/${body.id}/credentials/${first.id}/revoke`);
    assert.deepEqual(
      answer.body.credentials.map(({ revoked }: { revoked: boolean }) => revoked),
      [true, false],
    );
    assert.equal(answer.body.state, "active");
    assert.deepEqual((await gateway.catchUp()).find(({ id }) => id === body.id)?.revoked, [first.id]);
  });

  test("its window moves; a revoked one's does not", async () => {
    const { body } = await create();
    const path = `/api/sites/demo/grants/${body.id}`;
    const moved = await cloud.ask("PATCH", path, { until: "2031-03-09T11:00:00+01:00" });
    assert.equal(moved.body.until, "2031-03-09T10:00:00Z");
    assert.ok(moved.body.version > body.version);
    assert.deepEqual(fields(await cloud.ask("PATCH", path, { until: "2031-03-01T00:00:00Z" })), ["body.until"]);
    await cloud.ask("POST", `${path}/revoke`);
    assert.equal((await cloud.ask("PATCH", path, { until: "2031-03-09T11:00:00+01:00" })).status, 409);
  });

  test("a repeat with one Idempotency-Key makes one grant and gives the same PIN", async () => {
    const key = { "idempotency-key": "order-17" };
    const first = await create({}, key);
    const again = await create({}, key);
    assert.equal(again.body.id, first.body.id);
    assert.equal(again.body.credentials[0].value, first.body.credentials[0].value);
    assert.equal(again.headers.get("idempotent-replayed"), "true");
    const other = await create({ entriesAllowed: 5 }, key);
    assert.deepEqual([other.status, other.body.code], [409, "idempotency-key-used"]);
  });

  test("lists are filtered and paged, newest first", async () => {
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      clock.advance(1_000);
      made.push((await create({ holder: { name: `Lister 100% ${index}` }, kind: "staff" })).body.id);
    }
    const list = async (query: string) => (await cloud.ask("GET", `/api/sites/demo/grants?${query}`)).body;
    const pages: string[] = [];
    let after = "";
    do {
      const { items, next } = await list(`holder=100%25&kind=staff&limit=2${after && `&after=${after}`}`);
      pages.push(...items.map(({ id }: { id: string }) => id));
      after = next;
    } while (after);
    assert.deepEqual(pages, made.reverse());
    assert.deepEqual((await list("accessPoint=back")).items, []);
    assert.deepEqual((await list("state=upcoming&kind=staff")).items, []);
    assert.equal((await list("state=active&kind=staff")).items.length, 5);
  });
});

test("the blacklist is paged, newest first, to its very end", async () => {
  const path = "/api/sites/demo/blacklist";
  const made: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    if (count % 2 === 0) clock.advance(1_000);
    made.push((await cloud.ask("POST", path, { subject: "person", value: `p-${count}` })).body.id);
  }
  const pages: string[][] = [];
  let after = "";
  do {
    const { body } = await cloud.ask("GET", `${path}?limit=2${after && `&after=${after}`}`);
    pages.push(body.items.map(({ id }: { id: string }) => id));
    after = body.next;
  } while (after);
  assert.deepEqual(
    pages.map(({ length }) => length),
    [2, 2, 1],
  );
  assert.deepEqual(pages.flat().sort(), made.toSorted());
  assert.equal(pages[0]![0], made[4]);
  const { body } = await cloud.ask("GET", path);
  assert.deepEqual([body.items.length, body.next], [5, null]);
});

describe("what happened", () => {
  test("admissions count against their grant, voids give back, and events are listed newest first", async () => {
    const { body } = await create({ entriesAllowed: 5 });
    const other = await cloud.gateway("demo", ["side"]);
    const admitted = {
      type: "admitted",
      accessPoint: "front",
      grant: body.id,
      credential: body.credentials[0].id,
      via: "pin",
      left: 4,
    };
    other.record(
      admitted,
      { type: "void", of: 1, accessPoint: "front", grant: body.id, why: "refused" },
      { ...admitted, at: clock.wall() + 1 },
      { type: "denied", accessPoint: "side", reason: "LIMIT_REACHED", via: "pin", revision: 1 },
    );
    await other.push(1);

    const grant = (await cloud.ask("GET", `/api/sites/demo/grants/${body.id}`)).body;
    assert.equal(grant.entriesUsed, 1);
    const events = async (query: string) =>
      (await cloud.ask("GET", `/api/sites/demo/events?gateway=${other.id}&${query}`)).body;
    const all = await events("limit=3");
    assert.deepEqual(
      all.items.map(({ seq }: { seq: number }) => seq),
      [3, 4, 2],
    );
    const rest = await events(`limit=3&after=${all.next}`);
    assert.deepEqual(
      rest.items.map(({ seq }: { seq: number }) => seq),
      [1],
    );
    assert.equal(rest.next, null);
    assert.equal((await events(`grant=${body.id}&type=void`)).items[0].event.why, "refused");
    assert.equal((await events("accessPoint=side")).items[0].reason, "LIMIT_REACHED");
  });

  test("the live stream brings events as they arrive", async () => {
    const other = await cloud.gateway("demo", []);
    const hangUp = new AbortController();
    const response = await cloud.app.request("/api/sites/demo/events/stream", {
      headers: { authorization: "Bearer test-admin-token" },
      signal: hangUp.signal,
    });
    other.record({ type: "boot", version: "9.9.9", cutBytes: 0 });
    await other.push(1);

    let text = "";
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString();
      if (text.includes("\n\n")) break;
    }
    hangUp.abort();

    assert.match(text, /^event: event\ndata: \{.*"version":"9\.9\.9".*\}\nid: [\w-]+\n\n/);
  });

  test("a renamed access point keeps its name when its gateway reports it again", async () => {
    await cloud.ask("PATCH", "/api/sites/demo/access-points/back", { name: "Garden" });
    await gateway.report(["front", "back"]);
    const { body } = await cloud.ask("GET", "/api/sites/demo/access-points");
    assert.equal(body.items.find(({ id }: { id: string }) => id === "back").name, "Garden");
  });

  test("an access point that a gateway in service has is not taken by another", async () => {
    const thief = await cloud.gateway("demo", []);
    const answer = await thief.report(["front"]);
    assert.deepEqual([answer.status, fields(answer)], [409, ["body.accessPoints"]]);
  });
});

test("the documents name every operation, and the page needs nothing from outside", async () => {
  const { body } = await cloud.ask("GET", "/openapi.json");
  const page = await cloud.ask("GET", "/docs");
  for (const path of Object.keys(body.paths)) assert.ok(page.text.includes(`<code>${path}</code>`), path);
  assert.ok(Object.keys(body.paths).length > 25);
  assert.doesNotMatch(page.text, /<script|src=|https?:\/\//);
  assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'; style-src 'sha256-/);
});

test("the bare address leads to the sign-in", async () => {
  const { status, headers } = await cloud.app.request("/");
  assert.deepEqual([status, headers.get("location")], [303, "/sign-in"]);
});
