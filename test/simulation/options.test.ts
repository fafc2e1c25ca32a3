/** What `npm run sim` says to options it does not have. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

interface Ended {
  readonly code: number | string | null | undefined;
  readonly out: string;
  readonly err: string;
}

function sim(...words: string[]): Promise<Ended> {
  const program = ["--import", "tsx", join(import.meta.dirname, "run.ts")];
  return new Promise((resolve) => {
    execFile(process.execPath, [...program, ...words], (error, out, err) => resolve({ code: error?.code, out, err }));
  });
}

const misuse: readonly (readonly [words: readonly string[], told: RegExp])[] = [
  [["--nonsense"], /^Unknown option '--nonsense'\n\nUsage: npm run sim/],
  [["--seeds"], /^Option '--seeds <value>' argument missing\n\nUsage:/],
  [["nonsense"], /^Unexpected argument 'nonsense'\n\nUsage:/],
  [["--seeds", "many"], /^--seeds wants a whole number/],
  [["--profile", "none"], /there is none called "none"; known: mixed, lending/],
];
for (const [words, told] of misuse) {
  test(`${words.join(" ")} ends with 2 and the options, not with a stack`, async () => {
    const { code, out, err } = await sim(...words);
    assert.deepEqual({ code, out }, { code: 2, out: "" });
    assert.match(err, told);
    assert.doesNotMatch(err, /^ {4}at /m);
  });
}

test("--help tells the options", async () => {
  const { code, out } = await sim("--help");
  assert.equal(code, undefined);
  for (const option of ["seeds", "from", "profile", "jobs", "first-failure", "seed", "mutants"])
    assert.match(out, new RegExp(`^ {2}--${option}\\b`, "m"));
});
