/** The wrong PINs of this gateway: what each keypad's lockout and the day's budget make of them, kept through restarts by SiteRecords. */
import type { AccessPointId } from "./access-point.ts";
import type { Millis, Monotonic } from "./instant.ts";
import { afterMiss, afterSuccess, type Lockout, lockedOutMs, older } from "./lockout.ts";
import { budgetLockoutMs, isBudgetSpent, ofLastDay, pinBudget, type WrongPins, withWrongPin } from "./pin-budget.ts";

/** What of them stands in a snapshot. Times count back from the moment it is written: each boot has a clock of its own. */
export type AttemptsItem =
  | {
      readonly item: "lockout";
      readonly accessPoint: AccessPointId;
      readonly misses: number;
      readonly sinceMissMs: Millis;
      readonly remainingMs: Millis;
    }
  | {
      readonly item: "wrong-pins";
      readonly wrong: readonly { readonly accessPoint: AccessPointId; readonly agoMs: Millis }[];
      readonly toldAgoMs: Millis | null;
    };

/** What flows and pages may ask. */
export type AttemptsView = Pick<
  WrongAttempts,
  "lockedOutMs" | "lockedOutAfterMissMs" | "ofLastDay" | "isGuessingUntold"
>;

export class WrongAttempts {
  readonly #lockouts = new Map<AccessPointId, Lockout>();
  #wrongPins: WrongPins = [];
  /** When guessing was last told. */
  #toldAt: Monotonic | undefined;

  lockedOutMs(accessPoint: AccessPointId, now: Monotonic): Millis {
    return lockedOutMs(this.#lockouts.get(accessPoint), now);
  }

  /** How long one more wrong PIN now would lock the keypad out; 0 when it would not. */
  lockedOutAfterMissMs(accessPoint: AccessPointId, now: Monotonic): Millis {
    return lockedOutMs(this.#afterMiss(accessPoint, now).lockout, now);
  }

  /** Wrong PINs of the last 24 h, over all keypads here. */
  ofLastDay(now: Monotonic): { readonly count: number; readonly keypads: number; readonly isBudgetSpent: boolean } {
    const wrong = ofLastDay(this.#wrongPins, now);
    const keypads = new Set(wrong.map(({ accessPoint }) => accessPoint)).size;
    return { count: wrong.length, keypads, isBudgetSpent: isBudgetSpent(wrong, now) };
  }

  /** Their budget is spent, and no event of the last day says so. */
  isGuessingUntold(now: Monotonic): boolean {
    return isBudgetSpent(this.#wrongPins, now) && (this.#toldAt === undefined || now - this.#toldAt >= pinBudget.dayMs);
  }

  missed(accessPoint: AccessPointId, at: Monotonic): void {
    const { lockout, wrongPins } = this.#afterMiss(accessPoint, at);
    this.#lockouts.set(accessPoint, lockout);
    this.#wrongPins = wrongPins;
  }

  succeeded(accessPoint: AccessPointId, at: Monotonic): void {
    const lockout = afterSuccess(this.#lockouts.get(accessPoint), at);
    if (lockout) this.#lockouts.set(accessPoint, lockout);
    else this.#lockouts.delete(accessPoint);
  }

  guessingTold(at: Monotonic): void {
    this.#toldAt = at;
  }

  /** All of it grows older by `ms`, on the running process's clock. */
  age(ms: Millis): void {
    for (const [accessPoint, lockout] of this.#lockouts) this.#lockouts.set(accessPoint, older(lockout, ms));
    this.#wrongPins = this.#wrongPins.map(({ accessPoint, at }) => ({ accessPoint, at: at - ms }));
    if (this.#toldAt !== undefined) this.#toldAt -= ms;
  }

  /** Copied at the call: what happens later does not show. */
  dump(now: Monotonic): AttemptsItem[] {
    const items: AttemptsItem[] = [...this.#lockouts].map(([accessPoint, lockout]) => ({
      item: "lockout",
      accessPoint,
      misses: lockout.misses,
      sinceMissMs: Math.max(0, now - lockout.lastMissAt),
      remainingMs: lockedOutMs(lockout, now),
    }));
    const wrong = ofLastDay(this.#wrongPins, now).map(({ accessPoint, at }) => ({
      accessPoint,
      agoMs: Math.max(0, now - at),
    }));
    if (wrong.length > 0)
      items.push({ item: "wrong-pins", wrong, toldAgoMs: this.#toldAt === undefined ? null : now - this.#toldAt });
    return items;
  }

  restore(entry: AttemptsItem, now: Monotonic): void {
    if (entry.item === "lockout") {
      const { accessPoint, misses, sinceMissMs, remainingMs } = entry;
      this.#lockouts.set(accessPoint, { misses, lastMissAt: now - sinceMissMs, until: now + remainingMs });
    } else {
      this.#wrongPins = entry.wrong.map(({ accessPoint, agoMs }) => ({ accessPoint, at: now - agoMs }));
      this.#toldAt = entry.toldAgoMs === null ? undefined : now - entry.toldAgoMs;
    }
  }

  #afterMiss(accessPoint: AccessPointId, now: Monotonic): { readonly lockout: Lockout; readonly wrongPins: WrongPins } {
    const wrongPins = withWrongPin(this.#wrongPins, accessPoint, now);
    const lockout = afterMiss(this.#lockouts.get(accessPoint), now, budgetLockoutMs(wrongPins, accessPoint, now));
    return { lockout, wrongPins };
  }
}
