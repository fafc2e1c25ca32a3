/** Frames out of a stream, on the recorded bytes of wire/golden; and what stands first in them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FrameSplitter, returnCodeOf } from "../../../gateway/drivers/tuya/frames.ts";
import fc from "../../support/fast-check.ts";

interface GoldenFrame {
  readonly name: string;
  readonly sender: "client" | "device";
  readonly key: string;
  readonly returnCode?: number;
  readonly frame: string;
}

const path = join(import.meta.dirname, "../../wire/golden/tuya-frames.json");
const golden = JSON.parse(readFileSync(path, "utf8")) as { readonly frames: readonly GoldenFrame[] };
const frames = golden.frames.map(({ frame }) => Buffer.from(frame, "hex"));

test("however the stream is cut, the same frames come out", () => {
  const stream = Buffer.concat(frames);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 }), (sizes) => {
      const splitter = new FrameSplitter();
      const found: Buffer[] = [];
      for (let at = 0, cut = 0; at < stream.length; cut += 1) {
        const size = sizes[cut % sizes.length]!;
        found.push(...splitter.push(stream.subarray(at, at + size)));
        at += size;
      }
      assert.deepEqual(found, frames);
    }),
  );
});

test("byte by byte a frame comes out once, with its last byte", () => {
  for (const frame of frames) {
    const splitter = new FrameSplitter();
    for (const byte of frame.subarray(0, -1)) assert.deepEqual(splitter.push(Buffer.of(byte)), []);
    assert.deepEqual(splitter.push(frame.subarray(-1)), [frame]);
  }
});

test("what is no frame, or longer than any, is not waited for", () => {
  assert.throws(() => new FrameSplitter().push(Buffer.from("HTTP/1.1 400")), RangeError);
  const endless = Buffer.from("000055aa0000000100000008ffffffff", "hex");
  assert.throws(() => new FrameSplitter().push(endless), RangeError);
});

for (const { name, key, returnCode, frame, sender } of golden.frames)
  if (sender === "device")
    test(`${name}: return code ${returnCode}`, () => {
      assert.equal(returnCodeOf(Buffer.from(frame, "hex"), Buffer.from(key, "hex")), returnCode);
    });
