/** 100,000 grants: taken in from nothing, snapshot without a stall, and a start in a fresh process up to its first decision. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aBenchSite } from "./bench-site.ts";
import { startChild } from "./child.ts";
import { type Benchmark, median, row } from "./row.ts";

const grants = 100_000;
const starts = 3;
/** A street gate, a front door, a flat and a bicycle room. */
const doorsEach = 4;

export const benchmark: Benchmark = {
  name: "start",
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
    try {
      const empty = performance.now();
      const small = await aBenchSite(join(folder, "small"), 1, doorsEach);
      const baseMs = performance.now() - empty;
      await small.stop();

      const began = performance.now();
      const site = await aBenchSite(join(folder, "site"), grants, doorsEach);
      const perSecond = grants / ((performance.now() - began - baseMs) / 1000);
      const stallMs = await longestGapWhile(() => site.cache.snapshot());
      await site.stop();

      const found: { openMs: number; residentMb: number }[] = [];
      for (let start = 0; start < starts; start += 1) {
        const child = startChild("start-child.ts", join(folder, "site"));
        found.push(await child.next());
        await child.end();
      }
      const openMs = median(found.map((one) => one.openMs));
      const residentMb = median(found.map((one) => one.residentMb));
      return [
        row("100,000 grants from nothing, on the disk", perSecond, "grants/s", "≥ 10,000/s", perSecond >= 10_000),
        row("longest loop stall while their snapshot is written", stallMs, "ms", "≤ 10 ms", stallMs <= 10),
        row("start with 100,000 grants → first decision", openMs, "ms", "≤ 1,500 ms", openMs <= 1_500),
        row("resident memory after that start", residentMb, "MB", "≤ 250 MB", residentMb <= 250),
      ];
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

/** Of the gaps between two turns of the loop. */
async function longestGapWhile(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let running = true;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setImmediate(look);
  };
  setImmediate(look);
  await work();
  running = false;
  return longest;
}
