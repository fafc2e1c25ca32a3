/** Nothing opens for who pressed so long ago that nobody waits at the door any more. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { presentCredential } from "../../gateway/flows/present-credential.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { CommandResult, Device } from "../../gateway/ports/device.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aCredential, aGrant, aPage, aSite, grantRow, noon, siteRow } from "../support/site-fixture.ts";

const lifeMs = 10_000;

test("who waits behind a lock that does not answer is not let in long after the press", async () => {
  const { clock, press, released, pass, events } = await aDoor("slow to answer");

  for (let count = 0; count < 16; count += 1) void press();
  await pass(100_000);

  assert.ok(released.length > 1 && released.length < 16, `${released.length} releases`);
  assert.ok(Math.max(...released) <= lifeMs, `released ${Math.max(...released)} ms after the press`);
  const admitted = (await events()).filter(({ type }) => type === "admitted");
  assert.equal(admitted.length, released.length);
  assert.ok(clock.monotonic() >= 100_000);
});

test("an admission that took the disk too long is void, and its entry comes back", async () => {
  const { disk, press, released, pass, events, clock } = await aDoor("prompt");

  disk.pause = async ({ name }) => {
    if (name === "write") await clock.sleep(lifeMs + 1_000);
  };
  void press();
  await pass(60_000);
  disk.pause = undefined;

  assert.deepEqual(released, []);
  const ended = (await events()).flatMap((event) => (event.type === "void" ? [event.why] : []));
  assert.deepEqual(ended, ["too-late"]);
});

/** A door whose lock answers at once, or "unknown" after 4 s. */
async function aDoor(how: "prompt" | "slow to answer") {
  const clock = new SimClock(noon);
  const disk = new SimDisk();
  const released: number[] = [];
  const lock: Device = {
    id: "lock",
    start: async () => undefined,
    stop: async () => undefined,
    status: () => ({ link: "online", since: 0 }),
    subscribe: () => () => undefined,
    lock: {
      relocks: "by-itself",
      release: async (): Promise<CommandResult> => {
        released.push(clock.monotonic());
        if (how === "prompt") return "confirmed";
        await clock.sleep(4_000);
        return "unknown";
      },
      secure: async () => "confirmed",
      state: () => ({ bolt: "secured", basis: "assumed" }),
    },
  };
  const site = await startLoneSite({
    clock,
    disk: disk.mount(),
    devices: [lock],
    accessPoints: [{ id: "front", name: "Front", lock: "lock", readers: [], holdMs: 5_000 }],
  });
  const { index } = aCredential("1234");
  const page = aPage([
    siteRow(aSite()),
    grantRow(aGrant("grant-1", { kind: "stay", credentials: [aCredential("1234")] })),
  ]);
  await site.parts.journal.record({ kind: "page", page, at: noon }).durable;
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    do for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    while (clock.step(end));
  };
  const press = () =>
    presentCredential(site.parts, { accessPoint: "front", presented: { kind: "pin", index } }, undefined);
  const events = () => recentEvents(site.parts.journal, 100);
  return { clock, disk, released, pass, press, events };
}
