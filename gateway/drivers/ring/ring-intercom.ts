/** An intercom as ring-client-api keeps it, in the child process: it is asked how it is, and its one command is a pulse that nothing proves. */
import { setTimeout as pause } from "node:timers/promises";
import type { RingIntercom as LibraryIntercom } from "ring-client-api";
import { resultOf } from "../common/web-answer.ts";
import type { FetchGuard } from "./fetch-guard.ts";
import { type Answer, type Facts, percent } from "./wire.ts";

export interface IntercomEvents {
  here(facts: Facts): void;
  gone(why: string): void;
}

/** Polls without an answer until it counts as gone. */
const missesMax = 3;
/** Beside the poll's own time. */
const slackMs = 10_000;
/** The share of a command's time that the pulse itself has. */
const pulseShare = 0.9;

export class RingIntercom {
  readonly #intercom: LibraryIntercom;
  readonly #guard: FetchGuard;
  readonly #pollMs: number;
  readonly #events: IntercomEvents;
  #isHere = false;
  #news = 0;

  constructor(intercom: LibraryIntercom, guard: FetchGuard, pollMs: number, events: IntercomEvents) {
    this.#intercom = intercom;
    this.#guard = guard;
    this.#pollMs = pollMs;
    this.#events = events;
  }

  open(): void {
    this.#intercom.onData.subscribe(() => this.#learn());
  }

  async pulse(budgetMs: number): Promise<Answer> {
    if (!this.#isHere) return { result: "refused", why: "it cannot be reached" };
    const signal = AbortSignal.timeout(budgetMs * pulseShare);
    const answer = await this.#guard.pulse(String(this.#intercom.id), () => this.#intercom.unlock(), signal);
    const result = resultOf(answer);
    if (answer.kind === "answered")
      return result === "accepted" ? { result } : { result, why: `Ring answered ${answer.status}` };
    return { result, why: answer.why };
  }

  #learn(): void {
    const { isOffline, batteryLevel } = this.#intercom;
    this.#news += 1;
    this.#isHere = !isOffline;
    const battery = batteryLevel === null ? undefined : percent(batteryLevel);
    if (isOffline) this.#events.gone("it is offline");
    else this.#events.here(battery === undefined ? {} : { battery });
    void this.#missIfSilent(this.#news);
  }

  async #missIfSilent(news: number): Promise<void> {
    await pause(missesMax * this.#pollMs + slackMs);
    if (news !== this.#news) return;
    this.#isHere = false;
    this.#events.gone("Ring does not say how it is");
  }
}
