/** Two cards with one key, and a service that has lost the history in which an epoch was given. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { beginNewFeed } from "../../cloud-sync/store/feed.ts";
import { gateway as gatewayTable, site as siteTable } from "../../cloud-sync/store/schema.ts";
import { givenCloud, HandClock, type TestCloud, TestGateway } from "../support/cloud.ts";

const clock = new HandClock();
let cloud: TestCloud;
let gate: TestGateway;
before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
  gate = await cloud.gateway("home", ["gate"]);
});
after(() => cloud.close());

/** Asks as the gateway's card of this epoch. */
const asCard = (epoch: number, method: string, path: string, body?: object) =>
  gate.send(method, `/v1/gateways/${gate.id}${path}`, {
    token: gate.token({ epoch }),
    ...(body && { body: JSON.stringify(body), type: "application/json" }),
  });
const feed = "/feed?waitMs=0";
const report = { version: "1", accessPoints: [{ id: "gate", name: "gate" }], devices: [] };
const audit = { feed: "x", epoch: 1, rights: [], revoked: [], complete: true };
const newEpoch = () => gate.send("POST", `/v1/gateways/${gate.id}/epoch`);

test("a new epoch fences every request of the old card, and the one it is just waiting for", async () => {
  assert.equal((await asCard(1, "GET", feed)).status, 200);
  await gate.catchUp();
  const { feed: known, version } = gate.cursor;
  const held = asCard(1, "GET", `/feed?waitMs=20000&feed=${known}&cursor=${version}`);

  assert.deepEqual((await newEpoch()).body, { epoch: 2 });

  const answers = [
    await held,
    await asCard(1, "GET", feed),
    await asCard(1, "PUT", "/report", report),
    await asCard(1, "POST", "/audit", audit),
    await asCard(1, "POST", "/epoch"),
  ];
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.code]),
    answers.map(() => [403, "gateway-fenced"]),
  );
  assert.equal((await asCard(2, "GET", feed)).status, 200);
  const { body } = await cloud.ask("GET", `/api/sites/home/gateways/${gate.id}`);
  assert.deepEqual([body.epoch, body.eventsReceived], [2, 0]);
});

test("a stranger begins no epoch, nor does a revoked gateway", async () => {
  const other = await cloud.gateway("home");
  const token = other.token({ iss: gate.id });
  assert.equal((await gate.send("POST", `/v1/gateways/${gate.id}/epoch`, { token })).status, 401);

  await cloud.ask("POST", `/api/sites/home/gateways/${other.id}/revoke`);
  const { status, body } = await other.send("POST", `/v1/gateways/${other.id}/epoch`);
  assert.deepEqual([status, body.code], [403, "gateway-revoked"]);
});

test("an epoch that a lost history gave is taken up again, with an account; one that was never given is refused", async () => {
  const before = await cloud.store.db.select().from(gatewayTable);
  assert.deepEqual((await newEpoch()).body, { epoch: 3 });
  await gate.catchUp();

  // The service comes back from a backup of the second epoch.
  await cloud.store.transaction(async (tx) => {
    await tx.update(gatewayTable).set({ epoch: 2 });
    await beginNewFeed(tx, "home", clock.wall());
  });
  assert.equal(before.length, 2);

  const { status, body } = await asCard(3, "GET", feed);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.auditWanted, true);
  assert.equal(body.journalNext, 1);
  const [home] = await cloud.store.db.select().from(siteTable);
  const never = await asCard(home!.epochFloor + 1, "GET", feed);
  assert.deepEqual([never.status, never.body.code], [403, "epoch-unknown"]);
  const { epoch } = (await newEpoch()).body;
  assert.ok(epoch > home!.epochFloor, `${epoch}`);
  assert.equal((await asCard(3, "GET", feed)).body.code, "gateway-fenced");
});

test("a card whose gateway was enrolled anew with another key learns that it is fenced, and begins no epoch", async () => {
  const old = await cloud.gateway("home");
  const path = `/v1/gateways/${old.id}`;
  const cards = [old];
  for (let times = 0; times < 2; times += 1) {
    const { body } = await cloud.ask("POST", `/api/sites/home/gateways/${old.id}/enrolment-codes`);
    const card = new TestGateway(cloud.app, clock);
    assert.equal((await card.enrol(body.code)).status, 200);
    cards.push(card);
  }
  const told = async (card: TestGateway) => {
    const answers = [
      await card.poll(),
      await card.send("POST", `${path}/epoch`),
      await card.send("GET", path + feed, { token: card.token({ epoch: card.epoch }) }),
    ];
    return answers.map(({ status, body }) => [status, body.code]);
  };

  for (const former of cards.slice(0, 2)) assert.deepEqual(await told(former), Array(3).fill([403, "gateway-fenced"]));
  assert.equal((await cards[2]!.poll()).status, 200);
  const late = old.token({ exp: Math.floor(clock.wall() / 1000) - 60 });
  assert.equal((await old.send("GET", path + feed, { token: late })).status, 401, "an old token proves nothing");

  await cloud.ask("POST", `/api/sites/home/gateways/${old.id}/revoke`);
  assert.deepEqual(await told(old), Array(3).fill([403, "gateway-revoked"]));
});

test("a command that the old card may have run is not handed to the new one, and nobody knows what became of it", async () => {
  const old = await cloud.gateway("home", ["c-gate"]);
  await old.catchUp();
  const unlock = () => cloud.ask("POST", "/api/sites/home/access-points/c-gate/unlock");
  const stateOf = async (id: number) =>
    (await cloud.ask("GET", `/api/sites/home/gateways/${old.id}/commands/${id}`)).body.state;
  const handed = (await unlock()).body;
  assert.equal((await old.poll()).body.commands.length, 1);
  const waiting = (await unlock()).body;

  const { body } = await cloud.ask("POST", `/api/sites/home/gateways/${old.id}/enrolment-codes`);
  const card = new TestGateway(cloud.app, clock);
  assert.equal((await card.enrol(body.code)).status, 200);

  const commands: { id: number }[] = (await card.poll()).body.commands;
  assert.deepEqual([commands.map(({ id }) => id), await stateOf(handed.id)], [[waiting.id], "unknown"]);
});

test("new epochs are rationed", async () => {
  let last = await newEpoch();
  for (let asked = 0; last.status === 200 && asked < 20; asked += 1) last = await newEpoch();
  assert.equal(last.status, 429);
});
