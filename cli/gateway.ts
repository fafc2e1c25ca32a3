/** `postern gateway`: the daemon on site. */
import "./small-heap.ts";
import { join } from "node:path";
import { loadGatewayConfig } from "../config/load.ts";
import type { Secrets } from "../config/secrets.ts";
import { pinoLogger } from "../gateway/pino-logger.ts";
import type { Clock } from "../gateway/ports/clock.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { SecretString } from "../gateway/wire/secret.ts";
import { commonOptions, defineCommand, type OptionValues, UsageError } from "./command.ts";
import { onFolder } from "./disk-error.ts";
import { runService } from "./process.ts";
import { version } from "./version.ts";

export const command = defineCommand({
  about: [
    "Runs a site: hosts the MQTT broker, drives the locks, decides from its own records, reconciles with the cloud when it can.",
    "The data folder must be enrolled once, see postern enrol. SIGHUP takes devices' new passwords and the log level over.",
  ].join("\n"),
  options: commonOptions,
  example: "postern gateway --config /etc/postern/gateway.yaml",

  run: ({ options }) => runGateway(options, systemClock),
});

/** Resolves with the exit code. `clock`: a demo's gateway has another than the system's. */
export async function runGateway(options: OptionValues<typeof commonOptions>, clock: Clock): Promise<number> {
  const file = options.config;
  if (file === undefined) throw new UsageError("--config FILE is needed; config/demo.example.yaml shows one");
  const { settings, secrets } = await loadGatewayConfig(file, { data: options.data });
  const logger = pinoLogger(settings.log.level);
  return runService({
    logger,
    readyFile: options["ready-file"],
    async start({ fail }) {
      const [{ startGateway }, { trustAlso }, { nodeDisk }, { enrolledKeys }] = await Promise.all([
        import("../gateway/gateway.ts"),
        import("../gateway/sync/private-authority.ts"),
        import("../gateway/storage/node-disk.ts"),
        import("./enrolled-keys.ts"),
      ]);
      await trustAlso(settings.cloud.caFile);
      const gateway = await onFolder(settings.data, async () =>
        startGateway({
          settings,
          keys: await enrolledKeys(settings.data),
          secret: secretOf(secrets),
          version,
          clock,
          disk: nodeDisk,
          logger,
          fetch,
          random: Math.random,
          onFailed: fail,
        }),
      );
      const reload = async () => {
        const fresh = await loadGatewayConfig(file, { data: options.data });
        gateway.reloadSecrets(secretOf(fresh.secrets));
        logger.setLevel(fresh.settings.log.level);
      };
      return { gateway, stop: () => gateway.stop(), reload };
    },
    ready: ({ gateway }) => ({
      gateway: gateway.site.parts.records.gateway,
      url: gateway.http.url,
      brokerPort: gateway.broker.port,
      brokerPlainPort: gateway.broker.plainPort ?? null,
      lan: gateway.lan ?? null,
      caFile: join(settings.data, "ca", "ca.crt"),
    }),
  });
}

function secretOf(secrets: Secrets): (device: string, name: string) => SecretString | undefined {
  return (device, name) => {
    const value = secrets.ofDevice(device, name);
    return value === undefined ? undefined : new SecretString(value);
  };
}
