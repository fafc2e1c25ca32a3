/**
 * Library code that hangs, leaks or breaks down, in a process of its own: started again with growing pauses, asked with deadlines. What it
 * does harms no door of another driver, and a site that has no use for it pays nothing.
 */
import type { Millis } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import { type ChildLimits, ChildRun, type ChildSpec } from "./child-run.ts";
import type { AskOptions, ChildAnswer } from "./open-asks.ts";

export type { ChildLimits, ChildSpec } from "./child-run.ts";
export type { AskOptions, ChildAnswer } from "./open-asks.ts";

/** Between two lives. One that lasted `steadyMs` ends the series. */
export interface ChildPauses {
  readonly firstMs: Millis;
  readonly longestMs: Millis;
  readonly steadyMs: Millis;
}

export interface SupervisedChildOptions<Answer, News> extends ChildSpec<Answer, News> {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A life is over. `awayMs`: the child said so itself, and how long it wants to stay away. */
  readonly onEnd?: (end: { readonly why: string; readonly awayMs?: Millis }) => void;
  readonly limits?: Partial<ChildLimits>;
  readonly pauses?: Partial<ChildPauses>;
}

const usualLimits: ChildLimits = {
  startMs: 60_000,
  hangMs: 15_000,
  memoryMax: 256 * 1024 * 1024,
  asksMax: 16,
  wordsMax: 200,
  endMs: 4_000,
};
const usualPauses: ChildPauses = { firstMs: 1_000, longestMs: 300_000, steadyMs: 60_000 };

export class SupervisedChild<Answer, News> {
  readonly #options: SupervisedChildOptions<Answer, News>;
  readonly #limits: ChildLimits;
  readonly #pauses: ChildPauses;
  #running: { readonly stopped: AbortController; readonly ended: Promise<void> } | undefined;
  #run: ChildRun<Answer, News> | undefined;
  /** When the last life that was begun is over: there are never two at a time. */
  #ended: Promise<void> = Promise.resolve();

  constructor(options: SupervisedChildOptions<Answer, News>) {
    this.#options = options;
    this.#limits = { ...usualLimits, ...options.limits };
    this.#pauses = { ...usualPauses, ...options.pauses };
  }

  /** Returns at once; whether the child comes up shows in its news. */
  start(): void {
    if (this.#running) return;
    const stopped = new AbortController();
    this.#ended = this.#ended.then(() => this.#keep(stopped.signal));
    this.#running = { stopped, ended: this.#ended };
  }

  /** Resolves when the process is gone. Whoever waits for an answer is told "unanswered". */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stopped.abort();
    this.#run?.end("it is no longer wanted");
    await running?.ended;
  }

  /** Never rejects, and nothing waits for a child that is not up: it is "unsent" then. */
  async ask(ask: unknown, options: AskOptions): Promise<ChildAnswer<Answer>> {
    return (await this.#run?.ask(ask, options)) ?? { kind: "unsent", why: "the process is not up" };
  }

  /** Ends this life of it, and with it all that it might still do; the next one begins after the usual pause. */
  renew(why: string): void {
    this.#run?.end(why);
  }

  async #keep(stopped: AbortSignal): Promise<void> {
    const { clock, logger, onEnd } = this.#options;
    const { firstMs, longestMs, steadyMs } = this.#pauses;
    for (let pauseMs = firstMs; !stopped.aborted; ) {
      const begunAt = clock.monotonic();
      this.#run = new ChildRun({ spec: this.#options, limits: this.#limits, clock, logger });
      const { why, awayMs } = await this.#run.ended;
      this.#run = undefined;
      onEnd?.({ why, ...(awayMs !== undefined && { awayMs }) });
      if (stopped.aborted) return;
      const wasSteady = clock.monotonic() - begunAt >= steadyMs;
      if (wasSteady) pauseMs = firstMs;
      // One that ends as it means to, after a good while, need not wait; whatever else it says, it is not started over and over.
      const againInMs = Math.max(awayMs ?? 0, awayMs !== undefined && wasSteady ? 0 : pauseMs);
      logger[awayMs === undefined ? "warn" : "info"]("child-ended", { why, againInMs });
      if (!wasSteady || awayMs === undefined) pauseMs = Math.min(2 * pauseMs, longestMs);
      await clock.sleep(againInMs, stopped).catch(() => undefined);
    }
  }
}
