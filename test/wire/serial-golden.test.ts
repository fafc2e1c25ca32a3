import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readStatus, statusQuestion, switchFrame } from "../../gateway/drivers/serial-relay/wire.ts";
import { commandFrame, type Gm65Command, ReplyFilter } from "../../gateway/drivers/serial-scanner/wire.ts";

interface Golden {
  readonly relay: {
    readonly switch: readonly { readonly channel: number; readonly on: boolean; readonly frame: string }[];
    readonly question: string;
    readonly answers: readonly {
      readonly channels: number;
      readonly bytes: string;
      readonly relays: readonly boolean[] | "part" | "unreadable";
    }[];
  };
  readonly gm65: {
    readonly commands: readonly (Gm65Command & { readonly name: string; readonly frame: string })[];
    readonly lookOnceUnchecked: string;
    readonly replies: readonly { readonly name: string; readonly bytes: string }[];
  };
}
const golden: Golden = JSON.parse(readFileSync(new URL("golden/serial-frames.json", import.meta.url), "utf8"));

test("a relay board's frames are as its maker prints them", () => {
  for (const { channel, on, frame } of golden.relay.switch)
    assert.equal(switchFrame(channel, on).toString("hex"), frame, `relay ${channel} ${on ? "on" : "off"}`);
  assert.equal(statusQuestion.toString("hex"), golden.relay.question);
  for (const { channels, bytes, relays } of golden.relay.answers)
    assert.deepEqual(readStatus(Buffer.from(bytes, "hex"), channels), relays, bytes);
});

test("a GM65's commands are as its maker prints them; the one printed without a sum has ours behind it", () => {
  for (const { name, frame, ...command } of golden.gm65.commands)
    assert.equal(commandFrame(command).toString("hex"), frame, name);
  const unsummed = golden.gm65.lookOnceUnchecked.slice(0, -4);
  assert.ok(golden.gm65.commands.some(({ frame }) => frame.startsWith(unsummed)));
});

test("a GM65's replies are told from what was scanned, wherever the chunks are cut", () => {
  for (const { name, bytes } of golden.gm65.replies) {
    const sent = Buffer.concat([Buffer.from("VIS-1\r\n"), Buffer.from(bytes, "hex"), Buffer.from("VIS-2\r\n")]);
    for (let cut = 0; cut <= sent.length; cut += 1) {
      const filter = new ReplyFilter();
      const parts = [filter.push(sent.subarray(0, cut)), filter.push(sent.subarray(cut))];
      assert.equal(
        Buffer.concat(parts.map(({ scanned }) => scanned)).toString(),
        "VIS-1\r\nVIS-2\r\n",
        `${name}, ${cut}`,
      );
      assert.equal(parts[0]!.replies + parts[1]!.replies, 1, `${name}, ${cut}`);
    }
    const wrong = Buffer.from(bytes, "hex");
    wrong[wrong.length - 1]! ^= 1;
    const { replies, scanned } = new ReplyFilter().push(wrong);
    assert.deepEqual([replies, scanned.toString("hex")], [0, wrong.toString("hex")], `${name} with a wrong sum`);
  }
});
