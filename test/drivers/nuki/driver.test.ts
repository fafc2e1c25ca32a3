import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inspect } from "node:util";
import { nukiAction } from "../../../firmware-sim/sim-nuki.ts";
import { nuki } from "../../../gateway/drivers/nuki/driver.ts";
import { parseOptions } from "../../../gateway/drivers/nuki/options.ts";
import { GatewayError } from "../../../gateway/errors.ts";
import type { DeviceReport } from "../../../gateway/ports/device.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { indexOf } from "../../contract/code-store.ts";
import { collect, givenNukiSite, smartlockId, token } from "../../support/nuki-site.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
const openings = (reports: readonly DeviceReport[]) => reports.filter(({ type }) => type === "opened-at-lock");

for (const [what, options, key] of [
  ["no smartlockId", {}, "smartlockId"],
  ["an unknown key", { smartlockId, colour: "red" }, "colour"],
  ["a token in plain text over the network", { smartlockId, url: "http://nuki.example" }, "url"],
  ["a name and a password in the address", { smartlockId, url: "https://me:secret@api.nuki.io" }, "url"],
  ["no address", { smartlockId, url: "api.nuki.io" }, "url"],
  ["polls without a pause", { smartlockId, pollMs: 10 }, "pollMs"],
] as const)
  test(`refuses ${what} by its key`, async (t) => {
    const { context } = await givenNukiSite(t);
    assert.throws(
      () => nuki.create("door", options, context),
      (error) => error instanceof GatewayError && error.code === "config-invalid" && error.message.startsWith(key),
    );
  });

test("the README names every option, with what it is without being named", () => {
  const readme = readFileSync(new URL("../../../gateway/drivers/nuki/README.md", import.meta.url), "utf8");
  const { smartlockId: _, ...defaults } = parseOptions({ smartlockId });
  for (const [key, value] of Object.entries(defaults))
    assert.match(readme, new RegExp(`\\| \`${key}\` \\(\`?${String(value).replaceAll(".", "\\.")}\`?\\)`), key);
});

test("a token that is missing or is none is named, not shown", async (t) => {
  const { context } = await givenNukiSite(t);
  for (const text of [undefined, "", "two words", "line\nbreak"])
    assert.throws(
      () =>
        nuki.create(
          "door",
          { smartlockId },
          { ...context, secret: () => (text === undefined ? undefined : new SecretString(text)) },
        ),
      (error) =>
        error instanceof GatewayError && /"token"/.test(error.message) && (!text || !error.message.includes(text)),
    );
});

test("a release pulls the latch, or only turns the bolt back where the door wants no more", async (t) => {
  const site = await givenNukiSite(t, { others: [7] });
  const plain = nuki.create("plain", { smartlockId: 7, url: site.url, unlatch: false, autoLock: true }, site.context);
  t.after(() => plain.stop());
  await site.device.start(never);
  await plain.start(never);
  await site.appear();
  await until("the other is online", () => plain.status().link === "online");

  await Promise.all([site.device.lock?.release(5_000, never), plain.lock?.release(5_000, never)]);

  assert.deepEqual(
    site.locks.map((lock) => lock.report().lastAction),
    [nukiAction.unlatch, nukiAction.unlock],
  );
  assert.equal(site.device.lock?.relocks, "when-told");
  assert.equal(plain.lock?.relocks, "by-itself");
});

test("the bolt of a lock that locks by itself is seen back soon after, long before the next poll", async (t) => {
  const { device, appear, clock, pass } = await givenNukiSite(t, {
    options: { autoLock: true, pollMs: 3_600_000 },
    lock: { autoLockMs: 5_000 },
  });
  await device.start(never);
  await appear();
  await pass(10_000);
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  const releasedAt = clock.monotonic();
  await until("it is back", () => device.lock?.state().bolt === "secured");
  assert.ok(clock.monotonic() - releasedAt < 30_000);
});

test("reports door, sensor, battery and bolt as they change, each once", async (t) => {
  const { device, lock, appear, pass } = await givenNukiSite(t);
  const reports = collect(device);
  await device.start(never);
  await appear();
  await pass(10_000);
  lock.turnKnob("unlocked");
  lock.pushDoor();
  lock.drainBattery(40);
  await until("all of it is known", () => device.status().battery === 40 && device.status().door === "open");
  await pass(20_000);

  const facts = reports.filter(({ type }) => type !== "opened-at-lock");
  assert.deepEqual(facts, [
    { type: "presence", state: "online" },
    { type: "bolt", state: "secured" },
    { type: "door", state: "closed" },
    { type: "battery", percent: 100 },
    { type: "bolt", state: "released" },
    { type: "door", state: "open" },
    { type: "battery", percent: 40 },
  ]);
});

test("who opened at the lock is told once: by which code, or by hand; not what was before, nor what we did", async (t) => {
  const { device, lock, web, appear, pass } = await givenNukiSite(t);
  lock.keypad?.add({ name: "guest", code: 345678, enabled: true, allowed: {} });
  await web.start();
  lock.turnKnob("unlocked");
  lock.turnKnob("locked");
  const reports = collect(device);
  await device.start(never);
  await appear();
  const [code] = (await device.codes?.list(indexOf, never)) ?? [];
  await pass(10_000);

  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  assert.equal(await device.lock?.secure(never), "confirmed");
  await pass(10_000);
  assert.deepEqual(openings(reports), []);

  assert.ok(lock.enterCode("345678"));
  assert.ok(!lock.enterCode("999999"));
  await until("the code is told", () => openings(reports).length === 1);
  lock.turnKnob("locked");
  lock.turnKnob("unlocked");
  await until("the hand is told", () => openings(reports).length === 2);
  await pass(30_000);

  assert.ok(code);
  assert.deepEqual(openings(reports), [
    { type: "opened-at-lock", by: "code", code: code.ref },
    { type: "opened-at-lock", by: "hand" },
  ]);
  assert.ok(!inspect(reports, { depth: 9 }).includes("345678"));
});

test("an opening that the lock hands in a quarter of an hour late is not told as one of now, but said in the log", async (t) => {
  const { device, lock, web, clock, appear, pass, logged } = await givenNukiSite(t);
  const reports = collect(device);
  await device.start(never);
  await appear();
  await pass(10_000);
  web.cutLine(lock.id);
  await until("it is lost", () => device.status().link === "offline");
  lock.turnKnob("unlocked");
  const end = clock.monotonic() + 15 * 60_000;
  while (clock.step(end));
  web.restoreLine(lock.id);
  await until("it is in the log", () => logged.some((line) => line.includes("opening-told-late")));
  assert.deepEqual(openings(reports), []);
  lock.turnKnob("locked");
  lock.turnKnob("unlocked");
  await until("the next is told", () => openings(reports).length === 1);
});

test("what finds no room on the disk is told again: an opening and a bolt alike", async (t) => {
  const { device, lock, appear, pass } = await givenNukiSite(t);
  const taken: DeviceReport[] = [];
  let isFull = false;
  let refused = 0;
  device.subscribe(async (report) => {
    refused += isFull ? 1 : 0;
    if (isFull) throw new GatewayError("storage-full", "the disk is full");
    taken.push(report);
  });
  await device.start(never);
  await appear();
  await pass(10_000);
  isFull = true;
  lock.turnKnob("unlocked");
  await until("both were refused", () => refused >= 4);
  isFull = false;
  await until("both are told", () => openings(taken).length === 1 && lastBolt(taken) === "released");
});

function lastBolt(reports: readonly DeviceReport[]): string | undefined {
  return reports.flatMap((report) => (report.type === "bolt" ? [report.state] : [])).at(-1);
}

test("three reads in a row that fail are a lost lock, two are not; a read that works is a lock again", async (t) => {
  const { device, web, appear, logged } = await givenNukiSite(t);
  const reports = collect(device);
  await device.start(never);
  await appear();
  web.refuse(503, 2);
  await until(
    "two reads have failed",
    () => logged.filter((line) => line.includes("Nuki Web answered 503")).length >= 2,
  );
  assert.equal(device.status().link, "online");
  web.refuse(503);
  await until("it is lost", () => device.status().link === "offline");
  web.obey();
  await until("it is back", () => device.status().link === "online");
  await until("that is told", () => reports.filter(({ type }) => type === "presence").length === 3);
});

test("a line that comes back between polls does not keep anybody waiting: a release asks anew before it gives up", async (t) => {
  const { device, lock, web, appear } = await givenNukiSite(t, { options: { pollMs: 60_000 } });
  await device.start(never);
  await appear();
  web.cutLine(lock.id);
  await until("it is lost", () => device.status().link === "offline");
  web.restoreLine(lock.id);
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
});

test("neither token nor digits are in any line of the log, nor in an error, whatever the maker's service answers", async (t) => {
  const { device, web, appear, logged, faults } = await givenNukiSite(t);
  await device.start(never);
  await appear();
  const told: unknown[] = [];
  for (const status of [400, 401, 402, 403, 404, 409, 422, 423, 429, 500, 503] as const) {
    web.refuse(status);
    told.push(await device.lock?.release(5_000, never));
    told.push(await device.codes?.set({ label: "guest", digits: new SecretString("987654") }, never));
    told.push(await device.codes?.list(indexOf, never).catch((error: unknown) => error));
  }
  web.obey();
  faults.rates = { ...faults.rates, garble: 1 };
  told.push(await device.codes?.set({ label: "guest", digits: new SecretString("987654") }, never));
  told.push(await device.codes?.list(indexOf, never).catch((error: unknown) => error));
  told.push(await device.lock?.release(5_000, never));

  const said = [...logged, inspect(told, { depth: 12, showHidden: true })].join("\n");
  assert.ok(said.includes("401"), "it was told at all");
  for (const secret of [token, "987654"]) assert.ok(!said.includes(secret), said);
});
