/**
 * A refresh token that is good once: each use brings the next, and the one before is dead. The chain begins with the token of the secrets file; its
 * newest is kept in the vault under a name made of the first, so another token in the file begins a chain of its own.
 */
import { createHash } from "node:crypto";
import type { Millis } from "../../domain/instant.ts";
import type { DriverContext } from "../../ports/driver.ts";
import type { SecretString } from "../../wire/secret.ts";

const againMs: Millis = 10_000;

export class TokenChain {
  /** Tells chains apart; not a secret. */
  readonly id: string;
  readonly #first: SecretString;
  readonly #vault: DriverContext["vault"];
  readonly #clock: DriverContext["clock"];
  readonly #logger: DriverContext["logger"];
  #newest: SecretString | undefined;
  #saving: Promise<void> = Promise.resolve();

  /** `maker`: the driver's name, with which names in the vault begin. */
  constructor(
    maker: string,
    first: SecretString,
    { vault, clock, logger }: Pick<DriverContext, "vault" | "clock" | "logger">,
  ) {
    this.id = chainId(maker, first);
    this.#first = first;
    this.#vault = vault;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** What to sign in with. Rejects when the disk cannot be read: with a token of before a person would have to sign in again. */
  async newest(): Promise<SecretString> {
    await this.#saving;
    this.#newest ??= await this.#vault?.load(this.id);
    return this.#newest ?? this.#first;
  }

  /** Resolves when it is on the disk, or the disk has refused it once; it is tried again then until it is taken, or a newer one is. */
  async keep(token: SecretString): Promise<void> {
    this.#newest = token;
    const attempt = this.#saving.then(() => this.#save(token));
    this.#saving = attempt.then(() => undefined);
    if (!(await attempt)) void this.#insist(token);
  }

  /** Whatever of it must not be seen. */
  get secrets(): readonly SecretString[] {
    return [this.#first, ...(this.#newest ? [this.#newest] : [])];
  }

  async #save(token: SecretString): Promise<boolean> {
    try {
      await this.#vault?.save(this.id, token);
      return true;
    } catch (error) {
      this.#logger.error("token-not-kept", { error: error as Error, againInMs: againMs });
      return false;
    }
  }

  async #insist(token: SecretString): Promise<void> {
    do await this.#clock.sleep(againMs);
    while (this.#newest === token && !(await this.#save(token)));
  }
}

export function chainId(maker: string, first: SecretString): string {
  return `${maker}-${createHash("sha256").update(first.reveal()).digest("hex").slice(0, 32)}`;
}
