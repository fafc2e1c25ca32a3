/** A code stands beside its booking at Lodgify once every door has it, and not before; that it cannot be written keeps nobody out. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { keepAllPools } from "../../cloud-sync/jobs/keep-spares.ts";
import { watchAllDue } from "../../cloud-sync/jobs/watch-stays.ts";
import { writeAllKeyCodes } from "../../cloud-sync/jobs/write-key-codes.ts";
import { LodgifyServer } from "../../firmware-sim/links/lodgify.ts";
import type { Logger } from "../../gateway/ports/logger.ts";
import { BookedSite } from "../support/booked-site.ts";
import { HandClock } from "../support/cloud.ts";

const minute = 60_000;
const key = "lodgify-key-of-a-test";
const start = Date.UTC(2031, 2, 4, 12);
const clock = new HandClock();
const rooms = [44, 45].map((id) => ({ id, name: `Room ${id}` }));
const lodgify = new LodgifyServer({
  key,
  clock,
  properties: [{ id: 812, name: "Casa", zone: "Europe/Madrid", rooms }],
});
const logged: string[] = [];
const note = (event: string, fields?: object) => void logged.push(JSON.stringify([event, fields]));
const logger = { debug: note, info: note, warn: note, error: note, child: () => logger } as unknown as Logger;
let site: BookedSite;
let source: string;
let booking: number;

before(async () => {
  site = await BookedSite.build(clock, { lodgifyUrl: (await lodgify.start()).url, logger });
});
after(async () => {
  await lodgify.stop();
  await site.cloud.close();
});
beforeEach(async () => {
  if (source) await site.ask("DELETE", `/api/booking-sources/${source}`);
  if (booking) lodgify.forget(booking);
  clock.stepWall(start - clock.wall());
  lodgify.settle();
  logged.length = 0;
});

async function connect(options: object = { keyCodes: true }, roomIds = [44]): Promise<void> {
  const places = { "812/44": await site.property("up"), "812/45": await site.property("down") };
  source = await site.connect({ kind: "lodgify", name: "Lodgify", key, places, options });
  const named = roomIds.map((room_type_id) => ({ room_type_id, key_code: null }));
  booking = lodgify.book({ property_id: 812, arrival: "2031-03-05", departure: "2031-03-08", rooms: named });
  await site.read(source);
  await site.bookings(source);
}
async function confirm(): Promise<void> {
  await site.gateway.catchUp();
  clock.stepWall(5 * minute);
  await look();
}
/** What the service does by itself. */
async function look(): Promise<void> {
  await watchAllDue(site.cloud.parts);
  await writeAllKeyCodes(site.cloud.parts);
}
const there = () => lodgify.booking(booking)?.rooms?.map((room) => room.key_code);
const puts = () => lodgify.calls.filter(({ method }) => method === "PUT").length;
const digits = async () => site.digits((await site.booking(source)).id);

test("not before the doors have it; then once, and not again while it is the same", async () => {
  await connect();
  const before = puts();
  await look();
  assert.deepEqual(there(), [null]);
  await confirm();
  assert.deepEqual(there(), [await digits()]);
  for (let round = 0; round < 3; round += 1) {
    clock.stepWall(20 * minute);
    await site.read(source);
    await confirm();
  }
  assert.equal(puts(), before + 1);
  assert.ok(!logged.join().includes(await digits()));
});

test("what stands there already is not written again", async () => {
  await connect();
  lodgify.change(booking, { rooms: [{ room_type_id: 44, key_code: await digits() }] });
  const before = puts();
  await confirm();
  assert.equal(puts(), before);
});

test("another code takes its place, once the doors have that one", async () => {
  await connect();
  await confirm();
  const first = await digits();
  const { id } = await site.booking(source);
  await site.ask("POST", `/api/bookings/${id}/new-code`);
  await look();
  assert.deepEqual(there(), [first]);
  await confirm();
  assert.deepEqual(there(), [await digits()]);
  assert.notEqual(await digits(), first);
});

test("each room of a booking has its own", async () => {
  await connect({ keyCodes: true }, [45, 44]);
  await confirm();
  const all = await site.bookings(source);
  assert.equal(all.length, 2);
  const codes = await Promise.all(all.map(({ id }: { id: string }) => site.digits(id)));
  assert.deepEqual(there()?.toSorted(), codes.toSorted());
});

test("not where the owner has not said so; said later, it is written then", async () => {
  await connect({});
  await confirm();
  assert.deepEqual(there(), [null]);
  await site.ask("PATCH", `/api/booking-sources/${source}`, { options: { keyCodes: true } });
  await look();
  assert.deepEqual(there(), [await digits()]);
});

describe("Lodgify does not take it", () => {
  for (const status of [400, 401, 404])
    test(`it answers ${status}: it is told, and the code works at the doors`, async () => {
      await connect();
      lodgify.trouble({ answer: { status, json: {} } }, { times: 100, method: "PUT" });
      await confirm();
      assert.deepEqual(there(), [null]);
      assert.ok(logged.some((line) => line.includes("key-code-not-written")));
      assert.equal(await site.stateOf((await site.booking(source)).code.grant), "upcoming");
    });

  test("the line is down: it is tried again", async () => {
    await connect();
    await lodgify.stop();
    const before = clock.sleepers;
    const writing = confirm();
    let isDone = false;
    void writing.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      if (clock.sleepers > before + 1) clock.advance(5_000);
    }
    await writing;
    assert.deepEqual(there(), [null]);
    await lodgify.start();
    clock.stepWall(16 * minute);
    await writeAllKeyCodes(site.cloud.parts);
    assert.deepEqual(there(), [await digits()]);
  });
});

test("a spare that a stay is given is written when the stay begins, and not before", async () => {
  const up = await site.property("up", { spareCodes: 1 });
  await keepAllPools(site.cloud.parts);
  await site.gateway.catchUp();
  const places = { "812/44": up, "812/45": await site.property("down") };
  source = await site.connect({ kind: "lodgify", name: "Lodgify", key, places, options: { keyCodes: true } });
  const named = [{ room_type_id: 44, key_code: null }];
  booking = lodgify.book({ property_id: 812, arrival: "2031-03-05", departure: "2031-03-08", rooms: named });
  await site.read(source);
  const own = await site.booking(source);
  const begins = Date.parse(own.code.from);
  clock.stepWall(begins - 4 * 60 * minute - clock.wall());
  await look();
  assert.notEqual((await site.booking(source)).code.grant, own.code.grant);
  await confirm();
  assert.deepEqual(there(), [null]);
  clock.stepWall(begins - clock.wall());
  await look();
  assert.deepEqual(there(), [await digits()]);
});
