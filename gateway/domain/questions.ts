/**
 * What this gateway's guards have asked hosts about visitors without a pass. In memory alone: after a restart no old answer lets anybody in,
 * and the guard asks again or decides. Pure.
 */
import type { AccessPointId } from "./access-point.ts";
import type { Millis, Monotonic } from "./instant.ts";
import type { StaffId } from "./staff.ts";

export interface Host {
  readonly id: string;
  readonly name: string;
}

/** Nobody was asked. */
export type NotAsked = "nobody" | "unreachable" | "too-many" | "no-line";

/** "unanswered": the time is up · "spent": approved so long ago that it stands for nobody at the gate any more. */
export type QuestionState =
  | { readonly is: "asking" }
  | { readonly is: "waiting" | "unanswered" | "denied" | "spent"; readonly host: Host | undefined }
  | { readonly is: "approved"; readonly host: Host; readonly at: Monotonic }
  | { readonly is: "choose"; readonly hosts: readonly Host[] }
  | { readonly is: NotAsked };

export interface Question {
  /** The number of the guard's later word on this visitor: one question lets one visitor in. */
  readonly id: string;
  readonly staff: StaffId;
  readonly accessPoint: AccessPointId;
  readonly visitor: {
    readonly name: string;
    readonly type?: string;
    readonly document?: string;
    readonly note?: string;
    /** As it was typed. */
    readonly hostName: string;
  };
  readonly askedAt: Monotonic;
  readonly state: QuestionState;
}

/** Guards look at few at once. */
export const questionsMax = 200;
/** What an answer may still be on the way after the host's time is up. */
const graceMs: Millis = 5_000;
/** A visitor whom the host expects is let in within this. */
const approvalLifeMs: Millis = 5 * 60_000;

export class Questions {
  readonly #lifeMs: Millis;
  readonly #questions = new Map<string, Question>();

  /** `lifeMs`: how long a host has to answer. */
  constructor(lifeMs: Millis) {
    this.#lifeMs = lifeMs;
  }

  /** As it stands at `now`; undefined: never asked, forgotten, or asked before this start. */
  find(id: string, now: Monotonic): Question | undefined {
    const question = this.#questions.get(id);
    return question && { ...question, state: this.#stateAt(question, now) };
  }

  /** In the place of the one of this id; beyond questionsMax the oldest is forgotten. */
  keep(question: Question): void {
    this.#questions.delete(question.id);
    this.#questions.set(question.id, question);
    const [oldest] = this.#questions.keys();
    if (this.#questions.size > questionsMax && oldest !== undefined) this.#questions.delete(oldest);
  }

  #stateAt({ state, askedAt }: Question, now: Monotonic): QuestionState {
    const isOver = now - askedAt > this.#lifeMs + graceMs;
    if ((state.is === "waiting" || state.is === "asking") && isOver)
      return { is: "unanswered", host: state.is === "waiting" ? state.host : undefined };
    if (state.is === "approved" && now - state.at > approvalLifeMs) return { is: "spent", host: state.host };
    return state;
  }
}

/** An answer may still come. */
export function isOpen({ state }: Pick<Question, "state">): boolean {
  return state.is === "asking" || state.is === "waiting";
}

/** A host was asked, or may have been: the same once more asks nobody. */
export function wasAsked({ state }: Pick<Question, "state">): boolean {
  return isOpen({ state }) || ["approved", "denied", "unanswered", "spent"].includes(state.is);
}
