import assert from "node:assert/strict";
import { test } from "node:test";
import {
  afterMiss,
  afterSuccess,
  type GuessedKind,
  guessedKinds,
  type Lockout,
  lockedOutMs,
  older,
} from "../../gateway/domain/lockout.ts";
import fc from "../support/fast-check.ts";

const hour = 3_600_000;
const missed = (kind: GuessedKind, times: number, at = 0) => {
  let lockout: Lockout | undefined;
  for (let n = 0; n < times; n += 1) lockout = afterMiss(kind, lockout, at);
  return lockout;
};
const kinds = fc.constantFrom(...guessedKinds);

for (const [kind, free, longest] of [
  ["pin", 4, hour],
  ["pass", 9, hour / 6],
] as const)
  test(`each wrong ${kind} after the free ones doubles the lockout, from half a minute up to its longest and no further`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.nat(1e9), (misses, at) => {
        const over = misses - free;
        const wanted = over < 1 ? 0 : Math.min(longest, 30_000 * 2 ** Math.min(over - 1, 20));
        assert.equal(lockedOutMs(missed(kind, misses, at), at), wanted);
      }),
    );
  });

test("a success lowers the count by one and leaves a running lockout alone", () => {
  fc.assert(
    fc.property(kinds, fc.integer({ min: 1, max: 50 }), (kind, misses) => {
      const before = missed(kind, misses)!;
      const after = afterSuccess(kind, before, 0);
      assert.equal(after?.misses ?? 0, misses - 1);
      assert.equal(lockedOutMs(after, 0), misses > 1 ? lockedOutMs(before, 0) : 0);
    }),
  );
});

test("each whole hour without a wrong PIN forgives one; in the end nothing is left", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(30), fc.nat(hour - 1), (misses, hours, rest) => {
      const again = afterMiss("pin", missed("pin", misses), hours * hour + rest);
      assert.equal(again.misses, Math.max(0, misses - hours) + 1);
    }),
  );
});

for (const [kind, most] of [
  ["pin", 35],
  ["pass", 160],
] as const)
  test(`who guesses at ${kind}s and never waits longer than they must has at most ${most} guesses a day`, () => {
    let [lockout, now, guesses]: [Lockout | undefined, number, number] = [undefined, 0, 0];
    while (now < 24 * hour) {
      lockout = afterMiss(kind, lockout, now);
      guesses += 1;
      now += lockedOutMs(lockout, now);
    }
    assert.ok(guesses <= most, `${guesses} guesses`);
  });

test("older by some time is the same as asked that much later", () => {
  fc.assert(
    fc.property(kinds, fc.integer({ min: 1, max: 20 }), fc.nat(5 * hour), fc.nat(5 * hour), (kind, misses, ms, at) => {
      const lockout = missed(kind, misses)!;
      assert.equal(lockedOutMs(older(lockout, ms), at), lockedOutMs(lockout, at + ms));
      assert.equal(afterMiss(kind, older(lockout, ms), at).misses, afterMiss(kind, lockout, at + ms).misses);
    }),
  );
});
