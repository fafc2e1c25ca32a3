/**
 * What lockboxes report, taken in by the driver and on the disk before its PUBACK; beside Mosquitto, which keeps nothing and delivers
 * the same load to one subscriber. Rounds alternate, so that a noisy minute hits both.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { steadyPort } from "../../firmware-sim/steady-port.ts";
import type { BrokerAddress } from "../../gateway/broker/broker.ts";
import { find } from "../support/needs.ts";
import { startChild } from "./child.ts";
import { startLoad } from "./load.ts";
import { type Benchmark, median, row, rowBeside } from "./row.ts";

const boxes = 200;
const each = 300;
const window = 16;
const rounds = 5;

export const benchmark: Benchmark = {
  name: "reports",
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
    const gateway = startChild("gateway-child.ts", folder, String(boxes));
    const mosquitto = await startMosquitto(folder);
    try {
      const { plainPort } = await gateway.next<BrokerAddress>();
      const ours: number[] = [];
      const theirs: number[] = [];
      for (let round = 0; round <= rounds; round += 1) {
        const found = await perSecond(plainPort!, round + 1, false);
        const beside = mosquitto && (await perSecond(mosquitto.port, round + 1, true));
        if (round === 0) continue; // warm
        ours.push(found);
        if (beside !== undefined) theirs.push(beside);
      }
      const value = median(ours);
      return [
        row("reports taken in, on the disk before PUBACK", value, "/s", "≥ 30,000/s", value >= 30_000),
        rowBeside(
          "reports taken in, beside Mosquitto",
          value,
          "/s",
          "mosquitto to one subscriber, nothing on disk",
          mosquitto ? median(theirs) : null,
          "≥ 1.5 × Mosquitto",
          (ratio) => ratio >= 1.5,
        ),
      ];
    } finally {
      await gateway.end();
      await mosquitto?.stop();
      await rm(folder, { recursive: true });
    }
  },
};

async function perSecond(port: number, boot: number, subscriber: boolean): Promise<number> {
  const load = startLoad({ what: "events", port, boxes, each, window, boot, subscriber });
  try {
    return (await load.next<{ perSecond: number }>()).perSecond;
  } finally {
    await load.end();
  }
}

/** undefined: not installed. Set up as fast as it goes (reference: mqtt.md §5). */
async function startMosquitto(folder: string): Promise<{ port: number; stop(): Promise<void> } | undefined> {
  const program = find("mosquitto");
  if (!program) return undefined;
  const port = await steadyPort();
  const config = join(folder, "mosquitto.conf");
  await writeFile(
    config,
    [
      ...(process.getuid?.() === 0 ? ["user root"] : []),
      `listener ${port} 127.0.0.1`,
      "allow_anonymous true",
      "persistence true",
      `persistence_location ${folder}/`,
      "max_queued_messages 0",
      "max_inflight_messages 20",
      "set_tcp_nodelay true",
      "log_dest stderr",
      "",
    ].join("\n"),
  );
  const child = spawn(program, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  for await (const line of createInterface({ input: child.stderr }))
    if (/mosquitto version \S+ running/.test(line)) break;
  return {
    port,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}
