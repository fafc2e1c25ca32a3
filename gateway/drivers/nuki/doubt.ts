/** Whether the bolt still stands as the cloud told last. After a command of ours nobody knows, until a status tells that is not of before. Pure. */
import type { Monotonic } from "../../domain/instant.ts";
import { settledMs } from "./proof.ts";
import type { LockStatus } from "./wire.ts";

export class Doubt {
  #isOpen = false;
  /** A "secured" that was asked for before that may be a copy of before our release. */
  #oldUntil: Monotonic = Number.NEGATIVE_INFINITY;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A command was sent, and perhaps obeyed; `at`: when its answer came, or was given up. */
  raise(to: "released" | "secured", at: Monotonic): void {
    this.#isOpen = true;
    if (to === "released") this.#oldUntil = at + settledMs;
  }

  /** Of a status that was asked for at `askedAt`, after the command. False when its bolt is no news: it must not be taken. */
  takes(bolt: LockStatus["bolt"], askedAt: Monotonic): boolean {
    if (bolt === "secured" && askedAt < this.#oldUntil) return false;
    if (bolt === "moving" || bolt === "released") this.#oldUntil = Number.NEGATIVE_INFINITY;
    if (bolt === "moving") return false;
    this.#isOpen = false;
    return true;
  }
}
