/**
 * A gateway's backup: what cannot be made anew, sealed by a passphrase (scrypt, AES-256-GCM), because it holds private keys. Not in it:
 * journal and records; those come from the cloud, in a new epoch.
 *
 *   {"format":"postern-gateway-backup","version":1,"gateway":"…","madeAt":"…","scrypt":{…},"nonce":"…","tag":"…","sealed":"…"}
 *
 * All before "tag" is authenticated too. A file that was cut off or altered does not open.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { z } from "zod";
import { GatewayError } from "../errors.ts";
import type { SecretString } from "../wire/secret.ts";

const contentSchema = z.strictObject({
  /** Of keys.json. */
  keys: z.string(),
  /** The authority the boxes trust; null: the gateway has none yet. */
  authority: z.strictObject({ key: z.string(), certificate: z.string() }).nullable(),
  /** `path`: where it stood, absolute. */
  configuration: z.strictObject({ path: z.string().min(1), text: z.string() }).nullable(),
  /** The files that the configuration names: secrets, and the authority of a cloud that has a private one. */
  secrets: z.string().nullable(),
  cloudAuthority: z.string().nullable(),
});
export type GatewayBackup = z.infer<typeof contentSchema>;

const bytes = (length: number) =>
  z
    .string()
    .transform((text) => Buffer.from(text, "base64url"))
    .refine((value) => value.length === length, `expected ${length} bytes in base64url`);

const headerSchema = z.strictObject({
  format: z.literal("postern-gateway-backup"),
  version: z.literal(1),
  gateway: z.string(),
  madeAt: z.string(),
  /** N is bounded: whoever hands us a file does not choose how much memory it takes. */
  scrypt: z.strictObject({ N: z.literal(131_072), r: z.literal(8), p: z.literal(1), salt: z.string().max(64) }),
  nonce: z.string().max(64),
});
const fileSchema = headerSchema.extend({ tag: bytes(16), sealed: z.string() });

/** 128 MB and some tenths of a second a guess. */
const cost = { N: 131_072, r: 8, p: 1 };
const memoryMax = 160 * 1024 * 1024;

export const passphraseLengthMin = 12;

/** The file's text. */
export async function sealBackup(
  content: GatewayBackup,
  facts: { readonly gateway: string; readonly madeAt: string },
  passphrase: SecretString,
): Promise<string> {
  const header: z.infer<typeof headerSchema> = {
    format: "postern-gateway-backup",
    version: 1,
    ...facts,
    scrypt: { N: 131_072, r: 8, p: 1, salt: randomBytes(16).toString("base64url") },
    nonce: randomBytes(12).toString("base64url"),
  };
  const cipher = createCipheriv("aes-256-gcm", await keyOf(passphrase, header), Buffer.from(header.nonce, "base64url"));
  cipher.setAAD(Buffer.from(JSON.stringify(header)));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(content)), cipher.final()]).toString("base64url");
  return `${JSON.stringify({ ...header, tag: cipher.getAuthTag().toString("base64url"), sealed })}\n`;
}

/** Rejects with `backup-invalid` when the file is not one, was cut off or altered, or the passphrase is another. */
export async function openBackup(text: string, passphrase: SecretString): Promise<GatewayBackup> {
  const file = fileSchema.safeParse(parsed(text));
  if (!file.success)
    throw new GatewayError("backup-invalid", "the file is no whole gateway backup of a version that is known here");
  const { tag, sealed, ...header } = file.data;
  const decipher = createDecipheriv(
    "aes-256-gcm",
    await keyOf(passphrase, header),
    Buffer.from(header.nonce, "base64url"),
  );
  decipher.setAAD(Buffer.from(JSON.stringify(header))).setAuthTag(tag);
  let plain: string;
  try {
    plain = Buffer.concat([decipher.update(sealed, "base64url"), decipher.final()]).toString();
  } catch {
    throw new GatewayError("backup-invalid", "the backup does not open: another passphrase, or the file was altered");
  }
  return contentSchema.parse(JSON.parse(plain));
}

function keyOf(passphrase: SecretString, header: z.infer<typeof headerSchema>): Promise<Buffer> {
  const salt = Buffer.from(header.scrypt.salt, "base64url");
  return new Promise((resolve, reject) => {
    scrypt(passphrase.reveal().normalize("NFC"), salt, 32, { ...cost, maxmem: memoryMax }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
