/** The passphrase of a gateway's backup: from the environment or a file, never from the command line, which every user can list. */
import { readFile, stat } from "node:fs/promises";
import { passphraseLengthMin } from "../gateway/storage/gateway-backup.ts";
import { SecretString } from "../gateway/wire/secret.ts";
import { UsageError } from "./command.ts";

export const passphraseOptions = {
  "passphrase-file": {
    type: "string",
    placeholder: "FILE",
    help: "File of mode 0600 with the passphrase, instead of POSTERN_BACKUP_PASSPHRASE",
  },
} as const;

/** Throws UsageError. */
export async function passphraseFrom(options: {
  readonly "passphrase-file"?: string | undefined;
}): Promise<SecretString> {
  const file = options["passphrase-file"];
  if (file !== undefined && ((await stat(file)).mode & 0o077) !== 0)
    throw new UsageError(`others than its owner can read the passphrase file; run: chmod 600 ${file}`);
  const text = file === undefined ? process.env.POSTERN_BACKUP_PASSPHRASE : await readFile(file, "utf8");
  const passphrase = text?.replace(/\r?\n$/, "") ?? "";
  if (passphrase.length < passphraseLengthMin)
    throw new UsageError(
      `a passphrase of at least ${passphraseLengthMin} characters is needed: set POSTERN_BACKUP_PASSPHRASE, or name a --passphrase-file`,
    );
  return new SecretString(passphrase);
}
