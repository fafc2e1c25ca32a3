import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  decodeFrame,
  encodeFrame,
  sessionKey,
  sessionProof,
  splitFrames,
  TuyaFrameError,
  type TuyaVersion,
} from "../../firmware-sim/links/tuya-frame.ts";

interface GoldenFrame {
  readonly name: string;
  readonly version: TuyaVersion;
  readonly sender: "client" | "device";
  readonly key: string;
  readonly seq: number;
  readonly command: number;
  readonly returnCode?: number;
  readonly body: string;
  readonly bodyIs: "hex" | "text";
  readonly frame: string;
}

const golden: {
  readonly localKey: string;
  readonly clientNonce: string;
  readonly deviceNonce: string;
  readonly proofOfClientNonce: string;
  readonly proofOfDeviceNonce: string;
  readonly sessionKeys: { readonly "3.4": string; readonly "3.5": string };
  readonly gcmNonce: string;
  readonly frames: readonly GoldenFrame[];
} = JSON.parse(readFileSync(new URL("golden/tuya-frames.json", import.meta.url), "utf8"));
const hex = (text: string) => Buffer.from(text, "hex");
const nonce = hex(golden.gcmNonce);

for (const { name, version, sender, key, seq, command, returnCode, body, bodyIs, frame } of golden.frames) {
  const seal = { version, key: hex(key) };
  const message = {
    seq,
    command,
    body: Buffer.from(body, bodyIs === "hex" ? "hex" : "utf8"),
    ...(returnCode !== undefined && { returnCode }),
  };

  test(`${name}: read from another program's bytes, and written to the same bytes`, () => {
    assert.deepEqual(decodeFrame(hex(frame), seal, sender), message);
    assert.equal(encodeFrame(message, seal, nonce).toString("hex"), frame);
  });

  test(`${name}: each byte that is wrong is noticed`, () => {
    for (let at = 0; at < frame.length / 2; at += 1) {
      const spoilt = hex(frame);
      spoilt[at] = (spoilt[at] ?? 0) ^ 1;
      assert.throws(() => decodeFrame(spoilt, seal, sender), TuyaFrameError, `byte ${at}`);
    }
  });
}

test("a session's proofs and keys are those of another program", () => {
  const [localKey, ofClient, ofDevice] = [hex(golden.localKey), hex(golden.clientNonce), hex(golden.deviceNonce)];
  assert.equal(sessionProof(localKey, ofClient).toString("hex"), golden.proofOfClientNonce);
  assert.equal(sessionProof(localKey, ofDevice).toString("hex"), golden.proofOfDeviceNonce);
  for (const version of ["3.4", "3.5"] as const)
    assert.equal(sessionKey(version, localKey, ofClient, ofDevice).toString("hex"), golden.sessionKeys[version]);
});

test("a stream is cut into the same frames wherever it is torn", () => {
  const whole = golden.frames.map(({ frame }) => hex(frame));
  const stream = Buffer.concat(whole);
  for (let at = 0; at <= stream.length; at += 1) {
    const first = splitFrames(stream.subarray(0, at));
    const second = splitFrames(Buffer.concat([first.rest, stream.subarray(at)]));
    assert.equal(second.rest.length, 0);
    assert.ok(Buffer.concat([...first.frames, ...second.frames]).equals(stream), `torn at ${at}`);
    assert.equal(first.frames.length + second.frames.length, whole.length);
  }
});

test("noise and a boundless length end the stream", () => {
  assert.throws(() => splitFrames(Buffer.from("GET / HTTP/1.1")), TuyaFrameError);
  assert.throws(() => splitFrames(hex("000055aa0000000100000007ffffffff")), TuyaFrameError);
  assert.throws(() => splitFrames(hex("00006699000000000001000000037fffffff")), TuyaFrameError);
});
