/** Holding a door open: what the administrator may ask for, what gateways are told, and that a revoked hold never comes back. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { beginNewFeed } from "../../cloud-sync/store/feed.ts";
import { toFeedRow } from "../../gateway/wire/feed.ts";
import { type Answer, givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";

const clock = new HandClock();
const path = "/api/sites/demo/access-points/front/hold-open";
const at = (ms: number) => new Date(clock.wall() + ms).toISOString();
const hour = 3_600_000;
let cloud: TestCloud;
let gateway: TestGateway;

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "Europe/Madrid" });
  gateway = await cloud.gateway("demo", ["front", "back"]);
});
after(() => cloud.close());
beforeEach(async () => {
  await cloud.ask("DELETE", path);
  await gateway.catchUp();
});

const holdFor = (ms: number, from?: number): Promise<Answer> =>
  cloud.ask("PUT", path, { until: at(ms), ...(from !== undefined && { from: at(from) }) });
const told = async () => (await gateway.catchUp()).filter(({ kind }) => kind === "hold-open");

const refused: readonly (readonly [string, () => unknown, string])[] = [
  ["no end", () => ({}), "body.until"],
  ["an end that is past", () => ({ until: at(-1) }), "body.until"],
  ["an end that is now", () => ({ until: at(0) }), "body.until"],
  ["an end more than a day ahead", () => ({ until: at(24 * hour + 1) }), "body.until"],
  ["an end without offset", () => ({ until: "2031-03-04T17:00:00" }), "body.until"],
  ["an end before the beginning", () => ({ from: at(2 * hour), until: at(hour) }), "body.from"],
  ["no duration", () => ({ from: at(hour), until: at(hour) }), "body.from"],
  ["a beginning that is no moment", () => ({ from: "soon", until: at(hour) }), "body.from"],
  ["an unknown field", () => ({ until: at(hour), forever: true }), "body.forever"],
];
for (const [what, body, field] of refused) {
  test(`refuses ${what}, names the field, and tells no gateway anything`, async () => {
    const answer = await cloud.ask("PUT", path, body());

    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    assert.deepEqual(
      answer.body.errors.map((one: { field: string }) => one.field),
      [field],
    );
    assert.deepEqual(await told(), []);
  });
}

test("an access point that is not there, and a hold that does not stand, are not found", async () => {
  assert.equal((await cloud.ask("GET", path)).status, 404);
  assert.equal((await cloud.ask("DELETE", path)).status, 404);
  const elsewhere = path.replace("front", "cellar");
  assert.equal((await cloud.ask("PUT", elsewhere, { until: at(hour) })).status, 404);
});

test("a hold is one row that the gateway can read, and is read back until it is over", async () => {
  const answer = await holdFor(24 * hour);

  assert.equal(answer.status, 200, answer.text);
  const { id, version, gateway: owner } = answer.body;
  assert.equal(owner, gateway.id);
  const [row, ...others] = await told();
  assert.deepEqual(others, []);
  assert.ok(row && toFeedRow(row).kind === "hold-open");
  assert.deepEqual([row.id, row.ver], ["front", version]);
  assert.deepEqual(row.body, { id, from: clock.wall(), until: clock.wall() + 24 * hour });
  assert.deepEqual((await cloud.ask("GET", path)).body, answer.body);
  clock.advance(24 * hour);
  assert.equal((await cloud.ask("GET", path)).status, 404);
});

test("a beginning that is past counts as now, one ahead is kept", async () => {
  assert.equal(
    (await holdFor(24 * hour, -5 * hour)).body.from,
    new Date(clock.wall()).toISOString().replace(".000", ""),
  );
  assert.equal(
    (await holdFor(3 * hour, 2 * hour)).body.from,
    new Date(clock.wall() + 2 * hour).toISOString().replace(".000", ""),
  );
});

test("the same once more changes nothing; another end is another hold, and revokes the one before for ever", async () => {
  const first = (await holdFor(hour)).body;
  clock.advance(1_000);
  const again = await cloud.ask("PUT", path, { until: first.until });
  assert.deepEqual(again.body, first);
  await told();

  const second = (await holdFor(2 * hour)).body;
  const third = (await holdFor(3 * hour)).body;

  assert.equal(new Set([first.id, second.id, third.id]).size, 3);
  const [row] = await told();
  assert.equal(row?.body?.id, third.id);
  assert.deepEqual(row?.revoked?.slice(-2), [first.id, second.id]);
});

test("an end is a tombstone that names what it revokes, and of two that ask for it one is answered", async () => {
  const { id } = (await holdFor(hour)).body;

  const answers = await Promise.all([cloud.ask("DELETE", path), cloud.ask("DELETE", path)]);

  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 404]);
  const [row] = await told();
  assert.deepEqual(
    [row?.gone, row?.revoked?.at(-1), row?.ver],
    [true, id, answers.find(({ status }) => status === 200)?.body.version],
  );
});

test("a hold that the service took up again out of a backup ends once a gateway says that it was revoked", async () => {
  const { id } = (await holdFor(hour)).body;
  await cloud.store.transaction((tx) => beginNewFeed(tx, "demo", clock.wall()));
  const { feed } = (await gateway.poll()).body;
  const audit = { feed, epoch: gateway.epoch, rights: [], revoked: [id], complete: true };

  const answer = await gateway.send("POST", `/v1/gateways/${gateway.id}/audit`, {
    body: JSON.stringify(audit),
    type: "application/json",
  });

  assert.equal(answer.status, 204, answer.text);
  assert.equal((await cloud.ask("GET", path)).status, 404);
  const [row] = await told();
  assert.deepEqual([row?.gone, row?.revoked?.at(-1)], [true, id]);
});

test("what a gateway writes of holding a door open is read, and found by its type", async () => {
  gateway.record({ type: "held-open", accessPoint: "front", hold: "hold-1", until: clock.wall() + hour, revision: 1 });
  gateway.record({ type: "hold-ended", accessPoint: "front", hold: "hold-1", reason: "over", revision: 1 });
  assert.equal((await gateway.push(1)).status, 200);

  const { items } = (await cloud.ask("GET", "/api/sites/demo/events?type=hold-ended")).body;
  assert.deepEqual(
    items.map(({ event }: { event: { reason: string } }) => event.reason),
    ["over"],
  );
});
