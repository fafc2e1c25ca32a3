/** `postern cloud backup`: everything a running cloud-sync has stored, in one file. */
import { resolve } from "node:path";
import { adminNote, adminOptions } from "./cloud-admin.ts";
import { defineCommand } from "./command.ts";
import { fetchBackup } from "./fetch-backup.ts";

export const command = defineCommand({
  about: [
    "Takes a backup of a running cloud-sync, of all its tables as of one moment, whatever its database. FILE is gzip of JSON lines that",
    "end with a checksum, mode 0600; it is checked before it takes the place of an older one. Sites' keys are in it sealed, PINs and",
    "tokens never in clear: to restore it you need the MASTER KEY too, which is not in it. Keep POSTERN_MASTER_KEY, or the file",
    "master-key of the data folder, in another place.",
    adminNote,
  ].join("\n"),
  arguments: ["FILE"],
  options: adminOptions,
  example: "postern cloud backup /var/backups/postern-cloud.jsonl.gz --url https://cloud.example",

  async run({ options, arguments: [file = ""] }) {
    const { rows, header } = await fetchBackup(options, resolve(file));
    const madeAt = Temporal.Instant.fromEpochMilliseconds(header.madeAt);
    console.log(`${file}: ${rows} rows as of ${madeAt}; to restore it you need the master key too`);
  },
});
