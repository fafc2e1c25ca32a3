/** `postern journal` on a folder that a real journal was written to. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { aDenial, aGrantRow, anAdmission, aPage, aStore } from "../support/site-store.ts";
import { postern, program } from "./run-postern.ts";

const newline = 0x0a;

let home: string;
let folder: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), "postern-journal-"));
  folder = join(home, "data");
  const store = await aStore(nodeDisk, folder);
  await store.journal.record({ kind: "page", page: aPage([aGrantRow("one", 1000)]), at: 5 }).durable;
  for (let i = 0; i < 5; i += 1) await store.journal.recordEvent(i % 2 ? aDenial : anAdmission("one", 10 - i)).durable;
  await store.close();
});
after(() => rm(home, { recursive: true }));

test("show prints a line a record, and with --json the records themselves", async () => {
  const [shown, events, json] = await Promise.all([
    postern(["journal", "show", folder]),
    postern(["journal", "show", folder, "--events"]),
    postern(["journal", "show", folder, "--events", "--json"]),
  ]);

  assert.match(shown.out, /^journal\/000001\.jsonl:1 {2}.* {2}segment {2}/);
  assert.match(shown.out, /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}#\d+ denied {2}.*reason=QR_EXPIRED/);
  const records = json.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    records.map(({ record }) => record.event.type).filter((type) => /admitted|denied/.test(type)),
    ["admitted", "denied", "admitted", "denied", "admitted"],
  );
  assert.equal(events.out.trim().split("\n").length, records.length);
});

test("show ends quietly and well when nobody reads any more, and verify keeps its exit code", async () => {
  const show = await unread(["journal", "show", folder]);
  const verify = await unread(["journal", "verify", folder, "--json"]);

  assert.deepEqual(show, { code: 0, err: "" });
  assert.deepEqual(verify, { code: 0, err: "" });
});

test("a full disk under the output is no success", { skip: !existsSync("/dev/full") }, async () => {
  const full = openSync("/dev/full", "w");
  const { code, err } = await unread(["journal", "show", folder], full).finally(() => closeSync(full));
  assert.equal(code, 1);
  assert.match(err, /ENOSPC/);
});

/** Closes the reading end of its output at once, as `head` does when it has seen enough. */
async function unread(words: readonly string[], output: number | "pipe" = "pipe") {
  const child = spawn(process.execPath, [program, ...words], { stdio: ["ignore", output, "pipe"] });
  child.stdout?.destroy();
  const [[code], err] = await Promise.all([once(child, "close"), text(child.stderr!)]);
  return { code: code as number | null, err };
}

test("verify says ok, and after one flipped byte, wherever it is, names file and line and ends with 1", async () => {
  const good = await postern(["journal", "verify", folder]);
  assert.equal(good.code, 0, good.out);
  assert.match(good.out, /: ok\n$/);

  const segment = join(folder, "journal/000001.jsonl");
  const bytes = await readFile(segment);
  const used = bytes.findLastIndex((byte) => byte !== newline) + 2;
  const positions = [
    0,
    bytes.indexOf(newline),
    bytes.indexOf('"denied"') + 2,
    Math.floor(used / 2),
    bytes.lastIndexOf('"prev"') + 10,
    used - 2,
    used - 1,
    used,
    Math.floor((used + bytes.length) / 2),
    bytes.length - 1,
  ];
  for (const at of positions) {
    const line = bytes.subarray(0, at).filter((byte) => byte === newline).length + 1;
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1;
    await writeFile(segment, flipped);

    const bad = await postern(["journal", "verify", folder, "--json"]);

    assert.equal(bad.code, 1, `byte ${at}: ${bad.out}`);
    const { findings } = JSON.parse(bad.out) as { findings: { file: string; line: number }[] };
    assert.ok(
      findings.some((finding) => finding.file === "journal/000001.jsonl" && finding.line === line),
      `byte ${at}, line ${line}: ${bad.out}`,
    );
  }
  const told = await postern(["journal", "verify", folder]);
  assert.match(told.out, /line \d+ of journal\/000001\.jsonl/);
  await writeFile(segment, bytes);
});
