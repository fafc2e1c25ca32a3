/** The keypad codes of one lock behind a Nuki Hub: in the lock itself, listed and changed without the internet. */
import type { Monotonic } from "../../domain/instant.ts";
import type { CodeConstraints, CodeRef, CodeWindow, StoredCode } from "../../domain/lock-code.ts";
import { GatewayError } from "../../errors.ts";
import type { CodeStore, CodeToSet, CommandResult } from "../../ports/device.ts";
import type { DriverContext } from "../../ports/driver.ts";
import { isKeypadCode, keypadTakes } from "../common/nuki.ts";
import { within } from "../common/within.ts";
import { hubTopics } from "./hub.ts";
import { type ChangeAnswer, isRef, readAnswer, readCodes, readRefs, toAction, toDelete } from "./keypad-json.ts";
import type { HubOptions } from "./options.ts";
import type { Turns } from "./turns.ts";
import { fromWall, toWall, type WallWindow } from "./wall-clock.ts";

/** A change shows in the list that the hub reads by itself some seconds later. */
const settlesMs = 120_000;

export interface HubLine {
  /** False when it was certainly not sent. */
  say(name: string, payload: string): Promise<boolean>;
  /** Aborted when the device stops; undefined while it does not run. */
  readonly stopped: () => AbortSignal | undefined;
  readonly turns: Turns;
}

interface Listed {
  readonly codes: readonly StoredCode[];
  readonly indexOf: (digits: string) => string;
}

export class HubCodes implements CodeStore {
  readonly constraints: CodeConstraints;
  readonly #options: HubOptions;
  readonly #context: Pick<DriverContext, "clock" | "logger">;
  readonly #line: HubLine;
  /** Aborted when the connection ends: whatever was asked on it is not answered on another. */
  #connection = new AbortController();
  readonly #waitingForList = new Set<(payload: string) => void>();
  #waitingForAnswer: ((answer: ChangeAnswer) => void) | undefined;
  /** The last list that was asked for. */
  #listed: Listed | undefined;
  /** Which codes the hub knows, as it said last; undefined: it has said nothing since it connected. */
  #refs: Set<CodeRef> | undefined;
  /** Added since it said that. */
  #added = 0;
  /** The answer to a change that nobody waits for any more may still come until then. */
  #strayUntil: Monotonic = Number.NEGATIVE_INFINITY;
  /** By label, where the lock was told another window than was meant. */
  readonly #meant = new Map<string, { readonly wall: WallWindow; readonly window: CodeWindow }>();

  constructor(options: HubOptions, context: Pick<DriverContext, "clock" | "logger">, line: HubLine) {
    this.#options = options;
    this.#context = context;
    this.#line = line;
    this.constraints = {
      ...keypadTakes,
      // A list of as many as the hub lists at most may be cut short, so it never gets that long by us.
      capacity: options.codesMax - 1,
      places: { kind: "given" },
      windows: "range",
      hours: { native: "one-span", zone: options.timeZone, openingsPerWeekMax: options.openingsPerWeekMax },
      settlesMs,
    };
  }

  /** What the hub said on its topics for codes. */
  hear(is: "codes" | "codes-answer", payload: string): void {
    if (is === "codes-answer") {
      const answer = readAnswer(payload);
      if (answer === undefined) return;
      // Its words have no digits in them; what else it may say could repeat a code.
      const said = /^[A-Za-z]{1,48}$/.test(payload) ? payload : "not understood";
      if (answer !== "done") this.#context.logger.warn("keypad-answer", { said });
      if (!this.#waitingForAnswer) this.#strayUntil = Number.NEGATIVE_INFINITY;
      this.#waitingForAnswer?.(answer);
      return;
    }
    const refs = readRefs(payload);
    if (refs) {
      this.#refs = new Set(refs);
      this.#added = 0;
    }
    for (const take of this.#waitingForList) take(payload);
  }

  /** The connection ended, or another one has taken its place. */
  lost(): void {
    this.#connection.abort();
    this.#connection = new AbortController();
    this.#refs = undefined;
    this.#strayUntil = Number.NEGATIVE_INFINITY;
  }

  forget(): void {
    this.lost();
    this.#listed = undefined;
    this.#added = 0;
  }

  async list(indexOf: (digits: string) => string, signal: AbortSignal): Promise<readonly StoredCode[]> {
    const stopped = this.#line.stopped();
    if (!stopped || signal.aborted) throw unreachable("the device is stopped");
    const payload = await within(
      this.#context.clock,
      this.#options.keypadMs,
      [signal, stopped, this.#connection.signal],
      (over) => this.#nextList(over),
    );
    if (payload === "unsent") throw unreachable("it is not connected");
    if (payload === undefined) throw unreachable("it did not list its codes in time");
    const codes = readCodes(payload, this.#options.timeZone, indexOf, (label, wall) => this.#meantBy(label, wall));
    if (!codes) throw new GatewayError("device-refused", "the hub lists the codes in a way that cannot be read");
    const { codesMax } = this.#options;
    if (codes.length >= codesMax)
      throw new GatewayError(
        "device-refused",
        `the hub lists ${codes.length} codes, and there may be more: raise "Max keypad codes" at the hub, and hub.codesMax (${codesMax}) to the same number`,
        { codesMax },
      );
    this.#listed = { codes, indexOf };
    return codes;
  }

  async set(code: CodeToSet, signal: AbortSignal): Promise<CommandResult> {
    const { ref, label, digits, window } = code;
    if (!isKeypadCode(code) || (ref !== undefined && !isRef(ref))) return "refused";
    if (ref === undefined && this.#count() >= this.constraints.capacity) return "refused";
    // The lock refuses the same digits twice, and the hub does not tell that from other failures.
    const index = this.#listed?.indexOf(digits.reveal());
    if (this.#listed?.codes.some((one) => one.index === index && one.ref !== ref)) return "refused";
    const answer = await this.#change(toAction(code, this.#options.timeZone), signal);
    if (answer !== "refused") this.#remember(label, window);
    if (ref === undefined && (answer === "done" || answer === "unclear")) this.#added += 1;
    return resultOf(answer);
  }

  async clear(ref: CodeRef, signal: AbortSignal): Promise<CommandResult> {
    if (!isRef(ref)) return "refused";
    const answer = await this.#change(toDelete(ref), signal);
    if (answer === "done") this.#gone(ref);
    if (answer !== "absent") return resultOf(answer);
    // The hub knows no codes before it has read them, and none beyond those it is set to list.
    const isListWhole = this.#count() < this.#options.codesMax;
    const isKnownAbsent = this.#refs !== undefined && !this.#refs.has(ref) && isListWhole;
    return isKnownAbsent ? "confirmed" : "unknown";
  }

  #count(): number {
    return (this.#refs?.size ?? this.#listed?.codes.length ?? 0) + this.#added;
  }

  #gone(ref: CodeRef): void {
    this.#refs?.delete(ref);
    if (this.#listed) this.#listed = { ...this.#listed, codes: this.#listed.codes.filter((one) => one.ref !== ref) };
  }

  /** undefined when none came before `over`. */
  async #nextList(over: AbortSignal): Promise<string | "unsent" | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const onOver = () => resolve(undefined);
    this.#waitingForList.add(resolve);
    over.addEventListener("abort", onOver, { once: true });
    try {
      if (over.aborted || !(await this.#line.say(hubTopics.queryCodes, "1"))) return "unsent";
      return await promise;
    } finally {
      this.#waitingForList.delete(resolve);
      over.removeEventListener("abort", onOver);
    }
  }

  async #change(payload: string, signal: AbortSignal): Promise<ChangeAnswer> {
    const { clock } = this.#context;
    const stopped = this.#line.stopped();
    if (!stopped || signal.aborted) return "refused";
    const { keypadMs } = this.#options;
    const turn = await this.#line.turns.take(keypadMs, AbortSignal.any([signal, stopped]));
    if (!turn) return "refused";
    const mayBeStray = clock.monotonic() < this.#strayUntil;
    try {
      const signals = [signal, stopped, this.#connection.signal];
      const answer = await within(clock, keypadMs, signals, (over) => this.#nextAnswer(payload, over));
      if (answer === undefined) this.#strayUntil = clock.monotonic() + keypadMs;
      // It may be that of the change before, which nobody waits for any more.
      return answer === undefined || mayBeStray ? "unclear" : answer;
    } finally {
      turn.leave();
    }
  }

  /** undefined when none came before `over`. */
  async #nextAnswer(payload: string, over: AbortSignal): Promise<ChangeAnswer | undefined> {
    const { promise, resolve } = Promise.withResolvers<ChangeAnswer | undefined>();
    const onOver = () => resolve(undefined);
    this.#waitingForAnswer = resolve;
    over.addEventListener("abort", onOver, { once: true });
    try {
      if (over.aborted || !(await this.#line.say(hubTopics.changeCode, payload))) return "refused";
      return await promise;
    } finally {
      this.#waitingForAnswer = undefined;
      over.removeEventListener("abort", onOver);
    }
  }

  #remember(label: string, window: CodeWindow | undefined): void {
    const { timeZone } = this.#options;
    this.#meant.delete(label);
    if (!window) return;
    const wall = toWall(window, timeZone);
    const read = fromWall(wall, timeZone);
    if (read?.from === window.from && read.until === window.until) return;
    this.#meant.set(label, { wall, window });
    const [oldest] = this.#meant.keys();
    if (this.#meant.size > this.constraints.capacity && oldest !== undefined) this.#meant.delete(oldest);
  }

  #meantBy(label: string, { from, until }: WallWindow): CodeWindow | undefined {
    const known = this.#meant.get(label);
    return known && known.wall.from === from && known.wall.until === until ? known.window : undefined;
  }
}

function resultOf(answer: ChangeAnswer): CommandResult {
  if (answer === "done") return "confirmed";
  return answer === "unclear" ? "unknown" : "refused";
}

function unreachable(why: string): GatewayError {
  return new GatewayError("device-unreachable", `the codes of the lock behind the Nuki Hub could not be read: ${why}`);
}
