/** A site starts whole or not at all, and stops whatever its devices do. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { EventBody } from "../../gateway/domain/entry-event.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { Device } from "../../gateway/ports/device.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { noon } from "../support/site-fixture.ts";
import { until } from "../support/until.ts";

const stuck = () => Promise.reject(new Error("stuck"));

test("a device that cannot start keeps no other from starting, and is tried again, less and less often", async () => {
  const { start, device, clock } = givenFolder();
  const tries: number[] = [];
  const moody = device("moody", {
    start: async () => {
      tries.push(clock.monotonic());
      if (tries.length < 4) throw new Error("stuck");
    },
  });

  const starting = start([moody, device("other")]);
  await until("its start is tried", () => tries.length === 1);
  await pass(clock, 60_000);
  const site = await starting;

  assert.deepEqual(tries, [0, 1_000, 3_000, 7_000]);
  await site.stop();
});

test("one that hangs in its start is stopped and tried again; the site starts without it", async () => {
  const { start, device, stopped, clock } = givenFolder();
  let tries = 0;
  const hanging = device("hanging", {
    start: () => {
      tries += 1;
      return tries === 1 ? new Promise(() => undefined) : Promise.resolve();
    },
  });

  const starting = start([hanging]);
  await until("its start is tried", () => tries === 1);
  await pass(clock, 2_000);
  const site = await starting;
  await pass(clock, 20_000);

  assert.equal(tries, 2);
  assert.deepEqual(stopped, ["hanging"]);
  await site.stop();
});

test("a device that does not stop keeps neither the others running nor the folder locked", async () => {
  const { start, device, stopped } = givenFolder();

  const site = await start([device("first", { stop: stuck }), device("second")]);
  await site.stop();

  assert.deepEqual(stopped, ["second"]);
  await (await start([device("first")])).stop();
});

test("what was under way when the process ended is ended as what it was", async () => {
  const { start } = givenFolder();
  const { parts, stop } = await start([]);
  const begun: EventBody[] = [
    { type: "command-taken", command: 5, accessPoint: "front", action: "identify", by: "ana" },
    { type: "command-taken", command: 6, accessPoint: "front", by: "ana" },
    { type: "staff-command", staff: "person-rosa", accessPoint: "front", action: "identify" },
    { type: "staff-command", staff: "person-rosa", accessPoint: "front" },
  ];
  const [, , identify, unlock] = begun.map((body) => parts.journal.recordEvent(body).event.seq);
  await stop();

  const again = await start([]);
  await again.parts.journal.flushed();
  const ended = (await recentEvents(again.parts.journal, 100)).reverse().filter(({ type }) => type.endsWith("-ended"));

  assert.deepEqual(
    ended.map(({ seq: _seq, at: _at, clock: _clock, boot: _boot, mono: _mono, ...body }) => body),
    [
      { type: "command-ended", command: 5, accessPoint: "front", action: "identify", result: "unknown" },
      { type: "command-ended", command: 6, accessPoint: "front", result: "unknown" },
      { type: "staff-command-ended", of: identify, accessPoint: "front", action: "identify", result: "unknown" },
      { type: "staff-command-ended", of: unlock, accessPoint: "front", result: "unknown" },
    ],
  );
  await again.stop();
});

/** A data folder that only one running site may own. */
function givenFolder() {
  const clock = new SimClock(noon);
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
      clock,
      disk,
      limits: { segmentBytes: 64 * 1024 },
      processes: { self: { pid: 1, bootId: "b", began: "0" }, isRunning: () => true },
    });
  return { start, device, stopped, clock };
}

async function pass(clock: SimClock, ms: number): Promise<void> {
  const end = clock.monotonic() + ms;
  do for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  while (clock.step(end));
}
