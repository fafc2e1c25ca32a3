/** Plants each bug in a copy of the project, one at a time, and lets the simulation look for it. */
import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mutant, mutants } from "./mutants.ts";

const root = join(import.meta.dirname, "..", "..");
const parts = ["cloud-sync", "config", "gateway", "test", "web", "package.json", "tsconfig.json"];
/** A seed that neither ends nor fails is a hang, and a hang is not a catch. */
const deadlineMs = 20 * 60_000;

export type MutantResult =
  | { readonly outcome: "caught"; readonly seed: number; readonly by: string }
  | { readonly outcome: "missed" | "stale" | "broken"; readonly why: string };

/** Runs those whose name holds one of `names`, or all; `jobs` at a time. Answers how many were caught; prints a line for each. */
export async function runMutants(names: readonly string[], jobs: number): Promise<{ caught: number; all: number }> {
  const wanted = mutants.filter(({ name }) => names.length === 0 || names.some((part) => name.includes(part)));
  const queue = [...wanted];
  let caught = 0;
  const unmutated = await copyProject(root);
  const work = async () => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const result = await runMutant(mutant, unmutated);
      if (result.outcome === "caught") caught += 1;
      const how = result.outcome === "caught" ? `seed ${result.seed}, ${result.by}` : result.why;
      console.log(`${result.outcome.padEnd(6)}  ${mutant.name}: ${how}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, work));
  } finally {
    await rm(unmutated, { recursive: true, force: true });
  }
  return { caught, all: wanted.length };
}

/** `unmutated`: a copy made once, so that all mutants are of the same code, whoever edits it meanwhile. */
async function runMutant(mutant: Mutant, unmutated: string): Promise<MutantResult> {
  const folder = await copyProject(unmutated);
  try {
    const file = join(folder, mutant.file);
    const source = await readFile(file, "utf8");
    const places = source.split(mutant.find).length - 1;
    if (places !== 1) return { outcome: "stale", why: `what it edits is there ${places} times in ${mutant.file}` };
    await writeFile(
      file,
      source.replace(mutant.find, () => mutant.replace),
    );
    const options = ["--seeds", String(mutant.seeds), "--first-failure"];
    if (mutant.profile) options.push("--profile", mutant.profile);
    const result = readResult(mutant, await simulate(folder, options));
    if (result.outcome !== "caught") return result;
    // A seed that fails by itself has not found the planted bug but one of our own.
    const without = await simulate(unmutated, ["--seed", String(result.seed)]);
    return without.includes(" 0 violations")
      ? result
      : { outcome: "broken", why: `seed ${result.seed} fails without it too` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyProject(from: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "postern-mutant-"));
  for (const part of parts) await cp(join(from, part), join(folder, part), { recursive: true });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

function readResult(mutant: Mutant, output: string): MutantResult {
  const failure = /^seed (\d+): (.*)$/m.exec(output);
  if (!failure)
    return output.includes(" 0 violations")
      ? { outcome: "missed", why: `not in ${mutant.seeds} seeds${mutant.profile ? ` of ${mutant.profile}` : ""}` }
      : { outcome: "broken", why: output.trim().split("\n").at(-1) ?? "no output" };
  const [, seed, what = ""] = failure;
  // A bug that only keeps the program from working proves nothing about the invariants.
  const invariant = /^(?:Error|Violation): ([A-Z]\d): /.exec(what)?.[1];
  return invariant
    ? { outcome: "caught", seed: Number(seed), by: invariant }
    : { outcome: "broken", why: what.slice(0, 200) };
}

/** What it printed. */
function simulate(folder: string, options: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const run = ["--import", "tsx", join(folder, "test/simulation/run.ts"), ...options];
    const child = spawn(process.execPath, run, { cwd: folder, timeout: deadlineMs, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output = (output + chunk).slice(-200_000);
    });
    child.stderr.on("data", (chunk) => {
      output = (output + chunk).slice(-200_000);
    });
    child.once("error", reject);
    child.once("close", () => resolve(output));
  });
}
