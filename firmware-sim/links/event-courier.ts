/** Brings the events of a simulated maker's cloud to those who subscribed to them, as badly as the internet does: lost, twice, out of order. */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";

export interface Parcel {
  readonly url: string;
  readonly event: unknown;
  /** What is sent along with this body. */
  readonly headers?: (body: string) => Readonly<Record<string, string>>;
  /** Whether an answer of this status has taken it; left out: 2xx. */
  readonly isTaken?: (status: number) => boolean;
  /** Nobody took it: no connection or no answer within ten seconds (undefined), or another answer. It is not brought again. */
  readonly onFailure?: (status: number | undefined) => void;
}

const answerMs = 10_000;
const heldMax = 1_000;

export class EventCourier {
  /** Per event: `lose`, `repeat`, and `delayMs`, of which each takes its own time, so that they overtake each other. */
  readonly faults: Faults;
  readonly #clock: Clock;
  readonly #underWay = new Set<Promise<void>>();
  #running = new AbortController();
  #held: Parcel[] | undefined;
  #delivered = 0;
  #failed = 0;

  constructor(clock: Clock, faults: Faults) {
    this.#clock = clock;
    this.faults = faults;
  }

  /** Taken with 2xx. */
  get delivered(): number {
    return this.#delivered;
  }

  get failed(): number {
    return this.#failed;
  }

  bring(parcel: Parcel): void {
    if (this.#held) {
      this.#held.push(parcel);
      if (this.#held.length > heldMax) this.#held.shift();
      return;
    }
    for (const { afterMs } of this.faults.pass("").copies) this.#track(this.#carry(parcel, afterMs));
  }

  /** Nothing leaves until release(). */
  hold(): void {
    this.#held ??= [];
  }

  /** What was held leaves, one after the other has arrived. */
  release({ reversed = false, twice = false }: { readonly reversed?: boolean; readonly twice?: boolean } = {}): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    const ordered = reversed ? held.toReversed() : held;
    const bringAll = async () => {
      for (const parcel of ordered.flatMap((one) => (twice ? [one, one] : [one]))) await this.#carry(parcel);
    };
    this.#track(bringAll());
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** What is on its way is lost. */
  stop(): void {
    this.#running.abort();
    this.#running = new AbortController();
    this.#held = undefined;
  }

  async #carry({ url, event, headers, isTaken, onFailure }: Parcel, afterMs = 0): Promise<void> {
    const { signal } = this.#running;
    let status: number | undefined;
    const isOver = new AbortController();
    try {
      if (afterMs > 0) await this.#clock.sleep(afterMs, signal);
      const body = JSON.stringify(event);
      this.#clock.sleep(answerMs, AbortSignal.any([signal, isOver.signal])).then(
        () => isOver.abort(),
        () => undefined,
      );
      const response = await fetch(url, {
        method: "POST",
        body,
        headers: { "Content-Type": "application/json", ...headers?.(body) },
        signal: AbortSignal.any([signal, isOver.signal]),
      });
      await response.arrayBuffer();
      status = response.status;
      if (!(isTaken?.(status) ?? response.ok)) throw new Error(`answered ${response.status}`);
      this.#delivered += 1;
    } catch {
      if (signal.aborted) return;
      this.#failed += 1;
      onFailure?.(status);
    } finally {
      isOver.abort();
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }
}

/** A name for the `count`th event: the same in every run. */
export function eventUuid(count: number): string {
  return `5e7e0000-0000-4000-8000-${count.toString(16).padStart(12, "0")}`;
}
