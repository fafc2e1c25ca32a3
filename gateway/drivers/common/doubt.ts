/** Whether the bolt still stands as it was told last. After a command of ours nobody knows, until a status tells that is not of before. Pure. */
import type { BoltState } from "../../domain/access-point.ts";
import type { Millis, Monotonic } from "../../domain/instant.ts";

export class Doubt {
  readonly #settledMs: Millis;
  #isOpen = false;
  /** A "secured" that was asked for before that may be a copy of before our release. */
  #oldUntil: Monotonic = Number.NEGATIVE_INFINITY;

  /** `settledMs`: after a release what is told is no longer of before by then. */
  constructor(settledMs: Millis) {
    this.#settledMs = settledMs;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A command was sent, and perhaps obeyed; `at`: when its answer came, or was given up. */
  raise(to: "released" | "secured", at: Monotonic): void {
    this.#isOpen = true;
    if (to === "released") this.#oldUntil = at + this.#settledMs;
  }

  /** Of a status that was asked for at `askedAt`, after the command. False when its bolt is no news: it must not be taken. */
  takes(bolt: BoltState | "moving", askedAt: Monotonic): boolean {
    if (bolt === "secured" && askedAt < this.#oldUntil) return false;
    if (bolt === "moving" || bolt === "released") this.#oldUntil = Number.NEGATIVE_INFINITY;
    if (bolt === "moving") return false;
    this.#isOpen = false;
    return true;
  }
}
