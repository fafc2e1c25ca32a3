/** `postern cloud-sync`: the cloud service. */

import { readFile } from "node:fs/promises";
import type { SmtpOptions } from "../cloud-sync/channels/smtp.ts";
import { ConfigError } from "../config/config-error.ts";
import { type GuestSecret, loadCloudConfig } from "../config/load.ts";
import type { CloudFile } from "../config/schema.ts";
import { pinoLogger } from "../gateway/pino-logger.ts";
import type { Clock } from "../gateway/ports/clock.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { SecretString } from "../gateway/wire/secret.ts";
import { commonOptions, defineCommand, type OptionValues } from "./command.ts";
import { onFolder } from "./disk-error.ts";
import { runService } from "./process.ts";
import { version } from "./version.ts";

type MailSettings = NonNullable<CloudFile["mail"]>;

/** Rejects with a ConfigError when the CA's file cannot be read. */
async function toSmtp({ caFile, ...mail }: MailSettings, password: string | undefined): Promise<SmtpOptions> {
  const ca = caFile === undefined ? undefined : await readAuthority(caFile);
  return { ...mail, password: password === undefined ? undefined : new SecretString(password), ca };
}

function readAuthority(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError([{ file, path: "", message: `cannot be read (${error.code}); mail.caFile names it` }]);
  });
}

export const command = defineCommand({
  about: [
    "Stores grants, hands out what changed to the gateways, takes in their journals. Without a configuration file it listens on",
    "http://127.0.0.1:8090 and stores below ./data/cloud. From the environment: DATABASE_URL (PostgreSQL instead of the embedded",
    "store), POSTERN_MASTER_KEY, POSTERN_MAIL_PASSWORD (of the mail server's user), POSTERN_ONESIGNAL_KEY (of a community's app),",
    "POSTERN_TWILIO_TOKEN, POSTERN_META_TOKEN, _APP_SECRET and _VERIFY_TOKEN (by which guests are told),",
    "POSTERN_ADMIN_TOKEN (for scripts; without it a link is printed by which the first administrator makes an account, as long as there",
    "is none).",
  ].join("\n"),
  options: commonOptions,
  example: "postern cloud-sync --config /etc/postern/cloud-sync.yaml",

  run: ({ options }) => runCloud(options, systemClock),
});

/** Resolves with the exit code. `clock`: a demo's cloud has another than the system's. */
export async function runCloud(options: OptionValues<typeof commonOptions>, clock: Clock): Promise<number> {
  const { settings, databaseUrl, mailPassword, oneSignalKey, guestSecret } = await loadCloudConfig(options.config, {
    data: options.data,
  });
  const logger = pinoLogger(settings.log.level);
  const token = process.env.POSTERN_ADMIN_TOKEN;
  return runService({
    logger,
    readyFile: options["ready-file"],
    async start() {
      const { startCloud } = await import("../cloud-sync/main.ts");
      const mail = settings.mail && (await toSmtp(settings.mail, mailPassword()));
      const { oneSignal, pushServices } = settings.notify;
      const { twilio, meta } = settings.guests;
      const secret = (name: GuestSecret) => new SecretString(guestSecret(name) ?? "");
      return onFolder(settings.data, () =>
        startCloud({
          http: settings.http,
          publicUrl: settings.publicUrl,
          trustedProxies: settings.trustedProxies,
          dataFolder: settings.data,
          databaseUrl: databaseUrl(),
          retention: settings.retention,
          mail,
          oneSignal: oneSignal && { ...oneSignal, key: new SecretString(oneSignalKey() ?? "") },
          pushServices,
          twilio: twilio && { ...twilio, authToken: secret("POSTERN_TWILIO_TOKEN") },
          meta: meta && {
            ...meta,
            token: secret("POSTERN_META_TOKEN"),
            appSecret: secret("POSTERN_META_APP_SECRET"),
            verifyToken: secret("POSTERN_META_VERIFY_TOKEN"),
          },
          lodgifyUrl: settings.sources.lodgifyUrl,
          adminToken: token ? new SecretString(token) : undefined,
          version,
          logger,
          clock,
        }),
      );
    },
    ready({ url, firstAdminLink }) {
      // Beside the log, not in it: whoever has the link becomes administrator.
      if (firstAdminLink)
        console.error(`Nobody is administrator yet. Open this link within a day: ${firstAdminLink.reveal()}`);
      return { url, ...(firstAdminLink && { firstAdminLink: firstAdminLink.reveal() }) };
    },
  });
}
