/** After a power cut every lockbox of a large site comes back at once: TLS with a certificate of its own, login, subscription. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrokerAddress } from "../../gateway/broker/broker.ts";
import { startChild } from "./child.ts";
import { startLoad } from "./load.ts";
import { type Benchmark, row } from "./row.ts";

const boxes = 2_000;

export const benchmark: Benchmark = {
  name: "mtls-storm",
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
    const gateway = startChild("gateway-child.ts", folder, String(boxes));
    try {
      const { port } = await gateway.next<BrokerAddress>();
      const load = startLoad({ what: "storm", port, boxes, atOnce: 100, folder });
      try {
        const { seconds } = await load.next<{ seconds: number }>();
        const { residentMb } = await gateway.ask<{ residentMb: number }>("resident");
        return [
          row("2,000 lockboxes connect and subscribe by mTLS", seconds, "s", "≤ 10 s", seconds <= 10),
          row("resident memory of the gateway with them", residentMb, "MB", "≤ 260 MB", residentMb <= 260),
        ];
      } finally {
        await load.end();
      }
    } finally {
      await gateway.end();
      await rm(folder, { recursive: true });
    }
  },
};
