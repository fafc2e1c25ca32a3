/** One command, from its sending to its proof: taken by the firmware's answer, confirmed by nothing but the states that come after it. */
import type { CommandResult } from "../../ports/device.ts";
import { actions, type MotorState } from "../common/nuki.ts";
import type { Heard } from "./speech.ts";

export type Answer = Extract<Heard, { is: "answer" }>;

export class Command {
  readonly action: number;
  /** As soon as it is known; never rejects. */
  readonly result: Promise<CommandResult>;
  readonly #end: (result: CommandResult) => void;
  /** An answer to a command before this one may still be on its way. */
  readonly #mayBeOfBefore: boolean;
  #isTaken = false;
  #hasMoved = false;
  #latchWasPulled = false;
  /** Where it moved to before it was said to be taken. */
  #isThere = false;

  constructor(action: number, mayBeOfBefore: boolean) {
    this.action = action;
    this.#mayBeOfBefore = mayBeOfBefore;
    const { promise, resolve } = Promise.withResolvers<CommandResult>();
    this.result = promise;
    this.#end = resolve;
  }

  /** Whether the firmware has said that it does it. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  answered({ answer }: Answer): void {
    if (answer === "taken") {
      this.#isTaken = true;
      if (this.#isThere) this.#end("confirmed");
    } else if (!this.#isTaken)
      this.#end(answer === "refused" && !this.#mayBeOfBefore && !this.#hasMoved ? "refused" : "unknown");
    // Refused after it was taken is a second copy, which met a lock that was busy with the first.
    else if (answer === "unclear") this.#end("accepted");
  }

  /** A state that was heard since it was sent. `mayBeOfBefore`: as a lock may say when it has just connected. */
  moved({ bolt, isLatchPulled }: MotorState, mayBeOfBefore: boolean): void {
    this.#hasMoved ||= bolt === "moving" || (isLatchPulled && !mayBeOfBefore);
    if (mayBeOfBefore && !this.#hasMoved) return;
    this.#latchWasPulled ||= isLatchPulled;
    const isThere = this.#isWhereItShould(bolt);
    this.#isThere = isThere && this.#hasMoved;
    if (!this.#isTaken) return;
    if (isThere) this.#end("confirmed");
    else if (bolt === "jammed") this.#end("accepted");
  }

  /** Nobody waits any more, or whatever comes now says nothing about it. */
  over(): void {
    this.#end(this.#isTaken ? "accepted" : "unknown");
  }

  #isWhereItShould(bolt: MotorState["bolt"]): boolean {
    if (this.action === actions.lock) return bolt === "secured";
    return bolt === "released" && (this.action !== actions.unlatch || this.#latchWasPulled);
  }
}
