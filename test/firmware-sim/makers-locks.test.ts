/** Each maker's lock as the page plays it: what a person does shows, and whoever speaks its language finds it where it says. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { noFaults } from "../../firmware-sim/faults.ts";
import { type Internet, startInternet } from "../../firmware-sim/internet.ts";
import { kisiDoor } from "../../firmware-sim/played/kisi-door.ts";
import { makersLocks } from "../../firmware-sim/played/makers-locks.ts";
import { nukiLock } from "../../firmware-sim/played/nuki-lock.ts";
import { shellyStrike } from "../../firmware-sim/played/shelly-strike.ts";
import { tuyaLock } from "../../firmware-sim/played/tuya-lock.ts";
import type { MakersLock, MakersLockOptions } from "../../firmware-sim/played-lock.ts";
import { loadDriver } from "../../gateway/drivers/index.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { givenDriverContext } from "../support/driver-context.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";

const noon = Date.UTC(2031, 2, 4, 12);

async function givenLock(t: TestContext, make: (options: MakersLockOptions) => MakersLock) {
  const clock = new SimClock(noon);
  const internet = await givenInternet(t);
  const lock = make({ id: "door", name: "Door", clock, internet, secret });
  t.after(() => lock.stop());
  return { clock, internet, lock, entry: await lock.start() };
}

async function givenInternet(t: TestContext): Promise<Internet> {
  const internet = await startInternet({ targetHost: "127.0.0.1", targetPort: 1, clock: systemClock });
  t.after(() => internet.stop());
  return internet;
}

const secret = (length: number) => "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH".slice(0, length);
const partsOf = (lock: MakersLock) => {
  const { bolt, door, powered } = lock.view();
  return [bolt, door, powered];
};

/** Whether somebody answers at that port. */
async function isReached(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const reached = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return reached;
}

test("a strike gives way while it has current, holds without power, and sticks when it is welded", async (t) => {
  const { lock } = await givenLock(t, shellyStrike);
  const { acts } = lock;
  acts.moveDoor(true);
  assert.deepEqual(partsOf(lock), ["secured", "closed", true]);

  acts.turn?.("released");
  acts.moveDoor(true);
  assert.deepEqual(partsOf(lock), ["released", "open", true]);
  acts.moveDoor(false);
  acts.setPower?.(false);
  assert.deepEqual(partsOf(lock), ["secured", "closed", false]);
  acts.setPower?.(true);
  acts.setJam?.(true);
  acts.turn?.("released");

  assert.deepEqual(partsOf(lock), ["secured", "closed", true]);
  assert.equal(lock.view().jammed, true);
  assert.equal(lock.view().batteryPercent, undefined);
});

test("a Tuya lock is turned by its thumb whether or not it is on its network", async (t) => {
  const { lock, entry } = await givenLock(t, tuyaLock);
  const { acts } = lock;
  const { port } = entry.options as { port: number };
  assert.equal(await isReached(port), true);

  acts.setOnline?.(false);
  await until("nobody is there", async () => !(await isReached(port)));
  acts.turn?.("released");
  acts.moveDoor(true);
  acts.drainBattery?.(35);
  assert.deepEqual(partsOf(lock), ["released", "open", true]);
  assert.deepEqual([lock.view().online, lock.view().batteryPercent], [false, 35]);
  acts.setOnline?.(true);

  await until("it is there again", () => isReached(port));
});

test("a Kisi door is left by its button without a cloud, and shuts when its time is over", async (t) => {
  const { lock, clock } = await givenLock(t, kisiDoor);
  const { acts } = lock;
  acts.setOnline?.(false);
  acts.moveDoor(true);
  assert.deepEqual(partsOf(lock), ["secured", "closed", true]);

  acts.turn?.("released");
  acts.moveDoor(true);
  assert.deepEqual(partsOf(lock), ["released", "open", true]);
  acts.moveDoor(false);
  await until("it is secured", () => {
    if (clock.nextAt !== undefined) clock.step(clock.nextAt);
    return lock.view().bolt === "secured";
  });

  assert.equal(lock.view().online, false);
});

test("a Nuki opens for a code in it with its cloud cut off, shows the code without digits, and locks itself", async (t) => {
  const { lock, entry, clock, internet } = await givenLock(t, nukiLock);
  const { url, smartlockId } = entry.options as { url: string; smartlockId: number };
  const ask = (method: string, path: string, body?: object) =>
    fetch(`${url}/smartlock/${smartlockId}${path}`, {
      method,
      headers: { authorization: `Bearer ${entry.secrets.token}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
  const created = { name: "Ana", type: 13, code: 583_914, allowedUntilDate: "2031-03-06T12:00:00.000Z" };
  assert.equal((await ask("PUT", "/auth", created)).status, 204);
  const step = async (what: string, holds: () => boolean) =>
    until(what, () => {
      if (!holds() && clock.nextAt !== undefined) clock.step(clock.nextAt);
      return holds();
    });
  await step("the code is in the lock", () => lock.view().codes?.length === 1);
  assert.deepEqual(lock.view().codes, [{ name: "Ana", from: null, until: noon + 172_800_000 }]);
  assert.doesNotMatch(JSON.stringify(lock.view()), /583914/);

  internet.set(false);
  await assert.rejects(ask("GET", ""), /fetch failed/);
  lock.acts.enterPin?.("736492");
  assert.equal(lock.view().lastVerdict?.verdict, "denied");
  lock.acts.enterPin?.("583914");
  assert.deepEqual([lock.view().lastVerdict?.verdict, lock.view().display], ["granted", "Welcome"]);
  await step("the bolt is back", () => lock.view().bolt === "released");

  await step("it has locked itself", () => lock.view().bolt === "secured");
  lock.acts.setJam?.(true);
  lock.acts.enterPin?.("583914");
  await step("it is jammed", () => lock.view().bolt === "jammed");
});

test("every lock of the site has a name of its own, and its driver takes what it says of itself and reaches it", async (t) => {
  const internet = await givenInternet(t);
  const locks = makersLocks({ clock: systemClock, internet, secret });
  assert.equal(new Set(locks.flatMap(({ id, name }) => [id, name])).size, 2 * locks.length);
  for (const lock of locks) {
    t.after(() => lock.stop());
    const { options, secrets } = await lock.start();
    const driver = await loadDriver(lock.make.driver);
    assert.ok(driver, lock.make.driver);
    const { context, end } = givenDriverContext(secrets);
    const device = driver.create(lock.id, options, context);
    t.after(async () => {
      await device.stop();
      await end();
    });
    await device.start(new AbortController().signal);
    await until(`${lock.id} is online`, () => device.status().link === "online");
    lock.acts.setLine({ lose: 1 });
    assert.deepEqual(lock.view().line, { ...noFaults, lose: 1 });
  }
});
