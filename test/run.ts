/**
 * Runs the tests: `tsx test/run.ts [file or folder …]`. On Debian as root it first installs the programs that some tests need.
 * Ends with "N passed, N failed, N skipped" and fails on a failure, on no test at all, and with CI=true on a skip.
 */
import { execFileSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { find, needed, type Program } from "./support/needs.ts";

const root = join(import.meta.dirname, "..");
const hangGuard = new URL("./support/hang-guard.ts", import.meta.url).href;
const wanted = process.argv.slice(2);

installWhatIsMissing();

const files = (wanted.length > 0 ? wanted : ["test"]).flatMap((path) =>
  path.endsWith(".test.ts") || path.endsWith(".test.tsx")
    ? [join(root, path)]
    : globSync(`${path}/**/*.test.{ts,tsx}`, { cwd: root }).map((file) => join(root, file)),
);

// The longest first, or one of them would run alone at the end.
const isLong = (file: string) => /[/\\]test[/\\](browser|scenario|simulation|storage)[/\\]/.test(file);
files.sort((a, b) => Number(isLong(b)) - Number(isLong(a)));

const count = { passed: 0, failed: 0, skipped: 0 };
const tests = run({ files, concurrency: 2, cwd: root, execArgv: ["--import", "tsx", "--import", hangGuard] });
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
  const skippedInCi = process.env.CI === "true" && count.skipped > 0;
  if (skippedInCi) console.error("CI=true: a skipped test is a failure.");
  process.exitCode = count.failed > 0 || count.passed === 0 || skippedInCi ? 1 : 0;
  setImmediate(() => console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`));
});

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
