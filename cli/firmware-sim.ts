/** `postern firmware-sim`: plays the lockboxes of a gateway's configuration. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadGatewayConfig } from "../config/load.ts";
import { pinoLogger } from "../gateway/pino-logger.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { commonOptions, defineCommand, portOption, UsageError } from "./command.ts";
import { runService } from "./process.ts";

const usualPort = 8070;

export const command = defineCommand({
  about: [
    "Plays every mqtt-lockbox of a gateway's configuration, over real MQTT with TLS, with a page to press keys and push doors. It",
    "takes the boxes' passwords and keys from where the gateway takes them.",
  ].join("\n"),
  options: {
    config: { ...commonOptions.config, help: "The gateway's configuration file" },
    data: { ...commonOptions.data, help: "The gateway's data folder, for its ca/ca.crt" },
    broker: {
      type: "string",
      placeholder: "HOST:PORT",
      help: "The gateway's broker; 127.0.0.1 and its port when left out",
    },
    ca: {
      type: "string",
      placeholder: "FILE",
      help: "The authority's certificate, instead of the one in the data folder",
    },
    gateway: {
      type: "string",
      placeholder: "URL",
      help: "The gateway's pages, to show what it decided; on 127.0.0.1 when left out",
    },
    host: { type: "string", placeholder: "HOST", help: "Where the page listens; 127.0.0.1 when left out" },
    port: {
      type: "string",
      placeholder: "PORT",
      help: `The page's port; ${usualPort} when left out, 0 for any free one`,
    },
    "ready-file": commonOptions["ready-file"],
  },
  example: "postern firmware-sim --config gateway.yaml --broker gateway.local:8883 --ca ca.crt",

  async run({ options }) {
    if (options.config === undefined) throw new UsageError("--config FILE of the gateway is needed");
    const http = { host: options.host ?? "127.0.0.1", port: portOption("port", options.port, usualPort) };
    const { settings, secrets } = await loadGatewayConfig(options.config, { data: options.data });
    const address = brokerAddress(options.broker ?? `127.0.0.1:${settings.broker.port}`);
    const boxes = settings.devices
      .filter(({ driver }) => driver === "mqtt-lockbox")
      .map(({ id }) => {
        const [password, key] = [secrets.ofDevice(id, "password"), secrets.ofDevice(id, "key")];
        if (password === undefined || key === undefined)
          throw new UsageError(`the secrets of ${id} are not complete: password and key are needed to play it`);
        const name = settings.accessPoints.find(({ lock }) => lock === id)?.name ?? id;
        return { id, name, password, key };
      });
    const caPem = await readFile(options.ca ?? join(settings.data, "ca", "ca.crt"), "utf8");
    const logger = pinoLogger(settings.log.level);
    return runService({
      logger,
      readyFile: options["ready-file"],
      async start() {
        const { startSimulator } = await import("../firmware-sim/main.ts");
        return startSimulator({
          http,
          broker: { ...address, caPem, servername: settings.broker.hostnames[0] },
          boxes,
          gatewayUrl: options.gateway ?? `http://127.0.0.1:${settings.http.port}`,
          clock: systemClock,
          logger,
        });
      },
      ready: ({ url }) => ({ url }),
    });
  },
});

/** `gateway.local:8883`, `[::1]:8883`. Throws UsageError. */
function brokerAddress(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([\da-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new UsageError("--broker is no address; expected HOST:PORT");
  return { host, port: portOption("broker", port, 0) };
}
