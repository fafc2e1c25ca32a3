/** Weekly hours inside locks: kept by the lock where it can, else the code is in it during each opening alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HoursConstraints } from "../../gateway/domain/lock-code.ts";
import type { Weekday, WeeklySchedule } from "../../gateway/domain/schedule.ts";
import { CodeLock } from "../support/code-lock.ts";
import { aDay, CodeSite, hour, minute, noon } from "../support/code-site.ts";

const zone = "Europe/Lisbon";
const oneSpan: HoursConstraints = { native: "one-span", zone, openingsPerWeekMax: 0 };
const byWriting: HoursConstraints = { native: "none", openingsPerWeekMax: 7 };
const timers = { windows: "none", places: { kind: "numbered", first: 1 }, hours: byWriting } as const;
const everyDay = [1, 2, 3, 4, 5, 6, 7] as const;
const daily = (from: string, until: string, days: readonly Weekday[] = everyDay): { schedule: WeeklySchedule } => ({
  schedule: { windows: [{ days, from, until }] },
});
/** A Tuesday at noon until the Tuesday after. */
const cleaner = { id: "cleaner", pin: "482915", from: noon, until: noon + 7 * aDay, change: daily("14:00", "16:00") };

const one = (constraints: ConstructorParameters<typeof CodeLock>[2], begin?: number) =>
  CodeSite.start((clock) => [new CodeLock("front", clock, constraints)], begin);
/** Whether the keypad opens to the cleaner, at each of these times from `noon` on, in hours. */
async function opensAt(site: CodeSite, ...hours: readonly number[]): Promise<boolean[]> {
  const found: boolean[] = [];
  for (const at of hours) {
    await site.pass(noon + at * hour - site.clock.time);
    found.push(site.locks[0]!.opens(cleaner.pin));
  }
  return found;
}

test("a lock that knows hours is told them once, and keeps them without the gateway", async () => {
  const site = await one({ hours: oneSpan });
  const [lock] = site.locks;
  await site.book(cleaner);
  assert.deepEqual(await opensAt(site, 1.9, 2.1, 3.9, 4.1), [false, true, true, false]);
  assert.deepEqual(
    lock!.codes.map(({ window }) => window),
    [{ from: cleaner.from, until: cleaner.until, hours: { days: [...everyDay], from: 840, until: 960 } }],
  );
  await site.restart();
  assert.deepEqual(await opensAt(site, 25.9, 26.1, 28.1), [false, true, false]);
  assert.equal(lock!.writes, 1);
  await site.pass(7 * aDay);
  assert.deepEqual([lock!.codes, lock!.writes], [[], 2]);
  await site.stop();
});

test("hours that somebody has changed at the lock are mended, and hours that change in the grant change in place", async () => {
  const site = await one({ hours: oneSpan });
  const [lock] = site.locks;
  await site.book(cleaner);
  await site.pass(hour);
  const [before] = lock!.codes;
  const window = before!.window!;
  const changes = [
    { ...window, hours: { ...window.hours!, until: 600 } },
    { from: window.from, until: window.until },
    null,
  ];
  for (const [index, changed] of changes.entries()) {
    lock!.changeByHand(before!.ref, { window: changed });
    await site.pass(aDay + hour);
    assert.deepEqual(lock!.codes, [before], `mended ${index}`);
  }
  assert.equal(lock!.writes, 1 + changes.length);
  await site.book({ ...cleaner, change: daily("09:00", "10:00", [1, 3]) });
  await site.pass(hour);
  const [after] = lock!.codes;
  assert.deepEqual([after!.ref, after!.window!.hours], [before!.ref, { days: [1, 3], from: 540, until: 600 }]);
  await site.book({ ...cleaner, change: {} });
  await site.pass(hour);
  assert.deepEqual(lock!.codes[0]!.window, { from: cleaner.from, until: cleaner.until });
  await site.stop();
});

test("a lock that knows windows and no hours is told the next opening, ahead of it, by one write each", async () => {
  const site = await one({ hours: byWriting });
  const [lock] = site.locks;
  await site.book(cleaner);
  assert.deepEqual(await opensAt(site, 1.9, 2.1, 3.9, 4.1), [false, true, true, false]);
  // It keeps to the next one whether or not anybody can reach it then.
  lock!.isAsleep = true;
  assert.deepEqual(await opensAt(site, 25.9, 26.1, 28.1), [false, true, false]);
  await lock!.wakeUp();
  assert.deepEqual(await opensAt(site, 49.9, 50.1, 52.1), [false, true, false]);
  assert.equal(lock!.writes, 4);
  await site.pass(7 * aDay);
  assert.deepEqual(lock!.codes, []);
  assert.deepEqual(await site.events("code-missing"), []);
  await site.stop();
});

test("openings further apart than a lock is prepared ahead: it holds nothing in between", async () => {
  const site = await one({ hours: byWriting });
  const [lock] = site.locks;
  await site.book({ ...cleaner, until: noon + 14 * aDay, change: daily("14:00", "16:00", [2]) });
  assert.deepEqual(await opensAt(site, 2.1, 4.1), [true, false]);
  await site.pass(aDay);
  assert.deepEqual(lock!.codes, []);
  assert.deepEqual(await opensAt(site, 7 * 24 + 1.9, 7 * 24 + 2.1, 7 * 24 + 4.1), [false, true, false]);
  await site.stop();
});

test("a lock without windows gets the code at the beginning of each opening, and loses it at its end", async () => {
  const site = await one(timers);
  const [lock] = site.locks;
  await site.book(cleaner);
  assert.deepEqual(await opensAt(site, 1.99, 2.02, 3.99, 4.02), [false, true, true, false]);
  assert.deepEqual(await opensAt(site, 25.99, 26.02, 27.99, 28.02), [false, true, true, false]);
  assert.equal(lock!.writes, 4);
  await site.stop();
});

test("a schedule that opens oftener than the lock may be written for is told, and nothing is tried", async () => {
  const site = await one({ ...timers, hours: { ...byWriting, openingsPerWeekMax: 6 } });
  await site.book(cleaner);
  await site.pass(aDay);
  assert.equal(site.locks[0]!.writes, 0);
  const told = await site.events("code-missing");
  assert.deepEqual(
    told.map(({ grant, why }) => [grant, why]),
    [["cleaner", "schedule"]],
  );
  await site.book({ ...cleaner, change: daily("14:00", "16:00", [3, 4]) });
  assert.deepEqual(await opensAt(site, 26.1, 28.1), [true, false]);
  await site.stop();
});

/** Lisbon, 30 March 2031: 01:00 to 02:00 does not exist · 26 October 2031: it comes twice. Moments in UTC, windows by the wall. */
for (const [night, [opens, closes], moments] of [
  ["2031-03-30", ["00:30", "02:30"], { "00:25": false, "00:35": true, "01:25": true, "01:35": false }],
  ["2031-03-30", ["01:15", "01:45"], { "00:25": false, "00:50": false, "01:25": false }],
  ["2031-10-26", ["00:30", "02:30"], { "23:25": false, "23:35": true, "01:25": true, "02:25": true, "02:35": false }],
  [
    "2031-10-26",
    ["01:15", "01:45"],
    { "00:10": false, "00:20": true, "00:50": false, "01:10": false, "01:20": true, "01:50": false },
  ],
] as const)
  for (const [how, constraints] of [
    ["by the lock", { hours: oneSpan }],
    ["by writing windows", { hours: { ...byWriting, openingsPerWeekMax: 2 } }],
    ["by timers", timers],
  ] as const)
    test(`clocks are set in the night of ${night}, ${opens} to ${closes}, kept ${how}`, async () => {
      const midnight = Date.parse(`${night}T00:00Z`);
      const site = await one(constraints, midnight - 4 * hour);
      const days = how === "by timers" ? everyDay : ([6, 7] as const);
      const stay = { from: midnight - 3 * hour, until: midnight + 12 * hour, change: daily(opens, closes, days) };
      await site.book({ ...cleaner, ...stay });
      for (const [time, isOpen] of Object.entries(moments)) {
        const at = Date.parse(`${night}T${time}Z`) - (time.startsWith("23") ? aDay : 0);
        await site.pass(at - site.clock.time);
        assert.equal(site.locks[0]!.opens(cleaner.pin), isOpen, time);
      }
      await site.stop();
    });

test("the site's zone changes: the lock's own clock is another one now, and openings are written instead", async () => {
  const site = await one({ hours: { ...oneSpan, openingsPerWeekMax: 7 } });
  const [lock] = site.locks;
  await site.book(cleaner);
  await site.pass(hour);
  assert.ok(lock!.codes[0]!.window!.hours);
  await site.moveTo("Europe/Athens");
  assert.deepEqual(await opensAt(site, 2.1, 23.9, 24.1, 25.9, 26.1), [false, false, true, true, false]);
  await site.moveTo("Europe/Atlantis");
  await site.pass(hour);
  assert.deepEqual(lock!.codes, []);
  assert.equal((await site.events("code-missing")).at(-1)?.why, "schedule");
  await site.stop();
});

test("an opening that ends while the sending of its code is written down is not sent", async () => {
  const site = await one(timers);
  const [lock] = site.locks;
  lock!.afterCall = (call) => {
    if (call === "list" && lock!.calls.list === 1) site.slowDisk(6 * minute);
  };
  await site.book({ ...cleaner, change: daily("14:00", "14:05") });
  await site.pass(2 * hour + 10 * minute);
  assert.ok(lock!.calls.list >= 1);
  assert.equal(lock!.calls.set, 0);
  site.slowDisk(0);
  await site.pass(aDay);
  assert.deepEqual([lock!.calls.set, lock!.opens(cleaner.pin)], [1, false]);
  await site.stop();
});

const often: HoursConstraints = { ...byWriting, openingsPerWeekMax: 14 };
for (const [how, constraints, openings] of [
  ["knows hours", { hours: oneSpan }, ["14:00"]],
  ["is told each opening", { hours: often }, ["14:00", "16:00"]],
  ["has the code during each opening alone", { ...timers, hours: often }, ["14:00"]],
] as const)
  test(`the gateway dies before or after any call to a lock that ${how}: no orphan, no double, no opening lost`, async () => {
    const windows = openings.map((from) => ({ days: everyDay, from, until: from.replace(":00", ":50") }));
    const until = noon + 5.5 * hour;
    for (const when of ["beforeCall", "afterCall"] as const)
      for (let last = 1; ; last += 1) {
        const site = await one(constraints, noon + 1.5 * hour);
        const [lock] = site.locks;
        let count = 0;
        lock![when] = async () => {
          count += 1;
          if (count === last) await new Promise(() => undefined);
        };
        let isDead = false;
        const goTo = async (at: number) => {
          await site.pass(at - site.clock.time);
          if (isDead || count < last) return;
          isDead = true;
          await site.killAndStart();
          await site.pass(10 * minute);
        };
        await site.book({ ...cleaner, from: noon, until, change: { schedule: { windows } } });
        for (const [at, isOpen] of [
          [14, true],
          [15, false],
          [16, openings.length > 1],
          [17, false],
        ] as const) {
          await goTo(noon + (at - 12) * hour + 10 * minute);
          assert.equal(lock!.opens(cleaner.pin), isOpen, `${when} ${last}, ${at}:10`);
          assert.ok(lock!.codes.length <= 1, `${when} ${last}`);
        }
        await goTo(until + 10 * minute);
        assert.deepEqual(lock!.codes, [], `${when} ${last}`);
        await site.stop();
        if (!isDead) break;
      }
  });
