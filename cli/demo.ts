/** `postern demo`, and `npm start`: a whole site on this machine to press keys at. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pinoLogger } from "../gateway/pino-logger.ts";
import { commonOptions, defineCommand, portOption } from "./command.ts";
import { onFolder } from "./disk-error.ts";
import { runService } from "./process.ts";
import { version } from "./version.ts";

export const command = defineCommand({
  about: [
    "Starts cloud-sync, a gateway with its broker, and simulated lockboxes on this machine, makes PINs to try, and prints the page",
    "where all of it can be pressed, pulled and watched. Without --data everything is gone when it stops.",
  ].join("\n"),
  options: {
    data: { ...commonOptions.data, help: "Folder to keep the demo in; taken up again at the next start" },
    port: { type: "string", placeholder: "PORT", help: "Port of the page; any free one when left out" },
    "ready-file": commonOptions["ready-file"],
  },
  example: "postern demo --data ./data/demo",

  async run({ options }) {
    const port = portOption("port", options.port, 0);
    const folder = options.data === undefined ? await mkdtemp(join(tmpdir(), "postern-demo-")) : resolve(options.data);
    console.log("Starting a cloud, a gateway and its locks …");
    try {
      return await runService({
        logger: pinoLogger("warn"),
        readyFile: options["ready-file"],
        // Two services stop one after the other, each within its own 5 s.
        stopDeadlineMs: 15_000,
        async start({ tell }) {
          const { startDemo } = await import("./demo-site.ts");
          return onFolder(folder, () =>
            startDemo({ folder, port, version, logger: pinoLogger("warn"), onChange: tell }),
          );
        },
        ready(demo) {
          const facts = demo.facts();
          const spare = facts.spareBox;
          console.log(
            [
              "",
              `  Open  ${facts.url}`,
              "",
              ...facts.pins.map(({ pin, label }) => `  PIN ${pin}  ${label}`),
              "",
              `  Sign in at ${facts.cloud.url}`,
              ...facts.cloud.people.map(
                ({ userName, password, label }) => `  ${userName.padEnd(8)} password ${password}  ${label}`,
              ),
              "",
              `  Guards sign in at ${facts.gateway.url}/guard`,
              `  Gateway ${facts.gateway.url}   cloud's API ${facts.cloud.url}/docs   data ${folder}`,
              "  The spare box is yours to play with mosquitto, as gateway/drivers/mqtt-lockbox/README.md shows:",
              `  BOX=${spare.id} PORT=${facts.gateway.plainPort} PASSWORD=${spare.password} KEY=${spare.key}`,
              "",
              "  Ctrl-C stops it.",
              "",
            ].join("\n"),
          );
          return facts;
        },
      });
    } finally {
      if (options.data === undefined) await rm(folder, { recursive: true, force: true });
    }
  },
});
