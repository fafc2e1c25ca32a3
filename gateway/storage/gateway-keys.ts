/** Who this gateway is and the keys it holds: `keys.json` in the data folder, for nobody else to read. */
import { join } from "node:path";
import { z } from "zod";
import { GatewayError } from "../errors.ts";
import type { Disk } from "../ports/disk.ts";
import { SecretString } from "../wire/secret.ts";
import { isAbsent, writeFileAtomically } from "./atomic-file.ts";

const secret = (length: number) =>
  z
    .string()
    .min(length)
    .transform((value) => new SecretString(value));

const keysSchema = z.strictObject({
  site: z.string().min(1),
  gateway: z.string().min(1),
  name: z.string(),
  epoch: z.number().int().positive(),
  newEpochAsked: z.literal(true).optional(),
  siteKey: secret(43),
  privateKey: secret(1),
});

export interface GatewayKeys {
  readonly site: string;
  readonly gateway: string;
  readonly name: string;
  /** Counts the enrolments of this gateway; a new one fences the old. */
  readonly epoch: number;
  /** The cloud was asked for the next epoch, and its answer is not written down yet. */
  readonly newEpochAsked?: true | undefined;
  /** 32 bytes in base64url: indexes and seals credentials (wire/credential-seal.ts). */
  readonly siteKey: SecretString;
  /** Ed25519, PKCS #8 in PEM. */
  readonly privateKey: SecretString;
}

const keysFile = "keys.json";

/** undefined: not enrolled yet. Rejects with `config-invalid` when others may read the file or it is not ours. */
export async function loadGatewayKeys(disk: Disk, folder: string): Promise<GatewayKeys | undefined> {
  const path = join(folder, keysFile);
  let text: string;
  try {
    const mode = await disk.permissions(path);
    if ((mode & 0o077) !== 0) {
      throw new GatewayError(
        "config-invalid",
        `${path} has permissions ${mode.toString(8)}, so others may read the gateway's keys: run chmod 600 ${path}`,
      );
    }
    text = Buffer.from(await disk.read(path)).toString();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  return parseGatewayKeys(text, path);
}

/** `path`: where the text is from. Rejects with `config-invalid` when it is none of keys.json. */
export function parseGatewayKeys(text: string, path: string): GatewayKeys {
  const parsed = keysSchema.safeParse(parsedJson(text));
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path: at }) => at.join(".") || "the whole file").join(", ");
  // The cause would quote the file.
  throw new GatewayError("config-invalid", `${path} cannot be read (${wrong}): restore it, or enrol the gateway anew`);
}

/** On the disk when it resolves. */
export async function saveGatewayKeys(disk: Disk, folder: string, keys: GatewayKeys): Promise<void> {
  const { siteKey, privateKey } = keys;
  const content = { ...keys, siteKey: siteKey.reveal(), privateKey: privateKey.reveal() };
  await disk.makeFolder(folder);
  await writeFileAtomically(disk, join(folder, keysFile), [Buffer.from(`${JSON.stringify(content, null, 2)}\n`)]);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
