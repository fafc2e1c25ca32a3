/**
 * `npm run sim -- --seeds 300 [--from N]` runs many seeds; `--seed N` one, with its trace. The last line sums up. A failing seed is
 * printed with the last 50 things that happened, and the same seed fails again.
 */
import { parseArgs } from "node:util";
import { openGround, runSeed } from "./seeds.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "50" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
  },
});
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;

const ground = await openGround();
const total = { seeds: 0, steps: 0, crashes: 0, cuts: 0, opened: 0, hours: 0, violations: 0 };
const startedAt = performance.now();
for (let seed = first; seed < first + count; seed += 1) {
  const result = await runSeed(seed, ground);
  total.seeds += 1;
  total.steps += result.steps;
  total.crashes += result.crashes;
  total.cuts += result.cuts;
  total.opened += result.opened;
  total.hours += result.simulatedMs / 3_600_000;
  if (result.failure) {
    total.violations += 1;
    console.log(
      `seed ${seed}: ${result.failure.stack ?? result.failure.message}\n${result.trace.slice(-50).join("\n")}\n`,
    );
  } else if (values.seed !== undefined) {
    console.log(result.trace.slice(-50).join("\n"));
  }
}
await ground.store.close();
const { seeds, steps, crashes, cuts, opened, hours, violations } = total;
console.log(
  `${seeds} seeds, ${steps} steps, ${hours.toFixed(0)} h simulated, ${crashes} crashes, ${cuts} cuts, ${opened} openings, ` +
    `${violations} violations, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
);
process.exit(violations > 0 ? 1 : 0);
