/** The strike is released once and looked after until it is secured again. Simulated clock and disk, the rest is real. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { BoltState, DoorState } from "../../gateway/domain/access-point.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import { releaseStrike } from "../../gateway/flows/release-strike.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { Device, Lock } from "../../gateway/ports/device.ts";
import type { RunningSite } from "../../gateway/site.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { noon } from "../support/site-fixture.ts";

const inside = { id: "inside", name: "Front, from inside", lock: "lock", readers: [], holdMs: 4_000 };
const front = { id: "front", name: "Front", lock: "lock", readers: [], holdMs: 4_000 };

/** A lock that returns its bolt after the hold time, or when it is told to, unless it is jammed. */
class SelfLocking {
  bolt: BoltState = "secured";
  door: DoorState = "closed";
  jammed = false;
  secures = 0;
  #window = 0;
  readonly device: Device;

  constructor(clock: SimClock, relocks: Lock["relocks"]) {
    this.device = {
      id: "lock",
      start: async () => undefined,
      stop: async () => undefined,
      status: () => ({ link: "online", since: 0, door: this.door }),
      subscribe: () => () => undefined,
      lock: {
        relocks,
        release: async (holdMs) => {
          this.bolt = "released";
          this.#window += 1;
          const window = this.#window;
          if (relocks === "by-itself")
            clock.after(holdMs, () => {
              if (window === this.#window && !this.jammed) this.bolt = "secured";
            });
          return "confirmed";
        },
        secure: async () => {
          this.secures += 1;
          if (this.jammed) return "unknown";
          this.bolt = "secured";
          return "confirmed";
        },
        state: () => ({ bolt: this.bolt, basis: "reported" }),
      },
    };
  }
}

interface Given {
  readonly site: RunningSite;
  readonly lock: SelfLocking;
  pass(ms: number): Promise<void>;
  /** The gateway ends and comes back; the lock stays as it is. */
  restarted(): Promise<RunningSite>;
}

async function aSiteWithALock(relocks: Lock["relocks"] = "by-itself"): Promise<Given> {
  const clock = new SimClock(noon);
  const lock = new SelfLocking(clock, relocks);
  const disk = new SimDisk().mount();
  const start = () => startLoneSite({ accessPoints: [front, inside], devices: [lock.device], clock, disk });
  const site = await start();
  const pass = async (ms: number) => {
    const until = clock.monotonic() + ms;
    do for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    while (clock.step(until));
  };
  const restarted = async () => {
    await site.stop();
    return start();
  };
  return { site, lock, pass, restarted };
}

/** What a remote command writes down before it releases, and after. */
const takeCommand = (site: RunningSite, command = 1) =>
  site.parts.journal.recordEvent({ type: "command-taken", command, accessPoint: front.id, by: "Ann Operator" }).durable;
const endCommand = (site: RunningSite, command = 1) =>
  site.parts.journal.recordEvent({ type: "command-ended", command, accessPoint: front.id, result: "confirmed" })
    .durable;

async function releaseByCommand(site: RunningSite): Promise<void> {
  await takeCommand(site);
  await releaseStrike(site.parts, front);
  await endCommand(site);
}

const count = async (site: RunningSite, type: EntryEvent["type"]) =>
  (await recentEvents(site.parts.journal, 100)).filter((event) => event.type === type).length;
const failures = (site: RunningSite) => count(site, "relock-failed");

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

  for (const other of [front, inside]) {
    await releaseStrike(site.parts, front);
    await pass(8_500);
    await releaseStrike(site.parts, other);
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

test("a lock that relocks when told is told when the time is over, and not before", async () => {
  const { site, lock, pass } = await aSiteWithALock("when-told");

  await releaseByCommand(site);
  await pass(3_900);
  assert.deepEqual([lock.bolt, lock.secures], ["released", 0]);
  await pass(200);

  assert.deepEqual([lock.bolt, lock.secures], ["secured", 1]);
  assert.equal(site.parts.records.isToRelock(front.id), false);
  assert.deepEqual([await count(site, "relocked"), await failures(site)], [1, 0]);
});

test("its bolt is not thrown while the door stands open, unless it seems to do so for ever", async () => {
  const { site, lock, pass } = await aSiteWithALock("when-told");

  await releaseByCommand(site);
  lock.door = "open";
  await pass(60_000);
  assert.equal(lock.secures, 0);
  lock.door = "closed";
  await pass(2_000);
  assert.equal(lock.bolt, "secured");

  await releaseByCommand(site);
  lock.door = "open";
  await pass(6 * 60_000);
  assert.equal(lock.bolt, "secured");
});

test("one that does not obey is told again until it is shut, and the journal says once that it was not", async () => {
  const { site, lock, pass } = await aSiteWithALock("when-told");
  lock.jammed = true;

  await releaseByCommand(site);
  await pass(60_000);
  assert.equal(lock.bolt, "released");
  assert.equal(site.parts.records.isToRelock(front.id), true);
  const told = lock.secures;
  assert.ok(told > 2 && told < 10, `told ${told} times`);
  lock.jammed = false;
  await pass(160_000);

  assert.deepEqual([lock.bolt, lock.secures], ["secured", told + 1]);
  assert.deepEqual([await count(site, "relocked"), await failures(site)], [1, 1]);
});

test("a newer release has its own time, and ends it for every access point of the lock", async () => {
  const { site, lock, pass } = await aSiteWithALock("when-told");

  await releaseByCommand(site);
  await pass(3_000);
  await releaseStrike(site.parts, inside);
  await pass(3_000);
  assert.deepEqual([lock.bolt, lock.secures], ["released", 0]);
  await pass(2_000);

  assert.deepEqual([lock.bolt, lock.secures], ["secured", 1]);
  assert.equal(site.parts.records.isToRelock(front.id), false);
});

test("what a gateway released and did not live to relock, its next start relocks", async () => {
  const { site, lock, pass, restarted } = await aSiteWithALock("when-told");

  await releaseByCommand(site);
  const again = await restarted();
  assert.equal(lock.secures, 0);
  await pass(100);

  assert.deepEqual([lock.bolt, lock.secures], ["secured", 1]);
  assert.equal(again.parts.records.isToRelock(front.id), false);
});

test("a start moves no lock that was not released", async () => {
  const { lock, pass, restarted } = await aSiteWithALock("when-told");

  await restarted();
  await pass(10_000);

  assert.equal(lock.secures, 0);
});

test("one that is refused after the time before it is over leaves that one to be relocked", async () => {
  const { site, lock, pass } = await aSiteWithALock("when-told");

  await releaseByCommand(site);
  const answer = Promise.withResolvers<"refused">();
  Object.assign(lock.device.lock!, { release: () => answer.promise });
  const refused = releaseStrike(site.parts, front);
  await pass(10_000);
  answer.resolve("refused");
  await refused;
  await pass(10_000);

  assert.equal(lock.bolt, "secured");
});

test("a relock does not end what is on its way there", async () => {
  const { site, lock, pass, restarted } = await aSiteWithALock("when-told");

  await releaseByCommand(site);
  await takeCommand(site, 2);
  await pass(5_000);
  assert.equal(await count(site, "relocked"), 1);
  await releaseStrike(site.parts, front);
  assert.equal(lock.bolt, "released");
  const again = await restarted();
  await pass(1_000);

  assert.equal(lock.bolt, "secured");
  assert.ok(again);
});
