/** A vault that outlives whatever uses it, as a disk does; it can be full, and slow. */
import type { Vault } from "../../gateway/ports/vault.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";

export class MemoryVault implements Vault {
  readonly kept = new Map<string, SecretString>();
  isFull = false;
  isUnreadable = false;
  /** What is to be kept waits for it. */
  slow: Promise<void> = Promise.resolve();

  async load(name: string): Promise<SecretString | undefined> {
    if (this.isUnreadable) throw new Error("input/output error");
    return this.kept.get(name);
  }

  async save(name: string, secret: SecretString): Promise<void> {
    await this.slow;
    if (this.isFull) throw new Error("no space left");
    this.kept.set(name, secret);
  }
}
