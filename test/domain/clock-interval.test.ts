import assert from "node:assert/strict";
import { test } from "node:test";
import {
  combine,
  driftPpm,
  fixFromServer,
  fixFromSystem,
  intervalAt,
  trustOf,
} from "../../gateway/domain/clock-interval.ts";
import fc from "../support/fast-check.ts";

const day = 24 * 3_600_000;
const truth = Date.UTC(2031, 2, 4, 12);
const monotonic = fc.double({ min: 0, max: 1e10, noNaN: true });

test("the truth lies within the interval, however long ago the fix and however the crystal drifts", () => {
  const cases = fc.record({
    mono: monotonic,
    toServer: fc.nat(10_000),
    fromServer: fc.nat(10_000),
    elapsed: fc.double({ min: 0, max: 400 * day, noNaN: true }),
    drift: fc.double({ min: -driftPpm, max: driftPpm, noNaN: true }),
  });
  fc.assert(
    fc.property(cases, ({ mono, toServer, fromServer, elapsed, drift }) => {
      const fix = fixFromServer(truth, toServer + fromServer, mono);
      // What our crystal counts while `real` goes by; drift is measured on what it counts.
      const real = elapsed * (1 + drift / 1_000_000);
      const { earliest, latest } = intervalAt(fix, 0, mono + elapsed);
      const now = truth + fromServer + real;
      assert.ok(earliest <= now + 1e-3 && now - 1e-3 <= latest, `${earliest} ≤ ${now} ≤ ${latest}`);
    }),
  );
});

test("the interval is whole milliseconds in order, and time never goes back below what was written down", () => {
  const cases = [fc.nat(1e6), monotonic, monotonic, fc.integer({ min: truth - day, max: truth + day })] as const;
  fc.assert(
    fc.property(...cases, (within, mono, later, highWater) => {
      const { earliest, latest } = intervalAt(fixFromSystem(truth, within, mono), highWater, mono + later);
      assert.ok(Number.isInteger(earliest) && (Number.isInteger(latest) || latest === Number.POSITIVE_INFINITY));
      assert.ok(highWater <= earliest && earliest <= latest);
    }),
  );
});

test("as the monotonic clock goes on, neither end of the interval goes back", () => {
  fc.assert(
    fc.property(fc.nat(1e6), monotonic, monotonic, monotonic, (within, mono, a, b) => {
      const fix = fixFromSystem(truth, within, mono);
      const [sooner, later] = [Math.min(a, b), Math.max(a, b)].map((ms) => intervalAt(fix, 0, mono + ms));
      assert.ok(sooner!.earliest <= later!.earliest && sooner!.latest <= later!.latest);
    }),
  );
});

test("without a fix only the lower bound is known", () => {
  assert.deepEqual(intervalAt(undefined, truth, 5), { earliest: truth, latest: Number.POSITIVE_INFINITY });
  assert.equal(trustOf(undefined, 0, 5), "unset");
});

test("a fix well before what was written down bounds nothing until it has caught up, and nobody calls it synced", () => {
  const [fix, highWater] = [fixFromServer(truth, 20, 0), truth + day];
  assert.deepEqual(intervalAt(fix, highWater, 0), { earliest: highWater, latest: Number.POSITIVE_INFINITY });
  assert.equal(trustOf(fix, highWater, 0), "unset");
  assert.ok(Number.isFinite(intervalAt(fix, highWater, day).latest));
  assert.equal(trustOf(fix, highWater, day), "synced");
});

test("a server's clock set back by a moment leaves the time where it was", () => {
  const fix = fixFromServer(truth, 20, 0);
  assert.deepEqual(intervalAt(fix, truth + 2_000, 0), { earliest: truth + 2_000, latest: truth + 2_000 });
  assert.equal(trustOf(fix, truth + 2_000, 0), "synced");
});

test("a server that says it held the request longer than it took is not believed to have answered before it was asked", () => {
  assert.deepEqual(fixFromServer(truth, -50, 7), { earliest: truth, latest: truth, mono: 7 });
});

test("a fix is synced for a day, holdover after it", () => {
  const fix = fixFromSystem(truth, 1000, 0);
  assert.equal(trustOf(fix, 0, day), "synced");
  assert.equal(trustOf(fix, 0, day + 1), "holdover");
});

test("two right fixes make one that is right and no wider than either; a contradiction believes the fresh one", () => {
  fc.assert(
    fc.property(fc.nat(60_000), fc.nat(60_000), fc.nat(1e7), fc.nat(60_000), (before, after, elapsed, within) => {
      const known = { earliest: truth - before, latest: truth + after, mono: 0 };
      const fresh = fixFromSystem(truth + elapsed, within, elapsed);
      const both = combine(known, fresh);
      assert.ok(both.earliest <= truth + elapsed && truth + elapsed <= both.latest);
      assert.ok(both.latest - both.earliest <= fresh.latest - fresh.earliest);
    }),
  );
  const contradicting = fixFromSystem(truth + day, 1_000, 10);
  assert.deepEqual(combine(fixFromSystem(truth, 1_000, 0), contradicting), contradicting);
});
