/** A data volume that fills up is told of before the journal meets its end, and once. */
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { DiskWatch, diskLowBytes } from "../../gateway/storage/disk-watch.ts";
import { FillingDisk } from "../support/filling-disk.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";

function givenVolume() {
  const filling = new FillingDisk();
  const warned: string[] = [];
  const logger = { ...silentLogger, warn: (event: string) => void warned.push(event) };
  return { filling, warned, watch: new DiskWatch({ folder: tmpdir(), disk: filling.disk, logger }) };
}

test("below ballast and one segment it is low, which is told once until there is room again", async () => {
  const { filling, warned, watch } = givenVolume();
  const looks: boolean[] = [];
  for (const room of [diskLowBytes, diskLowBytes - 1, 0, diskLowBytes, diskLowBytes - 1]) {
    filling.room = room;
    looks.push((await watch.look()).low);
  }
  assert.deepEqual(looks, [false, true, true, false, true]);
  assert.deepEqual(warned, ["disk-nearly-full"]);

  for (const room of [2 * diskLowBytes, 0]) {
    filling.room = room;
    await watch.look();
  }
  assert.deepEqual(warned, ["disk-nearly-full", "disk-nearly-full"]);
});

test("it looks by itself, whether anybody asks for the status or not", async () => {
  const { filling, warned, watch } = givenVolume();
  const clock = new SimClock(0);
  const stopping = new AbortController();
  const running = watch.run(clock, stopping.signal);
  await until("it has looked", () => clock.nextAt !== undefined);
  assert.deepEqual(warned, []);

  filling.room = 0;
  clock.step(60_000);
  await until("it is told", () => warned.length === 1);

  await until("it waits again", () => clock.nextAt !== undefined);
  stopping.abort();
  await running;
});
