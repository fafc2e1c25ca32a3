/** `postern cloud-sync` as a process: up, told by its ready file, and down again; through the hand-over from an older Node where there is one. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { olderNode, startPostern } from "./run-postern.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "postern-cloud-sync-"));
});
after(() => rm(folder, { recursive: true }));

test("it answers where the ready file says, logs no link, and stops with 0", async () => {
  const config = join(folder, "cloud-sync.yaml");
  const readyFile = join(folder, "ready.json");
  await writeFile(config, "data: ./cloud\nhttp: { port: 0 }\n");
  const { child, ended } = startPostern(["cloud-sync", "--config", config, "--ready-file", readyFile], {
    node: olderNode ?? process.execPath,
  });
  await new Promise<void>((resolve) => {
    createInterface({ input: child.stdout! }).on("line", (line) => JSON.parse(line).event === "ready" && resolve());
    child.once("close", () => resolve());
  });
  const { url, firstAdminLink } = JSON.parse(await readFile(readyFile, "utf8"));
  assert.equal((await stat(readyFile)).mode & 0o777, 0o600);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const token = new URL(firstAdminLink).hash.slice(1);
  const admin = { token, name: "Ada Keeper", userName: "ada", password: "sea wind over the harbour" };
  const made = await fetch(`${url}/auth/first-admin`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(admin),
  });
  assert.equal(made.status, 201);

  child.kill("SIGTERM");

  const { code, out, err } = await ended;
  assert.equal(code, 0, out + err);
  assert.ok(!out.includes(token), "the log holds the link");
  assert.equal(err.split(token).length, 2, "the link is shown once");
});
