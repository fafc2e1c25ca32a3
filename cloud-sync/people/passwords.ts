/** People's passwords: hashed and checked as a gateway checks them too, with an answer for whoever comes when too many do. */
import { type HashCost, PasswordHasher, TooManyPasswords } from "../../gateway/wire/password-hash.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { HttpProblem } from "../../web/problem.ts";

export class Passwords {
  readonly #hasher: PasswordHasher;

  /** `cost`: the usual one when left out. */
  constructor(cost?: HashCost) {
    this.#hasher = new PasswordHasher(cost && { cost });
  }

  /** The PHC string to keep. Rejects with a 503 when too many wait. */
  hash(password: SecretString): Promise<string> {
    return this.#hasher.hash(password).catch(busy);
  }

  /** `kept` undefined: nobody's, the work is done all the same. `isWeak`: it is right and was hashed with other work than is usual now. */
  async verify(password: SecretString, kept: string | undefined): Promise<{ right: boolean; isWeak: boolean }> {
    const right = await this.#hasher.matches(password, kept).catch(busy);
    return { right, isWeak: right && kept !== undefined && this.#hasher.isOutdated(kept) };
  }
}

function busy(error: unknown): never {
  if (!(error instanceof TooManyPasswords)) throw error;
  throw new HttpProblem(503, "busy", "Too many people sign in at this moment; come back in a few seconds.", {
    headers: { "retry-after": "2" },
  });
}
