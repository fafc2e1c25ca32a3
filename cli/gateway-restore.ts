/** `postern gateway restore`: the same gateway on a new card. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { gatewayFromYaml, loadGatewayConfig } from "../config/load.ts";
import { parseYaml } from "../config/yaml-file.ts";
import { putIfAbsent, restoreGateway } from "../gateway/restore-gateway.ts";
import { openBackup } from "../gateway/storage/gateway-backup.ts";
import { trustAlso } from "../gateway/sync/private-authority.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { commonOptions, defineCommand, UsageError } from "./command.ts";
import { onFolder } from "./disk-error.ts";
import { passphraseFrom, passphraseOptions } from "./passphrase.ts";

const deadlineMs = 60_000;

export const command = defineCommand({
  about: [
    "Puts a backup of a gateway on a new card. The configuration goes where it was, or where --config says, the secrets where it says;",
    "a file that is there already stays. The cloud must be reached: it begins a new epoch, which fences the old card for good, should it still run; what",
    "that had not reported stays spent. The journal begins empty, records come from the cloud, the boxes know the gateway by its old",
    "authority. May be repeated after a failure.",
  ].join("\n"),
  arguments: ["FILE"],
  options: { config: commonOptions.config, data: commonOptions.data, ...passphraseOptions },
  example: "postern gateway restore /media/usb/front-gate.backup",

  async run({ options, arguments: [file = ""] }) {
    const content = await openBackup(await readFile(file, "utf8"), await passphraseFrom(options));
    const { configuration, secrets, cloudAuthority } = content;
    const config = options.config === undefined ? configuration?.path : resolve(options.config);
    if (config === undefined) throw new UsageError("the backup holds no configuration; give --config FILE");
    const put = async (path: string, text: string) =>
      console.log((await putIfAbsent(path, text)) ? `${path} is back` : `${path} was there already and stays`);
    if (configuration) await put(config, configuration.text);
    const named = gatewayFromYaml(parseYaml(config, await readFile(config, "utf8")));
    for (const [path, text] of [
      [named.secretsFile, secrets],
      [named.cloud.caFile, cloudAuthority],
    ] as const)
      if (path !== undefined && text !== null) await put(resolve(dirname(config), path), text);
    const { settings } = await loadGatewayConfig(config, { data: options.data });
    await trustAlso(settings.cloud.caFile);
    const keys = await onFolder(settings.data, () =>
      restoreGateway({
        content,
        folder: settings.data,
        cloudUrl: settings.cloud.url,
        clock: systemClock,
        fetch,
        signal: AbortSignal.timeout(deadlineMs),
      }),
    );
    console.log(`${settings.data} is gateway ${keys.gateway} (${keys.name}) again, in epoch ${keys.epoch}`);
  },
});
