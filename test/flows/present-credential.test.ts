/** What becomes of a press when the gateway ends before its turn has come. Simulated clock and disk, the rest is real. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { Device, ReportListener } from "../../gateway/ports/device.ts";
import type { RunningSite } from "../../gateway/site.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aCredential, aGrant, aPage, aSite, grantRow, noon, siteRow } from "../support/site-fixture.ts";
import { until } from "../support/until.ts";

const seal = new CredentialSeal("site-1", new Uint8Array(32));

test("a press whose turn has not come when the gateway stops is written down as unanswered, and never opens", async () => {
  const disk = new SimDisk();
  const { site, lock, press } = await aSiteWithALock(disk);
  await twoPresses(site, lock, press);

  await site.stop();
  const { site: later, lock: laterLock } = await aSiteWithALock(disk);

  assert.deepEqual(await outcomes(later), ["admitted 1 in boot 1", "unanswered 2 in boot 1"]);
  assert.equal(laterLock.releases, 0);
  await later.stop();
});

test("the same after a kill: the next start writes it down, and the one after that does not do so again", async () => {
  const disk = new SimDisk();
  const { site, lock, press } = await aSiteWithALock(disk);
  await twoPresses(site, lock, press);
  await site.parts.journal.flushed();

  disk.kill();
  const second = await aSiteWithALock(disk);
  await second.site.cache.snapshot();
  disk.kill();
  const third = await aSiteWithALock(disk);

  assert.deepEqual(await outcomes(third.site), ["admitted 1 in boot 1", "unanswered 2 in boot 2"]);
  assert.equal(second.lock.releases + third.lock.releases, 0);
  await third.site.stop();
});

test("a kill with a snapshot between press and decision loses the press as little", async () => {
  const disk = new SimDisk();
  const { site, lock, press } = await aSiteWithALock(disk);
  await twoPresses(site, lock, press);
  await site.cache.snapshot();

  disk.kill();
  const { site: later } = await aSiteWithALock(disk);

  assert.deepEqual((await outcomes(later)).at(-1), "unanswered 2 in boot 2");
  await later.stop();
});

/** The first is admitted and its lock does not answer; the second waits behind it. */
async function twoPresses(site: RunningSite, lock: SilentLock, press: (seq: number) => Promise<void>): Promise<void> {
  await site.parts.journal.record({ kind: "page", page: known, at: noon }).durable;
  await press(1);
  await until("the first is at the lock", () => lock.releases === 1);
  await press(2);
}

const known = aPage([
  siteRow(aSite()),
  grantRow(aGrant("guest", { kind: "stay", credentials: [aCredential(seal.index("pin", "471199"))] })),
]);

/** Every event that names a press, oldest first, with the press's number and the gateway's boot that wrote it. */
async function outcomes(site: RunningSite): Promise<string[]> {
  const events = (await recentEvents(site.parts.journal, 100)).reverse();
  return events.flatMap((event) =>
    "press" in event ? [`${event.type} ${event.press?.seq} in boot ${event.boot}`] : [],
  );
}

interface SilentLock {
  releases: number;
}

async function aSiteWithALock(disk: SimDisk) {
  const clock = new SimClock(noon);
  const lock: SilentLock = { releases: 0 };
  const listeners: ReportListener[] = [];
  const device: Device = {
    id: "box-1",
    start: async () => undefined,
    stop: async () => undefined,
    status: () => ({ link: "online", since: 0 }),
    subscribe: (listener) => {
      listeners.push(listener);
      return () => undefined;
    },
    lock: {
      relocks: "by-itself",
      release: (_holdMs, signal) => {
        lock.releases += 1;
        return new Promise((resolve) => signal.addEventListener("abort", () => resolve("unknown"), { once: true }));
      },
      secure: async () => "confirmed",
      state: () => ({ bolt: "secured", basis: "reported" }),
    },
  };
  const site = await startLoneSite({
    accessPoints: [{ id: "front", name: "Front", lock: "box-1", readers: ["box-1"], holdMs: 4_000 }],
    devices: [device],
    seal,
    clock,
    disk: disk.mount(),
  });
  const press = async (seq: number) => {
    const value = new SecretString("471199");
    const origin = { device: "box-1", boot: 1, seq };
    const pressedAt = clock.monotonic();
    for (const tell of listeners) await tell({ type: "credential-presented", kind: "pin", value, pressedAt, origin });
  };
  return { site, lock, press };
}
