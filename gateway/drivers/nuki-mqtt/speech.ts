/** What the driver needs of a firmware: what it says, in our words, and what it is told with. Two firmwares stand before a Nuki: official.ts, hub.ts. */
import type { Instant, Millis } from "../../domain/instant.ts";
import type { CodeRef } from "../../domain/lock-code.ts";
import type { MqttDialect } from "../../ports/mqtt-link.ts";
import type { DeviceFacts } from "../common/device-book.ts";
import type { MotorState } from "../common/nuki.ts";

export type Heard =
  | { readonly is: "link"; readonly online: boolean }
  | ({ readonly is: "motor" } & MotorState)
  /** To the last command; no firmware says to which. "unclear": it may have moved. */
  | { readonly is: "answer"; readonly answer: "taken" | "refused" | "unclear"; readonly why: string }
  /** Beside the bolt, which "motor" tells. */
  | { readonly is: "facts"; readonly facts: Omit<DeviceFacts, "bolt"> }
  | { readonly is: "low-battery"; readonly of: "lock" | "keypad" | "door-sensor"; readonly isLow: boolean }
  | ({ readonly is: "opened" } & Opened)
  /** For the code store. */
  | { readonly is: "codes" | "codes-answer"; readonly payload: string };

export interface Opened {
  /** The same for the same happening, told twice. */
  readonly key: string;
  readonly by: "code" | "fingerprint" | "hand" | "app";
  readonly code?: CodeRef;
  /** Done by a program; such as we are one. */
  readonly byProgram?: { readonly action: number };
  /** When it was, as the lock's clock may be read; absent: now. */
  readonly at?: readonly Instant[];
}

export interface Saying {
  /** Below the base. */
  readonly name: string;
  readonly payload: string;
}

export interface Speech {
  readonly dialect: MqttDialect;
  /** What one message means, nothing where it does not matter; undefined when it cannot be read. */
  read(name: string, payload: string): readonly Heard[] | undefined;
  command(action: number): Saying;
  /** Once it has subscribed to `name`: what is asked, because it would not say it by itself. */
  readonly questions: readonly Saying[];
  /** So long after it has connected it drops commands without a word. */
  readonly deafMs: Millis;
  /** So long the same key is the same happening. */
  readonly repeatMs: Millis;
}

/** A number as these firmwares write it; undefined when it is none. */
export function readNumber(payload: string): number | undefined {
  return /^\d{1,10}$/.test(payload) ? Number(payload) : undefined;
}
