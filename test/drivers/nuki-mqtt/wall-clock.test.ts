/** Windows by a lock's wall clock: the table of ordinary days, of the hour that comes twice and of the one that is missing; then whatever window in whatever zone. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { fromWall, toWall } from "../../../gateway/drivers/nuki-mqtt/wall-clock.ts";
import fc from "../../support/fast-check.ts";

const madrid = "Europe/Madrid";
const at = (text: string) => Date.parse(text);
const stay = at("2031-07-01T13:00:00Z");

for (const [what, zone, instant, wall] of [
  ["in summer", madrid, "2031-07-05T09:00:00Z", "2031-07-05 11:00:00"],
  ["in winter", madrid, "2031-12-05T10:00:00Z", "2031-12-05 11:00:00"],
  ["just before clocks are set forward", madrid, "2031-03-30T00:59:59Z", "2031-03-30 01:59:59"],
  ["just after clocks were set forward", madrid, "2031-03-30T01:00:00Z", "2031-03-30 03:00:00"],
  ["just before the hour that comes twice", madrid, "2031-10-25T23:59:59Z", "2031-10-26 01:59:59"],
  ["just after the hour that came twice", madrid, "2031-10-26T02:00:00Z", "2031-10-26 03:00:00"],
  ["in a zone of half hours", "Asia/Kolkata", "2031-07-05T09:00:00Z", "2031-07-05 14:30:00"],
  ["west of Greenwich", "America/Los_Angeles", "2031-07-05T03:00:00Z", "2031-07-04 20:00:00"],
] as const)
  test(`an end ${what} is ${wall}, and read as what it was`, () => {
    const until = { from: at(instant) - 86_400_000 * 40, until: at(instant) };
    assert.equal(toWall(until, zone).until, wall);
    assert.equal(fromWall(toWall(until, zone), zone)?.until, at(instant));
    const from = { from: at(instant), until: at(instant) + 86_400_000 * 40 };
    assert.equal(toWall(from, zone).from, wall);
    assert.equal(fromWall(toWall(from, zone), zone)?.from, at(instant));
  });

for (const [what, instant] of [
  ["the first time", "2031-10-26T00:30:00Z"],
  ["the second time", "2031-10-26T01:30:00Z"],
  ["as it begins anew", "2031-10-26T01:00:00Z"],
] as const)
  test(`02:30 that comes twice, ${what}: a code begins before that hour, and ends after it`, () => {
    assert.deepEqual(toWall({ from: at(instant), until: stay + 1e10 }, madrid).from, "2031-10-26 01:59:59");
    assert.deepEqual(toWall({ from: stay, until: at(instant) }, madrid).until, "2031-10-26 03:00:00");
  });

test("half an hour that comes twice", () => {
  // On Lord Howe Island clocks go back from 02:00 to 01:30.
  assert.deepEqual(
    toWall({ from: at("2031-04-05T14:45:00Z"), until: at("2031-04-05T15:15:00Z") }, "Australia/Lord_Howe"),
    {
      from: "2031-04-06 01:29:59",
      until: "2031-04-06 02:00:00",
    },
  );
});

test("a wall time that was written by somebody else and does not exist, or twice, is as wide as it can be meant", () => {
  assert.deepEqual(fromWall({ from: "2031-03-30 02:30:00", until: "2031-03-30 02:30:00" }, madrid), {
    from: at("2031-03-30T00:30:00Z"),
    until: at("2031-03-30T01:30:00Z"),
  });
  assert.deepEqual(fromWall({ from: "2031-10-26 02:30:00", until: "2031-10-26 02:30:00" }, madrid), {
    from: at("2031-10-26T00:30:00Z"),
    until: at("2031-10-26T01:30:00Z"),
  });
});

test("beyond what a lock takes there is no end", () => {
  assert.deepEqual(toWall({ from: 0, until: 8.64e15 }, madrid), {
    from: "2000-01-01 00:00:00",
    until: "2999-12-31 23:59:59",
  });
  const none = { from: 0, until: 8.64e15 };
  assert.deepEqual(fromWall({ from: "2000-01-01 00:00:00", until: "2999-12-31 23:59:59" }, madrid), none);
  assert.deepEqual(fromWall({ from: "0000-00-00 00:00:00", until: "0000-00-00 00:00:00" }, madrid), none);
});

for (const wall of ["", "2031-02-30 10:00:00", "tomorrow", "2031-01-01 25:00:00"])
  test(`"${wall}" is no end`, () => {
    assert.equal(fromWall({ from: wall, until: "2031-01-01 00:00:00" }, madrid), undefined);
    assert.equal(fromWall({ from: "2031-01-01 00:00:00", until: wall }, madrid), undefined);
  });

test("whatever the window and the zone, the lock's window holds it, and is wider by no more than an hour that comes twice", () => {
  const instant = fc.integer({ min: at("2025-01-01T00:00:00Z"), max: at("2040-01-01T00:00:00Z") });
  const zone = fc.constantFrom(
    madrid,
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "UTC",
  );
  fc.assert(
    fc.property(instant, fc.integer({ min: 1, max: 1e9 }), zone, (from, lengthMs, where) => {
      const window = { from, until: from + lengthMs };
      const read = fromWall(toWall(window, where), where);
      assert.ok(read && read.from <= window.from && read.until >= window.until);
      assert.ok(window.from - read.from <= 7_201_000 && read.until - window.until <= 7_201_000);
    }),
  );
});
