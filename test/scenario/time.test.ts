/** What the hour is, and what happens while nobody knows or somebody is wrong: a whole site whose time moves only when told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { driftPpm } from "../../gateway/domain/clock-interval.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import { aDay, noon } from "../support/site-fixture.ts";
import { aPinGrant, TimedSite } from "../support/timed-site.ts";

const minute = 60_000;
const hour = 60 * minute;
const year = 365 * aDay;
const jumps = [
  ["an hour ahead", hour],
  ["an hour behind", -hour],
  ["ten years ahead", 10 * year],
  ["ten years behind", -10 * year],
] as const;

const fromTo = (from: number, until: number) => ({ validity: { from, until } });
const ofBoot = (events: readonly EntryEvent[], boot: number) => events.filter((event) => event.boot === boot);

test("a board that boots in 1970 without a line admits nobody whose grant has an end, and opens with the first answered poll", async () => {
  const stay = aPinGrant("1234", { kind: "stay" });
  const over = aPinGrant("9999", fromTo(noon - 2 * aDay, noon - aDay));
  const site = await TimedSite.online({ grants: [stay, over] });
  assert.equal(await site.enter("1234"), "released");
  await site.pass(10 * minute);
  site.powerCut();
  site.cutLine();
  site.clock.wallOffset = -site.clock.time;
  await site.pass(hour);
  await site.powerOn();

  // The mark of the last tick is the lower bound: what was over then is over, everything else may be.
  assert.equal(await site.enter("1234"), "CLOCK_UNTRUSTED");
  assert.equal(await site.enter("9999"), "QR_EXPIRED");
  const { clock } = await site.status();
  assert.equal(clock.trust, "unset");
  assert.ok(clock.earliest > noon + 9 * minute && clock.earliest <= noon + 10 * minute + 1_000, String(clock.earliest));
  assert.equal(clock.latest, null);
  assert.match(await site.page(), /not set: nothing with an end is admitted.*not before 4 Mar 2031, 12:09/s);

  await site.plugLine();
  assert.equal(await site.enter("1234"), "released");
  assert.equal((await site.status()).clock.trust, "synced");
  const events = ofBoot(await site.events(), 2);
  assert.deepEqual(
    events.map(({ type, clock }) => `${type} ${clock}`),
    ["boot unset", "denied unset", "denied unset", "admitted synced", "released synced"],
  );
  await site.shutDown();
});

test("a time service that sets the clock after the start is believed from the next tick on; one that is behind the records is not", async () => {
  const stay = aPinGrant("1234", { kind: "stay", ...fromTo(noon - hour, noon + 2 * hour) });
  const site = await TimedSite.online({ grants: [stay] });
  await site.shutDown();
  site.cutLine();
  site.clock.wallOffset = -site.clock.time;
  await site.powerOn();
  await site.pass(6 * minute);
  assert.equal(await site.enter("1234"), "CLOCK_UNTRUSTED");

  site.timeServiceWithinMs = 1_000;
  site.clock.wallOffset = -year;
  await site.pass(6 * minute);
  assert.equal(await site.enter("1234"), "CLOCK_UNTRUSTED");
  site.clock.wallOffset = 0;
  await site.pass(6 * minute);
  assert.equal(await site.enter("1234"), "released");
  assert.equal((await site.status()).clock.trust, "synced");
  await site.passTo(noon + 2 * hour);
  assert.equal(await site.enter("1234"), "QR_EXPIRED");
  await site.shutDown();
});

test("a board that never knew the time and never saw the cloud admits nobody, and its page says so", async () => {
  const site = await TimedSite.unplugged({ start: 90_000, grants: [aPinGrant("1234")] });

  assert.equal(await site.enter("1234"), "OFFLINE_NO_CACHE");
  assert.match(await site.page(), /time unknown/);
  assert.doesNotMatch(await site.page(), /19(69|70)/);
  await site.shutDown();
});

for (const [words, jump] of jumps)
  for (const vouched of [undefined, 1_000])
    test(`the wall clock jumps ${words} while the gateway runs, ${vouched ? "vouched for" : "nobody vouches"}: nothing changes`, async () => {
      const from = noon + 90 * minute;
      const until = noon + 120 * minute;
      const site = await TimedSite.online({
        systemClockWithinMs: vouched,
        grants: [aPinGrant("1234", fromTo(from, until)), aPinGrant("5678", { kind: "delivery" })],
      });
      site.clock.wallOffset = jump;
      site.cutLine();
      const cutAt = site.clock.time;
      const off = (instant: number) => Math.ceil(((instant - cutAt) * driftPpm) / 1_000_000) + 2_000;

      // The records of deliveries are believed for an hour from the request of the last complete poll.
      await site.passTo(cutAt + hour - 30_000);
      assert.equal(await site.enter("5678"), "released");
      await site.passTo(cutAt + hour + 1_000);
      assert.equal(await site.enter("5678"), "OFFLINE_STALE");
      // Validity, as exactly as the crystal allows.
      await site.passTo(from - 10);
      assert.equal(await site.enter("1234"), "NOT_YET_VALID");
      await site.passTo(from + off(from));
      assert.equal(await site.enter("1234"), "released");
      await site.passTo(until - off(until));
      assert.equal(await site.enter("1234"), "released");
      await site.passTo(until);
      assert.equal(await site.enter("1234"), "QR_EXPIRED");

      await site.plugLine();
      assert.equal((await site.status()).clock.trust, "synced");
      assert.equal(await site.enter("5678"), "released");
      assert.deepEqual(
        site.logged.filter((event) => !event.endsWith("-failed")),
        [],
      );
      await site.shutDown();
    });

for (const [words, jump] of jumps)
  test(`the wall clock jumps ${words}: a lockout is as long as it was, over a power cut too`, async () => {
    const site = await TimedSite.online({ systemClockWithinMs: 1_000, grants: [aPinGrant("1234")] });
    for (let miss = 0; miss < 5; miss += 1) assert.equal(await site.enter("0000"), "QR_NOT_FOUND");
    site.clock.wallOffset = jump;
    await site.pass(29_000);
    assert.equal(await site.enter("1234"), "LOCKED_OUT");
    site.powerCut();
    await site.powerOn();
    await site.pass(500);
    assert.equal(await site.enter("1234"), "LOCKED_OUT");
    // What an event has measured of it before the cut is over; the rest is not.
    await site.pass(30_000);
    assert.equal(await site.enter("1234"), "released");
    await site.shutDown();
  });

for (const [words, jump] of jumps)
  test(`the wall clock jumps ${words}: a command lives for its seconds and no longer`, async () => {
    const site = await TimedSite.online({ systemClockWithinMs: 1_000, grants: [] });
    site.clock.wallOffset = jump;
    site.command(5_000);
    await site.pass(1_000);
    assert.equal(site.releases.length, 1);

    site.answerDelayMs = 8_000;
    site.command(5_000);
    await site.pass(10_000);
    assert.equal(site.releases.length, 1);
    const results = (await site.events()).flatMap((event) => (event.type === "command-ended" ? [event.result] : []));
    assert.deepEqual(results, ["confirmed", "expired"]);
    await site.shutDown();
  });

for (const [words, jump] of jumps)
  test(`the wall clock jumps ${words} while the gateway is off and nobody vouches for it: the cloud's time alone counts`, async () => {
    const site = await TimedSite.online({ grants: [aPinGrant("1234", fromTo(noon - hour, noon + 3 * hour))] });
    await site.shutDown();
    site.cutLine();
    site.clock.wallOffset = jump;
    await site.pass(2 * hour);
    await site.powerOn();

    assert.equal(await site.enter("1234"), "CLOCK_UNTRUSTED");
    await site.plugLine();
    assert.equal(await site.enter("1234"), "released");
    await site.passTo(noon + 3 * hour);
    assert.equal(await site.enter("1234"), "QR_EXPIRED");
    await site.shutDown();
  });

for (const [words, jump] of jumps)
  test(`the vouched clock jumps ${words} while the gateway is off: nobody enters beyond the end, and the first answered poll mends it`, async () => {
    const site = await TimedSite.online({
      systemClockWithinMs: 1_000,
      grants: [
        aPinGrant("1234", fromTo(noon - hour, noon + 2 * hour)),
        aPinGrant("9999", fromTo(noon - hour, noon + 30 * minute)),
      ],
    });
    await site.shutDown();
    site.cutLine();
    site.clock.wallOffset = jump;
    await site.pass(45 * minute);
    await site.powerOn();

    assert.notEqual(await site.enter("9999"), "released");
    await site.pass(10 * minute); // long enough to be written down
    await site.plugLine();
    assert.equal(await site.enter("1234"), "released");
    assert.equal((await site.status()).clock.trust, "synced");
    assert.equal(await site.enter("9999"), "QR_EXPIRED");

    // And so it stays: the wrong time that was written down does not come back.
    site.clock.wallOffset = 0;
    site.powerCut();
    await site.powerOn();
    assert.equal(await site.enter("1234"), "released");
    await site.passTo(noon + 2 * hour);
    assert.equal(await site.enter("1234"), "QR_EXPIRED");
    await site.shutDown();
  });

test("how old the records are is counted on over a reboot, the time without power included", async () => {
  const stays = aPinGrant("1234", fromTo(noon - hour, noon + 3 * aDay));
  const site = await TimedSite.online({ systemClockWithinMs: 1_000, grants: [stays] });
  site.cutLine();
  const cutAt = site.clock.time;
  await site.pass(10 * hour);
  site.powerCut();
  await site.pass(10 * hour);
  await site.powerOn();

  await site.passTo(cutAt + 24 * hour - 5 * minute);
  assert.equal(await site.enter("1234"), "released");
  await site.passTo(cutAt + 24 * hour + 1_000);
  assert.equal(await site.enter("1234"), "OFFLINE_STALE");
  await site.shutDown();
});

test("a wrong clock over two boots, and the power goes again before the cloud answers: the first answer mends it all the same", async () => {
  const site = await TimedSite.online({ systemClockWithinMs: 1_000, grants: [aPinGrant("1234")] });
  await site.pass(10 * minute);
  site.cutLine();
  for (const offset of [10 * year, 3 * year]) {
    site.powerCut();
    site.clock.wallOffset = offset;
    await site.powerOn();
    await site.pass(10 * minute);
    assert.notEqual(await site.enter("1234"), "released");
  }
  await site.plugLine();
  assert.equal(await site.enter("1234"), "released");
  assert.ok(site.logged.includes("clock-set-back"));

  // What a server has said is not taken back, by another server neither.
  site.cloudOffset = -hour;
  await site.pass(minute);
  assert.equal((await site.status()).clock.trust, "unset");
  assert.equal(await site.enter("1234"), "CLOCK_UNTRUSTED");
  site.cloudOffset = 0;
  await site.pass(minute);
  assert.equal(await site.enter("1234"), "released");
  await site.shutDown();
});

test("the cloud's own clock leaps ten years ahead for an hour: nobody enters meanwhile, and everybody once it is right again", async () => {
  const grants = [aPinGrant("1234"), aPinGrant("9999", fromTo(noon - aDay, noon + 30 * minute))];
  const site = await TimedSite.online({ grants });
  await site.pass(10 * minute);
  site.cloudOffset = 10 * year;
  await site.pass(hour);
  assert.equal(await site.enter("1234"), "QR_EXPIRED");

  site.cloudOffset = 0;
  await site.pass(minute);
  assert.deepEqual(await site.enterAll("1234", "9999"), ["released", "QR_EXPIRED"]);
  site.powerCut();
  await site.powerOn();
  await site.pass(1_000);
  assert.deepEqual(await site.enterAll("1234", "9999"), ["released", "QR_EXPIRED"]);
  await site.shutDown();
});

test("a server's clock that is corrected by some seconds goes on bearing the time out", async () => {
  const site = await TimedSite.online({ grants: [aPinGrant("1234")] });
  await site.pass(25 * hour);
  site.cloudOffset = 5_000;
  await site.pass(10 * minute);
  const { borneOutAt, highWater } = site.running.parts.records;
  const after = noon + 25 * hour + 5 * minute;
  assert.ok(borneOutAt > after && borneOutAt <= highWater, new Date(borneOutAt).toISOString());
  await site.shutDown();
});

for (const systemClockWithinMs of [1_000, undefined])
  test(`a start while the cloud's clock is a year ahead locks nobody out for a year: own clock ${systemClockWithinMs ? "vouched for" : "not"}`, async () => {
    const validity = { from: noon - aDay, until: noon + 300 * aDay };
    const site = await TimedSite.online({
      ...(systemClockWithinMs !== undefined && { systemClockWithinMs }),
      grants: [aPinGrant("1234", { validity })],
    });
    await site.pass(10 * minute);
    site.cloudOffset = 365 * aDay;
    await site.pass(minute);
    site.powerCut();
    await site.powerOn();
    await site.pass(10 * minute);
    site.cloudOffset = 0;
    await site.pass(2 * hour);

    assert.equal(await site.enter("1234"), "released");
    await site.shutDown();
  });

test("records do not stay fresh by a leap of the cloud's clock that was taken back", async () => {
  const validity = { from: noon - aDay, until: noon + 30 * aDay };
  const site = await TimedSite.online({ systemClockWithinMs: 1_000, grants: [aPinGrant("1234", { validity })] });
  await site.pass(10 * minute);
  site.cloudOffset = 20 * aDay;
  await site.pass(10 * minute);
  site.cloudOffset = 0;
  await site.pass(10 * minute);
  assert.equal(await site.enter("1234"), "released");

  site.cutLine();
  await site.pass(minute);
  site.powerCut();
  await site.powerOn();
  await site.pass(26 * hour);

  assert.equal(await site.enter("1234"), "OFFLINE_STALE");
  await site.shutDown();
});

for (const [words, jump] of jumps)
  test(`the wall clock jumps ${words}: what begins and ends at an hour of its own does so on time`, async () => {
    const site = await TimedSite.online({ systemClockWithinMs: 1_000 });
    const [from, until] = [noon + 10 * minute, noon + 30 * minute];
    await site.holdOpen({ id: "hold-1", from, until });
    site.clock.wallOffset = jump;
    site.cutLine();
    const told = async () =>
      (await site.events()).flatMap((event) =>
        event.type === "held-open" ? ["held open"] : event.type === "hold-ended" ? [event.reason] : [],
      );

    // Within a second: the crystal may drift by 12 ms a minute, and the poll before the cut took 20.
    await site.passTo(from - 1);
    assert.deepEqual(await told(), []);
    await site.passTo(from + 1_000);
    assert.deepEqual(await told(), ["held open"]);
    await site.passTo(until - 1_000);
    assert.deepEqual(await told(), ["held open"]);
    await site.passTo(until);
    assert.deepEqual(await told(), ["held open", "over"]);
    await site.shutDown();
  });
