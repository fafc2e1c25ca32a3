/** The driver, the real broker and the simulators: what goes wrong on the line, and that no command stays anywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NukiHubLink } from "../../../firmware-sim/links/nuki-hub.ts";
import { NukiMqttLink, type NukiMqttManners } from "../../../firmware-sim/links/nuki-mqtt.ts";
import type { DeviceReport } from "../../../gateway/ports/device.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { indexOf } from "../../contract/code-store.ts";
import { connectPacket, dial, login } from "../../support/mqtt-broker.ts";
import { givenNukiMqttSite } from "../../support/nuki-mqtt-site.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
const timeZone = "Europe/Madrid";

async function givenNuki(t: Parameters<typeof givenNukiMqttSite>[0], manners: Partial<NukiMqttManners> = {}) {
  const site = await givenNukiMqttSite(t, { id: "1A2B3C4D" }, (parts) => new NukiMqttLink({ ...parts, manners }));
  const reports: DeviceReport[] = [];
  site.device.subscribe(async (report) => void reports.push(report));
  await site.device.start(never);
  await site.appear();
  await until("its bolt is known", () => site.device.lock?.state().bolt === "secured");
  const openings = () => reports.filter(({ type }) => type === "opened-at-lock");
  return { ...site, reports, openings };
}

test("whoever comes after a command hears nothing of it: nothing that unlocks stays at the broker", async (t) => {
  const { device, link, vanish, appear, id, port } = await givenNuki(t);
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  assert.deepEqual(link.heard, [{ topic: "nuki/1A2B3C4D/lockAction", payload: "3", retain: false }]);
  await vanish();

  // Somebody with the lock's own password leaves a command for it, to be kept.
  const thief = await dial(port);
  t.after(() => thief.end());
  assert.equal(await login(thief, connectPacket(id, { clientId: "thief" })), 0);
  for (const name of ["lockAction", "unlock", "lock"]) {
    thief.publish(`nuki/1A2B3C4D/${name}`, name === "lockAction" ? "3" : "true", 1, 7, true);
    await thief.next("puback");
    assert.ok((await thief.subscribe(`nuki/1A2B3C4D/${name}`)) <= 1);
  }
  await thief.ping();
  assert.deepEqual(thief.packets, []);
  thief.end();
  await thief.isClosed();

  await appear();
  await device.lock?.secure(never);
  assert.deepEqual(
    link.heard.map(({ payload }) => payload),
    ["3", "2"],
  );
});

test("a lock that begins with what it knew before: no command is proven by it, and the truth comes out", async (t) => {
  const { device, lock, link, faults, vanish, appear } = await givenNuki(t, { beginsStale: true });
  await vanish();
  lock.turnKnob("unlocked");
  await appear();
  await until("the truth is known", () => device.lock?.state().bolt === "released");
  assert.equal(await device.lock?.secure(never), "confirmed");

  // Released, and the line breaks before it can say so.
  faults.rates = { ...faults.rates, noReply: 1 };
  const result = device.lock?.release(5_000, never);
  await until("it has heard", () => link.heard.at(-1)?.payload === "3");
  link.breakOff();
  assert.equal(await result, "unknown");
  assert.equal(device.lock?.state().bolt, "unknown");
  await until("the truth is known again", () => device.lock?.state().bolt === "released");
});

test("an opening that the lock does not answer costs it its line, on which it might come later; a locking does not", async (t) => {
  const { device, link, faults, sent } = await givenNuki(t);
  faults.rates = { ...faults.rates, noReply: 1 };
  assert.equal(await device.lock?.secure(never), "unknown");
  assert.equal(link.connected, true);
  let lost = 0;
  device.subscribe(async (report) => {
    if (report.type === "presence" && report.state === "offline") lost += 1;
  });
  assert.equal(await device.lock?.release(5_000, never), "unknown");
  await until("its line was cut", () => lost > 0);
  assert.equal(sent.length, 2);
});

test("who opens at the lock is told once, although the lock says it twice", async (t) => {
  const { device, lock, openings, pass } = await givenNuki(t, { doublesEvents: true });
  lock.keypad?.add({ name: "guest", code: 345678, enabled: true, allowed: {} });
  assert.ok(lock.enterCode("345678"));
  await until("the code is told", () => openings().length === 1);
  await pass(10_000);
  assert.ok(!lock.enterCode("999999"));
  lock.turnKnob("locked");
  lock.turnKnob("unlocked");
  await until("the hand is told", () => openings().length === 2);
  lock.turnKnob("locked");
  await until("it is locked", () => device.lock?.state().bolt === "secured");
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  await pass(10_000);
  assert.deepEqual(openings(), [
    { type: "opened-at-lock", by: "code", code: "1" },
    { type: "opened-at-lock", by: "hand" },
  ]);
});

test("a lock whose owner has not allowed it is refused without a word on the line", async (t) => {
  const { device, link } = await givenNuki(t);
  link.manners.obeys = false;
  link.breakOff();
  await until("it has gone", () => device.status().link === "offline");
  await until("it has come again", () => device.status().link === "online");
  assert.equal(await device.lock?.release(5_000, never), "refused");
  assert.deepEqual(link.heard, []);
});

test("an answer that comes after its command's end is not taken for that of the next", async (t) => {
  const { device, lock, link, faults, pass } = await givenNuki(t);
  faults.rates = { ...faults.rates, lateReplyMs: 55_000 };
  assert.equal(await device.lock?.secure(never), "unknown");
  faults.rates = { ...faults.rates, lateReplyMs: 0 };
  lock.loseCalibration();
  assert.equal(await device.lock?.secure(never), "unknown", "it is refused, or the one before was");
  await pass(60_000);
  assert.equal(await device.lock?.secure(never), "refused");
  assert.deepEqual(
    link.heard.map(({ payload }) => payload),
    ["2", "2", "2"],
  );
});

async function givenHub(t: Parameters<typeof givenNukiMqttSite>[0], publishesCodes: boolean) {
  const hub = (parts: ConstructorParameters<typeof NukiHubLink>[0]) =>
    new NukiHubLink({ ...parts, settings: { publishesCodes, publishesLog: true } });
  const site = await givenNukiMqttSite(t, { hub: { timeZone } }, hub, { zone: timeZone });
  const { codes } = site.device;
  if (!codes) throw new Error("it keeps codes");
  const reports: DeviceReport[] = [];
  site.device.subscribe(async (report) => void reports.push(report));
  await site.device.start(never);
  await site.appear();
  await site.pass(10_000);
  return { ...site, codes, reports };
}

test("without digits in its list a code is known by its name, and a second one with the same digits is unknown, not there", async (t) => {
  const { codes, pass } = await givenHub(t, false);
  const digits = new SecretString("345678");
  assert.equal(await codes.set({ label: "guest", digits }, never), "confirmed");
  await pass(10_000);
  assert.equal(await codes.set({ label: "other", digits }, never), "unknown");
  const [guest, ...others] = await codes.list(indexOf, never);
  assert.deepEqual(others, []);
  assert.deepEqual([guest?.label, guest?.index, guest?.window], ["guest", "masked", null]);
});

test("a code that the lock took although the hub says that it failed is unknown, and listed", async (t) => {
  const { codes, link } = await givenHub(t, true);
  link.failBluetooth("lost-answer");
  assert.equal(await codes.set({ label: "guest", digits: new SecretString("345678") }, never), "unknown");
  const listed = await codes.list(indexOf, never);
  assert.deepEqual(
    listed.map(({ label, index }) => [label, index]),
    [["guest", indexOf("345678")]],
  );
});

test("by which code it was opened the hub's log tells, by the ref that the code is listed with", async (t) => {
  const { codes, lock, reports, pass } = await givenHub(t, false);
  assert.equal(await codes.set({ label: "guest", digits: new SecretString("345678") }, never), "confirmed");
  await pass(10_000);
  const [guest] = await codes.list(indexOf, never);
  assert.ok(lock.enterCode("345678"));
  await until("it is told", () => reports.some(({ type }) => type === "opened-at-lock"));
  assert.ok(guest);
  assert.deepEqual(
    reports.filter(({ type }) => type === "opened-at-lock"),
    [{ type: "opened-at-lock", by: "code", code: guest.ref }],
  );
});

test("after the line was gone the hub is asked how the lock stands", async (t) => {
  const { device, lock, link, pass } = await givenHub(t, false);
  link.breakOff();
  lock.turnKnob("unlocked");
  await until("it is gone", () => device.status().link === "offline");
  await until("it is back, and has said so", () => device.lock?.state().bolt === "released");
  await pass(10_000);
  assert.equal(await device.lock?.secure(never), "confirmed");
});
