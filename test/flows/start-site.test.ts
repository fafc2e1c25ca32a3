/** A site starts whole or not at all, and stops whatever its devices do. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device } from "../../gateway/ports/device.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimDisk } from "../support/sim-disk.ts";

const stuck = () => Promise.reject(new Error("stuck"));

test("a device that cannot start leaves nothing open: the others are stopped and the folder is free", async () => {
  const { start, device, stopped } = givenFolder();

  await assert.rejects(start([device("first"), device("second", { start: stuck })]), /stuck/);

  assert.deepEqual(stopped, ["first", "second"]);
  await (await start([device("first")])).stop();
});

test("a device that does not stop keeps neither the others running nor the folder locked", async () => {
  const { start, device, stopped } = givenFolder();

  const site = await start([device("first", { stop: stuck }), device("second")]);
  await site.stop();

  assert.deepEqual(stopped, ["second"]);
  await (await start([device("first")])).stop();
});

/** A data folder that only one running site may own. */
function givenFolder() {
  const disk = new SimDisk().mount();
  const stopped: string[] = [];
  const device = (id: string, overrides: Partial<Device> = {}): Device => ({
    id,
    start: async () => undefined,
    stop: async () => void stopped.push(id),
    status: () => ({ link: "online", since: 0 }),
    subscribe: () => () => undefined,
    ...overrides,
  });
  const start = (devices: readonly Device[]) =>
    startLoneSite({
      devices,
      disk,
      limits: { segmentBytes: 64 * 1024 },
      processes: { self: { pid: 1, bootId: "b", began: "0" }, isRunning: () => true },
    });
  return { start, device, stopped };
}
