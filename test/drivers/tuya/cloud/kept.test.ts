/** A gateway keeps a guest's PIN inside a Tuya lock: what the cloud forgets, delays or denies on the way, and that one guest has one password. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { CodeSite, credentialOf, hour, noon } from "../../../support/code-site.ts";
import { deviceId, givenTuyaCloudLock } from "../../../support/tuya-cloud-site.ts";
import { until } from "../../../support/until.ts";

const pin = "345678";
const stay = { id: "guest1", pin, from: noon - hour, until: noon + 24 * hour };

async function givenKeptLock(t: TestContext) {
  const site = await CodeSite.start(async (clock) => [await givenTuyaCloudLock(t, { clock })]);
  t.after(() => site.stop());
  const [lock] = site.locks;
  assert.ok(lock);
  const { cloud } = lock;
  const changes = (method: string, of: RegExp) =>
    cloud.calls.filter((call) => call.method === method && of.test(call.path)).length;
  return {
    ...{ site, ...lock },
    inCloud: cloud.lock(deviceId),
    /** What the gateway has written down of the guest's code last; undefined where none was, or it was read as absent. */
    trail: (guest = stay.id) =>
      site.running.parts.records.codes.trailsOf(deviceId).find(({ credential }) => credential === credentialOf(guest)),
    created: () => changes("POST", /temp-password$/),
    changed: () => changes("PUT", /modify-password$/),
    ended: () => changes("DELETE", /temp-passwords/),
  };
}

test("a guest's PIN is put there, follows the stay in its place, and goes with it", async (t) => {
  const { site, lock, inCloud, trail, created, changed, ended } = await givenKeptLock(t);
  await site.book(stay);
  await until("it was seen on the lock", () => trail()?.state === "present");
  assert.ok(lock.enterPassword(pin));
  const [{ id } = { id: 0 }] = inCloud.passwords();

  await site.book({ ...stay, until: noon + 48 * hour });
  await until("the longer stay was seen", () => {
    const { state, window } = trail() ?? {};
    return state === "present" && window?.until === noon + 48 * hour;
  });
  assert.deepEqual(
    inCloud.passwords().map((one) => [one.id, one.until]),
    [[id, (noon + 48 * hour) / 1_000]],
  );

  await site.cancel(stay.id);
  await until("it was seen to be gone", () => trail() === undefined);
  assert.ok(!lock.enterPassword(pin));
  assert.deepEqual([created(), changed(), ended()], [1, 1, 1], "nothing was written twice");
});

test("a restart writes nothing", async (t) => {
  const { site, cloud, trail, created, changed, ended } = await givenKeptLock(t);
  await site.book(stay);
  await until("it was seen on the lock", () => trail()?.state === "present");
  const before = cloud.calls.length;
  await site.restart();
  await site.book({ ...stay, id: "guest2", pin: "456789" });
  await until("the next one was put there", () => trail("guest2")?.state === "present");
  assert.ok(cloud.calls.length > before);
  assert.deepEqual([created(), changed(), ended()], [2, 0, 0]);
});

test("a creation that is never answered leaves one password: it is found by its name", async (t) => {
  const { site, cloud, lock, inCloud, trail, created, changed } = await givenKeptLock(t);
  cloud.trouble("mute", { path: /temp-password$/ });
  await site.book(stay);
  await until("it was seen on the lock", () => trail()?.state === "present");
  assert.ok(lock.enterPassword(pin));
  assert.equal(inCloud.passwords().length, 1);
  assert.deepEqual([created(), changed()], [1, 0]);
  const answers = await site.events("code-answered");
  assert.deepEqual(
    answers.map(({ result }) => result),
    ["unknown"],
  );
});

test("what does not reach the lock does not count, and is sent again in its place", async (t) => {
  const { site, lock, inCloud, trail, created, changed, logged } = await givenKeptLock(t);
  inCloud.cutLine();
  await site.book(stay);
  await until("it is told that it failed", () => logged.some((line) => line.includes("code-not-delivered")));
  assert.notEqual(trail()?.state, "present");
  inCloud.restoreLine();
  await until("it was seen on the lock", () => trail()?.state === "present");
  assert.ok(lock.enterPassword(pin));
  assert.equal(inCloud.passwords().length, 1);
  assert.equal(created(), 1);
  assert.ok(changed() >= 1);
});

test("an end that does not reach the lock is not believed before the lock has heard", async (t) => {
  const { site, lock, inCloud, trail, ended } = await givenKeptLock(t);
  await site.book(stay);
  await until("it was seen on the lock", () => trail()?.state === "present");
  inCloud.cutLine();
  await site.cancel(stay.id);
  await until("the end is tried again", () => ended() > 1);
  assert.notEqual(trail(), undefined);
  assert.ok(lock.enterPassword(pin), "it still opens");
  inCloud.restoreLine();
  await until("it was seen to be gone", () => trail() === undefined);
  assert.ok(!lock.enterPassword(pin));
});

test("a trial that is over is told with its remedy, and when it is extended all goes on", async (t) => {
  const { site, cloud, lock, logged, trail, created } = await givenKeptLock(t);
  await site.book(stay);
  await until("it was seen on the lock", () => trail()?.state === "present");
  cloud.refuse("trialExpired");
  await site.book({ ...stay, id: "guest2", pin: "456789" });
  await until("it is told", () => logged.some((line) => /28841002.*extend it at iot\.tuya\.com/s.test(line)));
  assert.equal(created(), 1);
  cloud.settle();
  await until("the next one was put there", () => trail("guest2")?.state === "present");
  assert.ok(lock.enterPassword("456789"));
});
