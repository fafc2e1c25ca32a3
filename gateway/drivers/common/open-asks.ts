/** What a child was asked and has not answered: bounded, each with its deadline and its signal; whatever comes too late, or twice, is nobody's. */
import type { Millis } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";

export type ChildAnswer<Answer> =
  | { readonly kind: "answered"; readonly answer: Answer }
  /** It was sent, perhaps done, and nobody knows. */
  | { readonly kind: "unanswered"; readonly why: string }
  /** The child never heard of it. */
  | { readonly kind: "unsent"; readonly why: string };

export interface AskOptions {
  readonly deadlineMs: Millis;
  readonly signal: AbortSignal;
}

export class OpenAsks<Answer> {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #open = new Map<number, (answer: ChildAnswer<Answer>) => void>();
  #last = 0;

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  /** `send` answers why it could not, or nothing. */
  async ask(
    send: (id: number) => string | undefined,
    { deadlineMs, signal }: AskOptions,
  ): Promise<ChildAnswer<Answer>> {
    if (signal.aborted) return { kind: "unsent", why: "called off" };
    if (this.#open.size >= this.#max) return { kind: "unsent", why: `${this.#max} questions are open` };
    this.#last += 1;
    const id = this.#last;
    const unsent = send(id);
    if (unsent !== undefined) return { kind: "unsent", why: unsent };
    const { promise, resolve } = Promise.withResolvers<ChildAnswer<Answer>>();
    this.#open.set(id, resolve);
    const over = new AbortController();
    const onAbort = () => resolve({ kind: "unanswered", why: "called off" });
    signal.addEventListener("abort", onAbort, { once: true });
    this.#clock.sleep(deadlineMs, over.signal).then(
      () => resolve({ kind: "unanswered", why: `no answer within ${deadlineMs} ms` }),
      () => undefined,
    );
    try {
      return await promise;
    } finally {
      this.#open.delete(id);
      over.abort();
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** False: nobody waits for it, or no longer. */
  answer(id: number, answer: Answer): boolean {
    const resolve = this.#open.get(id);
    resolve?.({ kind: "answered", answer });
    this.#open.delete(id);
    return resolve !== undefined;
  }

  /** Nobody will answer any more. */
  giveUp(why: string): void {
    for (const resolve of this.#open.values()) resolve({ kind: "unanswered", why });
    this.#open.clear();
  }
}
