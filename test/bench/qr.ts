/** The picture of a pass: asked for at the cloud's API by whoever invited, made and answered, without a socket. */
import { systemClock } from "../../gateway/system-clock.ts";
import { givenCloud } from "../support/cloud.ts";
import { type Benchmark, percentile, row } from "./row.ts";

const pictures = 200;
const warmUp = 20;

export const benchmark: Benchmark = {
  name: "qr",
  async run() {
    // One caller is answered so often a second: a second passes with each.
    let skippedMs = 0;
    const cloud = await givenCloud({
      clock: { ...systemClock, monotonic: () => systemClock.monotonic() + skippedMs },
    });
    try {
      await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Lisbon" });
      await cloud.gateway("hill", ["gate"]);
      const made = await cloud.ask("POST", "/api/passes", { site: "hill", visitorName: "Lea", validity: "week" });
      if (made.status !== 201) throw new Error(made.text);
      const rows = [];
      for (const kind of ["svg", "png"]) {
        const took: number[] = [];
        for (let picture = 0; picture < pictures + warmUp; picture += 1) {
          skippedMs += 1_000;
          const begun = performance.now();
          const { status, text } = await cloud.ask("GET", `/api/passes/${made.body.id}/qr.${kind}`);
          if (status !== 200) throw new Error(text);
          if (picture >= warmUp) took.push(performance.now() - begun);
        }
        const p99 = percentile(took, 0.99);
        rows.push(row(`QR code of a pass as ${kind.toUpperCase()}, p99`, p99, "ms", "≤ 50 ms", p99 <= 50));
      }
      return rows;
    } finally {
      await cloud.close();
    }
  },
};
