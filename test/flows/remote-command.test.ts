/** Commands from the cloud. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { carryOutCommand } from "../../gateway/flows/remote-command.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { RemoteCommand } from "../../gateway/ports/cloud-link.ts";
import type { CommandResult, Device } from "../../gateway/ports/device.ts";
import type { RunningSite } from "../../gateway/site.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { aPage, aSite, noon, siteRow } from "../support/site-fixture.ts";

const identify: RemoteCommand = { id: 5, accessPoint: "front", action: "identify", ageMs: 0, ttlMs: 10_000, by: "ana" };
const taken = { type: "command-taken", command: 5, accessPoint: "front", action: "identify", by: "ana" };
const ended = (result: string) => ({
  type: "command-ended",
  command: 5,
  accessPoint: "front",
  action: "identify",
  result,
});

test("identify reaches every device of the access point that can, once, and is on the disk before", async () => {
  const { site, heard } = await aSiteOf({ lock: "accepted", keypad: "confirmed", scanner: undefined });
  const arrived = { command: identify, askedAt: 0, answeredAt: 0, heldMs: 0 };

  await Promise.all([carryOutCommand(site.parts, arrived), carryOutCommand(site.parts, arrived)]);
  await carryOutCommand(site.parts, arrived);

  assert.deepEqual(heard, ["identify lock, 2 on the disk", "identify keypad, 2 on the disk"]);
  assert.deepEqual(await commands(site), [taken, ended("confirmed")]);
});

test("identify that is too old does not run, and one that no device knows is refused", async () => {
  const { site, heard } = await aSiteOf({ lock: "accepted", keypad: undefined, scanner: undefined });
  await carryOutCommand(site.parts, { command: { ...identify, ageMs: 10_001 }, askedAt: 0, answeredAt: 0, heldMs: 0 });
  const { site: dumb } = await aSiteOf({ lock: undefined, keypad: undefined, scanner: undefined });
  await carryOutCommand(dumb.parts, { command: identify, askedAt: 0, answeredAt: 0, heldMs: 0 });

  assert.deepEqual(heard, []);
  assert.deepEqual(await commands(site), [ended("expired")]);
  assert.deepEqual(await commands(dumb), [taken, ended("refused")]);
});

test("a cloud that overstates how long it held the request, or how long a command lives, does not keep one alive", async () => {
  const { site, heard, pass } = await aSiteOf({ lock: "accepted", keypad: undefined, scanner: undefined });
  pass(20_000);
  const command = { ...identify, ageMs: 5_000 };
  // Held for 10 of the 10 seconds until the answer, which then lay here for 10 more.
  await carryOutCommand(site.parts, { command, askedAt: 0, answeredAt: 10_000, heldMs: 3_600_000 });
  const lasting = { ...identify, id: 6, ageMs: 10_001, ttlMs: 3_600_000 };
  await carryOutCommand(site.parts, { command: lasting, askedAt: 20_000, answeredAt: 20_000, heldMs: 0 });
  const fresh = { ...identify, id: 7, ageMs: 5_000 };
  await carryOutCommand(site.parts, { command: fresh, askedAt: 0, answeredAt: 20_000, heldMs: 20_000 });

  assert.deepEqual(heard, ["identify lock, 4 on the disk"]);
  assert.deepEqual(
    (await commands(site)).map((event) => Reflect.get(event, "result")),
    ["expired", "expired", undefined, "accepted"],
  );
});

test("a lockdown refuses an unlock and lets identify pass", async () => {
  const { site, heard } = await aSiteOf({ lock: "accepted", keypad: undefined, scanner: undefined });
  const page = aPage([siteRow(aSite({ lockdown: true }))]);
  await site.parts.journal.record({ kind: "page", page, at: noon }).durable;

  await carryOutCommand(site.parts, {
    command: { ...identify, id: 4, action: "unlock" },
    askedAt: 0,
    answeredAt: 0,
    heldMs: 0,
  });
  await carryOutCommand(site.parts, { command: identify, askedAt: 0, answeredAt: 0, heldMs: 0 });

  assert.deepEqual(heard, ["identify lock, 3 on the disk"]);
  assert.deepEqual(await commands(site), [
    { type: "command-ended", command: 4, accessPoint: "front", result: "refused" },
    taken,
    ended("accepted"),
  ]);
});

test("a command that waits for its turn at a busy door is not lost to a newer one at another", async () => {
  const { site, heard } = await aSiteOf({ lock: "accepted", keypad: undefined, scanner: undefined });
  const leaves = Promise.withResolvers<void>();
  const busy = site.parts.inTurn.run("front", () => leaves.promise);
  const unlock = { ...identify, action: "unlock" as const };

  const waiting = carryOutCommand(site.parts, { command: unlock, askedAt: 0, answeredAt: 0, heldMs: 0 });
  await carryOutCommand(site.parts, {
    command: { ...unlock, id: 6, accessPoint: "back" },
    askedAt: 0,
    answeredAt: 0,
    heldMs: 0,
  });
  assert.deepEqual(heard, ["release lock, 3 on the disk"]);
  leaves.resolve();
  await Promise.all([busy, waiting]);

  assert.equal(heard.length, 2);
  const results = (await commands(site)).filter((event) => "result" in event);
  assert.deepEqual(
    results.map((event) => [Reflect.get(event, "command"), Reflect.get(event, "result")]),
    [
      [6, "confirmed"],
      [5, "confirmed"],
    ],
  );
});

/** Command events, oldest first, without their stamps. */
async function commands({ parts }: RunningSite): Promise<object[]> {
  await parts.journal.flushed();
  const events = (await recentEvents(parts.journal, 100)).reverse().filter(({ type }) => type.startsWith("command-"));
  return events.map(({ seq: _seq, at: _at, clock: _clock, boot: _boot, mono: _mono, ...body }) => body);
}

/** What each device answers to identify; undefined: it cannot. */
async function aSiteOf(devices: Record<"lock" | "keypad" | "scanner", CommandResult | undefined>) {
  const clock = new SimClock(noon);
  const heard: string[] = [];
  const durable = () => `${site.parts.journal.durableSeq} on the disk`;
  const site = await startLoneSite({
    accessPoints: [
      { id: "front", name: "Front", lock: "lock", readers: ["keypad", "lock", "scanner"], holdMs: 4_000 },
      { id: "back", name: "Back", lock: "lock", readers: [], holdMs: 4_000 },
    ],
    devices: Object.entries(devices).map(
      ([id, answer]): Device => ({
        id,
        start: async () => undefined,
        stop: async () => undefined,
        status: () => ({ link: "online", since: 0 }),
        subscribe: () => () => undefined,
        lock: {
          relocks: "by-itself",
          release: async () => {
            heard.push(`release ${id}, ${durable()}`);
            return "confirmed";
          },
          secure: async () => "confirmed",
          state: () => ({ bolt: "secured", basis: "assumed" }),
        },
        ...(answer && {
          locator: {
            identify: async () => {
              heard.push(`identify ${id}, ${durable()}`);
              return answer;
            },
          },
        }),
      }),
    ),
    clock,
  });
  const pass = (ms: number) => {
    const until = clock.monotonic() + ms;
    while (clock.step(until));
  };
  return { site, heard, pass };
}
