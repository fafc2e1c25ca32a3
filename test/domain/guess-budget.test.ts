import assert from "node:assert/strict";
import { test } from "node:test";
import type { WrongTries } from "../../gateway/domain/guess-budget.ts";
import {
  budgetLockoutMs,
  guessBudget,
  isBudgetSpent,
  ofLastDay,
  withWrongTry,
} from "../../gateway/domain/guess-budget.ts";
import { afterMiss, afterSuccess, type GuessedKind, type Lockout, lockedOutMs } from "../../gateway/domain/lockout.ts";
import fc from "../support/fast-check.ts";

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

/** Keypads under the rules of this gateway, and when somebody guessed. */
class Keypads {
  now = 0;
  readonly guesses: number[] = [];
  readonly #lockouts: (Lockout | undefined)[];
  readonly #kind: GuessedKind;
  #wrong: WrongTries = [];

  constructor(keypads: number, kind: GuessedKind = "pin") {
    this.#kind = kind;
    this.#lockouts = Array.from({ length: keypads }, () => undefined);
  }

  waitMs(keypad: number): number {
    return lockedOutMs(this.#lockouts[keypad], this.now);
  }

  /** False while it is locked out. */
  guess(keypad: number): boolean {
    if (this.waitMs(keypad) > 0) return false;
    this.#wrong = withWrongTry(this.#wrong, `keypad-${keypad}`, this.now);
    const atLeastMs = budgetLockoutMs(this.#kind, this.#wrong, `keypad-${keypad}`, this.now);
    this.#lockouts[keypad] = afterMiss(this.#kind, this.#lockouts[keypad], this.now, atLeastMs);
    this.guesses.push(this.now);
    return true;
  }

  enterOwnPin(keypad: number): void {
    if (this.waitMs(keypad) === 0) this.#lockouts[keypad] = afterSuccess(this.#kind, this.#lockouts[keypad], this.now);
  }

  /** The most within any 24 h. */
  get worstDay(): number {
    let [worst, first] = [0, 0];
    for (const [last, at] of this.guesses.entries()) {
      while (at - this.guesses[first]! >= day) first += 1;
      worst = Math.max(worst, last - first + 1);
    }
    return worst;
  }
}

/** The probability that so many guesses hit one of 50 codes of 6 digits. */
const hits = (guesses: number) => 1 - (1 - 50e-6) ** guesses;

/** Of passes so many more would be had at each scanner, at one try every ten minutes, and two sooner. */
for (const [kind, free, each] of [
  ["pin", 40, 6],
  ["pass", 200, 147],
] as const)
  test(`whoever guesses at ${kind}s in whatever order, own entries in between, has ${free} guesses a day and ${each} more at each reader`, () => {
    const step = fc.tuple(
      fc.nat(9),
      fc.boolean(),
      fc.constantFrom(0, 0, 0, 2_000, minute, 20 * minute, hour, 6 * hour),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.array(step, { minLength: 1, maxLength: 40 }), (count, steps) => {
        const keypads = new Keypads(count, kind);
        // The same walk again and again, with own entries between the guesses, moved on to when a keypad opens.
        for (let n = 0; keypads.now < 3 * day && n < 3_000; n += 1) {
          const [keypad, entersOwn, pauseMs] = steps[n % steps.length]!;
          if (entersOwn) keypads.enterOwnPin(keypad % count);
          const waits = Array.from({ length: count }, (_, at) => keypads.waitMs(at));
          if (!keypads.guess(keypad % count)) {
            const soonest = Math.min(...waits);
            keypads.now += soonest;
            keypads.guess(waits.indexOf(soonest));
          }
          keypads.now += pauseMs;
        }
        assert.ok(keypads.worstDay <= free + each * count, `${keypads.worstDay} guesses at ${count} readers`);
      }),
    );
  });

for (const [count, most] of [
  [3, 0.003],
  [10, 0.005],
  [20, 0.008],
] as const)
  test(`at ${count} keypads whoever never waits longer than they must hits one of 50 codes within a day by ${100 * most} % at most`, () => {
    // In turn, or two keypads alone until the budget is spent, so that the others are fresh.
    for (const atFirst of [count, 2]) {
      const keypads = new Keypads(count);
      while (keypads.now < 3 * day) {
        const allowed = keypads.guesses.length < guessBudget.pin.wrongADay ? atFirst : count;
        const waits = Array.from({ length: allowed }, (_, keypad) => keypads.waitMs(keypad));
        const soonest = Math.min(...waits);
        keypads.now += soonest;
        keypads.guess(waits.indexOf(soonest));
        keypads.now += 2_000;
      }
      assert.ok(hits(keypads.worstDay) <= most, `${keypads.worstDay} guesses`);
    }
  });

for (const kind of ["pin", "pass"] as const)
  test(`one reader's own lockout never spends the budget of ${kind}s, so whoever stands at one slows no other`, () => {
    const keypads = new Keypads(2, kind);
    while (keypads.now < 3 * day) {
      keypads.now += keypads.waitMs(0);
      keypads.guess(0);
    }
    assert.ok(keypads.worstDay <= guessBudget[kind].wrongADay);
    keypads.guess(1);
    assert.equal(keypads.waitMs(1), 0);
  });

test("whatever is done at other keypads, this one never waits for it", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(hour)), { maxLength: 300 }), (steps) => {
      const keypads = new Keypads(6);
      for (const [keypad, pauseMs] of steps) {
        keypads.guess(keypad);
        keypads.now += pauseMs;
        assert.equal(keypads.waitMs(0), 0);
      }
    }),
  );
});

test("no wrong PIN locks out for longer than eight hours, and what is kept has a bound", () => {
  let wrong: WrongTries = [];
  for (let n = 0; n < 1_500; n += 1) {
    wrong = withWrongTry(wrong, `keypad-${n % 3}`, n);
    assert.ok(budgetLockoutMs("pin", wrong, `keypad-${n % 3}`, n) <= 8 * hour);
  }
  assert.equal(wrong.length, guessBudget.keptMax);
  assert.ok(isBudgetSpent("pin", wrong, day));
  assert.deepEqual(ofLastDay(wrong, 2 * day), []);
});
