/** A lock that keeps codes of its own, as tests need one: makers' ways of keeping them, faults, and somebody who puts codes in by hand. */

import type { CodeConstraints, CodeRef, CodeWindow, StoredCode } from "../../gateway/domain/lock-code.ts";
import { hoursCover } from "../../gateway/domain/week-hours.ts";
import { GatewayError } from "../../gateway/errors.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { CodeStore, CommandResult, Device, ReportListener } from "../../gateway/ports/device.ts";

export interface Kept {
  readonly ref: CodeRef;
  readonly label: string | undefined;
  readonly digits: string;
  readonly window: CodeWindow | null;
}

/** How the next calls end; "dies" is for the test that kills the gateway there. */
export type CallFault = "unreachable" | "lost" | "done, unanswered" | "refused" | "dropped";

const anyDigits: CodeConstraints = {
  lengths: [4, 5, 6, 7, 8],
  digits: "0123456789",
  forbiddenPrefixes: [],
  capacity: 20,
  places: { kind: "given" },
  windows: "range",
  settlesMs: 60_000,
};

export class CodeLock {
  readonly device: Device;
  readonly constraints: CodeConstraints;
  /** Does not tell digits. */
  isMasked = false;
  isAsleep = false;
  /** Asked before each call is done and after: throw or wait there. */
  beforeCall: (call: "list" | "set" | "clear") => Promise<void> | void = () => undefined;
  afterCall: (call: "list" | "set" | "clear") => Promise<void> | void = () => undefined;
  readonly faults: CallFault[] = [];
  /** How every change ends, where no fault is next. */
  fate: CallFault | undefined;
  /** Accounts or digits that it never takes. */
  readonly takesNot = new Set<string>();
  /** What a list tells instead of what stands there. */
  told: (codes: readonly StoredCode[]) => readonly StoredCode[] = (codes) => codes;
  readonly calls = { list: 0, set: 0, clear: 0 };
  readonly #clock: Clock;
  readonly #codes = new Map<CodeRef, Kept>();
  readonly #listeners = new Set<ReportListener>();
  #given = 0;

  constructor(id: string, clock: Clock, constraints: Partial<CodeConstraints> = {}) {
    this.#clock = clock;
    this.constraints = { ...anyDigits, ...constraints };
    const codes: CodeStore = {
      constraints: this.constraints,
      list: (indexOf) => this.#call("list", () => this.told(this.#list(indexOf))),
      set: async ({ ref, label, digits, window }) =>
        this.#change("set", () => this.#set(ref, label, digits.reveal(), window ?? null)),
      clear: async (ref) => this.#change("clear", () => this.#codes.delete(ref) || true),
    };
    this.device = {
      id,
      codes,
      start: async () => undefined,
      stop: async () => this.#listeners.clear(),
      status: () => ({ link: this.isAsleep ? "offline" : "online", since: 0 }),
      subscribe: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
  }

  get writes(): number {
    return this.calls.set + this.calls.clear;
  }

  get codes(): Kept[] {
    return [...this.#codes.values()];
  }

  /** Whether these digits open it now. */
  opens(digits: string): boolean {
    const now = this.#clock.wall();
    const zone = this.constraints.hours?.zone ?? "UTC";
    const isOpen = ({ from, until, hours }: CodeWindow) =>
      from <= now && now < until && (!hours || hoursCover(hours, now, zone));
    return this.codes.some((code) => code.digits === digits && (!code.window || isOpen(code.window)));
  }

  /** Somebody at the lock. */
  putByHand(digits: string, window: CodeWindow | null = null): CodeRef {
    const ref = this.#free();
    this.#codes.set(ref, { ref, label: this.#hasLabels ? "Grandma" : undefined, digits, window });
    return ref;
  }

  removeByHand(ref: CodeRef): void {
    this.#codes.delete(ref);
  }

  changeByHand(ref: CodeRef, change: Partial<Kept>): void {
    const code = this.#codes.get(ref);
    if (code) this.#codes.set(ref, { ...code, ...change });
  }

  async wakeUp(): Promise<void> {
    this.isAsleep = false;
    for (const listener of this.#listeners) await listener({ type: "presence", state: "online" });
  }

  async #call<T>(call: "list" | "set" | "clear", act: () => T): Promise<T> {
    this.calls[call] += 1;
    await this.beforeCall(call);
    const fault = this.faults.shift();
    if (this.isAsleep || fault === "unreachable" || (call === "list" && fault))
      throw new GatewayError("device-unreachable", `${this.device.id} does not answer`);
    const done = act();
    await this.afterCall(call);
    return done;
  }

  async #change(call: "set" | "clear", act: () => boolean): Promise<CommandResult> {
    const fault = this.faults[0] ?? this.fate;
    if (fault === undefined || fault === "unreachable")
      return this.#call(call, () => (act() ? ("accepted" as const) : ("refused" as const)));
    this.faults.shift();
    this.calls[call] += 1;
    await this.beforeCall(call);
    if (fault === "done, unanswered") act();
    return fault === "refused" ? "refused" : fault === "dropped" ? "accepted" : "unknown";
  }

  #list(indexOf: (digits: string) => string): StoredCode[] {
    return this.codes.map(({ ref, label, digits, window }) => ({
      ref,
      ...(label !== undefined && { label }),
      index: this.isMasked ? ("masked" as const) : indexOf(digits),
      ...(this.constraints.windows === "range" && { window }),
    }));
  }

  #set(ref: CodeRef | undefined, label: string, digits: string, window: CodeWindow | null): boolean {
    const isAlone = this.constraints.keeps !== "accounts";
    if (this.takesNot.has(digits)) return false;
    if (isAlone && this.codes.some((code) => code.digits === digits && code.ref !== ref)) return false;
    const account = ref === undefined ? digits : this.#codes.get(ref)?.digits;
    if (!isAlone && account === undefined) return false;
    const place = ref ?? this.#free();
    if (!this.#codes.has(place) && this.#codes.size >= this.constraints.capacity) return false;
    this.#codes.set(place, {
      ref: place,
      label: this.#hasLabels ? label : undefined,
      digits: isAlone ? digits : account!,
      window,
    });
    return true;
  }

  get #hasLabels(): boolean {
    return this.constraints.places.kind === "given" && this.constraints.keeps !== "accounts";
  }

  #free(): CodeRef {
    const { places } = this.constraints;
    if (places.kind === "given") {
      this.#given += 1;
      return `id-${this.#given}`;
    }
    let place = places.first;
    while (this.#codes.has(String(place))) place += 1;
    return String(place);
  }
}
