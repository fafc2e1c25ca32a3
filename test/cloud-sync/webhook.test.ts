/** A program that sends its bookings by itself: what is believed, what is answered, and what follows from it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { provisionAllDue } from "../../cloud-sync/jobs/provision-stays.ts";
import { readAllDue } from "../../cloud-sync/jobs/read-sources.ts";
import { forgetOfSite } from "../../cloud-sync/jobs/retention.ts";
import { isSigned } from "../../cloud-sync/sources/hook-signature.ts";
import { bookingSource, hookMessage } from "../../cloud-sync/store/schema.ts";
import { plainSignature, standardSignature } from "../../firmware-sim/links/signed-hook.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { BookedSite } from "../support/booked-site.ts";
import { type Answer, HandClock } from "../support/cloud.ts";

const golden = JSON.parse(readFileSync(join(import.meta.dirname, "../wire/golden/hook-signatures.json"), "utf8"));
const minute = 60_000;
const day = 24 * 60 * minute;
const start = Date.UTC(2031, 2, 4, 12);
const clock = new HandClock();
let site: BookedSite;
let source: string;
let hook: { url: string; secret: string };
let count = 0;

before(async () => {
  site = await BookedSite.build(clock, {});
});
after(() => site.cloud.close());
beforeEach(async () => {
  if (source) await site.ask("DELETE", `/api/booking-sources/${source}`);
  clock.stepWall(start - clock.wall());
  await connect();
});

async function connect(more: object = {}): Promise<void> {
  const places = { flat: await site.property("up") };
  const made = await site.connected({ kind: "webhook", name: "Own program", places, ...more });
  source = made.id;
  hook = made.hook;
}

const booking = {
  external_id: "B-1",
  property: "flat",
  arrival: "2031-03-05",
  departure: "2031-03-08",
  status: "confirmed",
  guest: { name: "Gil Guest" },
};
function message(more: object = {}, facts: object = {}): { id: string; body: string } {
  count += 1;
  const id = `m-${count}`;
  const said = { id, type: "booking.upsert", occurred_at: "2031-03-04T12:00:00Z", booking: { ...booking, ...facts } };
  const all = { ...said, ...more };
  return { id: all.id, body: JSON.stringify(all) };
}
const cancel = (facts: object, more: object = {}) => {
  count += 1;
  const said = { id: `m-${count}`, type: "booking.cancel", occurred_at: "2031-03-04T13:00:00Z", booking: facts };
  return { id: `m-${count}`, body: JSON.stringify({ ...said, ...more }) };
};
const signed = ({ id, body }: { id: string; body: string }, secret = hook.secret) =>
  standardSignature(secret, id, clock.wall(), body);
const send = (sent: { id: string; body: string }, headers = signed(sent)): Promise<Answer> =>
  site.send(hook.url, sent.body, headers);
/** What the service does by itself. */
async function settle() {
  await readAllDue(site.cloud.parts);
}
const stay = () => site.booking(source);

describe("a signature", () => {
  const header = (headers: Record<string, string>) => (name: string) => headers[name];
  const body = Buffer.from(golden.body);
  const { secret, ...standard } = golden.standard;
  const at = Number(standard["webhook-timestamp"]) * 1_000;
  const check = (headers: Record<string, string>, own = secret, now = at, bytes: Uint8Array = body) =>
    isSigned({ signature: "standard" }, [new SecretString(own)], header(headers), bytes, now);

  test("of Standard Webhooks, as others make it", () => {
    assert.ok(check(standard));
    assert.ok(
      check({ ...standard, "webhook-signature": `v1a,AAAA v1,${"A".repeat(43)}= ${standard["webhook-signature"]}` }),
    );
    assert.deepEqual(standardSignature(secret, standard["webhook-id"], at, golden.body), standard);
  });

  for (const [what, isGood] of [
    ["of another body", () => check(standard, secret, at, Buffer.from(`${golden.body} `))],
    ["of another secret", () => check(standard, "whsec_AAAA")],
    ["of another id", () => check({ ...standard, "webhook-id": "msg_0002" })],
    ["six minutes old", () => check(standard, secret, at + 6 * minute)],
    ["from six minutes ahead", () => check(standard, secret, at - 6 * minute)],
    ["without a moment", () => check({ ...standard, "webhook-timestamp": "" })],
    ["that is none", () => check({ ...standard, "webhook-signature": "v1," })],
    [
      "of no version that is known",
      () => check({ ...standard, "webhook-signature": standard["webhook-signature"].replace("v1", "v2") }),
    ],
  ] as const)
    test(`${what}: no`, () => assert.ok(!isGood()));

  test("of the body alone, in a header and behind a prefix that the source names", () => {
    const rules = { signature: "hmac", header: "x-pms", prefix: "sha256=" } as const;
    const own = [new SecretString(golden.hmac.secret)];
    const isGood = (told: string) => isSigned(rules, own, header({ "x-pms": told }), body, 0);
    assert.ok(isGood(`sha256=${golden.hmac.hex}`));
    assert.ok(isGood(`SHA256=${golden.hmac.hex.toUpperCase()}`));
    for (const told of [
      "",
      golden.hmac.hex,
      "sha256=",
      `sha256=${golden.hmac.hex.slice(1)}`,
      `sha256=${"0".repeat(64)}`,
    ])
      assert.ok(!isGood(told), told);
  });
});

describe("what is sent", () => {
  test("is a booking with a code, without anybody asking for it", async () => {
    assert.deepEqual(
      [
        (await send(message())).status,
        (await send(message({}, { external_id: "B-2", arrival: "2031-06-05", departure: "2031-06-06" }))).body,
      ],
      [202, { taken: "taken" }],
    );
    await settle();
    const [first] = await site.bookings(source);
    assert.deepEqual(
      [first.guest.name, first.externalId, first.code.from],
      ["Gil Guest", "B-1", "2031-03-05T14:00:00Z"],
    );
    assert.match(await site.digits(first.id), /^\d{6}$/);
  });

  test("twice with the same body: it is said so, and changes nothing; with another: refused, and changes nothing", async () => {
    const sent = message();
    await send(sent);
    const again = await send(sent);
    assert.deepEqual([again.status, again.body], [200, { taken: "repeated" }]);
    const other = message({ id: sent.id }, { guest: { name: "Eve" } });
    assert.equal((await send(other)).status, 409);
    await settle();
    assert.equal((await stay()).guest.name, "Gil Guest");
  });

  test("in the wrong order: what is later by its version stays, whatever its moment says", async () => {
    await send(message({ occurred_at: "2031-03-04T10:00:00Z" }, { version: 3, departure: "2031-03-09" }));
    const late = await send(message({ occurred_at: "2031-03-04T11:00:00Z" }, { version: 2 }));
    assert.deepEqual([late.status, late.body], [202, { taken: "older" }]);
    await send(cancel({ external_id: "B-1", version: 1 }));
    await settle();
    assert.deepEqual([(await stay()).status, (await stay()).ends], ["confirmed", "2031-03-09T10:00:00Z"]);
  });

  test("in the wrong order, without versions: what is later by its moment stays", async () => {
    await send(cancel({ external_id: "B-1" }));
    assert.equal((await send(message())).body.taken, "older");
    await settle();
    assert.deepEqual(await site.bookings(source), []);
    assert.equal((await send(message({ occurred_at: "2031-03-04T14:00:00+00:00" }))).body.taken, "taken");
    await settle();
    assert.equal((await stay()).status, "confirmed");
  });

  test("of a flat that nobody has named: it is kept, and taken over when somebody does", async () => {
    await send(message({}, { property: "attic", unit: "2" }));
    await settle();
    assert.deepEqual((await site.ask("GET", `/api/booking-sources/${source}`)).result.unknownPlaces, ["attic/2"]);
    assert.deepEqual((await site.ask("GET", `/api/booking-sources/${source}/places`)).items, [
      { id: "attic", name: "attic" },
      { id: "attic/2", name: "attic/2" },
    ]);
    await site.ask("PATCH", `/api/booking-sources/${source}`, { places: { "attic/2": await site.property("down") } });
    await settle();
    assert.equal((await stay()).status, "confirmed");
  });

  test("while it is read: nothing is missed", async () => {
    await send(message());
    const reading = settle();
    await send(message({}, { external_id: "B-2" }));
    await reading;
    await settle();
    assert.equal((await site.bookings(source)).length, 2);
  });

  test("cancels them one by one: when it is many in an hour, the owner is asked", async () => {
    for (let number = 1; number <= 6; number += 1)
      await send(message({}, { external_id: `B-${number}`, arrival: `2031-04-0${number}`, departure: "2031-04-09" }));
    await settle();
    for (let number = 1; number <= 6; number += 1) {
      await send(cancel({ external_id: `B-${number}` }));
      await settle();
    }
    const all = await site.bookings(source);
    assert.equal(all.filter(({ status }) => status === "cancelled").length, 1);
    assert.ok(all.every(({ status, held }) => status === "cancelled" || held.why === "many"));
  });

  test("goes when it has been kept for long enough", async () => {
    await send(message());
    clock.stepWall(33 * day);
    const rows = async () =>
      (await site.cloud.store.db.select().from(hookMessage)).filter(({ sourceId }) => sourceId === source);
    await forgetOfSite(site.cloud.parts, "casa");
    assert.equal((await rows()).length, 1);
    clock.stepWall(3 * day);
    await forgetOfSite(site.cloud.parts, "casa");
    assert.equal((await rows()).length, 0);
  });
});

describe("refused", () => {
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  const deep = (depth: number) => ({
    id: "deep",
    body: message({ more: 1 }).body.replace('"more":1', `"more":${nested(depth)}`),
  });

  for (const [what, sent, status] of [
    ["no JSON", () => ({ id: "x", body: "hello" }), 422],
    ["JSON that breaks off", () => ({ id: "x", body: message().body.slice(0, -4) }), 422],
    ["JSON that is too deep", () => deep(20), 422],
    ["more than 256 KB", () => message({ more: "x".repeat(263_000) }), 413],
    ["a type that is none", () => message({ type: "booking.moon" }), 422],
    ["a moment that nothing could follow", () => message({ occurred_at: "2099-03-04T12:00:00Z" }), 422],
    ["a day that is none", () => message({}, { arrival: "2031-02-30" }), 422],
    ["a stay that ends before it begins", () => message({}, { departure: "2031-03-05" }), 422],
    ["a name with a control character", () => message({}, { guest: { name: "a\u0000b" } }), 422],
  ] as const)
    test(what, async () => {
      const answer = await send(sent());
      assert.equal(answer.status, status, answer.text);
      await settle();
      assert.deepEqual(await site.bookings(source), []);
    });

  test("JSON 20 levels deep is read, and the fields at fault are named", async () => {
    assert.equal((await send(deep(19))).status, 202);
    const { body } = await send(message({ occurred_at: "yesterday" }, { arrival: "soon", guest: {} }));
    assert.deepEqual(
      body.errors.map(({ field }: { field: string }) => field),
      ["body.occurred_at", "body.booking.arrival", "body.booking.guest.name"],
    );
  });

  test("another content type", async () => {
    const sent = message();
    assert.equal((await send(sent, { ...signed(sent), "content-type": "text/plain" })).status, 415);
  });

  test("without a signature, with another's, at another's address, at one that is none", async () => {
    const sent = message();
    assert.equal((await send(sent, {})).status, 401);
    assert.equal((await send(sent, signed(sent, "whsec_AAAA"))).status, 401);
    const [mine, ...before] = [hook, source];
    await connect();
    assert.equal((await site.send(hook.url, sent.body, signed(sent, mine.secret))).status, 401);
    for (const url of [hook.url.replace(/.$/, "~"), hook.url.replace(source, before[0]!), "/hooks/none/none"])
      assert.equal((await site.send(url, sent.body, signed(sent, hook.secret))).status, 404);
    await site.ask("DELETE", `/api/booking-sources/${before[0]}`);
  });

  test("after it was closed", async () => {
    await site.ask("DELETE", `/api/booking-sources/${source}`);
    assert.equal((await send(message())).status, 410);
  });
});

describe("its secret", () => {
  test("is told once, and is in no other answer and not in the database as it is", async () => {
    const { secret, url } = hook;
    const token = url.split("/").at(-1)!;
    await send(message());
    const rows = await site.cloud.store.db.select().from(bookingSource);
    const others = [
      await site.ask("GET", `/api/booking-sources/${source}`),
      await site.ask("GET", "/api/audit?limit=50"),
    ];
    for (const text of [rows, ...others].map((one) => JSON.stringify(one)))
      assert.ok(!text.includes(secret.slice(6)) && !text.includes(token));
    const kept = JSON.stringify(await site.cloud.store.db.select().from(hookMessage));
    assert.ok(!kept.includes("Gil Guest"));
  });

  test("rotated: the one before is taken for a day, at the same address", async () => {
    const former = hook;
    hook = await site.ask("POST", `/api/booking-sources/${source}/rotate-secret`);
    assert.equal(hook.url, former.url);
    assert.notEqual(hook.secret, former.secret);
    const said = (secret: string) => {
      const sent = message();
      return send(sent, signed(sent, secret));
    };
    for (const { secret } of [former, hook]) assert.equal((await said(secret)).status, 202);
    clock.stepWall(day + minute);
    assert.equal((await said(former.secret)).status, 401);
    assert.equal((await said(hook.secret)).status, 202);
  });

  test("may be the sender's own, and sign as the sender does", async () => {
    await site.ask("DELETE", `/api/booking-sources/${source}`);
    const options = { signature: "hmac", header: "ms-signature", prefix: "sha256=" };
    await connect({ key: "a-secret-of-a-test", options });
    const sent = message();
    assert.equal(
      (await send(sent, plainSignature("a-secret-of-a-test", "ms-signature", "sha256=", sent.body))).status,
      202,
    );
    assert.equal(
      (await send(sent, plainSignature("another-secret", "ms-signature", "sha256=", sent.body))).status,
      401,
    );
  });

  for (const [what, body, field] of [
    ["too short", { key: "short-secret" }, "body.key"],
    ["with a header that is none", { options: { header: "a b" } }, "body.options.header"],
    ["with a signature of another kind", { options: { signature: "none" } }, "body.options.signature"],
  ] as const)
    test(`refused: ${what}`, async () => {
      const answer = await site.cloud.ask("POST", "/api/booking-sources", { kind: "webhook", name: "W", ...body });
      assert.deepEqual([answer.status, answer.body.errors?.[0].field], [400, field], answer.text);
    });
});

test("a source of a hub brings members, whose codes are made months ahead; one of anything else is refused", async () => {
  const far = { arrival: "2031-09-05", departure: "2031-09-06" };
  await send(message({}, { ...far, external_id: "B-stay" }));
  await settle();
  assert.deepEqual([(await stay()).kind, (await stay()).code.grant], ["stay", null]);
  await site.ask("DELETE", `/api/booking-sources/${source}`);
  await connect({ options: { kind: "member" } });
  await send(message({}, { ...far, external_id: "B-member" }));
  await settle();
  await provisionAllDue(site.cloud.parts);
  assert.equal((await stay()).kind, "member");
  assert.ok((await stay()).code.grant);
  const refused = await site.ask("PATCH", `/api/booking-sources/${source}`, { options: { kind: "guest" } }, 400);
  assert.equal(refused.errors[0].field, "body.options.kind");
});
