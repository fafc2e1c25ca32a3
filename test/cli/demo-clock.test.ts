/** The demo's clock goes on as the machine's does, and leaps. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DemoClock } from "../../cli/demo-clock.ts";
import { systemClock } from "../../gateway/system-clock.ts";

const hourMs = 3_600_000;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Of a sleep: whether it is over after what was told has been heard. */
function watched(sleep: Promise<void>) {
  const seen = { isOver: false };
  sleep.then(
    () => {
      seen.isOver = true;
    },
    () => undefined,
  );
  return seen;
}

test("both its times are ahead of the machine's by what was leapt, and never go back", () => {
  const clock = new DemoClock(hourMs);
  clock.leapTo(3 * hourMs);
  clock.leapTo(2 * hourMs);

  const [wall, monotonic] = [systemClock.wall(), systemClock.monotonic()];
  assert.equal(clock.aheadMs, 3 * hourMs);
  assert.ok(clock.wall() - wall >= 3 * hourMs);
  assert.ok(clock.monotonic() - monotonic >= 3 * hourMs);
});

test("whoever sleeps until something is due wakes in the leap that reaches it, and in none before", async () => {
  const clock = new DemoClock(0);
  const sleep = clock.sleep(2 * hourMs);
  const seen = watched(sleep);

  clock.leapTo(2 * hourMs - 60_000);
  await turn();
  assert.equal(seen.isOver, false);

  clock.leapTo(2 * hourMs);
  await sleep;
});

test("a deadline of what is under way is not cut by a leap", async () => {
  const clock = new DemoClock(0);
  const over = new AbortController();
  const sleep = clock.sleep(120_000, over.signal);
  const seen = watched(sleep);

  clock.leapTo(24 * hourMs);
  await turn();

  assert.equal(seen.isOver, false);
  over.abort();
  await assert.rejects(sleep, { name: "AbortError" });
});

test("a signal ends a long sleep, and one that has fired lets none begin", async () => {
  const clock = new DemoClock(0);
  const over = new AbortController();
  const sleep = clock.sleep(hourMs, over.signal);
  over.abort();
  await assert.rejects(sleep, { name: "AbortError" });
  await assert.rejects(clock.sleep(hourMs, over.signal), { name: "AbortError" });
});

test("no command and no service leads to it: it is a program of its own, which the demo alone asks for", () => {
  const root = join(import.meta.dirname, "../..");
  const files = globSync("{bin,cli,config,gateway,cloud-sync,firmware-sim,web}/**/*.{ts,tsx,mjs}", { cwd: root });
  const naming = (word: RegExp) => files.filter((file) => word.test(readFileSync(join(root, file), "utf8"))).sort();

  assert.deepEqual(naming(/demo-service\.ts"/), ["cli/demo-service.mjs"]);
  assert.deepEqual(naming(/demo-service\.mjs"/), ["cli/service-process.ts"]);
  assert.deepEqual(naming(/new ServiceProcess\(/), ["cli/demo-site.ts"]);
  assert.deepEqual(naming(/new DemoClock\(/), ["cli/demo-service.ts", "cli/demo-site.ts"]);
});
