/** How often one account is asked: never oftener than its maker bears, whichever of its doors asks. Who stands at a door goes first. */
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";

/** A second, as the maker counts it, and what two requests may gain on each other on their way. */
const secondMs: Millis = 1_200;
const waitingMax = 256;

/** "command": somebody stands at the door · "other": a read, or a change that may wait. */
export type TurnKind = "command" | "other";

interface Waiting {
  readonly kind: TurnKind;
  readonly take: () => void;
}

export class RequestRate {
  readonly #clock: Clock;
  readonly #count: number;
  readonly #windowMs: Millis;
  #sentAt: Monotonic[] = [];
  #waiting: Waiting[] = [];
  #isServing = false;
  #news = new AbortController();
  #pausedUntil: Monotonic = Number.NEGATIVE_INFINITY;

  /** So many in any window of that length; a second where none is named. */
  constructor(clock: Clock, count: number, windowMs: Millis = secondMs) {
    this.#clock = clock;
    this.#count = count;
    this.#windowMs = windowMs;
  }

  /** The maker wants a pause. Commands are tried all the same: at worst it says so again. */
  pause(ms: Millis): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.monotonic() + ms);
  }

  /** Resolves when it may be sent, or with why not: too many wait, a pause, or the signal fired. */
  async turn(kind: TurnKind, signal: AbortSignal): Promise<{ readonly why: string } | undefined> {
    if (signal.aborted) return { why: "called off" };
    if (this.#waiting.length >= waitingMax) return { why: `${waitingMax} requests are waiting` };
    if (kind === "other" && this.#clock.monotonic() < this.#pausedUntil) return { why: "429 a moment ago" };
    const { promise, resolve } = Promise.withResolvers<{ readonly why: string } | undefined>();
    const waiting: Waiting = { kind, take: () => resolve(undefined) };
    const leave = () => {
      this.#waiting = this.#waiting.filter((one) => one !== waiting);
      resolve({ why: "called off" });
    };
    this.#waiting.push(waiting);
    signal.addEventListener("abort", leave, { once: true });
    this.#news.abort();
    void this.#serve();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  async #serve(): Promise<void> {
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.#waiting.length > 0) {
      const next = this.#waiting.find(({ kind }) => kind === "command") ?? this.#waiting[0];
      const left = next ? this.#leftMs(next.kind) : 0;
      if (left > 0) {
        this.#news = new AbortController();
        await this.#clock.sleep(left, this.#news.signal).catch(() => undefined);
        continue;
      }
      this.#waiting = this.#waiting.filter((one) => one !== next);
      this.#sentAt.push(this.#clock.monotonic());
      next?.take();
    }
    this.#isServing = false;
  }

  /** Until a request of that kind may go. The last one of each window is kept for whoever comes to a door. */
  #leftMs(kind: TurnKind): Millis {
    const now = this.#clock.monotonic();
    this.#sentAt = this.#sentAt.filter((at) => now - at < this.#windowMs);
    const allowed = kind === "command" || this.#count === 1 ? this.#count : this.#count - 1;
    const inTheWay = this.#sentAt.at(-allowed);
    return inTheWay === undefined ? 0 : inTheWay + this.#windowMs - now;
  }
}

/** What a service asks for with a 429: its seconds; a minute where it says nothing, or names a date. */
export function pauseOf(retryAfter: unknown): Millis {
  const text = typeof retryAfter === "string" ? retryAfter : "";
  return /^\d{1,4}$/.test(text) ? Math.max(1, Number(text)) * 1_000 : 60_000;
}
