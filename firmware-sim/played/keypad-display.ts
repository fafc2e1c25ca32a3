/** The display of a maker's keypad: what it asks for, and for a while what came of the last code. */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { KeypadVerdict } from "../played-lock.ts";

const idleText = "Enter code";
const shownMs = 3_000;

export class KeypadDisplay {
  readonly #clock: Clock;
  readonly #tell: () => void;
  #text = idleText;
  #lastVerdict: KeypadVerdict | null = null;
  #shown = new AbortController();

  /** `tell`: called after the text has changed. */
  constructor(clock: Clock, tell: () => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  get text(): string {
    return this.#text;
  }

  get lastVerdict(): KeypadVerdict | null {
    return this.#lastVerdict;
  }

  show(opens: boolean): void {
    this.#shown.abort();
    this.#shown = new AbortController();
    this.#lastVerdict = { verdict: opens ? "granted" : "denied", at: this.#clock.wall() };
    this.#write(opens ? "Welcome" : "Wrong code");
    this.#clock.sleep(shownMs, this.#shown.signal).then(
      () => this.#write(idleText),
      () => undefined,
    );
  }

  /** What is shown stays. */
  end(): void {
    this.#shown.abort();
  }

  #write(text: string): void {
    this.#text = text;
    this.#tell();
  }
}
