/**
 * `npm run sim`: the simulation, over many seeds on both cores, one seed with its trace, or bugs planted in the code; see `usage`. The
 * last line sums up. A failing seed is printed with the last 50 things that happened, and the same seed fails again.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { type FaultProfile, firstSeedOf, profileNamed, profileNames, stepBetween } from "./fault-profile.ts";
import { runMutants } from "./mutation.ts";
import { openGround, runSeed } from "./seeds.ts";

const usage = `Usage: npm run sim -- [options]

  --seeds COUNT      How many seeds; 50 when left out
  --from SEED        The first of them; 1 when left out
  --profile NAME     Only seeds of this one: ${profileNames.join(", ")}
  --jobs COUNT       How many at once, each in a process of its own; 2 when left out
  --first-failure    In this process, one after the other, up to the first that fails
  --seed SEED        This one alone, with its trace
  --mutants [NAME…]  Plants these bugs in the code, or all, and lets the seeds find them`;

const { values, positionals } = wanted();

function wanted() {
  try {
    return parseArgs({
      allowPositionals: process.argv.includes("--mutants"),
      options: {
        seeds: { type: "string", default: "50" },
        from: { type: "string", default: "1" },
        seed: { type: "string" },
        jobs: { type: "string", default: "2" },
        "first-failure": { type: "boolean", default: false },
        profile: { type: "string" },
        mutants: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError && "code" in error)) throw error;
    // Of Node's two sentences the second is about words that begin with a dash.
    return endWith(`${error.message.split(". ")[0]}\n\n${usage}`);
  }
}

function endWith(message: string): never {
  console.error(message);
  process.exit(2);
}

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
  return endWith(`--${option} wants a whole number from 1 on, not "${text}"`);
}

const startedAt = performance.now();
if (values.help) console.log(usage);
else if (values.mutants) await plantBugs();
else if (values.seed !== undefined) await replay(wholeNumber("seed"));
else if (values["first-failure"]) sumUp(await runSeeds(wantedSeeds()));
else await runAll(wantedSeeds(), wholeNumber("jobs"));

function wantedSeeds(): Part {
  const profile = values.profile === undefined ? undefined : profileNamed(values.profile);
  if (profile === values.profile) return { from: wholeNumber("from"), count: wholeNumber("seeds"), profile };
  return endWith(`--profile: there is none called "${values.profile}"; known: ${profileNames.join(", ")}`);
}

async function plantBugs(): Promise<void> {
  const { caught, all } = await runMutants(positionals, wholeNumber("jobs"));
  console.log(`${caught} of ${all} caught`);
  process.exit(caught === all && all > 0 ? 0 : 1);
}

async function replay(seed: number): Promise<void> {
  const total = await runSeeds({ from: seed, count: 1, showTrace: true });
  sumUp(total);
}

/** Each job asks for one seed after the other, because some take several times as long as others, and says in its last line how it went. */
async function runAll(wanted: Part, jobs: number): Promise<void> {
  if (process.env.POSTERN_SIM_JOB) {
    const total = await runSeeds(wanted, handedOut());
    console.log(`total ${JSON.stringify(total)}`);
    process.exit(0);
  }
  const left = Array(wanted.count).keys();
  const totals = await Promise.all(Array.from({ length: Math.min(jobs, wanted.count) }, () => runJob(left)));
  const sum = totals.reduce(
    (all, one) =>
      Object.fromEntries(
        Object.entries(all).map(([key, value]) => [key, value + one[key as keyof Total]]),
      ) as unknown as Total,
  );
  sumUp(sum);
}

/** `left`: which of the seeds, counted from the first. */
function runJob(left: Iterator<number>): Promise<Total> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      env: { ...process.env, POSTERN_SIM_JOB: "1" },
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    child.on("message", () => child.send(left.next().value ?? "none"));
    let output = "";
    child.stdout!.on("data", (chunk) => {
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

/** A job's seeds, from the process that began it. */
async function* handedOut(): AsyncGenerator<number> {
  for (;;) {
    const told = once(process, "message");
    process.send!("next");
    const [index] = await told;
    if (typeof index !== "number") return;
    yield index;
  }
}

interface Part {
  readonly from: number;
  readonly count: number;
  readonly profile?: FaultProfile["name"] | undefined;
  readonly showTrace?: boolean;
}

/** `indices`: which of the seeds, counted from the first; all of them when left out. */
async function runSeeds(
  { from, count, profile, showTrace = false }: Part,
  indices: Iterable<number> | AsyncIterable<number> = Array(count).keys(),
): Promise<Total> {
  const ground = await openGround();
  const total: Total = { ...none };
  for await (const index of indices) {
    const seed = firstSeedOf(profile, from) + index * stepBetween(profile);
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
      console.log(
        `seed ${seed}: ${failure.stack ?? failure.message}\n${trace.slice(-Number(process.env.PB_TRACE ?? 50)).join("\n")}\n`,
      );
      if (values["first-failure"]) break;
    } else if (showTrace) console.log(trace.slice(-Number(process.env.PB_TRACE ?? 50)).join("\n"));
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
