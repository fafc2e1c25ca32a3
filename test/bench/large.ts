/**
 * The largest site there is: 250,000 grants and 1,000,000 events in the journal. The start after an orderly stop, and the worst there
 * can be: a power cut before any of the events was in a snapshot.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { type Benchmark, type Row, row } from "./row.ts";

const grants = 250_000;
const events = 1_000_000;

export const benchmark: Benchmark = {
  name: "large",
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
    try {
      const filling = startChild("fill-child.ts", folder, String(grants), String(events));
      await filling.next();
      await filling.end();
      const rows = await start(folder, "1,000,000 events to read again");

      const stopping = startChild("fill-child.ts", folder, "0", "0");
      await stopping.next();
      await stopping.ask("stop");
      await stopping.end();
      return [...(await start(folder, "orderly stop")), ...rows];
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

async function start(folder: string, after: string): Promise<Row[]> {
  const child = startChild("start-child.ts", folder);
  try {
    const { openMs, residentMb } = await child.next<{ openMs: number; residentMb: number }>();
    return [
      row(`start with 250,000 grants, ${after}`, openMs, "ms", "told, no goal", null),
      row(`resident memory after it, ${after}`, residentMb, "MB", "told, no goal", null),
    ];
  } finally {
    await child.end();
  }
}
