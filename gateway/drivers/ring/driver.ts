/**
 * A lock that is joined to a Ring Alarm, or a Ring Intercom, through Ring's cloud by ring-client-api, in a process of its own. No PINs: Ring's
 * own app alone puts codes into these locks, so there is no code store.
 */
import type { DeviceId } from "../../domain/access-point.ts";
import type { CommandResult, Device, DeviceStatus, Lock, ReportListener, Unsubscribe } from "../../ports/device.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import type { SecretString } from "../../wire/secret.ts";
import { DeviceBook } from "../common/device-book.ts";
import { accountOf, type Member, type RingAccount } from "./account.ts";
import { type Options, parseOptions, parseToken } from "./options.ts";

export const ring: DriverFactory = {
  create: (id, options, context) =>
    new Ring(id, parseOptions(options), parseToken(context.secret("refreshToken")), context),
};

class Ring implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly #options: Options;
  readonly #context: DriverContext;
  readonly #book: DeviceBook;
  readonly #account: RingAccount;
  #running: { readonly stopped: AbortController; readonly member: Member } | undefined;
  #attention: string | undefined;

  constructor(id: DeviceId, options: Options, token: SecretString, context: DriverContext) {
    this.id = id;
    this.#options = options;
    this.#context = context;
    this.#book = new DeviceBook(context);
    this.#account = accountOf(context, token);
    this.lock = {
      // An intercom's pulse ends by itself, whatever the hold time.
      relocks: options.kind === "intercom" || options.autoLock ? "by-itself" : "when-told",
      release: (_holdMs, signal) => this.#move("released", signal),
      secure: (signal) => this.#move("secured", signal),
      state: () => this.#book.lockState(),
      noCodes: "PINs are not possible on this lock: Ring's own app alone puts codes into it",
    };
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running) return;
    this.#book.begin();
    this.#attention = undefined;
    const member: Member = {
      options: this.#options,
      here: (facts) => void this.#book.come(facts),
      gone: (why) => this.#gone(why),
      needs: (attention) => {
        this.#attention = attention;
      },
    };
    this.#running = { stopped: new AbortController(), member };
    this.#account.join(member);
  }

  /** Whoever waits for an answer is told "unknown". */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stopped.abort();
    if (running) await this.#account.leave(running.member);
  }

  status(): DeviceStatus {
    return { ...this.#book.status(), ...(this.#attention !== undefined && { attention: this.#attention }) };
  }

  subscribe(listener: ReportListener): Unsubscribe {
    return this.#book.subscribe(listener);
  }

  /** Never repeated, neither here nor by the library: a command that nobody answers for ends the library's process. */
  async #move(to: "released" | "secured", signal: AbortSignal): Promise<CommandResult> {
    const running = this.#running;
    if (!running || signal.aborted || this.#book.link !== "online") return "refused";
    const { deadlineMs } = this.#options;
    const either = AbortSignal.any([signal, running.stopped.signal]);
    const result = await this.#account.move(running.member, to, { deadlineMs, signal: either });
    // What the hub said of it while it was told may be of before, and must not pass for "secured" when the line breaks.
    const mayHaveMoved = to === "released" && result === "accepted" && this.#book.facts.bolt === "secured";
    if (result === "unknown" || mayHaveMoved) this.#book.forgetBolt();
    return result;
  }

  #gone(why: string): void {
    if (this.#book.link === "online") this.#context.logger.warn("device-lost", { why });
    void this.#book.gone();
  }
}
