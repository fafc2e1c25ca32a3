/** `postern enrol`: turns a one-time code into the gateway's identity. */
import { text } from "node:stream/consumers";
import { loadGatewayConfig } from "../config/load.ts";
import { SecretString } from "../gateway/wire/secret.ts";
import { commonOptions, defineCommand, UsageError } from "./command.ts";
import { onFolder } from "./disk-error.ts";
import { version } from "./version.ts";

export const command = defineCommand({
  about: [
    "Enrols the gateway of this configuration at its cloud. The one-time code comes from POST /api/sites/{site}/gateways, is good for",
    "15 minutes, and is read from the environment (POSTERN_ENROLMENT_CODE) or from standard input, so that no process list shows it.",
  ].join("\n"),
  options: { config: commonOptions.config, data: commonOptions.data },
  example: "echo demo.7KQ2-M9XW-3DPA | postern enrol --config /etc/postern/gateway.yaml",

  async run({ options }) {
    if (options.config === undefined) throw new UsageError("--config FILE is needed");
    const { settings } = await loadGatewayConfig(options.config, { data: options.data });
    const code = (process.env.POSTERN_ENROLMENT_CODE ?? (await text(process.stdin))).trim();
    if (code === "") throw new UsageError("no code came from POSTERN_ENROLMENT_CODE or standard input");
    const [{ enrolGateway }, { trustAlso }] = await Promise.all([
      import("../gateway/enrol-gateway.ts"),
      import("../gateway/sync/private-authority.ts"),
    ]);
    await trustAlso(settings.cloud.caFile);
    const keys = await onFolder(settings.data, () =>
      enrolGateway({
        cloudUrl: settings.cloud.url,
        code: new SecretString(code),
        folder: settings.data,
        version,
        fetch,
      }),
    );
    console.log(`${settings.data} is now gateway ${keys.gateway} (${keys.name}) of site ${keys.site}`);
  },
});
