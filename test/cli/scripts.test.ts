/** What the README tells people to type: each npm script must find its program on a clean clone, where nothing links our own bin. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";

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
