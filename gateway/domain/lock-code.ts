/** A code kept inside a lock, which opens it without asking the gateway: what a lock can keep, and what was read from it. */
import type { Instant, Millis } from "./instant.ts";
import type { Weekday } from "./schedule.ts";

/** The lock's or its maker's own name of a place for a code: a slot number as text, or an id. */
export type CodeRef = string;

/** [from, until), and within it only during its hours, as far as the lock itself can enforce it. */
export interface CodeWindow {
  readonly from: Instant;
  readonly until: Instant;
  /** Absent: at any hour. */
  readonly hours?: CodeHours;
}

/** Weekly hours as a lock keeps them: [from, until) on each of the days, in minutes after midnight on the lock's own wall clock, 0 … 1440. */
export interface CodeHours {
  /** Ascending. */
  readonly days: readonly Weekday[];
  readonly from: number;
  readonly until: number;
}

/** What becomes of a weekly schedule in a lock. */
export interface HoursConstraints {
  /** "one-span": the lock keeps one span of the day by itself, the same on each of some days, also whole days · "none": no hours at all. */
  readonly native: "one-span" | "none";
  /** IANA zone of the wall clock by which it does so; another site's hours it cannot keep. */
  readonly zone?: string;
  /**
   * A schedule that it cannot keep is honoured by having the code in the lock during each opening alone, for which it is written anew: one
   * that opens so often a week at most, because that is what batteries pay for; 0: none.
   */
  readonly openingsPerWeekMax: number;
}

/** What a lock lets a code be, for programs: merged over all locks of a grant before a PIN is chosen. */
export interface CodeConstraints {
  /**
   * A code is no digits but an account at the maker, named by an e-mail address: whatever is said of digits here is empty. One may have several
   * codes, each with a place and a window of its own, and none is ever given to another account. No code bears a name but one that the driver has
   * made since its start. Absent: digits.
   */
  readonly keeps?: "accounts";
  /**
   * The maker's cloud keeps the codes, and answers by what it keeps: it is asked without the pauses that radios need, written to by a list of
   * the last hour, because no place in it is ever another code's, and read as often. Absent: a lock does.
   */
  readonly keptBy?: "cloud";
  /** Numbers of digits it takes, ascending. */
  readonly lengths: readonly number[];
  /** The digits it takes, such as "123456789". */
  readonly digits: string;
  readonly forbiddenPrefixes: readonly string[];
  /** How many codes it holds, whoever put them there. */
  readonly capacity: number;
  /** Where codes stand: in numbered places that we choose, the first of them given, or wherever the lock puts them. */
  readonly places: { readonly kind: "numbered"; readonly first: number } | { readonly kind: "given" };
  /** "range": the lock begins and ends a code by itself · "none": it is put there when it begins, and taken away when it ends. */
  readonly windows: "range" | "none";
  /** Absent: a schedule is not honoured at all. */
  readonly hours?: HoursConstraints;
  /** How long a change that was taken may take to show in a list; 10 min where not given, a minute at a maker's cloud. */
  readonly settlesMs?: Millis;
}

/** Whether a lock takes these digits. */
export function takes(
  { lengths, digits: taken, forbiddenPrefixes }: Pick<CodeConstraints, "lengths" | "digits" | "forbiddenPrefixes">,
  digits: string,
): boolean {
  return (
    lengths.includes(digits.length) &&
    [...digits].every((digit) => taken.includes(digit)) &&
    !forbiddenPrefixes.some((prefix) => digits.startsWith(prefix))
  );
}

/**
 * Why a lock does not hold a code that it should: its digits are none the lock takes · it has a number of entries, which no lock counts ·
 * a weekly schedule that it neither keeps nor may be written for · its value cannot be opened · other codes fill the lock · somebody else's code in the lock has the same digits ·
 * it is time, and nobody knows yet why it is not there.
 */
export type MissingWhy = "digits" | "entries" | "schedule" | "unreadable" | "no-room" | "taken" | "late";

/** One code that stands in the lock, ours or anybody's. */
export interface StoredCode {
  readonly ref: CodeRef;
  /** How the lock names it, where codes have names there. */
  readonly label?: string;
  /** Index of its digits (credential.ts); "masked" where the lock does not tell them. */
  readonly index: string | "masked";
  /** null: always. Absent where the lock does not tell. */
  readonly window?: CodeWindow | null;
  /** The maker has taken a change and not yet told the lock. */
  readonly pending?: boolean;
}
