/** `postern demo` on a folder that is not free, or not whole: a sentence and exit code 1, and what stands there is left alone. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { until } from "../support/until.ts";
import { type Ended, postern, startPostern } from "./run-postern.ts";

let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), "postern-demo-"));
});
after(() => rm(home, { recursive: true }));

function endsWith({ code, err }: Ended, ...expected: readonly RegExp[]): void {
  assert.equal(code, 1, err);
  for (const each of expected) assert.match(err, each);
  assert.doesNotMatch(err, /^ {4}at /m);
}

test("a second demo on the same folder says who runs there, and the first goes on", async () => {
  const folder = join(home, "demo");
  const readyFile = join(home, "ready.json");
  const first = startPostern(["demo", "--data", folder, "--ready-file", readyFile]);
  await until("the demo is ready", () => existsSync(readyFile) || first.child.exitCode !== null);

  const second = await postern(["demo", "--data", folder]);

  endsWith(
    second,
    new RegExp(`a demo runs on ${folder} already \\(process ${first.child.pid}\\): stop it, or give --data`),
  );
  assert.ok(existsSync(readyFile));
  first.child.kill("SIGTERM");
  assert.equal((await first.ended).code, 0);
});

for (const [what, text] of [
  ["cut off", '{"adminToken":"x","boxes":['],
  ["something else", '{"adminToken":7}'],
]) {
  test(`a demo.json that is ${what} is named, and not written over`, async () => {
    const folder = join(home, what!.replace(" ", "-"));
    await mkdir(folder);
    await writeFile(join(folder, "demo.json"), text!);

    const ended = await postern(["demo", "--data", folder]);

    endsWith(ended, /demo\.json is damaged, .*: move that folder away, or give --data another one/);
    assert.deepEqual(await readdir(folder), ["demo.json"]);
  });
}

test("when a service of the demo does not start, the demo says why", async () => {
  const folder = join(home, "in-use");
  await mkdir(join(folder, "cloud"), { recursive: true });
  await writeFile(join(folder, "cloud", "pglite"), "no folder");

  const ended = await postern(["demo", "--data", folder]);

  endsWith(ended, /cloud-sync did not start: \S/, /Its log: .*cloud-sync\.log/);
});
