/** What devices report, on a real journal over a simulated disk. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Questions } from "../../gateway/domain/questions.ts";
import { InTurn } from "../../gateway/flows/in-turn.ts";
import { News } from "../../gateway/flows/news.ts";
import type { SiteParts } from "../../gateway/flows/site-parts.ts";
import { watchDevice } from "../../gateway/flows/watch-device.ts";
import type { Device, DeviceReport, ReportListener } from "../../gateway/ports/device.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { noPeers } from "../../gateway/ports/peer-link.ts";
import { TimeKeeper } from "../../gateway/time-keeper.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { questionLifeMs } from "../../gateway/wire/gateway-api.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aDenial, aStore, StillClock } from "../support/site-store.ts";

const origin = { device: "box-1", boot: 1, seq: 7 };
const reports: [string, DeviceReport][] = [
  ["a door", { type: "door", state: "open", origin }],
  [
    "a key press",
    {
      type: "credential-presented",
      kind: "pin",
      value: new SecretString("4711"),
      pressedAt: Number.NEGATIVE_INFINITY,
      origin,
    },
  ],
];

for (const [name, report] of reports) {
  test(`${name} that comes twice is written down once, and neither copy is acknowledged before that is on the disk`, async () => {
    const disk = new SimDisk();
    const { journal, report: tell } = await aWatchedDevice(disk);
    const settled: string[] = [];
    const slow = Promise.withResolvers<void>();
    disk.pause = ({ name: operation }) => (operation === "write" ? slow.promise : Promise.resolve());
    const before = journal.durableSeq;

    const copies = ["first", "second"].map((copy) => tell(report).then(() => settled.push(copy)));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(settled, []);

    slow.resolve();
    await Promise.all(copies);
    assert.equal(journal.durableSeq, before + 1);
    await journal.close();
  });

  test(`${name} that comes twice while the disk fails is acknowledged neither time`, async () => {
    const disk = new SimDisk();
    const { report: tell } = await aWatchedDevice(disk);
    disk.fault = ({ name: operation }) => (operation === "write" ? "EIO" : undefined);

    const copies = await Promise.allSettled([tell(report), tell(report)]);

    assert.deepEqual(
      copies.map(({ status }) => status),
      ["rejected", "rejected"],
    );
  });
}

for (const [name, report] of reports) {
  test(`${name} that finds no room on the disk is not acknowledged, and is taken in when it comes again and there is room`, async () => {
    const disk = new SimDisk();
    const { journal, report: tell, clock } = await aWatchedDevice(disk);
    disk.capacity = disk.used;
    await assert.rejects(
      async () => {
        for (;;) await journal.recordEvent(aDenial).durable;
      },
      { code: "storage-full" },
    );
    const before = journal.durableSeq;

    await assert.rejects(tell(report), { code: "storage-full" });
    await assert.rejects(tell(report), { code: "storage-full" });
    assert.equal(journal.durableSeq, before);

    disk.capacity = Number.POSITIVE_INFINITY;
    clock.now += 5_000;
    await assert.rejects(tell(report), { code: "storage-full" }); // and has it look for room
    await new Promise((resolve) => setImmediate(resolve));
    await tell(report);
    await tell(report);
    assert.equal(journal.durableSeq, before + 1);
    await journal.close();
  });
}

test("as long as admissions fit on the disk, so does what a door and a lock report", async () => {
  const disk = new SimDisk();
  const { journal, report: tell } = await aWatchedDevice(disk);
  disk.capacity = disk.used;
  while (journal.state === "open") await journal.recordEvent(aDenial).durable;
  const before = journal.durableSeq;

  await tell({ type: "door", state: "open", origin });
  await tell({ type: "presence", state: "online" });

  assert.equal(journal.state, "full");
  assert.equal(journal.durableSeq, before + 1);
  await journal.close();
});

test("a device that reports without end is turned away beyond what doors can do, told of once a minute, and heard again later", async () => {
  const lines: string[] = [];
  const logger = { ...silentLogger, warn: (event: string) => void lines.push(event) };
  const { journal, report: tell, clock } = await aWatchedDevice(new SimDisk(), logger);
  const before = journal.durableSeq;
  const flood = () => Promise.allSettled(Array.from({ length: 3_000 }, () => tell({ type: "battery", percent: 50 })));

  const outcomes = await flood();
  const taken = outcomes.filter(({ status }) => status === "fulfilled").length;
  assert.equal(taken, 600);
  const refused = outcomes.find((one) => one.status === "rejected");
  assert.equal(refused?.reason.code, "device-floods");
  assert.equal(journal.durableSeq, before + taken);
  assert.deepEqual(lines, ["device-floods"]);

  clock.now += 1_000;
  assert.equal((await flood()).filter(({ status }) => status === "fulfilled").length, 60);
  clock.now += 60_000;
  await flood();
  assert.deepEqual(lines, ["device-floods", "device-floods"]);
  await tell({ type: "door", state: "open", origin }); // the broker paces what has a number
  await journal.close();
});

async function aWatchedDevice(disk: SimDisk, logger: Logger = silentLogger) {
  const clock = new StillClock();
  const { journal, cache } = await aStore(disk.mount(), "/data", { clock });
  let report: ReportListener = () => Promise.reject(new Error("nobody listens"));
  const device: Device = {
    id: "box-1",
    start: async () => undefined,
    stop: async () => undefined,
    status: () => ({ link: "online", since: 0 }),
    subscribe: (listener) => {
      report = listener;
      return () => undefined;
    },
  };
  const site: SiteParts = {
    records: cache.records,
    journal,
    seal: new CredentialSeal("s1", Buffer.alloc(32, 1)),
    clock,
    time: new TimeKeeper(clock),
    accessPoints: new Map([
      ["front-door", { id: "front-door", name: "Front", lock: "box-1", readers: ["box-1"], holdMs: 500 }],
    ]),
    devices: new Map([[device.id, device]]),
    drivers: new Map(),
    releases: new Map(),
    heldUntil: new Map(),
    attentions: new Map(),
    news: new News(),
    lineBack: new News(),
    holder: "gateway-1.1",
    peers: noPeers,
    receivedAt: new Map(),
    scannedAt: new Map(),
    questions: new Questions(questionLifeMs),
    answers: new Map(),
    inTurn: new InTurn(16),
    logger,
    stopping: new AbortController().signal,
  };
  watchDevice(site, device);
  return { journal, report, clock };
}
