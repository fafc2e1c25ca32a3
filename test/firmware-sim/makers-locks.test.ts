/** Each maker's lock as the page plays it: what a person does shows, and whoever speaks its language finds it where it says. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { noFaults } from "../../firmware-sim/faults.ts";
import { type Internet, startInternet } from "../../firmware-sim/internet.ts";
import { brivoDoor } from "../../firmware-sim/played/brivo-door.ts";
import { kisiDoor } from "../../firmware-sim/played/kisi-door.ts";
import { makersLocks } from "../../firmware-sim/played/makers-locks.ts";
import { nukiHub } from "../../firmware-sim/played/nuki-hub.ts";
import { nukiLock } from "../../firmware-sim/played/nuki-lock.ts";
import { ringLock } from "../../firmware-sim/played/ring-lock.ts";
import { shellyStrike } from "../../firmware-sim/played/shelly-strike.ts";
import { tuyaLock } from "../../firmware-sim/played/tuya-lock.ts";
import type { MakersLock, MakersLockOptions } from "../../firmware-sim/played-lock.ts";
import { steadyPort } from "../../firmware-sim/steady-port.ts";
import { loadDriver } from "../../gateway/drivers/index.ts";
import type { Device } from "../../gateway/ports/device.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenContext } from "../support/driver-context.ts";
import { MemoryVault } from "../support/memory-vault.ts";
import { givenBroker } from "../support/mqtt-broker.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";

const noon = Date.UTC(2031, 2, 4, 12);
const zone = "Europe/Madrid";

async function givenLock(t: TestContext, make: (options: MakersLockOptions) => MakersLock) {
  const clock = new SimClock(noon);
  const internet = await givenInternet(t);
  const folder = await givenFolder(t);
  const lock = make({ id: "door", name: "Door", clock, internet, zone, folder, secret, broker: nobody });
  t.after(() => lock.stop());
  return { clock, internet, lock, entry: await lock.start() };
}

async function givenFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "postern-played-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function givenInternet(t: TestContext): Promise<Internet> {
  const internet = await startInternet({ targetHost: "127.0.0.1", targetPort: 1, clock: systemClock });
  t.after(() => internet.stop());
  return internet;
}

/** No gateway is there to be met. */
const nobody = { host: "127.0.0.1", port: 1 };
/** Where a broker will be. */
const givenPlace = async () => ({ host: "127.0.0.1", port: await steadyPort() });

/** The lock and its driver, which has reached it, by the real clock. */
async function givenDriven(t: TestContext, make: (options: MakersLockOptions) => MakersLock) {
  const internet = await givenInternet(t);
  const broker = await givenPlace();
  const folder = await givenFolder(t);
  const lock = make({ id: "door", name: "Door", clock: systemClock, internet, zone, folder, secret, broker });
  const device = await givenDevice(t, lock, broker);
  await until("the lock is online", () => device.status().link === "online");
  return { lock, device, internet };
}

/** Starts the lock, its driver, and at that place the broker where they need one. */
async function givenDevice(t: TestContext, lock: MakersLock, place: { host: string; port: number }): Promise<Device> {
  t.after(() => lock.stop());
  const { options, secrets, env } = await lock.start();
  Object.assign(process.env, env);
  const driver = await loadDriver(lock.make.driver);
  assert.ok(driver, lock.make.driver);
  const { context } = givenContext(t, secrets);
  const { mqtt: dialect } = driver.create(lock.id, options, context);
  const { broker, deafen } = dialect
    ? await givenBroker(t, {}, [{ id: lock.id, dialect, password: new SecretString(secrets.password ?? "") }], {
        plainLan: place,
      })
    : {};
  deafen?.();
  const device = driver.create(lock.id, options, {
    ...context,
    clock: systemClock,
    vault: new MemoryVault(),
    ...(broker && { mqtt: broker.link(lock.id) }),
  });
  t.after(() => device.stop());
  await device.start(new AbortController().signal);
  return device;
}

async function putCode(device: Device): Promise<void> {
  const code = { label: "Ana", digits: new SecretString("583914") };
  // A hub that has just connected takes nothing yet.
  await until("the code is taken", async () => {
    const result = await device.codes?.set(code, new AbortController().signal);
    return result === "accepted" || result === "confirmed";
  });
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

test("a Tuya lock whose battery is empty is gone from its network and turned by hand alone, until it has new ones", async (t) => {
  const { lock, entry } = await givenLock(t, tuyaLock);
  const { acts } = lock;
  const { port } = entry.options as { port: number };
  acts.drainBattery?.(0);
  await until("nobody is there", async () => !(await isReached(port)));
  assert.equal(lock.view().powered, false);
  acts.turn?.("released");
  assert.equal(lock.view().bolt, "released");
  acts.setOnline?.(false);
  acts.drainBattery?.(100);
  assert.deepEqual([lock.view().powered, lock.view().online], [true, false]);
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
  const tuesdays = { allowedWeekDays: 32, allowedFromTime: 780, allowedUntilTime: 845 };
  const created = { name: "Ana", type: 13, code: 583_914, allowedUntilDate: "2031-03-06T12:00:00.000Z", ...tuesdays };
  assert.equal((await ask("PUT", "/auth", created)).status, 204);
  const step = async (what: string, holds: () => boolean) =>
    until(what, () => {
      if (!holds() && clock.nextAt !== undefined) clock.step(clock.nextAt);
      return holds();
    });
  await step("the code is in the lock", () => lock.view().codes?.length === 1);
  assert.deepEqual(lock.view().codes, [
    { name: "Ana", from: null, until: noon + 172_800_000, hours: "Tue 13:00 to 14:05" },
  ]);
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

test("a Nuki beside a hub opens for a code in it whatever becomes of the hub", async (t) => {
  const { lock, device } = await givenDriven(t, nukiHub);
  await putCode(device);
  assert.deepEqual(lock.view().codes, [{ name: "Ana", from: null, until: null }]);
  assert.doesNotMatch(JSON.stringify(lock.view()), /583914/);

  lock.acts.setOnline?.(false);
  lock.acts.setOnline?.(true);
  lock.acts.setOnline?.(false);
  await until("the hub is gone", () => device.status().link === "offline");
  lock.acts.enterPin?.("736492");
  assert.deepEqual([lock.view().lastVerdict?.verdict, lock.view().display], ["denied", "Wrong code"]);
  lock.acts.enterPin?.("583914");
  assert.equal(lock.view().lastVerdict?.verdict, "granted");
  await until("the bolt is back", () => lock.view().bolt === "released");
  assert.equal(lock.view().online, false);
  lock.acts.setOnline?.(true);

  await until("the hub is there again", () => device.status().link === "online");
});

test("a Brivo door opens for a PIN that its panel has, with the internet unplugged, and is left by its button", async (t) => {
  const { lock, device, internet } = await givenDriven(t, brivoDoor);
  await putCode(device);
  await until("the panel has it", () => lock.view().codes?.length === 1);
  assert.deepEqual(lock.view().codes, [{ name: "Ana", from: null, until: null }]);
  assert.doesNotMatch(JSON.stringify(lock.view()), /583914/);

  internet.set(false);
  lock.acts.enterPin?.("736492");
  assert.deepEqual([lock.view().lastVerdict?.verdict, lock.view().bolt], ["denied", "secured"]);
  lock.acts.enterPin?.("583914");
  assert.deepEqual([lock.view().lastVerdict?.verdict, lock.view().bolt], ["granted", "released"]);
  lock.acts.setPower?.(false);
  assert.deepEqual([lock.view().display, ...partsOf(lock)], ["", "secured", "closed", false]);
  lock.acts.setPower?.(true);
  lock.acts.turn?.("released");
  lock.acts.moveDoor(true);

  assert.deepEqual(partsOf(lock), ["released", "open", true]);
});

test("a Ring lock is turned from afar while its hub and its cloud are there, and by its thumb at any time", async (t) => {
  const { lock, device, internet } = await givenDriven(t, ringLock);
  const { acts } = lock;
  const release = () => device.lock?.release(5_000, new AbortController().signal);
  acts.moveDoor(true);
  assert.deepEqual(partsOf(lock), ["secured", "closed", true]);
  await until("it is released", async () => (await release()) === "confirmed");
  acts.moveDoor(true);
  assert.deepEqual(partsOf(lock), ["released", "open", true]);
  acts.moveDoor(false);

  acts.setOnline?.(false);
  await until("its hub is gone", () => device.status().link === "offline");
  acts.turn?.("secured");
  acts.setTamper?.(true);
  assert.deepEqual([lock.view().tamper, ...partsOf(lock)], [true, "secured", "closed", true]);
  acts.setOnline?.(true);
  await until("its hub is back", () => device.status().link === "online");
  acts.setJam?.(true);
  await until("it is jammed", async () => {
    await release();
    return lock.view().bolt === "jammed";
  });

  internet.set(false);
  await until("its cloud is out of reach", () => device.status().link === "offline");
});

test("every lock of the site has a name of its own, and its driver takes what it says of itself and reaches it", async (t) => {
  const internet = await givenInternet(t);
  const broker = await givenPlace();
  const locks = makersLocks({ clock: systemClock, internet, zone, folder: await givenFolder(t), secret, broker });
  assert.equal(new Set(locks.flatMap(({ id, name }) => [id, name])).size, 2 * locks.length);
  for (const lock of locks) {
    const device = await givenDevice(t, lock, broker);
    await until(`${lock.id} is online`, () => device.status().link === "online");
    lock.acts.setLine({ lose: 1 });
    assert.deepEqual(lock.view().line, { ...noFaults, lose: 1 });
  }
});
