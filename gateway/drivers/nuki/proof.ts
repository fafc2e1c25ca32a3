/** When a status shows that a command moved the lock. The cloud's copy may be older than the command, so the bolt where it already was proves little. */
import type { BoltState } from "../../domain/access-point.ts";
import type { Millis } from "../../domain/instant.ts";
import { actions } from "../common/nuki.ts";
import type { LockStatus } from "./wire.ts";

/** A bolt that would have had to move is seen moving or moved by then. */
export const settledMs: Millis = 5_000;

export class Proof {
  readonly #action: number;
  readonly #before: BoltState | undefined;
  #latchWasPulled = false;

  /** `before`: how the bolt stood as far as we knew when the command was given. */
  constructor(action: number, before: BoltState | undefined) {
    this.#action = action;
    this.#before = before;
  }

  /** `sinceMs`: from the answer to the command until this status was asked for. */
  shows(status: LockStatus, sinceMs: Millis): boolean {
    this.#latchWasPulled ||= status.isLatchPulled;
    const wanted = this.#action === actions.lock ? "secured" : "released";
    if (status.bolt !== wanted) return false;
    if (this.#before !== wanted) return true;
    // An unlocked door is opened by its latch alone, and that shows for seconds only.
    return this.#action === actions.unlatch ? this.#latchWasPulled : sinceMs >= settledMs;
  }
}
