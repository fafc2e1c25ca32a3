/** The threat model names the tests that hold it up; a name that nobody answers to is a claim without proof. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

test("every test the threat model names is there", () => {
  const text = readFileSync(join(root, "docs/threat-model.md"), "utf8");
  const named = [...text.matchAll(/`(test\/[\w./-]+)`/g)].map(([, path]) => path!);
  assert.ok(named.length > 30);
  assert.deepEqual(
    named.filter((path) => !existsSync(join(root, path))),
    [],
  );
});
