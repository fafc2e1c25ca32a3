/** The real ring-client-api, in a child process, against the simulated service: what it sees and does, and how it takes what goes wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { givenRingHouse, startRingClient } from "../../support/ring-house.ts";
import { until } from "../../support/until.ts";

test("the library signs in, lists, unlocks, locks and sees the battery fall", async (t) => {
  const house = await givenRingHouse(t);
  const { lock, hub, pass } = house;
  const client = await startRingClient(t, house);
  assert.deepEqual(await client.ask("locations"), [{ id: "place-1", name: "Calle Mayor 1" }]);
  assert.deepEqual(await client.ask("devices"), [
    { name: "Base station", type: "hub.redsky" },
    { name: "Security panel", type: "security-panel" },
    { name: "Code vault", type: "access-code.vault" },
    { name: "Front door", type: "lock" },
  ]);

  await client.ask("command", "lock.unlock");
  await until("the hub has the command", () => hub.commands.length === 1);
  await pass(1_000);
  assert.equal(lock.bolt, "out", "its motor takes its time");
  await pass(1_000);
  assert.equal(lock.bolt, "back");
  await until("the library knows", () => client.states().at(-1) === "unlocked");
  await client.ask("command", "lock.lock");
  await until("the hub has the second command", () => hub.commands.length === 2);
  await pass(2_000);
  await until("the library knows that it is locked", () => client.states().at(-1) === "locked");
  assert.deepEqual(client.states(), ["locked", "unlocked", "locked"]);

  lock.drainBattery(15);
  lock.openCover();
  await until("the battery and the cover are known", () =>
    client.told.some((one) => one.kind === "data" && one.batteryLevel === 15 && one.tamperStatus === "tamper"),
  );
});

test("the intercom is listed, presses its button, and its process ends after disconnect()", async (t) => {
  const house = await givenRingHouse(t);
  house.intercom.drainBattery(55);
  const client = await startRingClient(t, house);
  assert.deepEqual(await client.ask("intercom"), { name: "Street door", battery: 55, offline: false });
  await client.ask("unlock-intercom");
  assert.equal(house.intercom.strike, "released");
  assert.equal(house.intercom.pulses, 1);
  await house.pass(3_000);
  assert.equal(house.intercom.strike, "secured");
  await until("it subscribed to the bell", () => house.server.calls.some(({ kind }) => kind === "subscribe"));

  client.begin("disconnect");
  assert.deepEqual(await client.ended, [0, null]);
});

test("each sign-in brings another refresh token, and the one before is dead", async (t) => {
  const house = await givenRingHouse(t);
  const client = await startRingClient(t, house);
  await client.ask("locations");
  await until("the new token was told", () => client.told.some(({ kind }) => kind === "token"));
  const told = client.told.find((one) => one.kind === "token");
  const wrapped = JSON.parse(Buffer.from(told?.token ?? "", "base64").toString("utf8"));
  assert.equal(wrapped.rt, house.server.tokens.refreshToken);
  assert.notEqual(wrapped.rt, "refresh-1");

  const late = await startRingClient(t, house);
  await assert.rejects(late.ask("locations"), /Refresh token is not valid/);
  assert.ok(late.told.some((one) => one.kind === "logged" && one.status === 401));
  const next = await startRingClient(t, house, told?.token);
  assert.equal(((await next.ask("locations")) as readonly unknown[]).length, 1);
});

test("a service in trouble looks to the library's user like a refused token, but for what it logs", async (t) => {
  const house = await givenRingHouse(t);
  house.server.fail({ answer: 503, of: "token", times: 1 });
  const client = await startRingClient(t, house);
  await assert.rejects(client.ask("locations"), /Refresh token is not valid/);
  assert.ok(client.told.some((one) => one.kind === "logged" && one.status === 503));
  assert.equal(house.server.tokens.refreshToken, "refresh-1", "which was not used up");
});

test("turned by hand, jammed, out of reach: the library is told each", async (t) => {
  const house = await givenRingHouse(t);
  const { lock, hub, pass } = house;
  const client = await startRingClient(t, house);
  await client.ask("devices");
  lock.turnThumb("unlocked");
  await until("the thumb was noticed", () => client.states().at(-1) === "unlocked");
  lock.jam();
  await client.ask("command", "lock.lock");
  await until("the hub has the command", () => hub.commands.length === 1);
  await pass(2_000);
  await until("the jam was told", () => client.states().at(-1) === "jammed");
  assert.equal(lock.bolt, "back");

  lock.unjam();
  lock.leaveReach();
  lock.turnThumb("locked");
  await client.ask("command", "lock.unlock");
  await until("the hub has the command for nobody", () => hub.commands.length === 2);
  await pass(5_000);
  assert.equal(lock.bolt, "out");
  assert.equal(client.states().at(-1), "jammed", "the last that was heard");
  lock.comeIntoReach();
  await until("what happened meanwhile is told", () => client.states().at(-1) === "locked");
});

test("a hub that is told to be left is joined again with another ticket, and a socket that breaks as well", async (t) => {
  const house = await givenRingHouse(t);
  const { server, hub, lock } = house;
  const client = await startRingClient(t, house);
  await client.ask("devices");
  const tickets = () => server.calls.filter(({ kind }) => kind === "ticket").length;
  assert.deepEqual([hub.joined, tickets()], [1, 1]);
  hub.tellToReconnect();
  await until("it has joined again", () => hub.joined === 2);
  hub.breakSockets();
  await until("it has joined once more", () => hub.joined === 3);
  assert.equal(tickets(), 3);
  lock.turnThumb("unlocked");
  await until("it hears the lock again", () => client.states().at(-1) === "unlocked");
});

test("a command given while the socket is away is kept by the library and sent when it is back", async (t) => {
  const house = await givenRingHouse(t);
  const { server, hub } = house;
  const client = await startRingClient(t, house);
  await client.ask("devices");
  server.misdirect(true);
  hub.breakSockets();
  await until("the library has noticed", () => client.told.filter(({ kind }) => kind === "connected").length > 1);
  await client.ask("command", "lock.unlock");
  assert.deepEqual(hub.commands, []);
  server.misdirect(false);
  await until("the late command has come", () => hub.commands.length === 1);
});

test("nothing but the simulator can be reached from there", async (t) => {
  const house = await givenRingHouse(t);
  const client = await startRingClient(t, house);
  await assert.rejects(client.ask("fetch", "https://example.org/"), /example\.org is not reachable/);
});
