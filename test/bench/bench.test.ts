/** The benchmarks can be run one by one and speak the shape that scripts read. What they measure is no test. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { benchmarks } from "./benchmarks.ts";

const run = (...args: readonly string[]) =>
  promisify(execFile)(process.execPath, ["--import", "tsx", join(import.meta.dirname, "run.ts"), ...args]);

test("every benchmark of the table loads and goes by its name there", async () => {
  for (const [name, load] of Object.entries(benchmarks)) assert.equal((await load()).benchmark.name, name);
});

test("--only and --json print that benchmark's rows and nothing else", async () => {
  const { stdout } = await run("--only", "decide", "--json");

  const rows = JSON.parse(stdout) as Record<string, unknown>[];
  assert.deepEqual(
    rows.map(({ name }) => String(name).split(",")[0]),
    ["decide", "decide"],
  );
  for (const row of rows) {
    assert.deepEqual(Object.keys(row), ["name", "value", "unit", "peer", "peerValue", "ratio", "goal", "met"]);
    assert.ok(Number.isFinite(row.value) && Number(row.value) > 0, JSON.stringify(row));
    assert.equal(typeof row.met, "boolean");
  }
});

test("a benchmark that does not exist is refused with the names of those that do", async () => {
  await assert.rejects(run("--only", "fax"), ({ code, stderr }: { code: number; stderr: string }) => {
    assert.equal(code, 2);
    assert.match(stderr, /no benchmark is called "fax"; known: decide, admission/);
    return true;
  });
});
