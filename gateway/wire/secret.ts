/** A value that must not be seen. It prints, logs and serialises as "[secret]"; whoever needs it says so with reveal(). */
import { inspect } from "node:util";

const hidden = "[secret]";

export class SecretString {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [inspect.custom](): string {
    return hidden;
  }
}
