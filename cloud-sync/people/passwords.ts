/** Passwords are kept as argon2id hashes (PHC strings). Few are worked out at once, because each takes its memory. */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { HttpProblem } from "../../web/problem.ts";
import { normalizePassword } from "../domain/password-policy.ts";

export interface PasswordCost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/** What OWASP names first for argon2id with 19 MiB. */
const defaultCost: PasswordCost = { memoryKiB: 19_456, passes: 2 };
const saltBytes = 16;
const hashBytes = 32;
const atOnce = 2;
const waitingMax = 32;

export class Passwords {
  readonly #cost: PasswordCost;
  /** Of nobody: what is compared for somebody who does not exist. */
  readonly #noSalt = randomBytes(saltBytes);
  readonly #waiting: (() => void)[] = [];
  #working = 0;

  constructor(cost: PasswordCost = defaultCost) {
    this.#cost = cost;
  }

  /** The PHC string to keep. Rejects with a 503 when too many wait. */
  async hash(password: SecretString): Promise<string> {
    const salt = randomBytes(saltBytes);
    const hash = await this.#work(password, salt, this.#cost);
    const { memoryKiB, passes } = this.#cost;
    return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=1$${toBase64(salt)}$${toBase64(hash)}`;
  }

  /** `kept` undefined: nobody's, the work is done all the same. `isWeak`: it is right and was hashed at another cost than now's. */
  async verify(password: SecretString, kept: string | undefined): Promise<{ right: boolean; isWeak: boolean }> {
    const known = kept === undefined ? undefined : parsePhc(kept);
    const { salt, hash, cost } = known ?? { salt: this.#noSalt, hash: undefined, cost: this.#cost };
    const worked = await this.#work(password, salt, cost);
    const right = hash !== undefined && hash.length === worked.length && timingSafeEqual(hash, worked);
    const isWeak = right && (cost.memoryKiB !== this.#cost.memoryKiB || cost.passes !== this.#cost.passes);
    return { right, isWeak };
  }

  async #work(password: SecretString, nonce: Buffer, { memoryKiB, passes }: PasswordCost): Promise<Buffer> {
    await this.#turn();
    try {
      const message = normalizePassword(password.reveal());
      const parameters = { message, nonce, parallelism: 1, tagLength: hashBytes, memory: memoryKiB, passes };
      return await new Promise((resolve, reject) => {
        argon2("argon2id", parameters, (error, hash) => (error ? reject(error) : resolve(hash)));
      });
    } finally {
      // The next one takes over the place, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#working -= 1;
    }
  }

  async #turn(): Promise<void> {
    if (this.#working >= atOnce) {
      if (this.#waiting.length >= waitingMax)
        throw new HttpProblem(503, "busy", "Too many people sign in at this moment; come back in a few seconds.", {
          headers: { "retry-after": "2" },
        });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return;
    }
    this.#working += 1;
  }
}

const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function parsePhc(kept: string): { readonly salt: Buffer; readonly hash: Buffer; readonly cost: PasswordCost } {
  const [, memory, passes, salt, hash] = phc.exec(kept) ?? [];
  if (salt === undefined || hash === undefined) throw new Error("a password's hash in the store cannot be read");
  return {
    salt: Buffer.from(salt, "base64"),
    hash: Buffer.from(hash, "base64"),
    cost: { memoryKiB: Number(memory), passes: Number(passes) },
  };
}

function toBase64(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}
