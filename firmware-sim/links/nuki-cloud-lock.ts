/**
 * One Nuki as its maker's cloud knows it: copies of its state, its codes and its log, and what is on the way to it. The copies lag: the
 * state while the line is down, the codes until a change or once a day. Whatever is accepted here has not happened yet.
 */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import type { NukiLogLine, NukiReport, SimNuki } from "../sim-nuki.ts";
import type { CodeChange, NukiAllowed, NukiCode } from "../sim-nuki-keypad.ts";
import type { CodeWish } from "./nuki-auth-body.ts";

/** How the cloud delivers. Times in milliseconds, chances 0 to 1, the dice those of `Faults`; may change at any time. */
export interface NukiDelivery {
  /** From the acceptance of a change of codes until the lock has it. */
  operationMs: number;
  /** From the acceptance of an action until the lock has it. */
  actionMs: number;
  /** From a change of the lock's state until the cloud shows it. */
  reportMs: number;
  /** What was accepted never reaches the lock, and nobody says so. */
  drop: number;
  /** A created code appears twice in the cloud's list, under two ids. */
  duplicate: number;
  /** A change of codes waits so long for a lock that cannot be reached; then it is dropped. */
  patienceMs: number;
}

export const promptDelivery: NukiDelivery = {
  operationMs: 2_000,
  actionMs: 500,
  reportMs: 0,
  drop: 0,
  duplicate: 0,
  patienceMs: 600_000,
};

export interface CloudCode extends NukiCode {
  /** The cloud's name of it, used in paths. */
  readonly id: string;
  /** Its number on the lock; undefined until the lock has it. */
  readonly authId?: number;
  readonly uses: number;
  readonly lastUsed?: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Set while a change is on its way. */
  readonly operationId?: string;
  /** Stands in the cloud's list alone; only a deletion ends it. */
  readonly isGhost?: boolean;
}

export interface CloudLogLine extends NukiLogLine {
  readonly id: string;
  /** The code's name in the cloud. */
  readonly codeId?: string;
}

export type Change =
  | { readonly kind: "create"; readonly wish: CodeWish }
  | { readonly kind: "update"; readonly id: string; readonly wish: CodeWish }
  | { readonly kind: "delete"; readonly id: string };

export type Acceptance = "accepted" | "no-keypad" | "not-found" | "exists" | "full" | "busy" | "upside-down";

const refreshMs = 24 * 3_600_000;
const logLinesMax = 500;
const webName = "Nuki Web";

interface Context {
  readonly lock: SimNuki;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly delivery: NukiDelivery;
  /** A new id, later ones sort after earlier ones. */
  readonly nextId: () => string;
}

export class NukiCloudLock {
  /** The thing on the door. */
  readonly lock: SimNuki;
  readonly #context: Context;
  readonly #unwatch: (() => void)[] = [];
  #running = new AbortController();
  #lineUp = true;
  #report: NukiReport;
  #reportedAt: number;
  #codes: readonly CloudCode[] = [];
  /** What its list showed when it stopped following; undefined while it follows. */
  #stale: readonly CloudCode[] | undefined;
  readonly #log: CloudLogLine[] = [];
  /** Written while nobody could be reached. */
  readonly #unsent: NukiLogLine[] = [];
  #operating = false;
  #acting = false;
  readonly #awaitingLock = new Set<() => void>();

  constructor(context: Context) {
    this.lock = context.lock;
    this.#context = context;
    this.#report = context.lock.report();
    this.#reportedAt = context.clock.wall();
  }

  start(): void {
    const { lock } = this;
    this.#running = new AbortController();
    this.#unwatch.push(
      lock.onChange(() => this.#follow()),
      lock.onLog((line) => this.#noteLine(line)),
    );
    this.#follow();
    this.refresh();
    this.#refreshDaily();
  }

  /** What is on its way is lost. */
  stop(): void {
    for (const unwatch of this.#unwatch.splice(0)) unwatch();
    this.#running.abort();
    this.#operating = false;
    this.#acting = false;
  }

  /** Its bridge or its Wi-Fi fails: the lock works on, and nobody hears of it. */
  cutLine(): void {
    this.#lineUp = false;
  }

  restoreLine(): void {
    this.#lineUp = true;
    this.#follow();
  }

  get reachable(): boolean {
    return this.#lineUp && this.lock.powered;
  }

  /** The last that was heard. */
  get report(): NukiReport {
    return this.#report;
  }

  get reportedAt(): number {
    return this.#reportedAt;
  }

  codes(): readonly CloudCode[] {
    return this.#stale ?? this.#codes;
  }

  /** Newest first. */
  log(): readonly CloudLogLine[] {
    return this.#log.toReversed();
  }

  /** From now on the list of codes shows what it shows now, whatever happens. */
  freezeList(): void {
    this.#stale = this.#codes;
  }

  thawList(): void {
    this.#stale = undefined;
  }

  /** Reads the list of codes from the lock, as the cloud does about once a day. */
  refresh(): void {
    const { clock, nextId } = this.#context;
    if (!this.reachable) return;
    const now = clock.wall();
    const onLock = this.lock.keypad?.codes() ?? [];
    const known = new Map(this.#codes.flatMap((code) => (code.authId === undefined ? [] : [[code.authId, code]])));
    const read = onLock.map((stored): CloudCode => {
      const code = known.get(stored.authId);
      // What is under way shows what was wished for until it is done.
      if (code?.operationId !== undefined) return code;
      return { ...(code ?? { id: nextId(), createdAt: now, updatedAt: now }), ...stored };
    });
    const others = this.#codes.filter(
      ({ authId, operationId, isGhost }) => isGhost || (authId === undefined && operationId !== undefined),
    );
    this.#codes = [...read, ...others];
  }

  /** Checks the changes, shows them as under way and delivers them as one operation. */
  change(changes: readonly Change[]): Acceptance {
    if (this.#operating) return "busy";
    const objection = changes.map((change) => this.#objection(change)).find((answer) => answer !== "accepted");
    if (objection) return objection;
    const before = this.#codes;
    const operationId = this.#context.nextId();
    const ids = changes.map((change) => this.#showUnderWay(change, operationId));
    this.#operating = true;
    this.#inBackground(async (signal) => {
      const arrives = await this.#deliver(signal);
      for (const [index, change] of changes.entries()) this.#settle(change, ids[index]!, arrives, before);
      this.#operating = false;
      if (arrives) this.refresh();
    });
    return "accepted";
  }

  /** One of the maker's actions. What does not reach the lock in time is lost. */
  act(action: number): "accepted" | "busy" {
    const { clock, faults, delivery } = this.#context;
    if (this.#acting) return "busy";
    this.#acting = true;
    const isDropped = faults.chance(delivery.drop);
    this.#inBackground(async (signal) => {
      await clock.sleep(delivery.actionMs, signal);
      this.#acting = false;
      if (this.reachable && !isDropped) this.lock.obey(action, webName);
    });
    return "accepted";
  }

  #objection(change: Change): Acceptance {
    const { keypad } = this.lock;
    if (change.kind !== "create" && !this.#codes.some(({ id }) => id === change.id)) return "not-found";
    if (change.kind === "delete") return "accepted";
    if (!keypad) return "no-keypad";
    const { code } = change.wish;
    const own = change.kind === "update" ? change.id : undefined;
    if (this.#codes.some((stands) => stands.code === code && stands.id !== own)) return "exists";
    const { fromDate, untilDate } = merged(this.#code(own)?.allowed ?? {}, change.wish.allowed);
    if (fromDate !== undefined && untilDate !== undefined && untilDate <= fromDate) return "upside-down";
    return change.kind === "create" && this.#codes.length >= keypad.capacity ? "full" : "accepted";
  }

  /** The id of the code that it is about. */
  #showUnderWay(change: Change, operationId: string): string {
    const { clock, nextId } = this.#context;
    const updatedAt = clock.wall();
    if (change.kind === "create") {
      const { name = "", code = 0, enabled = true, allowed } = change.wish;
      const id = nextId();
      const wished = { name, code, enabled, allowed: merged({}, allowed) };
      this.#codes = [...this.#codes, { id, ...wished, uses: 0, createdAt: updatedAt, updatedAt, operationId }];
      return id;
    }
    this.#replace(change.id, (code) =>
      change.kind === "delete"
        ? { ...code, operationId }
        : { ...code, ...wishedCode(code, change.wish), updatedAt, operationId },
    );
    return change.id;
  }

  /** True when the lock is reached. It waits for one that is not, as long as its patience lasts. */
  async #deliver(signal: AbortSignal): Promise<boolean> {
    const { clock, faults, delivery } = this.#context;
    const isDropped = faults.chance(delivery.drop);
    await clock.sleep(delivery.operationMs, signal);
    if (!this.reachable) await this.#untilReachable(delivery.patienceMs, signal);
    return this.reachable && !isDropped;
  }

  async #untilReachable(patienceMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const over = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaitingLock.add(resolve);
    try {
      await Promise.race([promise, clock.sleep(patienceMs, AbortSignal.any([signal, over.signal]))]);
    } finally {
      this.#awaitingLock.delete(resolve);
      over.abort();
    }
  }

  /** Brings what was under way to the lock, or takes it back from the list. */
  #settle(change: Change, id: string, arrives: boolean, before: readonly CloudCode[]): void {
    const { faults, delivery } = this.#context;
    const code = this.#code(id);
    if (!code) return;
    const result = arrives ? this.#tellLock(change.kind, code) : "unknown";
    if (change.kind === "create" && result === "done") {
      const authId = this.lock.keypad?.codes().find((stands) => stands.code === code.code)?.authId;
      this.#replace(id, (created) => without(created, authId === undefined ? {} : { authId }));
      if (faults.chance(delivery.duplicate)) this.#addGhost(code);
    } else if (change.kind === "update" && result === "done") {
      this.#replace(id, (changed) => without(changed));
    } else if (change.kind === "delete" && arrives) {
      this.#codes = this.#codes.filter((stands) => stands.id !== id);
    } else {
      const was = before.find((stands) => stands.id === id);
      this.#codes = this.#codes.flatMap((stands) => (stands.id === id ? (was ? [was] : []) : [stands]));
    }
  }

  #tellLock(kind: Change["kind"], { authId, name, code, enabled, allowed }: CloudCode): CodeChange {
    const { keypad } = this.lock;
    if (!keypad) return "unknown";
    if (kind === "create") return keypad.add({ name, code, enabled, allowed });
    if (authId === undefined) return "unknown";
    return kind === "delete" ? keypad.remove(authId) : keypad.change(authId, { name, code, enabled, allowed });
  }

  #addGhost(code: CloudCode): void {
    this.#codes = [...this.#codes, { ...without(code), id: this.#context.nextId(), isGhost: true }];
  }

  #follow(): void {
    const { delivery, clock } = this.#context;
    if (!this.reachable) return;
    for (const arrive of this.#awaitingLock) arrive();
    for (const line of this.#unsent.splice(0)) this.#keepLine(line);
    const report = this.lock.report();
    if (delivery.reportMs === 0) this.#take(report);
    else
      this.#inBackground(async (signal) => {
        await clock.sleep(delivery.reportMs, signal);
        this.#take(report);
      });
  }

  #take(report: NukiReport): void {
    this.#report = report;
    this.#reportedAt = this.#context.clock.wall();
  }

  #noteLine(line: NukiLogLine): void {
    this.#unsent.push(line);
    if (this.reachable) for (const unsent of this.#unsent.splice(0)) this.#keepLine(unsent);
    else if (this.#unsent.length > logLinesMax) this.#unsent.shift();
  }

  #keepLine(line: NukiLogLine): void {
    const codeId = this.#codes.find(({ authId }) => authId !== undefined && authId === line.authId)?.id;
    this.#log.push({ ...line, id: this.#context.nextId(), ...(codeId !== undefined && { codeId }) });
    if (this.#log.length > logLinesMax) this.#log.shift();
  }

  #refreshDaily(): void {
    this.#inBackground(async (signal) => {
      await this.#context.clock.sleep(refreshMs, signal);
      this.refresh();
      this.#refreshDaily();
    });
  }

  /** Until it is done or the cloud stops. */
  #inBackground(work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#running;
    work(signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  #code(id: string | undefined): CloudCode | undefined {
    return this.#codes.find((code) => code.id === id);
  }

  #replace(id: string, change: (code: CloudCode) => CloudCode): void {
    this.#codes = this.#codes.map((code) => (code.id === id ? change(code) : code));
  }
}

/** The code with nothing under way any more. */
function without({ operationId: _, ...code }: CloudCode, also: { readonly authId?: number } = {}): CloudCode {
  return { ...code, ...also };
}

function wishedCode(code: NukiCode, { allowed, ...wish }: CodeWish): NukiCode {
  const { name, code: digits, enabled } = { ...code, ...wish };
  return { name, code: digits, enabled, allowed: merged(code.allowed, allowed) };
}

/** null takes a restriction away. */
function merged(allowed: NukiAllowed, wish: CodeWish["allowed"]): NukiAllowed {
  const entries = Object.entries({ ...allowed, ...wish }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as NukiAllowed;
}
