/** The keypad codes of one Nuki. The cloud takes changes at once and tells the lock later, so "accepted" is the best that a change can be. */
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { CodeConstraints, CodeRef, StoredCode } from "../../domain/lock-code.ts";
import { GatewayError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CodeStore, CodeToSet, CommandResult } from "../../ports/device.ts";
import { isKeypadCode, keypadTakes } from "../common/nuki.ts";
import { resultOf } from "../common/web-answer.ts";
import { bodyOf } from "./answer.ts";
import type { Options } from "./options.ts";
import { type ListedCode, readCodes, toBody } from "./stored-code.ts";
import { changeCode, createCode, deleteCode, listCodes } from "./through-fetch.ts";
import type { Send, WebAccount } from "./web-account.ts";

/** The maker's service lists no oftener while nothing is under way. */
const listEveryMs: Millis = 300_000;
/** How long after a write it is looked for: the cloud's list lags behind what it has taken. */
const settlingMs: Millis = 600_000;
/** A change is left to its end, and whoever comes to the door waits for that. */
const changeMsMax: Millis = 4_000;

interface Listed {
  readonly codes: readonly ListedCode[];
  readonly at: Monotonic;
}

export class NukiCodes implements CodeStore {
  readonly constraints: CodeConstraints;
  readonly #options: Options;
  readonly #account: WebAccount;
  readonly #clock: Clock;
  /** Aborted when the device stops; undefined while it does not run. */
  readonly #stopped: () => AbortSignal | undefined;
  #listed: Listed | undefined;
  #writtenAt: Monotonic = Number.NEGATIVE_INFINITY;
  /** Taken since the list was read. */
  #created = 0;

  constructor(options: Options, account: WebAccount, clock: Clock, stopped: () => AbortSignal | undefined) {
    this.#options = options;
    this.#account = account;
    this.#clock = clock;
    this.#stopped = stopped;
    this.constraints = {
      ...keypadTakes,
      capacity: options.codesMax,
      places: { kind: "given" },
      windows: "range",
      hours: {
        ...(options.timeZone === undefined ? { native: "none" } : { native: "one-span", zone: options.timeZone }),
        openingsPerWeekMax: options.openingsPerWeekMax,
      },
    };
  }

  /** What was read less than 5 min ago comes again, unless something is under way: a change by somebody else is seen so much later. */
  async list(indexOf: (digits: string) => string, signal: AbortSignal): Promise<readonly StoredCode[]> {
    const known = this.#listed;
    if (known && this.#stopped() && this.#isFresh(known)) return known.codes.map(withoutNumber);
    const { smartlockId } = this.#options;
    const askedAt = this.#clock.monotonic();
    const body = bodyOf(await this.#ask("read", listCodes(smartlockId), signal), "the codes", smartlockId);
    const codes = readCodes(body, indexOf);
    if (!codes)
      throw new GatewayError(
        "device-refused",
        `the codes of Nuki ${smartlockId} are told in a way that cannot be read`,
        { smartlockId },
      );
    this.#listed = { codes, at: askedAt };
    this.#created = 0;
    return codes.map(withoutNumber);
  }

  async set(code: CodeToSet, signal: AbortSignal): Promise<CommandResult> {
    if (!isKeypadCode(code) || (code.window?.hours && this.#options.timeZone === undefined)) return "refused";
    if (code.ref !== undefined)
      return this.#write(changeCode(this.#options.smartlockId, code.ref, toBody(code)), signal);
    if ((this.#listed?.codes.length ?? 0) + this.#created >= this.constraints.capacity) return "refused";
    const result = await this.#write(createCode(this.#options.smartlockId, toBody(code)), signal);
    if (result !== "refused") this.#created += 1;
    return result;
  }

  async clear(ref: CodeRef, signal: AbortSignal): Promise<CommandResult> {
    return this.#write(deleteCode(this.#options.smartlockId, ref), signal, "confirmed");
  }

  /** The id of the code that the log names, by that id or by the lock's own number; undefined when no such code was ever listed. */
  refOf(authId: string): CodeRef | undefined {
    return this.#listed?.codes.find((code) => code.ref === authId || String(code.authId) === authId)?.ref;
  }

  forget(): void {
    this.#listed = undefined;
    this.#created = 0;
    this.#writtenAt = Number.NEGATIVE_INFINITY;
  }

  #isFresh({ codes, at }: Listed): boolean {
    const now = this.#clock.monotonic();
    const isUnderWay = now - this.#writtenAt < settlingMs || codes.some(({ pending }) => pending);
    return !isUnderWay && now - at < listEveryMs;
  }

  async #write(send: Send, signal: AbortSignal, absent: CommandResult = "refused"): Promise<CommandResult> {
    const answer = await this.#ask("change", send, signal);
    if (answer.kind === "answered" && answer.status === 404) return absent;
    const result = resultOf(answer);
    if (result !== "refused") this.#writtenAt = this.#clock.monotonic();
    return result;
  }

  async #ask(kind: "read" | "change", send: Send, signal: AbortSignal) {
    const stopped = this.#stopped();
    if (!stopped) return { kind: "unsent", why: "the device is stopped" } as const;
    const deadlineMs = Math.min(this.#options.deadlineMs, kind === "change" ? changeMsMax : Number.POSITIVE_INFINITY);
    return this.#account.ask(send, { kind, deadlineMs, signal: AbortSignal.any([signal, stopped]) });
  }
}

function withoutNumber({ authId, ...code }: ListedCode): StoredCode {
  return code;
}
