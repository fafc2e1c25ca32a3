/** `postern check-config`: everything that is wrong with a configuration, before a door finds out. */
import { ConfigError, pathText } from "../config/config-error.ts";
import { loadCloudConfig, loadGatewayConfig } from "../config/load.ts";
import { defineCommand, UsageError } from "./command.ts";
import { driverFindings } from "./driver-faults.ts";

export const command = defineCommand({
  about: [
    "Reads a configuration file with its secrets as the service would, drivers' options included, without starting anything.",
    "Prints what it found and `ok`, or every fault with its line; exit code 1 then.",
  ].join("\n"),
  arguments: ["FILE"],
  options: {
    for: { type: "string", placeholder: "SERVICE", help: "gateway (taken when left out) or cloud-sync" },
  },
  example: "postern check-config /etc/postern/gateway.yaml",

  async run({ options, arguments: [file = ""] }) {
    const service = options.for ?? "gateway";
    if (service === "gateway") {
      const { found, notes } = await checkGateway(file);
      for (const note of notes) console.log(`${file}: ${note}`);
      console.log(`${file}: ${found} … ok`);
    } else if (service === "cloud-sync") console.log(`${file}: ${await checkCloud(file)} … ok`);
    else throw new UsageError("--for takes gateway or cloud-sync");
  },
});

/** What was counted, and what a person should know although it is right. */
async function checkGateway(file: string): Promise<{ readonly found: string; readonly notes: readonly string[] }> {
  const config = await loadGatewayConfig(file);
  const { faults, notes } = await driverFindings(config);
  if (faults.length > 0) {
    throw new ConfigError(
      faults.map(({ path, message }) => ({ file, line: config.lineOf(path), path: pathText(path), message })),
    );
  }
  const { devices, accessPoints, broker } = config.settings;
  if (broker.plainLan)
    console.error(
      `${file}: warning: broker.plainLan: passwords and commands of the devices that use it cross the LAN unencrypted; give them a network of their own`,
    );
  return { found: `${counted(devices.length, "device")}, ${counted(accessPoints.length, "access point")}`, notes };
}

async function checkCloud(file: string): Promise<string> {
  const { settings, databaseUrl } = await loadCloudConfig(file);
  return `store ${databaseUrl() === undefined ? `embedded below ${settings.data}` : "PostgreSQL by DATABASE_URL"}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
