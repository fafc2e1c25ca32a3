/** Photos go to the cloud after the events that name them, and again until they are taken. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Visits } from "../../gateway/domain/visits.ts";
import { GatewayError } from "../../gateway/errors.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { KeptAttachments } from "../../gateway/storage/kept-attachments.ts";
import { AttachmentLane } from "../../gateway/sync/attachment-lane.ts";
import { Random } from "../support/random.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { noon } from "../support/site-fixture.ts";

const moment = { at: 0, clock: "synced", boot: 1, mono: 0 } as const;
const anEntry = { ...moment, type: "turned-away", accessPoint: "gate", why: "guard" } as const;

type Answer = "taken" | "not-named" | "refused" | Error;

async function aLane(disk = new SimDisk()) {
  const clock = new SimClock(noon);
  const attachments = await KeptAttachments.open({ disk: disk.mount(), folder: "/data", bytesMax: 2 ** 23 });
  const visits = new Visits();
  const sent: string[] = [];
  let named = 0;
  const world = { queue: 0, answer: "taken" as Answer, durable: () => {} };
  const lane = new AttachmentLane({
    attachments,
    link: {
      attach: async (id) => {
        sent.push(id);
        if (world.answer instanceof Error) throw world.answer;
        return world.answer;
      },
    },
    journal: {
      onDurable: (listener) => {
        world.durable = listener;
        return () => undefined;
      },
    },
    visits,
    queue: () => world.queue,
    clock,
    logger: silentLogger,
  });
  const ending = new AbortController();
  const ended = lane.run(ending.signal);
  const settle = async () => {
    // Between two rounds it sleeps, and nothing else does.
    do for (let turn = 0; turn < 50; turn += 1) await new Promise((done) => setImmediate(done));
    while (clock.nextAt === undefined);
  };
  return {
    attachments,
    sent,
    world,
    settle,
    pass: async (ms: number) => {
      await settle();
      for (const end = clock.monotonic() + ms; clock.step(end); ) await settle();
    },
    put: async (text: string, isNamed = true) => {
      const id = await attachments.put({ kind: "photo", bytes: Buffer.from(text) });
      named += 1;
      if (isNamed) visits.apply({ ...anEntry, seq: named, scan: { staff: "rosa", nonce: text, photo: id } });
      return id;
    },
    stop: async () => {
      ending.abort();
      await ended;
    },
  };
}

test("not while events wait; as soon as the last of them is in the cloud", async () => {
  const lane = await aLane();
  lane.world.queue = 1;
  const id = await lane.put("photo");
  lane.world.durable();
  await lane.pass(120_000);
  assert.deepEqual(lane.sent, []);
  lane.world.queue = 0;
  lane.world.durable();
  await lane.settle();
  assert.deepEqual([lane.sent, lane.attachments.waiting()], [[id], []]);
  await lane.stop();
});

test("without a line it is tried again within half a minute, and the others wait behind it", async () => {
  const lane = await aLane();
  lane.world.answer = new GatewayError("cloud-unreachable", "no line");
  await lane.put("one");
  await lane.put("two");
  lane.world.durable();
  await lane.settle();
  assert.equal(lane.sent.length, 1);
  lane.world.answer = "taken";
  await lane.pass(30_000);
  assert.deepEqual(lane.attachments.waiting(), []);
  await lane.stop();
});

test("one that no event names is kept for a day, and hinders nobody", async () => {
  const lane = await aLane();
  lane.world.answer = "not-named";
  const orphan = await lane.put("orphan", false);
  lane.world.durable();
  await lane.pass(23 * 3_600_000);
  assert.deepEqual(lane.attachments.waiting(), [orphan]);
  assert.ok(lane.sent.length < 30, `it was sent ${lane.sent.length} times, and is large`);
  await lane.pass(2 * 3_600_000);
  assert.deepEqual(lane.attachments.waiting(), []);
  lane.world.answer = "refused";
  await lane.put("never");
  await lane.pass(60_000);
  assert.deepEqual(lane.attachments.waiting(), []);
  await lane.stop();
});

test("one that the cloud will not have now keeps back none of the others, and one that a visit names is never given up", async () => {
  const lane = await aLane();
  lane.world.answer = "not-named";
  const named = await lane.put("named");
  await lane.pass(3 * 24 * 3_600_000);
  assert.deepEqual(lane.attachments.waiting(), [named]);
  const sent = lane.sent.length;
  lane.world.answer = new Error("a proxy refuses this body");
  const second = await lane.put("second");
  await lane.pass(30_000);
  assert.deepEqual(lane.sent.slice(sent, sent + 2).toSorted(), [named, second].toSorted());
  await lane.stop();
});

test("what was sent is known after a crash at any moment, or is sent again", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const disk = new SimDisk();
    const before = await aLane(disk);
    const ids = [await before.put("one"), await before.put("two")];
    before.world.durable();
    for (let turn = 0; turn < seed % 20; turn += 1) await new Promise((done) => setImmediate(done));
    disk.crash(new Random(seed));
    const after = await aLane(disk);
    // The visits of the journal name them again.
    for (const text of ["one", "two"]) await after.put(text);
    for (const id of ids) assert.ok(after.attachments.has(id), `seed ${seed}: ${id} is lost`);
    after.world.durable();
    await after.pass(30_000);
    assert.deepEqual(after.attachments.waiting(), []);
    for (const id of ids) assert.ok([...before.sent, ...after.sent].includes(id));
    await after.stop();
  }
});

test("what the cloud has goes for the room of what it does not have; the rest is refused", async () => {
  const lane = await aLane();
  const big = (mark: number) => ({ kind: "photo" as const, bytes: new Uint8Array(2 ** 21).fill(mark) });
  const first = await lane.attachments.put(big(1));
  await lane.attachments.sent(first);
  for (let mark = 2; mark <= 4; mark += 1) await lane.attachments.put(big(mark));
  assert.ok(lane.attachments.has(first));
  lane.world.answer = new Error("no line");
  await lane.attachments.put(big(5));
  assert.ok(!lane.attachments.has(first), "the oldest that was sent made room");
  await lane.stop();
});
