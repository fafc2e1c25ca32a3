/** What tuyapi would print for whoever looks for faults: session keys among it. Its own file, for DEBUG is read once a process. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

test("with DEBUG=* all may print, but not tuyapi", async () => {
  process.env.DEBUG = "*";
  await import("../../../gateway/drivers/tuya/library.ts");
  const require = createRequire(import.meta.url);
  const debug = createRequire(require.resolve("tuyapi"))("debug") as { enabled(name: string): boolean };
  assert.equal(debug.enabled("mqttjs"), true);
  assert.equal(debug.enabled("TuyAPI"), false);
});
