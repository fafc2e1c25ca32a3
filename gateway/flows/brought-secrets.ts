/** What the cloud has brought of makers' secrets for this gateway, as its records have it now: opened when somebody asks, and kept open no longer than the row. */
import type { SiteRecords } from "../domain/site-records.ts";
import type { Logger } from "../ports/logger.ts";
import { type MakerSecrets, openAtGateway } from "../wire/gateway-secret.ts";
import type { SecretString } from "../wire/secret.ts";

export interface BroughtSecretsOptions {
  readonly site: string;
  /** Ed25519, PKCS #8 in PEM. */
  readonly privateKey: SecretString;
  readonly logger: Logger;
}

interface Opened {
  readonly sealed: string;
  readonly secrets: MakerSecrets | undefined;
}

export class BroughtSecrets {
  readonly #options: BroughtSecretsOptions;
  #records: Pick<SiteRecords, "gateway" | "integration"> | undefined;
  /** By provider. */
  readonly #opened = new Map<string, Opened>();

  constructor(options: BroughtSecretsOptions) {
    this.#options = options;
  }

  /** Before the records are read nothing has been brought. */
  readFrom(records: Pick<SiteRecords, "gateway" | "integration">): void {
    this.#records = records;
  }

  /** The cloud was given some for this gateway, and they can be opened. */
  has(provider: string): boolean {
    return this.#secrets(provider) !== undefined;
  }

  secret(provider: string, name: string): SecretString | undefined {
    const secrets = this.#secrets(provider);
    return secrets && Object.hasOwn(secrets, name) ? secrets[name] : undefined;
  }

  #secrets(provider: string): MakerSecrets | undefined {
    const row = this.#records?.integration(provider);
    if (!row) {
      this.#opened.delete(provider);
      return undefined;
    }
    const known = this.#opened.get(provider);
    const { secrets } = known?.sealed === row.sealed ? known : this.#open(provider, row);
    return secrets;
  }

  #open(provider: string, { gateway, sealed }: { readonly gateway: string; readonly sealed: string }): Opened {
    const { site, privateKey, logger } = this.#options;
    const secrets = openAtGateway(privateKey, { site, gateway, provider }, sealed);
    if (!secrets) logger.warn("integration-unopened", { provider });
    const opened = { sealed, secrets };
    this.#opened.set(provider, opened);
    return opened;
  }
}
