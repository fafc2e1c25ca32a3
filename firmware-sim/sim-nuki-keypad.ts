/**
 * The keypad beside a simulated Nuki with the list of codes that stands in the lock. The lock alone decides about a code, by its own clock
 * and what the list says; who wrote the list, and whether anybody can be reached, does not matter to it.
 */
import type { Clock } from "../gateway/ports/clock.ts";

/** When a code opens. What is absent does not restrict it. */
export interface NukiAllowed {
  /** Milliseconds since 1970: opens from then on. */
  readonly fromDate?: number;
  /** Milliseconds since 1970: opens no more from then on. */
  readonly untilDate?: number;
  /** Sum of 64 for Monday, 32 for Tuesday … 1 for Sunday. */
  readonly weekDays?: number;
  /** Minutes after midnight on the lock's own wall. */
  readonly fromTime?: number;
  readonly untilTime?: number;
}

export interface NukiCode {
  readonly name: string;
  readonly code: number;
  readonly enabled: boolean;
  readonly allowed: NukiAllowed;
}

export interface StoredNukiCode extends NukiCode {
  /** Its number on the lock, never given twice. */
  readonly authId: number;
  readonly uses: number;
  /** Milliseconds since 1970. */
  readonly lastUsed?: number;
}

/** What the lock says to a change of its list: error codes 0x29, 0x2A, 0x2B; "unknown": no such number. */
export type CodeChange = "done" | "full" | "exists" | "invalid" | "unknown";

export interface SimNukiKeypadOptions {
  readonly clock: Clock;
  /** 200 on a 3.0 and later, 100 on a 2.0. */
  readonly capacity?: number;
  /** IANA name of the zone that the lock's wall clock shows. */
  readonly zone?: string;
}

/** Exactly six digits of 1 to 9, and not 12 in front. */
export function isNukiCode(code: number): boolean {
  return /^(?!12)[1-9]{6}$/.test(String(code));
}

export class SimNukiKeypad {
  readonly capacity: number;
  /** How far the lock's clock is ahead of the time; a lock that has lost it stands anywhere. */
  clockErrorMs = 0;
  batteryCritical = false;
  readonly #clock: Clock;
  readonly #zone: string;
  readonly #codes = new Map<number, StoredNukiCode>();
  #lastAuthId = 0;

  constructor({ clock, capacity = 200, zone = "UTC" }: SimNukiKeypadOptions) {
    this.#clock = clock;
    this.capacity = capacity;
    this.#zone = zone;
  }

  codes(): readonly StoredNukiCode[] {
    return [...this.#codes.values()];
  }

  add(code: NukiCode): CodeChange {
    if (!isNukiCode(code.code)) return "invalid";
    if (this.#holderOf(code.code)) return "exists";
    if (this.#codes.size >= this.capacity) return "full";
    const authId = ++this.#lastAuthId;
    this.#codes.set(authId, { ...code, authId, uses: 0 });
    return "done";
  }

  change(authId: number, code: NukiCode): CodeChange {
    const stands = this.#codes.get(authId);
    if (!stands) return "unknown";
    if (!isNukiCode(code.code)) return "invalid";
    const holder = this.#holderOf(code.code);
    if (holder && holder.authId !== authId) return "exists";
    this.#codes.set(authId, { ...stands, ...code });
    return "done";
  }

  remove(authId: number): CodeChange {
    return this.#codes.delete(authId) ? "done" : "unknown";
  }

  clear(): void {
    this.#codes.clear();
  }

  /** The code that these keys open with now, counted as used; undefined when the lock says no. */
  use(digits: string): StoredNukiCode | undefined {
    const now = this.#clock.wall() + this.clockErrorMs;
    const code = this.codes().find((stands) => String(stands.code) === digits);
    if (!code?.enabled || !isAllowed(code.allowed, now, this.#zone)) return undefined;
    const used = { ...code, uses: code.uses + 1, lastUsed: now };
    this.#codes.set(code.authId, used);
    return used;
  }

  #holderOf(code: number): StoredNukiCode | undefined {
    return this.codes().find((stands) => stands.code === code);
  }
}

function isAllowed({ fromDate, untilDate, weekDays, fromTime, untilTime }: NukiAllowed, now: number, zone: string) {
  if (fromDate !== undefined && now < fromDate) return false;
  if (untilDate !== undefined && now >= untilDate) return false;
  const local = Temporal.Instant.fromEpochMilliseconds(Math.floor(now)).toZonedDateTimeISO(zone);
  // Nothing chosen is no restriction: a code without days has the sum 0 in the maker's list.
  if (weekDays && (weekDays & (1 << (7 - local.dayOfWeek))) === 0) return false;
  if (fromTime === undefined || untilTime === undefined || fromTime === untilTime) return true;
  const minute = local.hour * 60 + local.minute;
  return fromTime < untilTime ? minute >= fromTime && minute < untilTime : minute >= fromTime || minute < untilTime;
}
