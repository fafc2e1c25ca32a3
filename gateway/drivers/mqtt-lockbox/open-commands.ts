/** Commands that a box has not answered yet. Each ends once: by the box's reply, by its deadline, or because nobody waits any more. */
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LockboxMessage } from "../../wire/lockbox.ts";

export type Reply = LockboxMessage<"reply">;

interface Open {
  readonly boot: number;
  readonly askedAt: Monotonic;
  readonly end: (reply: Reply | undefined) => void;
}

export class OpenCommands {
  readonly #clock: Clock;
  readonly #open = new Map<string, Open>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#open.size;
  }

  /** The reply of this boot, or undefined after `deadlineMs`, when `signal` fires, or after forget(). */
  async reply(id: string, boot: number, deadlineMs: Millis, signal: AbortSignal): Promise<Reply | undefined> {
    const ended = new AbortController();
    const reply = new Promise<Reply | undefined>((resolve) => {
      this.#open.set(id, { boot, askedAt: this.#clock.monotonic(), end: resolve });
    });
    const stop = AbortSignal.any([signal, ended.signal]);
    const nobody = () => undefined;
    try {
      return await Promise.race([reply, this.#clock.sleep(deadlineMs, stop).then(nobody, nobody)]);
    } finally {
      this.#open.delete(id);
      ended.abort();
    }
  }

  /** When the command was sent, on our clock; undefined when no one waits for this reply, or it is of a boot that was never told. */
  take(reply: Reply): Monotonic | undefined {
    const open = this.#open.get(reply.id);
    if (!open || open.boot !== reply.boot) return undefined;
    open.end(reply);
    return open.askedAt;
  }

  /** Nobody waits for this one any more. */
  forget(id: string): void {
    this.#open.get(id)?.end(undefined);
  }
}
