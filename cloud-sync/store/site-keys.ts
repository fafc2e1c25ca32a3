/** Each site's 32-byte key, sealed under the service's master key (AES-256-GCM, bound to the site's id). */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { CloudStartError } from "../start-error.ts";
import { person, site } from "./schema.ts";
import type { Queries } from "./store.ts";

const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;

export class SiteKeys {
  readonly #masterKey: Buffer;
  readonly #opened = new Map<string, Buffer>();

  /** `masterKey`: 32 bytes in base64url. */
  constructor(masterKey: SecretString) {
    const key = Buffer.from(masterKey.reveal(), "base64url");
    if (key.length !== keyBytes)
      throw new CloudStartError(
        "master-key-wrong",
        `the master key (POSTERN_MASTER_KEY, else the file master-key in the data folder) must be ${keyBytes} bytes in base64url; this one has ${key.length}`,
      );
    this.#masterKey = key;
  }

  /** A new site's key, sealed. */
  create(siteId: string): string {
    const key = randomBytes(keyBytes);
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#masterKey, nonce).setAAD(Buffer.from(siteId));
    const body = Buffer.concat([cipher.update(key), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
  }

  /** The site's key in base64url, for the gateway that enrols. */
  async key(db: Queries, siteId: string): Promise<SecretString> {
    return new SecretString((await this.#open(db, siteId)).toString("base64url"));
  }

  async seal(db: Queries, siteId: string): Promise<CredentialSeal> {
    return new CredentialSeal(siteId, await this.#open(db, siteId));
  }

  /** A key of the service itself, derived from the master key (HKDF-SHA-256): 32 bytes, another for each purpose. */
  serviceKey(purpose: string): Buffer {
    return Buffer.from(hkdfSync("sha256", this.#masterKey, "postern service", purpose, keyBytes));
  }

  /** Rejects with `master-key-wrong` when the sites in the store were sealed under another key. */
  async check(db: Queries): Promise<void> {
    const [any] = await db.select({ id: site.id }).from(site).limit(1);
    if (any) await this.#open(db, any.id);
  }

  async #open(db: Queries, siteId: string): Promise<Buffer> {
    const known = this.#opened.get(siteId);
    if (known) return known;
    const [row] = await db.select({ sealedKey: site.sealedKey }).from(site).where(eq(site.id, siteId));
    if (!row) throw new Error(`no site ${siteId}`);
    const bytes = Buffer.from(row.sealedKey, "base64url");
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#masterKey, bytes.subarray(0, nonceBytes))
        .setAAD(Buffer.from(siteId))
        .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const key = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
      this.#opened.set(siteId, key);
      return key;
    } catch (cause) {
      const message = "the sites' keys were sealed under another master key; set POSTERN_MASTER_KEY to that one";
      throw new CloudStartError("master-key-wrong", message, { cause });
    }
  }
}

/** From POSTERN_MASTER_KEY, else from the data folder. undefined: there is none. */
export async function knownMasterKey(dataFolder: string): Promise<SecretString | undefined> {
  const key = process.env.POSTERN_MASTER_KEY || (await readIfThere(masterKeyFile(dataFolder)));
  return key === undefined ? undefined : new SecretString(key.trim());
}

const masterKeyFile = (dataFolder: string) => join(dataFolder, "master-key");

/**
 * Under `masterKey`, else knownMasterKey, else one made in the data folder while there is no site and nobody. Rejects with `master-key-wrong`, and
 * with `master-key-missing` where there are some: one made then would take the place of the one that is only not there.
 */
export async function openSiteKeys(db: Queries, dataFolder: string, masterKey?: SecretString): Promise<SiteKeys> {
  const known = masterKey ?? (await knownMasterKey(dataFolder));
  if (known) {
    const keys = new SiteKeys(known);
    await keys.check(db);
    return keys;
  }
  const [anySite] = await db.select({ id: site.id }).from(site).limit(1);
  const [anybody] = await db.select({ id: person.id }).from(person).limit(1);
  if (anySite || anybody)
    throw new CloudStartError(
      "master-key-missing",
      `${masterKeyFile(dataFolder)} is missing, and the sites' keys and people's second factors in the store are sealed by it: put it back from where you keep it, or set POSTERN_MASTER_KEY to it (32 bytes in base64url)`,
    );
  return new SiteKeys(await makeMasterKey(dataFolder));
}

/** Whoever has it and the database has every PIN. */
async function makeMasterKey(dataFolder: string): Promise<SecretString> {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const file = masterKeyFile(dataFolder);
  // Written beside and linked into place: a crash leaves a whole key or none, and of two starts one wins.
  const fresh = `${file}.${randomBytes(6).toString("hex")}`;
  await writeFile(fresh, `${randomBytes(keyBytes).toString("base64url")}\n`, { mode: 0o600, flush: true });
  await link(fresh, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(fresh);
  return new SecretString((await readFile(file, "utf8")).trim());
}

function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
}
