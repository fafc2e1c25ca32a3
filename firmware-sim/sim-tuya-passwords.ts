/**
 * The temporary passwords inside a Tuya lock. The lock alone decides about one, by its own clock and what its list says; who wrote the
 * list, and whether the maker's cloud can be reached, does not matter to it.
 */
import type { Clock } from "../gateway/ports/clock.ts";

/** Hours of some days of the week. */
export interface TuyaWeeklyHours {
  /** Minutes after midnight; from … until, on the same day. */
  readonly from: number;
  readonly until: number;
  /** Bit 0 Sunday … bit 6 Saturday. */
  readonly days: number;
}

export interface TuyaPassword {
  readonly digits: string;
  /** Unix seconds; opens from … until. */
  readonly from: number;
  readonly until: number;
  readonly once: boolean;
  /** Empty: at any hour. */
  readonly weekly: readonly TuyaWeeklyHours[];
  /** IANA name or offset; where the weekly hours count. */
  readonly zone: string;
}

export type TuyaPasswordChange = "done" | "full" | "exists" | "unknown";

/** A lock knows what it opens with under a number, 0 to 999. */
const numbersMax = 1_000;

export class SimTuyaPasswords {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #passwords = new Map<number, TuyaPassword>();
  /** Of those that serve once. */
  readonly #used = new Set<number>();

  constructor(clock: Clock, capacity: number) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  /** By their numbers. */
  list(): ReadonlyMap<number, TuyaPassword> {
    return this.#passwords;
  }

  /** The number it has from now on. */
  add(password: TuyaPassword): number | "full" | "exists" {
    if (this.#numberOf(password.digits) !== undefined) return "exists";
    const number = this.#freeNumber();
    if (number === undefined) return "full";
    this.#passwords.set(number, password);
    return number;
  }

  change(number: number, password: TuyaPassword): TuyaPasswordChange {
    if (!this.#passwords.has(number)) return "unknown";
    if ((this.#numberOf(password.digits) ?? number) !== number) return "exists";
    this.#passwords.set(number, password);
    this.#used.delete(number);
    return "done";
  }

  remove(number: number): TuyaPasswordChange {
    this.#used.delete(number);
    return this.#passwords.delete(number) ? "done" : "unknown";
  }

  /** Somebody has reset the lock. */
  clear(): void {
    this.#passwords.clear();
    this.#used.clear();
  }

  /** The number of the password that these digits are now; undefined when the lock says no. */
  use(digits: string): number | undefined {
    const number = this.#numberOf(digits);
    const password = number === undefined ? undefined : this.#passwords.get(number);
    if (number === undefined || !password || this.#used.has(number) || !isWithin(password, this.#clock.wall()))
      return undefined;
    if (password.once) this.#used.add(number);
    return number;
  }

  #numberOf(digits: string): number | undefined {
    for (const [number, password] of this.#passwords) if (password.digits === digits) return number;
    return undefined;
  }

  #freeNumber(): number | undefined {
    if (this.#passwords.size >= Math.min(this.#capacity, numbersMax)) return undefined;
    for (let number = 0; ; number += 1) if (!this.#passwords.has(number)) return number;
  }
}

function isWithin({ from, until, weekly, zone }: TuyaPassword, now: number): boolean {
  if (now < from * 1_000 || now >= until * 1_000) return false;
  if (weekly.length === 0) return true;
  const local = Temporal.Instant.fromEpochMilliseconds(Math.floor(now)).toZonedDateTimeISO(zone);
  const minute = local.hour * 60 + local.minute;
  const day = 1 << (local.dayOfWeek % 7); // Sunday is 7 there
  return weekly.some((hours) => (hours.days & day) !== 0 && minute >= hours.from && minute < hours.until);
}
