import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chainNext, chainStart, eventLine, parseLine, recordLine } from "../../gateway/wire/journal-line.ts";
import fc from "../support/fast-check.ts";

const golden = readFileSync(join(import.meta.dirname, "golden/journal.jsonl"), "utf8")
  .trimEnd()
  .split("\n");
const chain = JSON.parse(readFileSync(join(import.meta.dirname, "golden/journal-chain.json"), "utf8"));
const prev = chainStart("gateway-1", 1);
const parse = (line: string | Uint8Array) => parseLine(typeof line === "string" ? Buffer.from(line) : line);
const numbers = fc.nat({ max: Number.MAX_SAFE_INTEGER });

test("the golden lines are read, written and chained as another program wrote them", () => {
  const values = [chain.start, ...chain.after];
  assert.equal(chainStart(chain.gateway, chain.epoch), chain.start);
  let events = 0;
  for (const line of golden) {
    const parsed = parse(line);
    assert.ok(parsed, line);
    const { lsn, durable, content, body } = parsed;
    if (body === undefined) {
      assert.equal(recordLine(lsn, durable, JSON.stringify(content)), `${line}\n`);
      continue;
    }
    assert.equal(parsed.prev, values[events]);
    assert.equal(eventLine(lsn, durable, body, values[events]), `${line}\n`);
    events += 1;
    assert.equal(chainNext(values[events - 1], body), values[events]);
  }
  assert.equal(events, 3);
});

test("whatever is written is read back, an event with the very text of its body", () => {
  fc.assert(
    fc.property(numbers, numbers, fc.dictionary(fc.string(), fc.jsonValue()), (lsn, durable, event) => {
      const body = JSON.stringify(event);
      const line = eventLine(lsn, durable, body, prev);
      assert.ok(line.endsWith("\n") && !line.slice(0, -1).includes("\n"));
      const content = { kind: "event", event: JSON.parse(body) };
      assert.deepEqual(parse(line.slice(0, -1)), { lsn, durable, content, prev, body });
    }),
  );
  fc.assert(
    fc.property(numbers, numbers, fc.jsonValue(), (lsn, durable, page) => {
      const content = { kind: "page", page: JSON.parse(JSON.stringify(page)) };
      assert.deepEqual(parse(recordLine(lsn, durable, JSON.stringify(content)).slice(0, -1)), {
        lsn,
        durable,
        content,
      });
    }),
  );
});

test("a line in which one bit, one byte or a cut differs is refused", () => {
  for (const line of golden) {
    const bytes = Buffer.from(line);
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped[at]! ^= 1 << bit;
        assert.equal(parse(flipped), undefined, `bit ${bit} of byte ${at}`);
      }
      assert.equal(parse(bytes.subarray(0, at)), undefined, `cut at ${at}`);
      assert.equal(parse(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])), undefined);
    }
    assert.equal(parse(`${line} `), undefined);
  }
});

test("no bytes make the reader throw, with a right checksum or without", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void parse(bytes)));
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => assert.equal(parse(text), undefined)));
  // A line of ours around any JSON at all: read as far as it makes sense.
  fc.assert(fc.property(fc.json(), numbers, (json, lsn) => void parse(eventLine(lsn, 0, json, prev).slice(0, -1))));
  for (const record of ['{"x":1}', '{"kind":7}', '{"lsn":1.5,"kind":"x"}', '{"kind":"event","event":null}', "{]}"])
    assert.equal(parse(recordLine(1, 0, record).trimEnd()), undefined, record);
});

test("an event whose chain value is not one is refused", () => {
  assert.equal(parse(eventLine(1, 0, "{}", "short").trimEnd()), undefined);
});
