/**
 * One Tuya lock as its maker's cloud knows it: its temporary passwords, what is on the way to it, and who has opened it. That a password
 * is listed here does not mean that the lock has it.
 */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import type { SimTuyaLock, TuyaWay } from "../sim-tuya-lock.ts";
import type { TuyaPassword } from "../sim-tuya-passwords.ts";

/** How the cloud delivers. Times in milliseconds, chances 0 to 1, the dice those of `Faults`; may change at any time. */
export interface TuyaDelivery {
  /** From a change's acceptance until the lock has answered, where it can be reached. */
  changeMs: number;
  /** A lock that cannot be reached is tried so often, so far apart; then the change has failed. */
  attempts: number;
  attemptMs: number;
  /** From a command's acceptance until the lock has it. */
  commandMs: number;
  /** Nothing goes to the lock, and it stays under way for ever. */
  never: number;
  /** Nothing goes to the lock, and it is said to have arrived. */
  pretend: number;
}

export const promptTuyaDelivery: TuyaDelivery = {
  changeMs: 3_000,
  attempts: 3,
  attemptMs: 8_000,
  commandMs: 500,
  never: 0,
  pretend: 0,
};

export type TuyaDeliveryStatus = "ONGOING" | "SUCCESS" | "FAILED";

export interface CloudPassword extends TuyaPassword {
  readonly id: number;
  readonly name: string;
  readonly phone: string;
  readonly operate: "ADD" | "MODIFY" | "DELETE";
  readonly status: TuyaDeliveryStatus;
  /** Why it has failed, where the lock said so. */
  readonly cause?: "full" | "exists";
}

export interface CloudOpening {
  /** The maker's word for the way. */
  readonly code: string;
  /** A temporary password's id here, else the number on the lock. */
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface TuyaCloudLockOptions {
  readonly id: string;
  readonly lock: SimTuyaLock;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly delivery: TuyaDelivery;
  readonly nextId: () => number;
}

const codeOf: Readonly<Record<TuyaWay, string>> = {
  fingerprint: "unlock_fingerprint",
  password: "unlock_password",
  "temporary-password": "unlock_temporary",
  "dynamic-password": "unlock_dynamic",
  "offline-password": "unlock_offline_pd",
  card: "unlock_card",
  face: "unlock_face",
  key: "unlock_key",
};
const openingsMax = 1_000;

export class TuyaCloudLock {
  readonly id: string;
  readonly lock: SimTuyaLock;
  readonly #options: TuyaCloudLockOptions;
  readonly #passwords = new Map<number, CloudPassword>();
  /** Of a password here, its number on the lock. */
  readonly #numbers = new Map<number, number>();
  /** Of a password here, what ends the delivery that a newer change overtakes. */
  readonly #deliveries = new Map<number, AbortController>();
  readonly #openings: CloudOpening[] = [];
  /** What the lock keeps for when the line is back. */
  #untold: CloudOpening[] = [];
  #online = true;
  #commands = 0;
  #running = new AbortController();
  #unwatch: (() => void) | undefined;

  constructor(options: TuyaCloudLockOptions) {
    this.id = options.id;
    this.lock = options.lock;
    this.#options = options;
  }

  get online(): boolean {
    return this.#online;
  }

  /** To open or to lock, that were accepted. */
  get commands(): number {
    return this.#commands;
  }

  /** The length that its passwords have. */
  get digits(): number {
    return this.lock.passwordDigits;
  }

  start(): void {
    this.#running = new AbortController();
    this.#unwatch ??= this.lock.onOpening((way, number) => this.#opened(codeOf[way], this.#valueOf(way, number)));
  }

  /** What is on its way is lost. */
  stop(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#running.abort();
  }

  cutLine(): void {
    this.#online = false;
  }

  restoreLine(): void {
    this.#online = true;
    this.#openings.push(...this.#untold);
    this.#untold = [];
  }

  /** Also those that are deleted or over. */
  passwords(): readonly CloudPassword[] {
    return [...this.#passwords.values()];
  }

  /** Oldest first. */
  openings(): readonly CloudOpening[] {
    return this.#openings;
  }

  /** The id it has from now on. */
  create(wish: Omit<CloudPassword, "id" | "operate" | "status">): number {
    const id = this.#options.nextId();
    this.#deliver({ ...wish, id, operate: "ADD", status: "ONGOING" });
    return id;
  }

  /** False where there is no such password. */
  modify(id: number, wish: Omit<CloudPassword, "id" | "operate" | "status">): boolean {
    if (!this.#stands(id)) return false;
    this.#deliver({ ...wish, id, operate: "MODIFY", status: "ONGOING" });
    return true;
  }

  /** False where there is no such password. */
  remove(id: number): boolean {
    const password = this.#stands(id);
    if (!password) return false;
    const { cause, ...known } = password;
    this.#deliver({ ...known, operate: "DELETE", status: "ONGOING" });
    return true;
  }

  /** Accepted. What the lock makes of it nobody says. */
  operate(to: "released" | "secured"): void {
    this.#commands += 1;
    this.#later(this.#options.delivery.commandMs, this.#running.signal, () => {
      if (this.lock.operateFromCloud(to) && to === "released") this.#opened("unlock_app", "0");
    });
  }

  #stands(id: number): CloudPassword | undefined {
    const password = this.#passwords.get(id);
    return password?.operate === "DELETE" && password.status === "SUCCESS" ? undefined : password;
  }

  #deliver(change: CloudPassword): void {
    const { faults, delivery } = this.#options;
    this.#passwords.set(change.id, change);
    this.#deliveries.get(change.id)?.abort();
    const overtaken = new AbortController();
    this.#deliveries.set(change.id, overtaken);
    if (faults.chance(delivery.never)) return;
    const pretends = faults.chance(delivery.pretend);
    this.#attempt(change, pretends, 1, AbortSignal.any([overtaken.signal, this.#running.signal]));
  }

  #attempt(change: CloudPassword, pretends: boolean, attempt: number, signal: AbortSignal): void {
    const { changeMs, attemptMs, attempts } = this.#options.delivery;
    this.#later(attempt === 1 ? changeMs : attemptMs, signal, () => {
      if (this.#online || pretends) this.#conclude(change, pretends ? "done" : this.#write(change));
      else if (attempt < attempts) this.#attempt(change, pretends, attempt + 1, signal);
      else this.#conclude(change, "unknown");
    });
  }

  #conclude(change: CloudPassword, outcome: "done" | "full" | "exists" | "unknown"): void {
    const cause = outcome === "full" || outcome === "exists" ? { cause: outcome } : {};
    this.#passwords.set(change.id, { ...change, status: outcome === "done" ? "SUCCESS" : "FAILED", ...cause });
  }

  #write({ id, operate, digits, from, until, once, weekly, zone }: CloudPassword) {
    const { passwords } = this.lock;
    const number = this.#numbers.get(id);
    if (operate === "DELETE") {
      if (number !== undefined) passwords.remove(number);
      this.#numbers.delete(id);
      return "done";
    }
    const password = { digits, from, until, once, weekly, zone };
    const changed = number === undefined ? "unknown" : passwords.change(number, password);
    if (changed !== "unknown") return changed;
    const added = passwords.add(password);
    if (typeof added === "string") return added;
    this.#numbers.set(id, added);
    return "done";
  }

  #valueOf(way: TuyaWay, number: number): string {
    if (way !== "temporary-password") return String(number);
    const [known] = [...this.#numbers].find(([, onLock]) => onLock === number) ?? [number];
    return String(known);
  }

  #opened(code: string, value: string): void {
    const log = this.#online ? this.#openings : this.#untold;
    log.push({ code, value, at: this.#options.clock.wall() });
    if (log.length > openingsMax) log.shift();
  }

  #later(ms: number, signal: AbortSignal, act: () => void): void {
    this.#options.clock.sleep(ms, signal).then(
      () => {
        if (!signal.aborted) act();
      },
      () => undefined,
    );
  }
}
