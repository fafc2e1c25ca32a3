/** `postern ca device`: a device's own key and certificate. */
import { X509Certificate } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { printable } from "../config/config-error.ts";
import { loadGatewayConfig } from "../config/load.ts";
import { nearest } from "../config/nearest.ts";
import { CertificateAuthority } from "../gateway/broker/certificate-authority.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { CommandError, defineCommand } from "./command.ts";
import { dataFolder, dataOptions, exists } from "./data-option.ts";

export const command = defineCommand({
  about: [
    "Issues a key and a certificate by which the device of this id may sign in at the broker instead of by a password, and writes",
    "ID.key (mode 0600), ID.crt and ca.crt. They are kept nowhere else: move them to the device and remove them here. Standard error",
    "tells how to make those void that were issued to it before. With --config it must be a device of that configuration.",
  ].join("\n"),
  arguments: ["ID"],
  options: {
    ...dataOptions,
    out: { type: "string", placeholder: "DIR", help: "Where the files go; the working folder when left out" },
  },
  example: "postern ca device front-box --data /var/lib/postern --out ./front-box",

  async run({ options, arguments: [id = ""] }) {
    if (options.config !== undefined) await demandDevice(id, options.config);
    const authority = await CertificateAuthority.open(await dataFolder(options), systemClock);
    const { key, cert } = authority.issueDevice(id);
    const folder = resolve(options.out ?? ".");
    const files = [
      { path: join(folder, `${id}.key`), text: key, mode: 0o600 },
      { path: join(folder, `${id}.crt`), text: cert, mode: 0o644 },
    ];
    for (const { path } of files) {
      if (await exists(path))
        throw new CommandError(`${path} stands there already; move it away or choose another --out`);
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const { path, text, mode } of files) {
      await writeFile(path, text, { mode, flag: "wx" });
      console.log(path);
    }
    const trusted = join(folder, "ca.crt");
    await writeFile(trusted, authority.certificate);
    console.log(trusted);
    console.error(`To make it the only one that ${id} may sign in with, put into its secrets and reload the gateway:`);
    console.error(`  certificate: "${new X509Certificate(cert).fingerprint256}"`);
  },
});

/** Throws a CommandError: a certificate for nobody would be found out only when its device cannot sign in. */
async function demandDevice(id: string, file: string): Promise<void> {
  const known = (await loadGatewayConfig(file)).settings.devices.map((device) => device.id);
  if (known.includes(id)) return;
  const near = nearest(id, known);
  const instead = near === undefined ? `it has ${known.join(", ") || "none"}` : `did you mean ${near}?`;
  throw new CommandError(`no device is called ${printable(id)} in ${file}; ${instead}`);
}
