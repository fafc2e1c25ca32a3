/** What the README tells people to type: each npm script must find its program on a clean clone, where nothing links our own bin. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { until } from "../support/until.ts";

const root = join(import.meta.dirname, "../..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

test("no script relies on our own bin being linked", () => {
  for (const [name, script] of Object.entries(scripts)) assert.doesNotMatch(script, /(^|&& )postern\b/, name);
});

for (const name of ["start", "gateway", "cloud-sync", "firmware-sim"]) {
  test(`npm run ${name} finds its program under whatever Node runs npm`, () => {
    const path = (process.env.PATH ?? "")
      .split(delimiter)
      .filter((folder) => !folder.includes("node_modules"))
      .join(delimiter);
    const help = execFileSync("npm", ["run", "--silent", name, "--", "--help"], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, PATH: path },
    });
    assert.match(help, /postern/);
  });
}

/** npm and npx hand a signal to their own child only, which is a shell. */
const underNpm = [
  ["npm start", ["start", "--"]],
  ["npx postern cloud-sync", ["exec", "--", "postern", "cloud-sync"]],
] as const;
for (const [name, words] of underNpm) {
  test(`SIGTERM to ${name} ends all that it started`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "postern-npm-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const readyFile = join(folder, "ready.json");
    const config = join(folder, "cloud-sync.yaml");
    await writeFile(config, "data: ./cloud\nhttp: { port: 0 }\n");
    const options = words[0] === "exec" ? ["--config", config] : ["--data", folder];
    const npm = spawn("npm", [...words, ...options, "--ready-file", readyFile], {
      cwd: root,
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    const group = -npm.pid!;
    t.after(() => {
      // Only what a failed test has left still stands there.
      if (isThere(group)) process.kill(group, "SIGKILL");
    });
    // The program holds the other end as npm and the shell do, so it closes when the last of them is gone.
    const allGone = once(npm.stdout.resume(), "close");
    await until("it is ready", () => existsSync(readyFile) || npm.exitCode !== null);
    const { pids = {} } = JSON.parse(await readFile(readyFile, "utf8")) as { pids?: Record<string, number> };

    npm.kill("SIGTERM");

    await allGone;
    assert.equal(existsSync(readyFile), false, "stopped in order");
    assert.deepEqual(Object.values(pids).filter(isThere), []);
  });
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
