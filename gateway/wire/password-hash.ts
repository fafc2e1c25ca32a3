/**
 * Passwords as the cloud keeps them and a gateway checks them: argon2id (RFC 9106) by the runtime itself, written in the PHC string form
 * "$argon2id$v=19$m=19456,t=2,p=1$salt$hash". Work is bounded: each check takes megabytes.
 */
import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { SecretString } from "./secret.ts";

const argon2id = promisify(argon2);

export interface HashCost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/** OWASP's smallest for argon2id: 19 MiB, about 40 ms of a PC's core and some 250 ms of a small board's. */
export const usualCost: HashCost = { memoryKiB: 19_456, passes: 2 };

const saltBytes = 16;
const hashBytes = 32;
/** A hash that would cost more was not made here, and must not take the memory of whoever checks it. */
const costMax: HashCost = { memoryKiB: 262_144, passes: 16 };
const passwordBytesMax = 1024;

/** So many wait already that nobody new is taken: come back later. */
export class TooManyPasswords extends Error {}

export class PasswordHasher {
  readonly #cost: HashCost;
  readonly #atOnce: number;
  readonly #waitingMax: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** `atOnce`: checks side by side, each with the cost's memory. `waitingMax`: who comes when so many wait is refused. */
  constructor({ cost = usualCost, atOnce = 2, waitingMax = 32 } = {}) {
    this.#cost = cost;
    this.#atOnce = atOnce;
    this.#waitingMax = waitingMax;
  }

  /** The string to keep. Rejects with TooManyPasswords. */
  async hash(password: SecretString): Promise<string> {
    const salt = randomBytes(saltBytes);
    const hash = await this.#work(password, salt, this.#cost);
    const { memoryKiB, passes } = this.#cost;
    return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=1$${base64(salt)}$${base64(hash)}`;
  }

  /**
   * `kept` undefined: there is no such person; false then, after the same work, so that the time tells nobody who exists. Rejects with
   * TooManyPasswords.
   */
  async matches(password: SecretString, kept: string | undefined): Promise<boolean> {
    const read = kept === undefined ? undefined : parse(kept);
    const salt = read?.salt ?? Buffer.alloc(saltBytes);
    const hash = await this.#work(password, salt, read?.cost ?? this.#cost);
    return read !== undefined && timingSafeEqual(hash, read.hash);
  }

  /** Made with other work than is usual now: hash the password anew while it is at hand. */
  isOutdated(kept: string): boolean {
    const cost = parse(kept)?.cost;
    return cost?.memoryKiB !== this.#cost.memoryKiB || cost.passes !== this.#cost.passes;
  }

  async #work(password: SecretString, nonce: Buffer, { memoryKiB, passes }: HashCost): Promise<Buffer> {
    const message = Buffer.from(password.reveal().normalize("NFKC"));
    const parameters: Argon2Parameters = {
      message: message.length <= passwordBytesMax ? message : Buffer.alloc(1),
      nonce,
      parallelism: 1,
      tagLength: hashBytes,
      memory: memoryKiB,
      passes,
    };
    await this.#turn();
    try {
      const hash = await argon2id("argon2id", parameters);
      // Too long for a password: the work is done all the same, and nothing fits it.
      return message.length <= passwordBytesMax ? hash : randomBytes(hashBytes);
    } finally {
      // The next one takes over the place, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  async #turn(): Promise<void> {
    if (this.#running < this.#atOnce) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= this.#waitingMax) throw new TooManyPasswords("too many passwords are being checked");
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** undefined: not a string of hash(), or one that costs too much. */
function parse(kept: string): { readonly cost: HashCost; readonly salt: Buffer; readonly hash: Buffer } | undefined {
  const found = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=1\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})$/.exec(
    kept,
  );
  if (!found) return undefined;
  const [, memory, passes, salt = "", hash = ""] = found;
  const cost = { memoryKiB: Number(memory), passes: Number(passes) };
  const isBearable =
    cost.memoryKiB >= 8 && cost.memoryKiB <= costMax.memoryKiB && cost.passes >= 1 && cost.passes <= costMax.passes;
  return isBearable ? { cost, salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") } : undefined;
}

/** PHC strings carry no padding. */
function base64(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}
