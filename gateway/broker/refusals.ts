/** Counts refused logins by where they came from and whom they named, so that guessing a password takes time. */
import type { Monotonic } from "../domain/instant.ts";
import { Allowance, type Rate } from "../wire/allowance.ts";

const causesMax = 1_000;

export class Refusals {
  readonly #rate: Rate;
  /** The oldest first. */
  readonly #paces = new Map<string, Allowance>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Notes one more by each of these causes; true when it is more than one of them may have. */
  isTooMany(causes: readonly string[], now: Monotonic): boolean {
    return causes.map((cause) => this.#paceOf(cause).takeNow(now)).includes(false);
  }

  #paceOf(cause: string): Allowance {
    const pace = this.#paces.get(cause) ?? new Allowance(this.#rate);
    this.#paces.set(cause, pace);
    const [oldest] = this.#paces.keys();
    if (this.#paces.size > causesMax && oldest !== undefined) this.#paces.delete(oldest);
    return pace;
  }
}
