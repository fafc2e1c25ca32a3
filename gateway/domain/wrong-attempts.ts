/**
 * The wrong PINs and passes of this gateway: what each reader's lockout and the day's budget make of them, kept through restarts by
 * SiteRecords.
 */
import type { AccessPointId } from "./access-point.ts";
import {
  budgetLockoutMs,
  guessBudget,
  isBudgetSpent,
  ofLastDay,
  type WrongTries,
  withWrongTry,
} from "./guess-budget.ts";
import type { Millis, Monotonic } from "./instant.ts";
import {
  afterMiss,
  afterSuccess,
  type GuessedKind,
  guessedKinds,
  type Lockout,
  lockedOutMs,
  older,
} from "./lockout.ts";

/** What of them stands in a snapshot; of PINs where `via` is absent. Times count back from the moment it is written: each boot has a clock of its own. */
export type AttemptsItem = { readonly via?: "pass" } & (
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
    }
);

/** What flows and pages may ask. */
export type AttemptsView = Pick<
  WrongAttempts,
  "lockedOutMs" | "lockedOutAfterMissMs" | "ofLastDay" | "isGuessingUntold"
>;

/** Those of one kind. */
interface Attempts {
  readonly lockouts: Map<AccessPointId, Lockout>;
  wrong: WrongTries;
  /** When guessing was last told. */
  toldAt: Monotonic | undefined;
}

export class WrongAttempts {
  readonly #of: Readonly<Record<GuessedKind, Attempts>> = { pin: noAttempts(), pass: noAttempts() };

  /** How long the reader takes no more of the kind; 0 when it does. */
  lockedOutMs(kind: GuessedKind, accessPoint: AccessPointId, now: Monotonic): Millis {
    return lockedOutMs(this.#of[kind].lockouts.get(accessPoint), now);
  }

  /** How long one more wrong one now would lock the reader out; 0 when it would not. */
  lockedOutAfterMissMs(kind: GuessedKind, accessPoint: AccessPointId, now: Monotonic): Millis {
    return lockedOutMs(this.#afterMiss(kind, accessPoint, now).lockout, now);
  }

  /** Wrong ones of the last 24 h, over all readers here. */
  ofLastDay(
    kind: GuessedKind,
    now: Monotonic,
  ): { readonly count: number; readonly readers: number; readonly isBudgetSpent: boolean } {
    const wrong = ofLastDay(this.#of[kind].wrong, now);
    const readers = new Set(wrong.map(({ accessPoint }) => accessPoint)).size;
    return { count: wrong.length, readers, isBudgetSpent: isBudgetSpent(kind, wrong, now) };
  }

  /** Their budget is spent, and no event of the last day says so. */
  isGuessingUntold(kind: GuessedKind, now: Monotonic): boolean {
    const { wrong, toldAt } = this.#of[kind];
    return isBudgetSpent(kind, wrong, now) && (toldAt === undefined || now - toldAt >= guessBudget.dayMs);
  }

  missed(kind: GuessedKind, accessPoint: AccessPointId, at: Monotonic): void {
    const { lockout, wrong } = this.#afterMiss(kind, accessPoint, at);
    this.#of[kind].lockouts.set(accessPoint, lockout);
    this.#of[kind].wrong = wrong;
  }

  succeeded(kind: GuessedKind, accessPoint: AccessPointId, at: Monotonic): void {
    const { lockouts } = this.#of[kind];
    const lockout = afterSuccess(kind, lockouts.get(accessPoint), at);
    if (lockout) lockouts.set(accessPoint, lockout);
    else lockouts.delete(accessPoint);
  }

  guessingTold(kind: GuessedKind, at: Monotonic): void {
    this.#of[kind].toldAt = at;
  }

  /** All of it grows older by `ms`, on the running process's clock. */
  age(ms: Millis): void {
    for (const attempts of Object.values(this.#of)) {
      for (const [accessPoint, lockout] of attempts.lockouts) attempts.lockouts.set(accessPoint, older(lockout, ms));
      attempts.wrong = attempts.wrong.map(({ accessPoint, at }) => ({ accessPoint, at: at - ms }));
      if (attempts.toldAt !== undefined) attempts.toldAt -= ms;
    }
  }

  /** Copied at the call: what happens later does not show. */
  dump(now: Monotonic): AttemptsItem[] {
    return guessedKinds.flatMap((kind) => {
      const { lockouts, wrong, toldAt } = this.#of[kind];
      const via = kind === "pin" ? {} : { via: kind };
      const items: AttemptsItem[] = [...lockouts].map(([accessPoint, lockout]) => ({
        item: "lockout",
        ...via,
        accessPoint,
        misses: lockout.misses,
        sinceMissMs: Math.max(0, now - lockout.lastMissAt),
        remainingMs: lockedOutMs(lockout, now),
      }));
      const ago = ofLastDay(wrong, now).map(({ accessPoint, at }) => ({ accessPoint, agoMs: Math.max(0, now - at) }));
      if (ago.length > 0)
        items.push({ item: "wrong-pins", ...via, wrong: ago, toldAgoMs: toldAt === undefined ? null : now - toldAt });
      return items;
    });
  }

  restore(entry: AttemptsItem, now: Monotonic): void {
    const attempts = this.#of[entry.via ?? "pin"];
    if (entry.item === "lockout") {
      const { accessPoint, misses, sinceMissMs, remainingMs } = entry;
      attempts.lockouts.set(accessPoint, { misses, lastMissAt: now - sinceMissMs, until: now + remainingMs });
    } else {
      attempts.wrong = entry.wrong.map(({ accessPoint, agoMs }) => ({ accessPoint, at: now - agoMs }));
      attempts.toldAt = entry.toldAgoMs === null ? undefined : now - entry.toldAgoMs;
    }
  }

  #afterMiss(
    kind: GuessedKind,
    accessPoint: AccessPointId,
    now: Monotonic,
  ): { readonly lockout: Lockout; readonly wrong: WrongTries } {
    const wrong = withWrongTry(this.#of[kind].wrong, accessPoint, now);
    const atLeastMs = budgetLockoutMs(kind, wrong, accessPoint, now);
    return { lockout: afterMiss(kind, this.#of[kind].lockouts.get(accessPoint), now, atLeastMs), wrong };
  }
}

function noAttempts(): Attempts {
  return { lockouts: new Map(), wrong: [], toldAt: undefined };
}
