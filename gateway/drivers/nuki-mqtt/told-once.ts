/** What a firmware says twice is reported once, and whoever says it again waits until it is taken. */
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";

interface Told {
  readonly at: Monotonic;
  readonly taken: Promise<boolean>;
}

/** More than a firmware says again at once. */
const toldMax = 64;

export class ToldOnce {
  readonly #clock: Clock;
  readonly #repeatMs: Millis;
  readonly #told = new Map<string, Told>();

  /** The same key is another happening after `repeatMs`. */
  constructor(clock: Clock, repeatMs: Millis) {
    this.#clock = clock;
    this.#repeatMs = repeatMs;
  }

  /** Resolves with false where it was not taken: it counts as not told then. */
  async tell(key: string, tell: () => Promise<boolean>): Promise<boolean> {
    const now = this.#clock.monotonic();
    const before = this.#told.get(key);
    if (before && now - before.at < this.#repeatMs) return before.taken;
    const told = { at: now, taken: tell() };
    this.#told.delete(key);
    this.#told.set(key, told);
    const [oldest] = this.#told.keys();
    if (this.#told.size > toldMax && oldest !== undefined) this.#told.delete(oldest);
    const taken = await told.taken;
    if (!taken && this.#told.get(key) === told) this.#told.delete(key);
    return taken;
  }
}
