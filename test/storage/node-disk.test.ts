/** What is written to a durable file is in the file as written, wherever sectors, windows and the file's end happen to be. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { Random } from "../support/random.ts";

async function inFile(size: number, use: (path: string, model: Buffer) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "postern-disk-"));
  try {
    const path = join(folder, "file");
    const model = Buffer.alloc(size, "\n");
    await writeFile(path, model);
    await use(path, model);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("durable writes of any length at any place change those bytes and no others", () =>
  inFile(1024 * 1024, async (path, model) => {
    const random = new Random(1);
    const file = await nodeDisk.open(path, { create: false, durable: true });
    for (let turn = 0; turn < 300; turn += 1) {
      const bytes = Buffer.alloc(1 + random.int(turn % 10 === 0 ? 300_000 : 2_000), 97 + (turn % 26));
      const position = random.int(model.length - bytes.length + 1);
      await file.write(bytes, position);
      bytes.copy(model, position);
      if (turn % 20 === 0) assert.ok((await readFile(path)).equals(model), `after ${turn} writes`);
    }
    await file.close();
    assert.ok((await readFile(path)).equals(model));
    assert.equal(file.size, model.length);
  }));

test("lines appended one after the other stand there as a reader sees them at once", () =>
  inFile(64 * 1024, async (path, model) => {
    const file = await nodeDisk.open(path, { create: false, durable: true });
    for (let line = 0, position = 0; line < 200; line += 1) {
      const bytes = Buffer.from(`line ${line} ${"x".repeat(line)}\n`);
      await file.write(bytes, position);
      position += bytes.copy(model, position);
      assert.ok((await readFile(path)).equals(model), `line ${line}`);
    }
    await file.close();
  }));

test("a short write beside a long one keeps what the long one wrote", () =>
  inFile(1024 * 1024, async (path, model) => {
    const file = await nodeDisk.open(path, { create: false, durable: true });
    for (const [position, bytes] of [
      [100, "short"],
      [0, "long".repeat(100_000)],
      [50, "short"],
    ] as const) {
      await file.write(Buffer.from(bytes), position);
      model.write(bytes, position);
      assert.ok((await readFile(path)).equals(model), `${bytes.length} bytes at ${position}`);
    }
    await file.close();
  }));

for (const size of [0, 700, 2048]) {
  test(`a file of ${size} bytes grows by what is written behind its end, and not by more`, () =>
    inFile(size, async (path, model) => {
      const file = await nodeDisk.open(path, { create: false, durable: true });
      const end = Math.max(0, size - 5);
      const wanted = Buffer.concat([model.subarray(0, end), Buffer.from("across the end")]);
      await file.write(Buffer.from("across the end"), end);
      await file.write(Buffer.from("!"), 1);
      wanted.write("!", 1);
      assert.equal(file.size, wanted.length);
      await file.close();
      assert.ok((await readFile(path)).equals(wanted));
    }));
}
