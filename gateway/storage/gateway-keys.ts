/** Who this gateway is and the keys it holds: `keys.json` in the data folder, for nobody else to read. */
import { createHash, createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { GatewayError } from "../errors.ts";
import type { Disk } from "../ports/disk.ts";
import { SecretString } from "../wire/secret.ts";
import { isAbsent, writeFileAtomically } from "./atomic-file.ts";

/** In this order they are summed. */
const membersSchema = z.strictObject({
  site: z.string().min(1),
  gateway: z.string().min(1),
  name: z.string(),
  epoch: z.number().int().positive(),
  newEpochAsked: z.literal(true).optional(),
  siteKey: z.string().regex(/^[\w-]{43}$/),
  privateKey: z.string().refine(isEd25519),
});

const fileSchema = membersSchema.extend({
  /** SHA-256 in hex, see checksumOf; a file written before there was one has none until it is next saved. */
  checksum: z.string().optional(),
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

/** undefined: not enrolled yet. Rejects with `keys-exposed` when others may read the file, and as parseGatewayKeys does. */
export async function loadGatewayKeys(disk: Disk, folder: string): Promise<GatewayKeys | undefined> {
  const path = join(folder, keysFile);
  let text: string;
  try {
    const mode = await disk.permissions(path);
    if ((mode & 0o077) !== 0) {
      throw new GatewayError(
        "keys-exposed",
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

/**
 * `path`: where the text is from. Throws `keys-damaged` when it is none of keys.json, whole and unaltered: with another site key no
 * PIN would be known and nothing would say why.
 */
export function parseGatewayKeys(text: string, path: string): GatewayKeys {
  const parsed = fileSchema.safeParse(parsedJson(text));
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path: at }) => at.join(".") || "the whole file").join(", ");
    // The cause would quote the file.
    throw new GatewayError("keys-damaged", `${path} is damaged (${wrong})`);
  }
  const { checksum, ...members } = parsed.data;
  if (checksum !== undefined && checksum !== checksumOf(members))
    throw new GatewayError("keys-damaged", `${path} is damaged: its checksum does not fit what is in it`);
  const { siteKey, privateKey } = members;
  return { ...members, siteKey: new SecretString(siteKey), privateKey: new SecretString(privateKey) };
}

/** On the disk when it resolves. */
export async function saveGatewayKeys(disk: Disk, folder: string, keys: GatewayKeys): Promise<void> {
  const { siteKey, privateKey } = keys;
  const members = membersSchema.parse({ ...keys, siteKey: siteKey.reveal(), privateKey: privateKey.reveal() });
  const content = { ...members, checksum: checksumOf(members) };
  await disk.makeFolder(folder);
  await writeFileAtomically(disk, join(folder, keysFile), [Buffer.from(`${JSON.stringify(content, null, 2)}\n`)]);
}

/** Against a card that forgets bits, not against who writes the file: such a one has the keys. */
function checksumOf(members: z.infer<typeof membersSchema>): string {
  const known = Object.keys(membersSchema.shape) as (keyof typeof members)[];
  return createHash("sha256")
    .update(JSON.stringify(known.map((name) => members[name] ?? null)))
    .digest("hex");
}

function isEd25519(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "ed25519";
  } catch {
    return false;
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
