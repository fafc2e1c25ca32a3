/** The gateway's disk fills up while 64 people press keys: real boxes over TLS, real files, a real cloud. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EventBody } from "../../gateway/domain/entry-event.ts";
import { GatewayError } from "../../gateway/errors.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { verifyFolder } from "../../gateway/storage/verify-journal.ts";
import { FillingDisk } from "../support/filling-disk.ts";
import { until } from "../support/until.ts";
import { type Box, type MadeGrant, WholeSite } from "../support/whole-site.ts";

const doors = Array.from({ length: 64 }, (_, i) => `box-${i + 1}`);
const entries = 20;

const filling = new FillingDisk();
let site: WholeSite;
let everybody: MadeGrant;
let few: MadeGrant;
/** How often each box's bolt went back, by its own word. */
const releases = new Map<string, number>();

before(async () => {
  site = await WholeSite.start({ boxes: doors, holdMs: 100, disk: filling.disk });
  for (const { model } of site.boxes.values()) {
    model.onUplink(({ name, message }) => {
      if (name === "state" && message.bolt === "released") releases.set(model.id, (releases.get(model.id) ?? 0) + 1);
    });
  }
  everybody = await site.grant();
  few = await site.grant({ entries });
  await site.arrives(few.version);
});
after(() => site?.stop());

test("no opening that is not written down, no crash, and it opens again by itself once there is room", async (t) => {
  const boxes = [...site.boxes.values()];
  const { journal } = site.gateway.site.parts;
  assert.deepEqual(new Set(await all(boxes, (box) => box.enterPin(everybody.pin))), new Set(["granted"]));

  await site.setInternet(false);
  // Everybody keeps pressing, a third of them the PIN of few entries, while others' events eat up what is left.
  filling.room = 64 * 1024;
  let isFull = false;
  const pressing = all(boxes, async (box, i) => {
    do await box.enterPin((i % 3 === 0 ? few : everybody).pin);
    while (!isFull);
  });
  await eatUp();
  isFull = true;
  await pressing;
  await eatUp(); // What those who pressed had asked for and did not need is room again.

  const before = total();
  const verdicts = await all(boxes, (box) => box.enterPin(everybody.pin));
  // Without an answer stays whose box has a report that found no room, and is cut off for it.
  for (const verdict of verdicts) assert.ok(verdict === "denied" || verdict === "no-answer", verdict);
  assert.equal(total(), before, "nothing opens on a full disk");
  assert.equal(journal.state, "full");
  const status = await (await fetch(`${site.gateway.http.url}/api/status`)).json();
  assert.equal((status as { disk: { low: boolean } }).disk.low, true);

  filling.room = Number.POSITIVE_INFINITY;
  await site.setInternet(true);
  await until("the journal takes events again", async () => {
    await boxes[0]!.enterPin(everybody.pin);
    return journal.state === "open";
  });
  await all(boxes, (box) =>
    until(`${box.model.id} opens again`, async () => (await box.enterPin(everybody.pin)) === "granted"),
  );

  await until("the cloud has everything", () => site.gateway.site.sync.queue === 0);
  const events = await site.cloudEvents();
  const admitted = events.filter((event) => event.type === "admitted");
  for (const id of doors) {
    const written = admitted.filter(({ accessPoint }) => accessPoint === id).length;
    assert.ok(
      (releases.get(id) ?? 0) <= written,
      `${id} opened ${releases.get(id)} times, written down ${written} times`,
    );
  }
  assert.ok(admitted.filter(({ grant }) => grant === few.id).length <= entries);
  assert.deepEqual((await verifyFolder(nodeDisk, `${site.folder}/gateway`)).findings, []);
  t.diagnostic(`${total()} openings, ${admitted.length} admissions of ${events.length} events`);
});

/** Writes events of little weight until they are refused, and weighty ones until not even the smallest fits. */
async function eatUp(): Promise<void> {
  const { journal } = site.gateway.site.parts;
  const small: EventBody = { type: "tamper", device: doors[0]!, active: true };
  const large: EventBody = { type: "presence", device: doors[0]!, state: "online", firmware: "x".repeat(2_400) };
  for (const importance of ["low", "high"] as const) {
    for (const [body, atOnce] of [
      [large, 100],
      [small, 1],
    ] as const) {
      const write = async () => journal.recordEvent(body, { importance }).durable.then(() => true);
      for (let isTaken = true; isTaken; ) {
        // A line on its way holds more room than it takes.
        await journal.flushed();
        const taken = await Promise.all(Array.from({ length: atOnce }, () => write().catch(isRefused)));
        isTaken = taken.every(Boolean);
        assert.notEqual(journal.state, "failed");
      }
    }
  }
}

/** Resolves to false; anything but a full disk is thrown. */
function isRefused(error: unknown): false {
  if (error instanceof GatewayError && error.code === "storage-full") return false;
  throw error;
}

function total(): number {
  return [...releases.values()].reduce((sum, count) => sum + count, 0);
}

function all<T>(boxes: readonly Box[], act: (box: Box, index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(boxes.map(act));
}
