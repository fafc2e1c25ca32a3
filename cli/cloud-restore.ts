/** `postern cloud restore`: a backup in the place of everything a stopped cloud-sync has stored. */
import { resolve } from "node:path";
import { loadCloudConfig } from "../config/load.ts";
import { pinoLogger } from "../gateway/pino-logger.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { commonOptions, defineCommand } from "./command.ts";
import { onFolder } from "./disk-error.ts";

export const command = defineCommand({
  about: [
    "Replaces EVERYTHING that cloud-sync has stored by a backup, in one transaction; stop every cloud-sync on that database first. The",
    "store is the one the service would open: PostgreSQL by DATABASE_URL, else the embedded one in the data folder. The master key the",
    "backup was made under must be there: POSTERN_MASTER_KEY, or the file master-key in the data folder.",
    "Refused before anything is changed: a file that is not whole or was altered, another master key, a newer version's backup.",
    "Each site begins a new history: every gateway takes the whole set again, sends the events the backup lacks, and gives its account;",
    "until all have, entries of older limited grants stay where they are. Declare a gateway that will never come back lost.",
  ].join("\n"),
  arguments: ["FILE"],
  options: { config: commonOptions.config, data: commonOptions.data },
  example: "postern cloud restore /var/backups/postern-cloud.jsonl.gz --config /etc/postern/cloud-sync.yaml",

  async run({ options, arguments: [file = ""] }) {
    const { settings, databaseUrl } = await loadCloudConfig(options.config, { data: options.data });
    const { restoreCloud } = await import("../cloud-sync/restore-cloud.ts");
    const { header, rows, sites } = await onFolder(settings.data, () =>
      restoreCloud({
        file: resolve(file),
        dataFolder: settings.data,
        databaseUrl: databaseUrl(),
        clock: systemClock,
        logger: pinoLogger("warn"),
      }),
    );
    const madeAt = Temporal.Instant.fromEpochMilliseconds(header.madeAt);
    const waiting =
      sites.length === 1
        ? "1 site waits for its gateways' accounts"
        : `${sites.length} sites wait for their gateways' accounts`;
    console.log(`${rows} rows as of ${madeAt} are back; ${waiting}`);
  },
});
