/** A real process on real files, killed under load. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { verifyFolder } from "../../gateway/storage/verify-journal.ts";
import { Random } from "../support/random.ts";
import { aStore } from "../support/site-store.ts";

const writer = join(import.meta.dirname, "../support/journal-writer.ts");
const kills = 12;

test(`${kills} kills under load: no acknowledged event is missing, none is there twice`, async () => {
  const home = await mkdtemp(join(tmpdir(), "postern-kill-"));
  const folder = join(home, "data");
  const random = new Random(7);
  const acknowledged: string[] = [];
  try {
    for (let i = 0; i < kills; i += 1) acknowledged.push(...(await lifeOf(folder, 20 + random.int(400))));

    const store = await aStore(nodeDisk, folder);
    const lines: string[] = [];
    while (lines.length < store.journal.durableSeq)
      lines.push(...(await store.journal.eventsFrom(lines.length + 1, { maxEvents: 1000, maxBytes: 1e6 }))!.lines);

    assert.ok(acknowledged.length > kills * 20);
    assert.deepEqual(store.recovered.damage, []);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).seq),
      lines.map((_, seq) => seq + 1),
    );
    for (const text of acknowledged) assert.equal(lines[JSON.parse(text).seq - 1], text);
    await store.close();
    assert.deepEqual((await verifyFolder(nodeDisk, folder)).findings, []);
  } finally {
    await rm(home, { recursive: true });
  }
});

/** Runs a writer until it has acknowledged `count` events, kills it, and returns every event it had acknowledged by then. */
async function lifeOf(folder: string, count: number): Promise<string[]> {
  const child = spawn(process.execPath, ["--import", "tsx", writer, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.split("\n").length > count) child.kill("SIGKILL");
  });
  await ended;
  // What is not a whole line was cut off by the kill.
  return output.split("\n").slice(1, -1);
}
