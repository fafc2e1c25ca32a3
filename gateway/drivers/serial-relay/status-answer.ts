/** The one answer that is waited for. A board's bytes say neither what they answer nor where they begin, so what comes unasked is dropped. */
import { readStatus } from "./wire.ts";

export class StatusAnswer {
  readonly #channels: number;
  #bytes = Buffer.alloc(0);
  #settle: ((relays: readonly boolean[] | undefined) => void) | undefined;

  /** `channels`: relays on the board. */
  constructor(channels: number) {
    this.#channels = channels;
  }

  /** Which relays are on, by the bytes that come from now on; undefined when `until` fires before, or they cannot be read. */
  next(until: AbortSignal): Promise<readonly boolean[] | undefined> {
    this.#settle?.(undefined);
    this.#bytes = Buffer.alloc(0);
    return new Promise((resolve) => {
      const settle = (relays: readonly boolean[] | undefined) => {
        until.removeEventListener("abort", isOver);
        this.#settle = undefined;
        resolve(relays);
      };
      const isOver = () => settle(undefined);
      if (until.aborted) return resolve(undefined);
      until.addEventListener("abort", isOver);
      this.#settle = settle;
    });
  }

  take(bytes: Buffer): void {
    if (!this.#settle) return;
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(0, this.#channels)]);
    const relays = readStatus(this.#bytes, this.#channels);
    if (relays !== "part") this.#settle(relays === "unreadable" ? undefined : relays);
  }
}
