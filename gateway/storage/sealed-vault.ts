/**
 * Secrets of drivers in the data folder, `vault/NAME.sealed`: each sealed by a key that is derived from the gateway's own, and bound to its name.
 * Not in the backup: what is kept here has changed long before a backup is needed.
 */
import { hkdfSync } from "node:crypto";
import { dirname, join } from "node:path";
import type { Disk } from "../ports/disk.ts";
import type { Logger } from "../ports/logger.ts";
import type { Vault } from "../ports/vault.ts";
import { CredentialSeal } from "../wire/credential-seal.ts";
import type { SecretString } from "../wire/secret.ts";
import { isAbsent, writeFileAtomically } from "./atomic-file.ts";
import type { GatewayKeys } from "./gateway-keys.ts";

export interface SealedVaultOptions {
  readonly disk: Disk;
  /** The data folder. */
  readonly folder: string;
  readonly keys: Pick<GatewayKeys, "gateway" | "privateKey">;
  readonly logger: Logger;
}

const bytesMax = 64 * 1024;

export class SealedVault implements Vault {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #seal: CredentialSeal;
  readonly #logger: Logger;
  /** One write at a time: two of the same file would share its draft. */
  #writing: Promise<void> = Promise.resolve();

  constructor({ disk, folder, keys, logger }: SealedVaultOptions) {
    this.#disk = disk;
    this.#folder = join(folder, "vault");
    this.#logger = logger;
    const key = hkdfSync("sha256", keys.privateKey.reveal(), keys.gateway, "postern vault", 32);
    this.#seal = new CredentialSeal(keys.gateway, Buffer.from(key));
  }

  async load(name: string): Promise<SecretString | undefined> {
    let bytes: Uint8Array;
    try {
      bytes = await this.#disk.read(this.#pathOf(name), bytesMax);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
    const secret = this.#seal.open(labelOf(name), Buffer.from(bytes).toString().trim());
    if (!secret) this.#logger.error("vault-unreadable", { file: this.#pathOf(name) });
    return secret;
  }

  save(name: string, secret: SecretString): Promise<void> {
    const path = this.#pathOf(name);
    const written = this.#writing.then(async () => {
      const sealed = Buffer.from(`${this.#seal.seal(labelOf(name), secret.reveal())}\n`);
      if (sealed.length > bytesMax) throw new Error(`what is to be kept as ${name} is too long`);
      await this.#disk.makeFolder(this.#folder);
      await this.#disk.syncFolder(dirname(this.#folder));
      await writeFileAtomically(this.#disk, path, [sealed]);
    });
    this.#writing = written.catch(() => undefined);
    return written;
  }

  #pathOf(name: string): string {
    if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) throw new Error(`"${name}" is no name in a vault`);
    return join(this.#folder, `${name}.sealed`);
  }
}

function labelOf(name: string): string {
  return `vault ${name}`;
}
