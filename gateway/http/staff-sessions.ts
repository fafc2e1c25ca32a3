/**
 * Who of the staff is signed in at this gateway. Kept in memory: a restart signs everybody out. What a member may do, and whether it is one
 * still, is read from the records at each request, so whoever the cloud takes off the list is out at once.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Millis, Monotonic } from "../domain/instant.ts";
import { normalUserName, type StaffId, type StaffMember, staffStanding } from "../domain/staff.ts";
import { note, type SiteParts } from "../flows/site-parts.ts";
import { PasswordHasher, TooManyPasswords } from "../wire/password-hash.ts";
import type { SecretString } from "../wire/secret.ts";

const idleMs: Millis = 12 * 3_600_000;
/** However much it is used: a page that refreshes itself on a tablet at the gate is never idle. */
const wholeMs: Millis = 24 * 3_600_000;
const sessionsMax = 200;
/** Wrong passwords in a row for one name; then one more each `againMs`, whoever sends them. */
const wrongMax = 10;
const againMs: Millis = 60_000;
const namesMax = 1_000;
/** Refusals are written down at most so often: an attacker must not wear out the flash. */
const refusalsMax = 20;
const refusalAgainMs: Millis = 60_000;

/** "wrong": name or password; which of them is not told · "locked-out": too many wrong ones · "busy": come back in a moment. */
export type SignIn =
  | { readonly outcome: "signed-in"; readonly token: string; readonly member: StaffMember }
  | { readonly outcome: "wrong" | "stale" | "no-records" | "locked-out" | "busy" };

export interface StaffSession {
  readonly member: StaffMember;
  /** What the page tells once after something was done. */
  notice: string | undefined;
}

interface Kept {
  readonly staff: StaffId;
  /** The password that opened it: when it changes, the session ends. */
  readonly password: string;
  readonly begunAt: Monotonic;
  usedAt: Monotonic;
  readonly session: { notice: string | undefined };
}

/** A bucket that refills by one every `everyMs`. */
interface Patience {
  left: number;
  at: Monotonic;
}

export class StaffSessions {
  readonly #site: SiteParts;
  readonly #hasher: PasswordHasher;
  /** By the token's hash. */
  readonly #sessions = new Map<string, Kept>();
  readonly #patience = new Map<string, Patience>();
  readonly #refusals: Patience;

  constructor(site: SiteParts, hasher = new PasswordHasher({ atOnce: 1, waitingMax: 8 })) {
    this.#site = site;
    this.#hasher = hasher;
    this.#refusals = { left: refusalsMax, at: site.clock.monotonic() };
  }

  async signIn(userName: string, password: SecretString): Promise<SignIn> {
    const { records, time } = this.#site;
    const standing = staffStanding(records, time.sinceSyncMs());
    if (standing !== "good") return { outcome: standing };
    const name = normalUserName(userName);
    if (this.#isImpatient(name)) return { outcome: "locked-out" };
    const member = records.staffCalled(name);
    let matches: boolean;
    try {
      matches = await this.#hasher.matches(password, member?.password);
    } catch (error) {
      if (error instanceof TooManyPasswords) return { outcome: "busy" };
      throw error;
    }
    // The feed may have taken the member off, or changed the password, during the work.
    if (!matches || !member || records.staff(member.id)?.password !== member.password) {
      this.#refuse(name, member?.id);
      return { outcome: "wrong" };
    }
    this.#patience.delete(name);
    await note(this.#site, { type: "staff-signed-in", staff: member.id });
    const token = randomBytes(32).toString("base64url");
    const now = this.#site.clock.monotonic();
    this.#sessions.set(hashOf(token), {
      staff: member.id,
      password: member.password,
      begunAt: now,
      usedAt: now,
      session: { notice: undefined },
    });
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > sessionsMax && oldest !== undefined) this.#sessions.delete(oldest);
    return { outcome: "signed-in", token, member };
  }

  /** undefined: not signed in, or not any more. */
  find(token: string | undefined): StaffSession | undefined {
    if (token === undefined) return undefined;
    const key = hashOf(token);
    const kept = this.#sessions.get(key);
    if (!kept) return undefined;
    const { records, time, clock } = this.#site;
    const member = records.staff(kept.staff);
    const now = clock.monotonic();
    const isOver = now - kept.usedAt > idleMs || now - kept.begunAt > wholeMs;
    if (
      !member ||
      member.password !== kept.password ||
      isOver ||
      staffStanding(records, time.sinceSyncMs()) !== "good"
    ) {
      this.#sessions.delete(key);
      return undefined;
    }
    kept.usedAt = now;
    // Used last, forgotten last.
    this.#sessions.delete(key);
    this.#sessions.set(key, kept);
    return Object.assign(kept.session, { member });
  }

  end(token: string | undefined): void {
    if (token !== undefined) this.#sessions.delete(hashOf(token));
  }

  #isImpatient(name: string): boolean {
    const known = this.#patience.get(name);
    if (!known) return false;
    refill(known, wrongMax, againMs, this.#site.clock.monotonic());
    return known.left < 1;
  }

  #refuse(name: string, staff: StaffId | undefined): void {
    const now = this.#site.clock.monotonic();
    const patience = this.#patience.get(name) ?? { left: wrongMax, at: now };
    refill(patience, wrongMax, againMs, now);
    patience.left -= 1;
    this.#patience.delete(name);
    this.#patience.set(name, patience);
    const [oldest] = this.#patience.keys();
    if (this.#patience.size > namesMax && oldest !== undefined) this.#patience.delete(oldest);

    refill(this.#refusals, refusalsMax, refusalAgainMs, now);
    if (this.#refusals.left < 1) return;
    this.#refusals.left -= 1;
    const refusal = { type: "staff-refused", ...(staff !== undefined && { staff }), why: "wrong" } as const;
    void note(this.#site, refusal, { importance: "low" });
  }
}

function refill(patience: Patience, max: number, everyMs: Millis, now: Monotonic): void {
  patience.left = Math.min(max, patience.left + (now - patience.at) / everyMs);
  patience.at = now;
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
