/** A gateway, Nuki Web and a keypad: a code with weekly hours opens during them alone, also in the nights in which clocks are set. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Weekday } from "../../../gateway/domain/schedule.ts";
import { CodeSite, credentialOf, hour, minute } from "../../support/code-site.ts";
import { givenNukiSite } from "../../support/nuki-site.ts";
import { until } from "../../support/until.ts";

const zone = "Europe/Lisbon";
const pin = "345678";
const weekend = [6, 7] as const satisfies readonly Weekday[];

async function givenKeypad(t: TestContext, options: object, begin: number) {
  const site = await CodeSite.start(
    async (clock) => [await givenNukiSite(t, { clock, lock: { zone }, options: { pollMs: 3_600_000, ...options } })],
    begin,
  );
  t.after(() => site.stop());
  const [nuki] = site.locks;
  assert.ok(nuki);
  await nuki.device.start(t.signal);
  await nuki.appear();
  const { clock, lock, device } = nuki;
  const opensAt = (at: number) => {
    const end = clock.monotonic() + at - clock.wall();
    while (clock.step(end));
    // By the list in the lock: the motor would take its time.
    return lock.keypad?.use(pin) !== undefined;
  };
  const trail = () =>
    site.running.parts.records.codes
      .trailsOf(device.id)
      .find(({ credential }) => credential === credentialOf("cleaner"));
  return { ...nuki, site, opensAt, trail };
}

/** Lisbon, 30 March 2031: 01:00 to 02:00 does not exist · 26 October 2031: it comes twice. Moments in UTC. */
const nights = [
  [
    "2031-03-30",
    { "2031-03-30T00:25Z": false, "2031-03-30T00:35Z": true, "2031-03-30T01:25Z": true, "2031-03-30T01:35Z": false },
  ],
  [
    "2031-10-26",
    {
      "2031-10-25T23:25Z": false,
      "2031-10-25T23:35Z": true,
      "2031-10-26T01:25Z": true,
      "2031-10-26T02:25Z": true,
      "2031-10-26T02:35Z": false,
    },
  ],
] as const;

for (const [night, moments] of nights)
  for (const [how, options, hasHours] of [
    ["kept by the lock", { timeZone: zone }, true],
    ["written for the opening", {}, false],
    ["written because the lock's clock is another zone's", { timeZone: "Europe/Madrid" }, false],
  ] as const)
    test(`half past midnight to half past two in the night of ${night}, ${how}`, async (t) => {
      const begin = Date.parse(`${night}T00:00Z`) - 4 * hour;
      const { site, lock, opensAt, trail } = await givenKeypad(t, options, begin);
      const schedule = { windows: [{ days: weekend, from: "00:30", until: "02:30" }] };
      await site.book({ id: "cleaner", pin, from: begin, until: begin + 30 * 24 * hour, change: { schedule } });
      await until("it was read back", () => trail()?.state === "present");
      assert.equal(trail()?.window?.hours !== undefined, hasHours);
      assert.equal(lock.keypad?.codes().length, 1);
      for (const [at, isOpen] of Object.entries(moments)) assert.equal(opensAt(Date.parse(at)), isOpen, at);
    });

test("a lock that is written for each opening gets the next one in its place, and nothing when it is over", async (t) => {
  const saturday = Date.parse("2031-03-08T00:00Z");
  const { site, lock, opensAt, trail, changes } = await givenKeypad(t, {}, saturday - 2 * hour);
  const schedule = { windows: [{ days: weekend, from: "22:00", until: "06:00" }] };
  await site.book({ id: "cleaner", pin, from: saturday, until: saturday + 60 * hour, change: { schedule } });
  for (const opening of [saturday + 22 * hour, saturday + 46 * hour]) {
    await until("it is in the lock for the opening", () => {
      const { state, window } = trail() ?? {};
      return state === "present" && window?.from === opening;
    });
    assert.equal(opensAt(opening - minute), false);
    assert.equal(opensAt(opening + minute), true);
    assert.equal(opensAt(opening + 8 * hour - minute), true);
    assert.equal(opensAt(opening + 8 * hour), false);
    assert.equal(lock.keypad?.codes().length, 1);
  }
  await until("it is gone", () => trail() === undefined);
  assert.deepEqual(lock.keypad?.codes(), []);
  assert.ok(changes() >= 3 && changes() <= 5, `two openings and the end, in ${changes()} writes`);
});

test("hours that somebody takes away in the maker's app are put back within a day", async (t) => {
  const begin = Date.parse("2031-03-08T00:00Z");
  const { site, lock, web, opensAt, trail } = await givenKeypad(t, { timeZone: zone }, begin);
  const schedule = { windows: [{ days: weekend, from: "10:00", until: "12:00" }] };
  await site.book({ id: "cleaner", pin, from: begin, until: begin + 30 * 24 * hour, change: { schedule } });
  await until("it was read back", () => trail()?.state === "present");
  const [code] = lock.keypad!.codes();
  lock.keypad!.change(code!.authId, { ...code!, allowed: { ...code!.allowed, fromTime: 0, untilTime: 0 } });
  web.refreshList(lock.id);
  assert.equal(opensAt(begin + 9 * hour), true);
  opensAt(begin + 25 * hour);
  await until("they were put back", () => lock.keypad!.codes()[0]?.allowed.fromTime === 600);
  assert.equal(lock.keypad!.codes().length, 1);
});
