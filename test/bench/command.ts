/** An unlock command to a lockbox and its reply, both on the disk, while 1,000 devices are connected. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrokerAddress } from "../../gateway/broker/broker.ts";
import { startChild } from "./child.ts";
import { startLoad } from "./load.ts";
import { type Benchmark, median, percentile, row } from "./row.ts";

const boxes = 1_000;
const warmUp = 300;
const commands = 2_000;

export const benchmark: Benchmark = {
  name: "command",
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
    const gateway = startChild("gateway-child.ts", folder, String(boxes));
    try {
      const { plainPort } = await gateway.next<BrokerAddress>();
      const load = startLoad({ what: "answer", port: plainPort!, boxes });
      try {
        await load.next();
        await gateway.ask(`unlock ${warmUp}`);
        const { tookMs } = await gateway.ask<{ tookMs: number[] }>(`unlock ${commands}`);
        const [p50, p99] = [median(tookMs), percentile(tookMs, 0.99)];
        return [
          row("command and reply on the disk, 1,000 idle, p50", p50, "ms", "≤ 1.5 ms", p50 <= 1.5),
          row("command and reply on the disk, 1,000 idle, p99", p99, "ms", "≤ 8 ms", p99 <= 8),
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
