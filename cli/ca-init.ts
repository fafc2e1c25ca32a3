/** `postern ca init`: the gateway's own certificate authority. */
import { join } from "node:path";
import { CertificateAuthority } from "../gateway/broker/certificate-authority.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { defineCommand } from "./command.ts";
import { dataFolder, dataOptions, exists } from "./data-option.ts";
import { onFolder } from "./disk-error.ts";

export const command = defineCommand({
  about: [
    "Makes the authority that signs the broker's certificate and those of the devices, in the data folder. What stands there",
    "already is kept. The gateway does the same at its first start; do it before where devices are to be prepared first.",
  ].join("\n"),
  options: dataOptions,
  example: "postern ca init --data /var/lib/postern",

  async run({ options }) {
    const data = await dataFolder(options);
    const stood = await exists(join(data, "ca", "ca.crt"));
    await onFolder(data, () => CertificateAuthority.open(data, systemClock));
    console.log(`${join(data, "ca", "ca.crt")}: ${stood ? "stands already, nothing was changed" : "made"}`);
  },
});
