/** What tuyapi would print for whoever looks for faults: session keys among it. In a process of its own, for DEBUG is read once in each. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

const program = `
  import { createRequire } from "node:module";
  await import("./gateway/drivers/tuya/library.ts");
  const require = createRequire(process.cwd() + "/package.json");
  const debug = createRequire(require.resolve("tuyapi"))("debug");
  console.log(debug.enabled("mqttjs"), debug.enabled("TuyAPI"));`;

test("with DEBUG=* all may print, but not tuyapi", () => {
  const told = execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
    cwd: new URL("../../..", import.meta.url),
    env: { ...process.env, DEBUG: "*" },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 60_000,
  });
  assert.equal(told.trim(), "true false");
});
