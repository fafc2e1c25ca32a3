/**
 * A key pressed at a simulated lockbox → the release command back at it: over TLS and the real broker, the decision and its record on
 * the disk included. Boxes and gateway share one process here, which only makes it slower.
 */
import { type Box, WholeSite } from "../support/whole-site.ts";
import { type Benchmark, median, percentile, row } from "./row.ts";

const presses = 300;
const warmUp = 48;
/** Taking turns, because a box keeps the ids of no more than 64 commands that could still be repeated. */
const boxes = 16;

export const benchmark: Benchmark = {
  name: "key-press",
  async run() {
    const names = Array.from({ length: boxes }, (_, box) => `box-${box}`);
    const site = await WholeSite.start({ boxes: names, holdMs: 250 });
    try {
      const grant = await site.grant();
      await site.arrives(grant.version);
      await site.setInternet(false); // the cloud is in this process too, and would take its time from the door
      const took: number[] = [];
      for (let press = 0; press < presses + warmUp; press += 1) {
        const box = site.box(`box-${press % boxes}`);
        await box.becomes("secured");
        const began = performance.now();
        await released(box, grant.pin);
        if (press >= warmUp) took.push(performance.now() - began);
      }
      const p99 = percentile(took, 0.99);
      return [
        row("key press → release command at the box, p50", median(took), "ms", "told beside p99", null),
        row("key press → release command at the box, p99", p99, "ms", "≤ 10 ms", p99 <= 10),
      ];
    } finally {
      await site.stop();
    }
  },
};

function released(box: Box, pin: string): Promise<void> {
  const opened = new Promise<void>((resolve) => {
    const stop = box.model.onChange(() => {
      if (box.bolt !== "released") return;
      stop();
      resolve();
    });
  });
  box.model.enterPin(pin);
  return opened;
}
