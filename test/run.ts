/**
 * Runs the tests: `tsx test/run.ts [file or folder …]`. On Debian as root it first installs the programs that some tests need.
 * Ends with "N passed, N failed, N skipped" and fails on a failure, on no test at all, and with CI=true on a skip.
 */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { pathToFileURL } from "node:url";
import { find, needed, type Program } from "./support/needs.ts";

const root = join(import.meta.dirname, "..");
const hangGuard = new URL("./support/hang-guard.ts", import.meta.url).href;
const wanted = process.argv.slice(2);
const batchMax = 12;

installWhatIsMissing();

const files = (wanted.length > 0 ? wanted : ["test"]).flatMap((path) =>
  path.endsWith(".test.ts") || path.endsWith(".test.tsx")
    ? [join(root, path)]
    : globSync(`${path}/**/*.test.{ts,tsx}`, { cwd: root }).map((file) => join(root, file)),
);

// The longest first, or one of them would run alone at the end.
const longOnes = /^(browser|scenario|simulation|storage)$/;
/** What has a process of its own a file: it starts others, listens to signals or measures what a process takes. */
const aloneOnes = /^(bench|broker|cli|fuzz|lan)$/;
const folderOf = (file: string) => relative(join(root, "test"), file).split(sep)[0]!;
const ofFolder = Map.groupBy(files, folderOf);
const folders = [...ofFolder].sort(([a], [b]) => Number(longOnes.test(b)) - Number(longOnes.test(a)));
const batches = mkdtempSync(join(tmpdir(), "postern-tests-"));
const programs = folders.flatMap(([folder, files]) =>
  longOnes.test(folder) || aloneOnes.test(folder) ? files : inBatches(folder, files),
);

const count = { passed: 0, failed: 0, skipped: 0 };
const tests = run({ files: programs, concurrency: 2, cwd: root, execArgv: ["--import", "tsx", "--import", hangGuard] });
tests.on("test:pass", ({ skip, details }) => {
  if (details.type === "suite") return;
  if (skip !== undefined && skip !== false) count.skipped += 1;
  else count.passed += 1;
});
tests.on("test:fail", ({ details }) => {
  if (details.type !== "suite") count.failed += 1;
});
tests.compose(spec).pipe(process.stdout);
tests.on("end", () => {
  rmSync(batches, { recursive: true });
  const skippedInCi = process.env.CI === "true" && count.skipped > 0;
  if (skippedInCi) console.error("CI=true: a skipped test is a failure.");
  process.exitCode = count.failed > 0 || count.passed === 0 || skippedInCi ? 1 : 0;
  setImmediate(() => console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`));
});

/** Programs that run some files one after the other: starting a process, and the store's WebAssembly in it, takes longer than most files do. */
function inBatches(folder: string, files: readonly string[]): string[] {
  if (files.length === 1) return [...files];
  const count = Math.ceil(files.length / batchMax);
  return Array.from({ length: count }, (_, batch) => {
    const names = files.filter((_file, index) => index % count === batch);
    const program = join(batches, `${folder}-${batch + 1}.mjs`);
    const lines = names.map((file) => {
      const name = JSON.stringify(relative(root, file));
      return `suite(${name}, async () => { await import(${JSON.stringify(pathToFileURL(file).href)}); });`;
    });
    writeFileSync(program, ['import { suite } from "node:test";', ...lines, ""].join("\n"));
    return program;
  });
}

function installWhatIsMissing(): void {
  const packages = Object.entries(needed).flatMap(([program, name]) => (find(program as Program) ? [] : [name]));
  if (packages.length === 0 || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return;
  console.log(`installing what some tests need: ${packages.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    execFileSync("apt-get", ["update", "-qq"], { stdio: ["ignore", "ignore", "inherit"], env });
    execFileSync("apt-get", ["install", "-qq", "-y", "--no-install-recommends", ...packages], {
      stdio: ["ignore", "ignore", "inherit"],
      env,
    });
  } catch {
    console.error("could not install them; the tests that need them are skipped");
  }
}
