/**
 * Stands between ring-client-api and the network, in the child process: the library looks `fetch` up each time it asks. It repeats whatever finds
 * no answer, for ever, a pulse at the door included; forgets its token whenever Ring has trouble; and signs up at Google for pushes that
 * nobody here needs.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { failedAnswer, type WebAnswer } from "../common/web-answer.ts";

type Fetch = typeof globalThis.fetch;

export interface GuardEvents {
  /** Ring said no to the token, and did not merely have trouble. */
  tokenRefused(status: number): void;
  /** Ring answers with trouble: it is asked again after `againInMs`. */
  trouble(status: number, againInMs: number): void;
}

interface Pulse {
  readonly signal: AbortSignal;
  readonly answer: (answer: WebAnswer) => void;
  triesLeft: number;
  /** Ring may have heard of it. */
  isOut: boolean;
}

const ringHosts = new Set(["oauth.ring.com", "api.ring.com", "prd-api-us.prd.rings.solutions"]);
const troublePauseMs = 60_000;
/** As the library waits where Ring names no time. */
const tooManyPauseMs = 200_000;
const pauseMaxMs = 3_600_000;
const deniedPauseMs = 5_000;
/** After so many 401 in a row the library, which asks for a new token each time, is slowed down. */
const deniedMax = 2;
/** From a token's arrival until the library has told it. */
const toldMs = 20;

export class FetchGuard {
  readonly fetch: Fetch = (input, init) => this.#fetch(input, init);
  readonly #original: Fetch;
  readonly #events: GuardEvents;
  /** By intercom. */
  readonly #pulses = new Map<string, Pulse>();
  /** For which one the library asks: what it repeats of an earlier pulse is not the newer one's. */
  readonly #pressing = new AsyncLocalStorage<Pulse>();
  #kept: Promise<void> = Promise.resolve();
  readonly #exchanges = new Set<Promise<unknown>>();
  #denied = 0;
  #isClosed = false;
  /** Of the last answer that was none. */
  lastFailure: { readonly status: number; readonly awayMs: number } | undefined;

  constructor(original: Fetch, events: GuardEvents) {
    this.#original = original;
    this.#events = events;
  }

  /** Nothing is asked until `kept` has resolved. */
  hold(kept: Promise<void>): void {
    this.#kept = Promise.all([this.#kept, kept]).then(() => undefined);
  }

  /**
   * Lets the library's next pulse at this intercom through, once. Resolves with what became of it; "unsent" when the signal fires before it
   * left, and while another one is under way there.
   */
  async pulse(intercom: string, press: () => Promise<unknown>, signal: AbortSignal): Promise<WebAnswer> {
    if (this.#pulses.has(intercom)) return { kind: "unsent", why: "another pulse is under way" };
    const { promise, resolve } = Promise.withResolvers<WebAnswer>();
    // A second one after a 401, by which nothing has moved.
    const pulse: Pulse = { signal, triesLeft: 2, isOut: false, answer: resolve };
    this.#pulses.set(intercom, pulse);
    const giveUp = (why: string) => resolve({ kind: pulse.isOut ? "unanswered" : "unsent", why });
    signal.addEventListener("abort", () => giveUp("its time was over"), { once: true });
    this.#pressing.run(pulse, press).catch(() => giveUp("the library gave it up"));
    return promise.finally(() => this.#pulses.delete(intercom));
  }

  /** Nothing leaves any more; resolves when no token is on its way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#exchanges);
  }

  async #fetch(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): Promise<Response> {
    const { hostname, pathname } = new URL(input instanceof Request ? input.url : input);
    // A refusal would be answered by asking again; a question without an answer keeps no process alive.
    if (!ringHosts.has(hostname)) return new Promise(() => undefined);
    if (/\/doorbots\/[^/]+\/(un)?subscribe$/.test(pathname)) return new Response(null, { status: 204 });
    await this.#kept;
    if (this.#isClosed) return new Promise(() => undefined);
    if (pathname === "/oauth/token") return this.#exchange(input, init);
    const [, intercom] = /\/devices\/([^/]+)\/device_rpc$/.exec(pathname) ?? [];
    if (intercom !== undefined) return this.#press(intercom, input, init);
    return this.#noted(await this.#original(input, init));
  }

  async #exchange(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): Promise<Response> {
    const asked = this.#original(input, init);
    // The library reads the answer and tells the token within the same turn or the next ones.
    const told = asked
      .then((response) => response.clone().text())
      .then(() => pause(toldMs))
      .catch(() => undefined);
    this.#exchanges.add(told);
    void told.finally(() => this.#exchanges.delete(told));
    const response = await asked;
    if (response.ok) return response;
    if (response.status === 429 || response.status >= 500) {
      const againInMs = retryAfterMs(response);
      this.#events.trouble(response.status, againInMs);
      await pause(againInMs);
      // The library takes this for a line that broke, keeps its token and asks again; every other answer makes it forget the token.
      throw new TypeError(`Ring answered ${response.status} to the token`);
    }
    this.#events.tokenRefused(response.status);
    return response;
  }

  async #press(intercom: string, input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): Promise<Response> {
    const pulse = this.#pressing.getStore();
    if (!pulse || this.#pulses.get(intercom) !== pulse || pulse.triesLeft === 0 || pulse.signal.aborted)
      return new Response(null, { status: 410 });
    pulse.triesLeft -= 1;
    pulse.isOut = true;
    try {
      const signals = [pulse.signal, ...(init?.signal ? [init.signal] : [])];
      const response = await this.#original(input, { ...init, signal: AbortSignal.any(signals) });
      if (response.status === 401 && pulse.triesLeft > 0) pulse.isOut = false;
      else pulse.answer({ kind: "answered", status: response.status, body: undefined });
      return response;
    } catch (error) {
      pulse.answer(failedAnswer(error));
      pulse.triesLeft = 0;
      throw error;
    }
  }

  async #noted(response: Response): Promise<Response> {
    const { status } = response;
    if (!response.ok) this.lastFailure = { status, awayMs: status === 429 ? retryAfterMs(response) : 0 };
    this.#denied = status === 401 ? this.#denied + 1 : 0;
    if (this.#denied > deniedMax) await pause(Math.min(this.#denied * deniedPauseMs, troublePauseMs));
    return response;
  }
}

function retryAfterMs({ status, headers }: Response): number {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  const asked = Number.isFinite(seconds) && seconds >= 0 ? (seconds + 1) * 1_000 : undefined;
  return Math.min(asked ?? (status === 429 ? tooManyPauseMs : troublePauseMs), pauseMaxMs);
}
