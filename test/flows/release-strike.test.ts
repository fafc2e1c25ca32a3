/** The strike is released once and looked after until it is secured again. Simulated clock and disk, the rest is real. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { BoltState } from "../../gateway/domain/access-point.ts";
import { releaseStrike } from "../../gateway/flows/release-strike.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { Device } from "../../gateway/ports/device.ts";
import type { RunningSite } from "../../gateway/site.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { noon } from "../support/site-fixture.ts";

const front = { id: "front", name: "Front", lock: "lock", readers: [], holdMs: 4_000 };

/** A lock that returns its bolt after the hold time, unless it is jammed. */
class SelfLocking {
  bolt: BoltState = "secured";
  jammed = false;
  secures = 0;
  #window = 0;
  readonly device: Device;

  constructor(clock: SimClock) {
    this.device = {
      id: "lock",
      start: async () => undefined,
      stop: async () => undefined,
      status: () => ({ link: "online", since: 0 }),
      subscribe: () => () => undefined,
      lock: {
        relocks: "by-itself",
        release: async (holdMs) => {
          this.bolt = "released";
          this.#window += 1;
          const window = this.#window;
          clock.after(holdMs, () => {
            if (window === this.#window && !this.jammed) this.bolt = "secured";
          });
          return "confirmed";
        },
        secure: async () => {
          this.secures += 1;
          return "confirmed";
        },
        state: () => ({ bolt: this.bolt, basis: "reported" }),
      },
    };
  }
}

async function aSiteWithALock(): Promise<{ site: RunningSite; lock: SelfLocking; pass(ms: number): Promise<void> }> {
  const clock = new SimClock(noon);
  const lock = new SelfLocking(clock);
  const site = await startLoneSite({
    accessPoints: [front],
    devices: [lock.device],
    clock,
  });
  const pass = async (ms: number) => {
    const until = clock.monotonic() + ms;
    do for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    while (clock.step(until));
  };
  return { site, lock, pass };
}

const failures = async (site: RunningSite) =>
  (await recentEvents(site.parts.journal, 100)).filter(({ type }) => type === "relock-failed").length;

test("a bolt that does not come back is written down and told to secure, once", async () => {
  const { site, lock, pass } = await aSiteWithALock();
  lock.jammed = true;

  await releaseStrike(site.parts, front);
  await pass(30_000);

  assert.equal(lock.secures, 1);
  assert.equal(await failures(site), 1);
});

test("the watch over one window does not cut a newer one short, be it for another access point with the same lock", async () => {
  const { site, lock, pass } = await aSiteWithALock();

  for (const inside of [front, { ...front, id: "inside", name: "Front, from inside" }]) {
    await releaseStrike(site.parts, front);
    await pass(8_500);
    await releaseStrike(site.parts, inside);
    await pass(1_000);

    assert.equal(lock.bolt, "released");
    assert.equal(lock.secures, 0);
    await pass(30_000);
    assert.equal(lock.bolt, "secured");
    assert.equal(await failures(site), 0);
  }
});

test("a release that was refused does not end the watch over the one before", async () => {
  const { site, lock, pass } = await aSiteWithALock();
  lock.jammed = true;

  await releaseStrike(site.parts, front);
  await pass(3_000);
  Object.assign(lock.device.lock!, { release: async () => "refused" });
  await releaseStrike(site.parts, front);
  await pass(30_000);

  assert.equal(lock.secures, 1);
  assert.equal(await failures(site), 1);
});

test("a lock that does not answer but throws is as good as one that does not say: unknown", async () => {
  const { site, lock } = await aSiteWithALock();
  Object.assign(lock.device.lock!, { release: () => Promise.reject(new Error("no answer")) });

  assert.equal(await releaseStrike(site.parts, front), "unknown");
});

test("one that opened before it threw is looked after as well", async () => {
  const { site, lock, pass } = await aSiteWithALock();
  const release = () => {
    lock.bolt = "released";
    return Promise.reject(new Error("no answer"));
  };
  Object.assign(lock.device.lock!, { release });

  await releaseStrike(site.parts, front);
  await pass(30_000);

  assert.equal(lock.secures, 1);
  assert.equal(await failures(site), 1);
});
