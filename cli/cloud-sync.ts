/** `postern cloud-sync`: the cloud service. */

import { loadCloudConfig } from "../config/load.ts";
import { pinoLogger } from "../gateway/pino-logger.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { SecretString } from "../gateway/wire/secret.ts";
import { commonOptions, defineCommand } from "./command.ts";
import { onFolder } from "./disk-error.ts";
import { runService } from "./process.ts";
import { version } from "./version.ts";

export const command = defineCommand({
  about: [
    "Stores grants, hands out what changed to the gateways, takes in their journals. Without a configuration file it listens on",
    "http://127.0.0.1:8090 and stores below ./data/cloud. From the environment: DATABASE_URL (PostgreSQL instead of the embedded",
    "store), POSTERN_ADMIN_TOKEN (else a token is made at the first start and printed once), POSTERN_MASTER_KEY.",
  ].join("\n"),
  options: commonOptions,
  example: "postern cloud-sync --config /etc/postern/cloud-sync.yaml",

  async run({ options }) {
    const { settings, databaseUrl } = await loadCloudConfig(options.config, { data: options.data });
    const logger = pinoLogger(settings.log.level);
    const token = process.env.POSTERN_ADMIN_TOKEN;
    return runService({
      logger,
      readyFile: options["ready-file"],
      async start() {
        const { startCloud } = await import("../cloud-sync/main.ts");
        return onFolder(settings.data, () =>
          startCloud({
            http: settings.http,
            dataFolder: settings.data,
            databaseUrl: databaseUrl(),
            adminToken: token ? new SecretString(token) : undefined,
            version,
            logger,
            clock: systemClock,
          }),
        );
      },
      ready({ url, adminToken }) {
        // Beside the log, not in it: this is the one time it is shown.
        if (adminToken) console.error(`Administrator's token, shown this once: ${adminToken.reveal()}`);
        return { url, ...(adminToken && { adminToken: adminToken.reveal() }) };
      },
    });
  },
});
