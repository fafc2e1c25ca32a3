/**
 * A week of guests on six locks of different makers: bookings, extensions, cancellations, sleeping locks, lost and unanswered calls, restarts
 * every few hours. Nobody stands before a lock without a code unless somebody was told, and no code outlives its stay.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CallFault, CodeLock } from "../support/code-lock.ts";
import { aDay, CodeSite, type Guest, hour, minute } from "../support/code-site.ts";
import fc from "../support/fast-check.ts";
import { Random } from "../support/random.ts";
import type { SimClock } from "../support/sim-clock.ts";

/** After every fault has had its longest pause, twice. */
const toleranceMs = 70 * minute;
const byHand = "987001";

const sixLocks = (clock: SimClock) => [
  new CodeLock("street", clock),
  new CodeLock("masked", clock, { places: { kind: "numbered", first: 1 } }),
  new CodeLock("no-windows", clock, { windows: "none", places: { kind: "numbered", first: 0 } }),
  new CodeLock("sleepy", clock, { windows: "none" }),
  new CodeLock("picky", clock, { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"] }),
  new CodeLock("small", clock, { capacity: 3, windows: "none" }),
];

interface Stay extends Guest {
  readonly bookedAt: number;
}

/** Plays the locks, the guests and the power, and watches at every step. */
class Week {
  readonly site: CodeSite;
  readonly stays = new Map<string, Stay>();
  readonly #asleepUntil = new Map<string, number>();
  /** Stay and lock → when somebody was told that the code is not there. */
  readonly #told = new Set<string>();
  changes = 0;
  readonly wrong: string[] = [];

  private constructor(site: CodeSite) {
    this.site = site;
  }

  static async begin(build: (clock: SimClock) => readonly CodeLock[]): Promise<Week> {
    const week = new Week(await CodeSite.start(build));
    for (const lock of week.site.locks) {
      lock.isMasked = lock.device.id === "masked";
      lock.putByHand(byHand);
    }
    return week;
  }

  get now(): number {
    return this.site.clock.time;
  }

  async book(id: string, from: number, nights: number, lock: string, pin: string): Promise<void> {
    const stay = { id, pin, from, until: from + nights * aDay - 4 * hour, locks: [lock], bookedAt: this.now };
    this.stays.set(id, stay);
    this.changes += 2;
    await this.site.book(stay);
  }

  async extend(id: string): Promise<void> {
    const stay = this.stays.get(id);
    if (!stay || stay.until <= this.now) return;
    const longer = { ...stay, until: stay.until + aDay, bookedAt: this.now };
    this.stays.set(id, longer);
    this.changes += 1;
    await this.site.book(longer);
  }

  async cancel(id: string): Promise<void> {
    const stay = this.stays.get(id);
    if (!stay || stay.until <= this.now) return;
    this.stays.set(id, { ...stay, until: this.now, bookedAt: this.now });
    await this.site.cancel(id);
  }

  sleep(lock: string, ms: number): void {
    this.lock(lock).isAsleep = true;
    this.#asleepUntil.set(lock, this.now + ms);
  }

  fault(lock: string, fault: CallFault): void {
    this.lock(lock).faults.push(fault);
  }

  lock(id: string): CodeLock {
    return this.site.locks.find(({ device }) => device.id === id)!;
  }

  /** Half an hour, and a look around. */
  async go(): Promise<void> {
    await this.site.pass(30 * minute);
    for (const [id, until] of this.#asleepUntil)
      if (until <= this.now) {
        this.#asleepUntil.delete(id);
        await this.lock(id).wakeUp();
      }
    for (const event of await this.site.events("code-missing", "codes-stuck"))
      this.#told.add(event.type === "code-missing" ? `${event.grant} ${event.device}` : event.device);
    this.#look();
  }

  #look(): void {
    for (const stay of this.stays.values()) {
      const id = stay.locks![0]!;
      const lock = this.lock(id);
      const isThere = lock.codes.some(({ digits }) => digits === stay.pin);
      const since = Math.max(stay.from, stay.bookedAt);
      const isIn = since + toleranceMs <= this.now && this.now < stay.until;
      const wasTold = this.#told.has(`${stay.id} ${id}`) || this.#told.has(id);
      if (isIn && !lock.opens(stay.pin) && !wasTold) this.wrong.push(`${stay.id} stands before ${id} without a code`);
      const isOver = this.now >= Math.max(stay.until, stay.bookedAt) + toleranceMs;
      if (isOver && isThere && !lock.isAsleep && !this.#told.has(id))
        this.wrong.push(`the code of ${stay.id} lives on in ${id}`);
    }
    for (const lock of this.site.locks)
      if (!lock.codes.some(({ digits }) => digits === byHand)) this.wrong.push(`${lock.device.id} lost another's code`);
  }

  /** Everything is over and everybody awake: what is left is what was there before. */
  async end(): Promise<void> {
    for (const { device } of this.site.locks) await this.lock(device.id).wakeUp();
    for (const lock of this.site.locks) lock.faults.length = 0;
    const last = Math.max(this.now, ...[...this.stays.values()].map(({ until }) => until));
    await this.site.pass(last - this.now + 2 * hour);
    for (const { device, codes } of this.site.locks)
      assert.deepEqual(
        codes.map(({ digits }) => digits),
        [byHand],
        `${device.id} in the end`,
      );
    assert.deepEqual(
      this.site.locks.flatMap(({ device }) => this.site.running.parts.records.codes.trailsOf(device.id)),
      [],
    );
    assert.deepEqual(this.wrong, []);
    await this.site.stop();
  }
}

test("thirty stays on six locks in a week, with everything that goes wrong in one", async (t) => {
  const random = new Random(2031);
  const week = await Week.begin(sixLocks);
  const locks = week.site.locks.map(({ device }) => device.id);
  const arrivals = Array.from({ length: 30 }, (_, number) => ({
    id: `stay-${number}`,
    bookedIn: random.int(5 * 48),
    lead: random.int(60) * hour,
    nights: 1 + random.int(4),
    lock: locks[number % locks.length]!,
    pin: String(345_111 + number * 1_111).replaceAll("0", "7"),
  }));
  for (let half = 0; half < 7 * 48; half += 1) {
    for (const { id, bookedIn, lead, nights, lock, pin } of arrivals)
      if (bookedIn === half) await week.book(id, week.now + lead, nights, lock, pin);
    const anybody = `stay-${random.int(30)}`;
    const lock = locks[random.int(locks.length)]!;
    if (random.int(40) === 0) await week.extend(anybody);
    if (random.int(60) === 0) await week.cancel(anybody);
    if (random.int(30) === 0)
      week.fault(lock, ["unreachable", "lost", "done, unanswered", "dropped"][random.int(4)] as CallFault);
    if (random.int(24) === 0) week.sleep("sleepy", (1 + random.int(6)) * hour);
    if (half % 7 === 3) await week.site.restart();
    await week.go();
  }
  await week.end();
  const writes = week.site.locks.reduce((sum, lock) => sum + lock.writes, 0);
  t.diagnostic(`${week.changes} changes wanted, ${writes} writes`);
  assert.ok(writes <= week.changes * 1.1, `${writes} writes for ${week.changes} changes`);
});

const what = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("book" as const),
      lead: fc.integer({ min: 0, max: 90 }),
      nights: fc.integer({ min: 1, max: 3 }),
      lock: fc.nat(2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("extend" as const), whom: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), whom: fc.nat(9) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("sleep" as const), lock: fc.nat(2), hours: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("fault" as const),
      lock: fc.nat(2),
      fault: fc.constantFrom<CallFault>("unreachable", "lost", "done, unanswered", "refused", "dropped"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), halves: fc.integer({ min: 1, max: 30 }) }) },
);

test("whatever happens in whatever order, nobody stands without a code untold, and in the end nothing is left", async () => {
  const threeLocks = (clock: SimClock) => [
    new CodeLock("given", clock),
    new CodeLock("masked", clock, { windows: "none", places: { kind: "numbered", first: 1 } }),
    new CodeLock("small", clock, { capacity: 3, places: { kind: "numbered", first: 0 } }),
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(what, { maxLength: 25 }), async (story) => {
      const week = await Week.begin(threeLocks);
      const ids = week.site.locks.map(({ device }) => device.id);
      let booked = 0;
      for (const act of story) {
        switch (act.do) {
          case "book":
            booked += 1;
            await week.book(
              `stay-${booked}`,
              week.now + act.lead * hour,
              act.nights,
              ids[act.lock]!,
              String(400_000 + booked),
            );
            break;
          case "extend":
            await week.extend(`stay-${act.whom}`);
            break;
          case "cancel":
            await week.cancel(`stay-${act.whom}`);
            break;
          case "sleep":
            week.sleep(ids[act.lock]!, act.hours * hour);
            break;
          case "fault":
            week.fault(ids[act.lock]!, act.fault);
            break;
          case "restart":
            await week.site.restart();
            break;
          case "wait":
            for (let half = 0; half < act.halves; half += 1) await week.go();
        }
      }
      await week.end();
    }),
    { numRuns: Number(process.env.CODE_RUNS ?? 8) },
  );
});
