/** `postern gateway` as a process of its own on an enrolled folder, with lockboxes that all have one password and one key. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { ServiceProcess } from "../../cli/service-process.ts";

export interface GatewayProcessOptions {
  /** The data folder is `gateway` in it; log and configuration are laid beside. */
  readonly folder: string;
  readonly cloudUrl: string;
  readonly boxes: readonly string[];
  readonly password: string;
  readonly key: Uint8Array;
  readonly holdMs: number;
  readonly logLevel?: "debug" | "info";
}

export function gatewayProcess(options: GatewayProcessOptions): ServiceProcess {
  const { folder, cloudUrl, boxes, password, holdMs, logLevel = "info" } = options;
  const [file, secretsFile] = [join(folder, "gateway.yaml"), join(folder, "secrets.yaml")];
  const key = Buffer.from(options.key).toString("base64url");
  return new ServiceProcess("gateway", {
    logFile: join(folder, "gateway.log"),
    readyFile: join(folder, "gateway.ready.json"),
    env: {},
    config: async () => {
      const devices = Object.fromEntries(boxes.map((id) => [id, { password, key }]));
      await writeFile(secretsFile, stringify({ devices }), { mode: 0o600 });
      await writeFile(
        file,
        stringify({
          data: join(folder, "gateway"),
          secretsFile,
          cloud: { url: cloudUrl },
          http: { host: "127.0.0.1", port: 0 },
          broker: { host: "127.0.0.1", port: 0, plainPort: 0, hostnames: ["localhost"] },
          clock: { source: "system" },
          devices: boxes.map((id) => ({ id, driver: "mqtt-lockbox" })),
          accessPoints: boxes.map((id) => ({ id, name: id, lock: id, readers: [id], holdMs })),
          log: { level: logLevel },
        }),
      );
      return file;
    },
  });
}
