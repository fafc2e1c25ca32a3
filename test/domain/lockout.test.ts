import assert from "node:assert/strict";
import { test } from "node:test";
import { afterMiss, afterSuccess, type Lockout, lockedOutMs, older } from "../../gateway/domain/lockout.ts";
import fc from "../support/fast-check.ts";

const hour = 3_600_000;
const missed = (times: number, at = 0, before?: Lockout) => {
  let lockout = before;
  for (let n = 0; n < times; n += 1) lockout = afterMiss(lockout, at);
  return lockout;
};

test("each miss after the free ones doubles the lockout, from half a minute up to an hour and no further", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), fc.nat(1e9), (misses, at) => {
      const over = misses - 4;
      const wanted = over < 1 ? 0 : over > 7 ? hour : 30_000 * 2 ** (over - 1);
      assert.equal(lockedOutMs(missed(misses, at), at), wanted);
    }),
  );
});

test("a success lowers the count by one and leaves a running lockout alone", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), (misses) => {
      const before = missed(misses)!;
      const after = afterSuccess(before, 0);
      assert.equal(after?.misses ?? 0, misses - 1);
      assert.equal(lockedOutMs(after, 0), misses > 1 ? lockedOutMs(before, 0) : 0);
    }),
  );
});

test("each whole hour without a miss forgives one; in the end nothing is left", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(30), fc.nat(hour - 1), (misses, hours, rest) => {
      const again = afterMiss(missed(misses), hours * hour + rest);
      assert.equal(again.misses, Math.max(0, misses - hours) + 1);
    }),
  );
});

test("a guesser who never waits longer than it must has at most 35 guesses a day", () => {
  let [lockout, now, guesses]: [Lockout | undefined, number, number] = [undefined, 0, 0];
  while (now < 24 * hour) {
    lockout = afterMiss(lockout, now);
    guesses += 1;
    now += lockedOutMs(lockout, now);
  }
  assert.ok(guesses <= 35, `${guesses} guesses`);
});

test("older by some time is the same as asked that much later", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(5 * hour), fc.nat(5 * hour), (misses, ms, at) => {
      const lockout = missed(misses)!;
      assert.equal(lockedOutMs(older(lockout, ms), at), lockedOutMs(lockout, at + ms));
      assert.equal(afterMiss(older(lockout, ms), at).misses, afterMiss(lockout, at + ms).misses);
    }),
  );
});
