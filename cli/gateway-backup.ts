/** `postern gateway backup`: what of a gateway cannot be made anew, sealed by a passphrase. */
import { dirname, resolve } from "node:path";
import { loadGatewayConfig } from "../config/load.ts";
import { readForBackup } from "../gateway/restore-gateway.ts";
import { writeFileAtomically } from "../gateway/storage/atomic-file.ts";
import { sealBackup } from "../gateway/storage/gateway-backup.ts";
import { nodeDisk } from "../gateway/storage/node-disk.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { commonOptions, defineCommand } from "./command.ts";
import { dataFolder } from "./data-option.ts";
import { onFolder } from "./disk-error.ts";
import { passphraseFrom, passphraseOptions } from "./passphrase.ts";

export const command = defineCommand({
  about: [
    "Writes the gateway's identity and keys, its certificate authority (which the boxes trust), its configuration and its secrets file",
    "into FILE, mode 0600, sealed by a passphrase (scrypt, AES-256-GCM). The gateway may run meanwhile. One backup does for good: make",
    "another when keys, configuration or secrets have changed. Not in it: journal and records, which come from the cloud, and secrets",
    "that stand in the environment. With --data alone, configuration and secrets are left out.",
  ].join("\n"),
  arguments: ["FILE"],
  options: { config: commonOptions.config, data: commonOptions.data, ...passphraseOptions },
  example: "postern gateway backup /media/usb/front-gate.backup --config /etc/postern/gateway.yaml",

  async run({ options, arguments: [file = ""] }) {
    const passphrase = await passphraseFrom(options);
    const folder = await dataFolder(options);
    const settings = options.config === undefined ? undefined : (await loadGatewayConfig(options.config)).settings;
    const configuration = options.config === undefined ? undefined : resolve(options.config);
    const { keys, content } = await readForBackup(folder, {
      configuration,
      secrets: settings?.secretsFile,
      cloudAuthority: settings?.cloud.caFile,
    });
    const madeAt = Temporal.Instant.fromEpochMilliseconds(systemClock.wall()).toString();
    const text = await sealBackup(content, { gateway: keys.gateway, madeAt }, passphrase);
    await onFolder(dirname(resolve(file)), () => writeFileAtomically(nodeDisk, resolve(file), [Buffer.from(text)]));
    const parts = [
      "keys",
      content.authority && "authority",
      content.configuration && "configuration",
      content.secrets && "secrets",
    ];
    console.log(`${file}: ${parts.filter(Boolean).join(", ")} of gateway ${keys.gateway} (${keys.name})`);
  },
});
