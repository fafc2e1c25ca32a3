/**
 * One account at Nuki Web. All its locks share what the maker bears: one request at a time, one a second (he publishes no number and
 * speaks of abuse protection), so every request takes its turn here.
 */
import { createHash } from "node:crypto";
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SecretString } from "../../wire/secret.ts";
import { failedAnswer, type WebAnswer } from "../common/web-answer.ts";
import { within } from "../common/within.ts";

const gapMs: Millis = 1_000;
/** What is read waits so long after a 429; who stands at the door does not. */
const throttledMs: Millis = 60_000;
const waitingMax = 64;

/** What becomes of a read when a command comes. */
export const gaveWay: WebAnswer = { kind: "unanswered", why: "it gave way to a command" };

/** Sends one request; settles when the signal fires. */
export type Send = (account: WebAccount, signal: AbortSignal) => Promise<WebAnswer>;

export interface AskOptions {
  /**
   * "command": somebody stands at the door, so it goes before all others, and ends a read that is under way · "read": changes nothing ·
   * "change": waits its turn, and is left to its end.
   */
  readonly kind: "command" | "read" | "change";
  /** From when it is sent. */
  readonly deadlineMs: Millis;
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly kind: AskOptions["kind"];
  /** Ends it while it is under way. */
  readonly giveWay: () => void;
  /** Resolves when the request is over. */
  readonly begin: () => Promise<void>;
}

const accounts = new WeakMap<Clock, Map<string, WebAccount>>();

/** The same one for all devices of a gateway that name the same token and address. */
export function accountOf(clock: Clock, url: string, token: SecretString): WebAccount {
  const ofClock = accounts.get(clock) ?? new Map<string, WebAccount>();
  accounts.set(clock, ofClock);
  const key = createHash("sha256").update(`${url}\n${token.reveal()}`).digest("base64url");
  const account = ofClock.get(key) ?? new WebAccount(clock, url, token);
  ofClock.set(key, account);
  return account;
}

export class WebAccount {
  readonly url: string;
  readonly token: SecretString;
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #underWay: Waiting | undefined;
  #isServing = false;
  #lastSentAt: Monotonic = Number.NEGATIVE_INFINITY;
  #throttledUntil: Monotonic = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, url: string, token: SecretString) {
    this.#clock = clock;
    this.url = url;
    this.token = token;
  }

  /** "unsent" where its turn did not come before the signal fired, where too many wait, and for all but commands while the maker wants a pause. */
  async ask(send: Send, { kind, deadlineMs, signal }: AskOptions): Promise<WebAnswer> {
    if (signal.aborted) return { kind: "unsent", why: "called off" };
    if (this.#waiting.length >= waitingMax) return { kind: "unsent", why: `${waitingMax} requests are waiting` };
    if (kind !== "command" && this.#clock.monotonic() < this.#throttledUntil)
      return { kind: "unsent", why: "429 a moment ago" };
    const { promise, resolve } = Promise.withResolvers<WebAnswer>();
    const leave = () => {
      const index = this.#waiting.indexOf(waiting);
      if (index < 0) return;
      this.#waiting.splice(index, 1);
      resolve({ kind: "unsent", why: "called off" });
    };
    const giveWay = new AbortController();
    const waiting: Waiting = {
      kind,
      giveWay: () => giveWay.abort(),
      begin: async () => {
        signal.removeEventListener("abort", leave);
        const sent = within(this.#clock, deadlineMs, [signal, giveWay.signal], (either) => send(this, either));
        const answer = await sent.catch(failedAnswer);
        if (answer.kind === "answered" && answer.status === 429)
          this.#throttledUntil = this.#clock.monotonic() + throttledMs;
        resolve(giveWay.signal.aborted && answer.kind !== "answered" ? gaveWay : answer);
      },
    };
    this.#waiting.push(waiting);
    signal.addEventListener("abort", leave, { once: true });
    if (kind === "command" && this.#underWay?.kind === "read") this.#underWay.giveWay();
    void this.#serve();
    return promise;
  }

  async #serve(): Promise<void> {
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.#waiting.length > 0) {
      const left = this.#lastSentAt + gapMs - this.#clock.monotonic();
      if (left > 0) await this.#clock.sleep(left);
      const index = Math.max(
        0,
        this.#waiting.findIndex(({ kind }) => kind === "command"),
      );
      const [next] = this.#waiting.splice(index, 1);
      if (!next) break;
      this.#lastSentAt = this.#clock.monotonic();
      this.#underWay = next;
      await next.begin();
      this.#underWay = undefined;
    }
    this.#isServing = false;
  }
}
