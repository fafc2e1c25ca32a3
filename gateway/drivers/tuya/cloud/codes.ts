/**
 * The temporary passwords of one Tuya lock. Its cloud takes a change at once and delivers it later, so "accepted" is the best that a change
 * can be, and only what the lock has confirmed counts as standing there.
 */
import type { CodeConstraints, CodeRef, CodeWindow, StoredCode } from "../../../domain/lock-code.ts";
import { takes } from "../../../domain/lock-code.ts";
import { GatewayError } from "../../../errors.ts";
import type { CodeStore, CodeToSet, CommandResult } from "../../../ports/device.ts";
import type { Logger } from "../../../ports/logger.ts";
import type { SecretString } from "../../../wire/secret.ts";
import type { CloudAccount, CloudRequest } from "./account.ts";
import { type CloudAnswer, describe, resultOf } from "./envelope.ts";
import type { CloudOptions } from "./options.ts";
import { isWeekly, type ListedPassword, readPasswords, toBody } from "./passwords.ts";
import { encipherDigits, readTicket, type Ticket } from "./ticket.ts";

const labelMax = 20;
/** The cloud takes times of ten digits in seconds: from 2001 to 2286. */
const times = { first: 1e12, last: 1e13 - 1 };
/** The cloud tries three times, for some 25 s, and shows a password from the beginning. */
const settlesMs = 120_000;

export interface TuyaCodesOptions
  extends Pick<CloudOptions, "codesMax" | "deadlineMs" | "timeZone" | "openingsPerWeekMax"> {
  /** The lock in the cloud. */
  readonly deviceId: string;
  /** How many digits it takes. */
  readonly length: number;
  readonly accessSecret: SecretString;
  readonly account: CloudAccount;
  readonly logger: Logger;
  /** Aborted when the device stops; undefined while it does not run. */
  readonly stopped: () => AbortSignal | undefined;
}

export class TuyaCodes implements CodeStore {
  readonly constraints: CodeConstraints;
  readonly #options: TuyaCodesOptions;
  readonly #path: string;
  /** In the last list, and taken since. */
  #count = 0;
  /** Refs of those whose delivery is known to have failed: each is told once. */
  #failed: ReadonlySet<CodeRef> = new Set();

  constructor(options: TuyaCodesOptions) {
    this.#options = options;
    this.#path = `/v1.0/devices/${options.deviceId}/door-lock`;
    this.constraints = {
      lengths: [options.length],
      digits: "0123456789",
      forbiddenPrefixes: [],
      capacity: options.codesMax,
      places: { kind: "given" },
      windows: "range",
      hours: {
        ...(options.timeZone === undefined ? { native: "none" } : { native: "one-span", zone: options.timeZone }),
        openingsPerWeekMax: options.openingsPerWeekMax,
      },
      settlesMs,
    };
  }

  /** Nobody is told digits, so no index is made. */
  async list(_indexOf: (digits: string) => string, signal: AbortSignal): Promise<readonly StoredCode[]> {
    const answer = await this.#ask(this.#listing(), signal);
    const codes = answer.kind === "done" ? readPasswords(answer.result) : undefined;
    if (!codes) {
      const { deviceId } = this.#options;
      throw new GatewayError(
        answer.kind === "done" || answer.kind === "denied" ? "device-refused" : "device-unreachable",
        `the passwords of Tuya lock ${deviceId} could not be read: ${describe(answer)}`,
        { deviceId, ...(answer.kind === "denied" && { code: answer.code }) },
      );
    }
    this.#count = codes.length;
    this.#tellFailed(codes);
    return codes.map(({ failed, ...code }) => code);
  }

  async set(code: CodeToSet, signal: AbortSignal): Promise<CommandResult> {
    const { label, digits, window } = code;
    if (!window || !this.#isAllowed(code, window) || signal.aborted) return "refused";
    if (code.ref === undefined && this.#count >= this.constraints.capacity) return "refused";
    const ref = code.ref ?? (await this.#overBefore(label, signal));
    const ticket = await this.#ticket(label, signal);
    const password = ticket && encipherDigits(digits, ticket.key, this.#options.accessSecret);
    if (ticket && password === undefined)
      this.#tell("ticket-not-deciphered", label, "the ticket's key is not enciphered with this accessSecret");
    if (!ticket || password === undefined) return "refused";
    const { timeZone } = this.#options;
    const body = toBody({ name: label, password, ticketId: ticket.id, window, timeZone });
    const answer = await this.#ask(
      ref === undefined
        ? { method: "POST", path: `${this.#path}/temp-password`, body }
        : { method: "PUT", path: `${this.#placeOf(ref)}/modify-password`, body },
      signal,
    );
    const result = resultOf(answer);
    if (result !== "accepted") this.#tell("code-not-taken", label, describe(answer));
    if (result !== "refused" && ref === undefined) this.#count += 1;
    return result;
  }

  async clear(ref: CodeRef, signal: AbortSignal): Promise<CommandResult> {
    if (signal.aborted) return "refused";
    const answer = await this.#ask({ method: "DELETE", path: this.#placeOf(ref) }, signal);
    const result = resultOf(answer);
    // The maker has no one number for "not there": the list says it.
    if (result === "refused" && (await this.#isAbsent(ref, signal))) return "confirmed";
    if (result !== "accepted") this.#tell("code-not-cleared", ref, describe(answer));
    return result;
  }

  /**
   * Where a password of this name stands whose time is over: the lock has its digits still and takes them no second time, so it is changed.
   * Where that cannot be read a new one is tried.
   */
  async #overBefore(label: string, signal: AbortSignal): Promise<CodeRef | undefined> {
    const answer = await this.#ask(this.#listing("false"), signal);
    const codes = answer.kind === "done" ? readPasswords(answer.result) : undefined;
    return codes?.find((one) => one.label === label && !one.pending && isKept(one))?.ref;
  }

  async #isAbsent(ref: CodeRef, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#ask(this.#listing(), signal);
    const codes = answer.kind === "done" ? readPasswords(answer.result) : undefined;
    return codes !== undefined && !codes.some((code) => code.ref === ref);
  }

  /** A ticket changes nothing at the lock, so none is no change. */
  async #ticket(label: string, signal: AbortSignal): Promise<Ticket | undefined> {
    const answer = await this.#ask({ method: "POST", path: `${this.#path}/password-ticket` }, signal);
    const ticket = answer.kind === "done" ? readTicket(answer.result) : undefined;
    if (!ticket) this.#tell("code-not-taken", label, `no ticket: ${describe(answer)}`);
    return ticket;
  }

  /** What the lock does not take is not sent: the cloud might take it all the same. */
  #isAllowed({ label, digits }: CodeToSet, { from, until, hours }: CodeWindow): boolean {
    const isInTime = times.first <= from && from < until && until <= times.last;
    const isKept = !hours || (this.#options.timeZone !== undefined && isWeekly(hours));
    return (
      isInTime && isKept && takes(this.constraints, digits.reveal()) && label.length > 0 && label.length <= labelMax
    );
  }

  /** Those that are good now or later; "false": of the history that the cloud keeps as well. */
  #listing(valid: "true" | "false" = "true"): CloudRequest {
    return { method: "GET", path: `${this.#path}/temp-passwords`, query: { valid } };
  }

  #placeOf(ref: CodeRef): string {
    return `${this.#path}/temp-passwords/${encodeURIComponent(ref)}`;
  }

  async #ask(request: CloudRequest, signal: AbortSignal): Promise<CloudAnswer> {
    const { stopped, account, deadlineMs } = this.#options;
    const running = stopped();
    if (!running) return { kind: "unsent", why: "the device is stopped" };
    return account.ask(request, { deadlineMs, signal: AbortSignal.any([signal, running]) });
  }

  #tellFailed(codes: readonly ListedPassword[]): void {
    for (const { ref, failed } of codes)
      if (failed !== undefined && !this.#failed.has(ref)) this.#tell("code-not-delivered", ref, failed);
    this.#failed = new Set(codes.filter(({ failed }) => failed !== undefined).map(({ ref }) => ref));
  }

  #tell(event: string, code: string, why: string): void {
    this.#options.logger.warn(event, { code, why });
  }
}

/** Neither on its way out nor one that has never arrived. */
function isKept({ failed, window }: ListedPassword): boolean {
  return failed === undefined && window !== undefined && window !== null && window.until > 0;
}
