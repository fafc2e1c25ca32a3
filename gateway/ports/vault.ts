/**
 * Where a driver keeps a secret that it must not lose over a restart, such as a token that the maker changes. Names are of lower-case letters,
 * digits and hyphens, at most 64, and begin with the driver's own.
 */
import type { SecretString } from "../wire/secret.ts";

export interface Vault {
  /** undefined: nothing is kept by that name, or what was cannot be opened any more. Rejects when the disk cannot be read. */
  load(name: string): Promise<SecretString | undefined>;
  /** On the disk, sealed, when it resolves; the one before stands until then. Rejects when the disk does not take it. */
  save(name: string, secret: SecretString): Promise<void>;
}
