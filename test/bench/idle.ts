/** What the gateway program keeps resident when nothing happens: the real process with four lockboxes configured, online. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";
import { type Benchmark, row } from "./row.ts";

const boxes = ["box-1", "box-2", "box-3", "box-4"];
/** Long enough for the start's own garbage to be collected, or not. */
const idleMs = 5_000;

export const benchmark: Benchmark = {
  name: "idle",
  async run() {
    const site = await WholeSite.start({ boxes: [] });
    await site.gateway.stop();
    const gateway = gatewayProcess({
      folder: site.folder,
      cloudUrl: site.cloudUrl,
      boxes,
      password: "idle-bench-box-password-0123456789",
      key: Buffer.alloc(32, 9),
      holdMs: 100,
    });
    try {
      await gateway.start(30_000);
      await until("it is online", async () =>
        (await readFile(join(site.folder, "gateway.log"), "utf8")).includes("cloud-online"),
      );
      await new Promise((resolve) => setTimeout(resolve, idleMs));
      const status = await readFile(`/proc/${gateway.pid}/status`, "utf8");
      const residentMb = (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6;
      return [row("resident memory of an idle gateway, 4 lockboxes", residentMb, "MB", "≤ 120 MB", residentMb <= 120)];
    } finally {
      await gateway.stop();
      await site.stop();
    }
  },
};
