/**
 * `npm run sim -- --seeds 300 [--from N]` runs many seeds, on both cores; `--seed N` one, with its trace; `--mutants [NAME]` plants
 * bugs in the code and lets the seeds find them. The last line sums up. A failing seed is printed with the last 50 things that
 * happened, and the same seed fails again.
 */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { runMutants } from "./mutation.ts";
import { openGround, runSeed } from "./seeds.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "50" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    /** How many seeds at once, each in a process of its own. */
    jobs: { type: "string", default: "2" },
    "first-failure": { type: "boolean", default: false },
    mutants: { type: "boolean", default: false },
  },
});

interface Total {
  seeds: number;
  steps: number;
  crashes: number;
  powerCuts: number;
  cuts: number;
  restores: number;
  opened: number;
  hours: number;
  violations: number;
}

const none: Total = {
  seeds: 0,
  steps: 0,
  crashes: 0,
  powerCuts: 0,
  cuts: 0,
  restores: 0,
  opened: 0,
  hours: 0,
  violations: 0,
};

/** The whole number, or the end with a word about the option. */
function wholeNumber(option: "seeds" | "from" | "seed" | "jobs"): number {
  const text = values[option] ?? "";
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  console.error(`--${option} wants a whole number from 1 on, not "${text}"`);
  process.exit(2);
}

const startedAt = performance.now();
if (values.mutants) await plantBugs();
else if (values.seed !== undefined) await replay(wholeNumber("seed"));
else if (values["first-failure"]) sumUp(await runSeeds(wholeNumber("from"), wholeNumber("seeds"), 1));
else await runAll(wholeNumber("from"), wholeNumber("seeds"), wholeNumber("jobs"));

async function plantBugs(): Promise<void> {
  const { caught, all } = await runMutants(positionals[0], wholeNumber("jobs"));
  console.log(`${caught} of ${all} caught`);
  process.exit(caught === all && all > 0 ? 0 : 1);
}

async function replay(seed: number): Promise<void> {
  const total = await runSeeds(seed, 1, 1, true);
  sumUp(total);
}

/** Each job takes every so-many-th seed and says in its last line how it went. */
async function runAll(from: number, seeds: number, jobs: number): Promise<void> {
  const job = process.env.POSTERN_SIM_JOB;
  if (job !== undefined) {
    const total = await runSeeds(from + Number(job), Math.max(0, seeds - Number(job)), jobs);
    console.log(`total ${JSON.stringify(total)}`);
    process.exit(0);
  }
  const totals = await Promise.all(Array.from({ length: Math.min(jobs, seeds) }, (_, index) => runJob(index, jobs)));
  const sum = totals.reduce(
    (all, one) =>
      Object.fromEntries(
        Object.entries(all).map(([key, value]) => [key, value + one[key as keyof Total]]),
      ) as unknown as Total,
  );
  sumUp(sum);
}

function runJob(index: number, jobs: number): Promise<Total> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1), "--jobs", String(jobs)], {
      env: { ...process.env, POSTERN_SIM_JOB: String(index) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.once("error", reject);
    child.once("close", () => {
      const at = output.lastIndexOf("total {");
      process.stdout.write(at < 0 ? output : output.slice(0, at));
      if (at < 0) reject(new Error("a job of the simulation ended without a result"));
      else resolve(JSON.parse(output.slice(at + "total ".length)) as Total);
    });
  });
}

async function runSeeds(from: number, count: number, every: number, showTrace = false): Promise<Total> {
  const ground = await openGround();
  const total: Total = { ...none };
  for (let seed = from; seed < from + count; seed += every) {
    const { failure, trace, simulatedMs, ...counts } = await runSeed(seed, ground);
    total.seeds += 1;
    total.steps += counts.steps;
    total.crashes += counts.crashes;
    total.powerCuts += counts.powerCuts;
    total.cuts += counts.cuts;
    total.restores += counts.restores;
    total.opened += counts.opened;
    total.hours += simulatedMs / 3_600_000;
    if (failure) {
      total.violations += 1;
      console.log(`seed ${seed}: ${failure.stack ?? failure.message}\n${trace.slice(-50).join("\n")}\n`);
      if (values["first-failure"]) break;
    } else if (showTrace) console.log(trace.slice(-50).join("\n"));
  }
  await ground.store.close();
  return total;
}

function sumUp({ seeds, steps, crashes, powerCuts, cuts, restores, opened, hours, violations }: Total): never {
  console.log(
    `${seeds} seeds, ${steps} steps, ${hours.toFixed(0)} h simulated, ${crashes} crashes, ${powerCuts} of them power cuts, ` +
      `${cuts} lines cut, ${restores} restores, ` +
      `${opened} openings, ${violations} violations, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  process.exit(violations > 0 ? 1 : 0);
}
