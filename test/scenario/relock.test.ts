/** A motor lock stays as it is until it is told: whoever opened it shuts it, also after it went down meanwhile. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Faults } from "../../firmware-sim/faults.ts";
import { TuyaServer } from "../../firmware-sim/links/tuya.ts";
import { SimTuyaLock } from "../../firmware-sim/sim-tuya-lock.ts";
import { systemClock as clock } from "../../gateway/system-clock.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

const localKey = "0123456789abcdef";
const remoteKey = "13572468";
const deviceId = "bf0123456789abcdefghij";
const autoLockDp = 33;

/** A box's keypad beside a door whose Tuya lock has its own auto-lock off. */
async function givenSite(t: TestContext, holdMs: number) {
  const key = { member: 1, from: 0, until: 2 ** 32 - 1, uses: 0, key: remoteKey };
  const lock = new SimTuyaLock({ family: "bluetooth", clock, remoteKey: key });
  lock.write({ [autoLockDp]: false });
  const server = new TuyaServer({
    ...{ id: deviceId, key: localKey, version: "3.4", clock, faults: new Faults() },
    locks: { a4c138: lock },
  });
  const at = await server.start();
  t.after(() => server.stop());
  const options = { ...at, version: "3.4", deviceId, cid: "a4c138", profile: "bluetooth" };
  const other = { id: "flat-lock", driver: "tuya", options, secrets: { localKey, remoteKey } };
  const site = await WholeSite.start({ lockOf: { "box-1": other }, holdMs });
  t.after(() => site.stop());
  const grant = await site.grant();
  await site.arrives(grant.version);
  const online = () => site.gateway.site.parts.devices.get("flat-lock")?.status().link === "online";
  await until("the lock is online", online);
  return { site, lock, server, pin: grant.pin };
}

test("given no internet, when its time is over, then the gateway shuts it, and has written down both", async (t) => {
  const { site, lock, server, pin } = await givenSite(t, 800);
  await site.setInternet(false);

  assert.equal(await site.box("box-1").enterPin("000000"), "denied");
  assert.equal(server.commands, 0);
  assert.equal(await site.box("box-1").enterPin(pin), "granted");

  const moves = async () =>
    (await site.journalEvents()).flatMap((event) =>
      event.type === "bolt" && event.device === "flat-lock" ? [event.state] : [],
    );
  await until("both are written down", async () => (await moves()).join() === "secured,released,secured");
  assert.equal(lock.view().bolt, "secured");
  assert.equal(server.commands, 2);
});

test("given that it is released, when the gateway goes and starts anew, then it shuts it", async (t) => {
  const { site, lock, server, pin } = await givenSite(t, 600_000);
  assert.equal(await site.box("box-1").enterPin(pin), "granted");
  assert.equal(lock.view().bolt, "released");

  await site.restartGateway();

  await until("it is shut", () => lock.view().bolt === "secured");
  assert.equal(server.commands, 2);
});
