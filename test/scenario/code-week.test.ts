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

const kept = { native: "one-span", zone: "Europe/Lisbon", openingsPerWeekMax: 0 } as const;
const written = { native: "none", openingsPerWeekMax: 7 } as const;
const sixLocks = (clock: SimClock) => [
  new CodeLock("street", clock, { hours: kept }),
  new CodeLock("masked", clock, { places: { kind: "numbered", first: 1 }, hours: written }),
  new CodeLock("no-windows", clock, { windows: "none", places: { kind: "numbered", first: 0 }, hours: written }),
  new CodeLock("sleepy", clock, { windows: "none", hours: written }),
  new CodeLock("picky", clock, { lengths: [6], digits: "123456789", forbiddenPrefixes: ["12"], hours: kept }),
  new CodeLock("small", clock, { capacity: 3, windows: "none", hours: written }),
];

/** Hours in which a stay may open, [from, until), each day: on the wall in Lisbon, which is UTC in these weeks of March. */
type DayHours = readonly [from: number, until: number];
const byDay: DayHours = [8, 20];
const byNight: DayHours = [21, 3];
const everyDay = [1, 2, 3, 4, 5, 6, 7] as const;
const twoDigits = (hourOfDay: number) => String(hourOfDay).padStart(2, "0");

interface Stay extends Guest {
  readonly bookedAt: number;
  /** Absent: at any hour. */
  readonly hours?: DayHours | undefined;
}

/** The stretch of a stay's hours, or between two of them, in which this moment lies. */
function stretchOf({ hours }: Pick<Stay, "hours">, at: number): { readonly isOpen: boolean; readonly since: number } {
  if (!hours) return { isOpen: true, since: Number.NEGATIVE_INFINITY };
  const midnight = Math.floor(at / aDay) * aDay;
  const edges = [-1, 0].flatMap((day) =>
    [...hours]
      .sort((a, b) => a - b)
      .map((edge) => ({ at: midnight + day * aDay + edge * hour, isOpen: edge === hours[0] })),
  );
  const last = edges.findLast((edge) => edge.at <= at)!;
  return { isOpen: last.isOpen, since: last.at };
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

  async book(id: string, from: number, nights: number, lock: string, pin: string, hours?: DayHours): Promise<void> {
    const [opens, closes] = (hours ?? []).map((edge) => `${twoDigits(edge)}:00`);
    const windows = [{ days: everyDay, from: opens ?? "", until: closes ?? "" }];
    const change = hours && { change: { schedule: { windows } } };
    const until = from + nights * aDay - 4 * hour;
    const stay = { id, pin, from, until, locks: [lock], bookedAt: this.now, hours, ...change };
    this.stays.set(id, stay);
    const forHours = this.#openingsWritten(stay, nights);
    this.changes += forHours === undefined ? 0 : 2 + forHours;
    await this.site.book(stay);
  }

  /** What hours cost where the lock does not keep them: a write for each opening where it knows windows, else two; undefined: it takes none. */
  #openingsWritten({ hours, locks }: Stay, nights: number): number | undefined {
    const { hours: able, windows } = this.lock(locks![0]!).constraints;
    if (!hours || (able?.native === "one-span" && hours[0] < hours[1])) return 0;
    return able?.openingsPerWeekMax === 0 ? undefined : (windows === "range" ? 1 : 2) * nights;
  }

  async extend(id: string): Promise<void> {
    const stay = this.stays.get(id);
    if (!stay || stay.until <= this.now) return;
    const longer = { ...stay, until: stay.until + aDay, bookedAt: this.now };
    this.stays.set(id, longer);
    this.changes += 1 + (this.#openingsWritten(stay, 1) ?? 0);
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
      const stretch = stretchOf(stay, this.now);
      const since = Math.max(stay.from, stay.bookedAt, stretch.since);
      const isIn = stretch.isOpen && since + toleranceMs <= this.now && this.now < stay.until;
      const wasTold = this.#told.has(`${stay.id} ${id}`) || this.#told.has(id);
      if (isIn && !lock.opens(stay.pin) && !wasTold) this.wrong.push(`${stay.id} stands before ${id} without a code`);
      const isShut = !stretch.isOpen && this.now >= Math.max(stay.bookedAt, stretch.since) + toleranceMs;
      if (isShut && lock.opens(stay.pin) && !lock.isAsleep && !this.#told.has(id))
        this.wrong.push(`${stay.id} opens ${id} outside of its hours`);
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
    hours: [undefined, undefined, byDay, byNight][Math.floor(number / locks.length) % 4],
  }));
  for (let half = 0; half < 7 * 48; half += 1) {
    for (const { id, bookedIn, lead, nights, lock, pin, hours } of arrivals)
      if (bookedIn === half) await week.book(id, week.now + lead, nights, lock, pin, hours);
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
      hours: fc.constantFrom(undefined, undefined, byDay, byNight),
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
    new CodeLock("given", clock, { hours: { ...kept, openingsPerWeekMax: 7 } }),
    new CodeLock("masked", clock, { windows: "none", places: { kind: "numbered", first: 1 }, hours: written }),
    new CodeLock("small", clock, { capacity: 3, places: { kind: "numbered", first: 0 }, hours: written }),
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
              act.hours,
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
