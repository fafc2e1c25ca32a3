import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readUplink } from "../../gateway/drivers/mqtt-lockbox/wire.ts";
import { lockboxCommandSchema, lockboxUplinks, openCommand, signCommand } from "../../gateway/wire/lockbox.ts";

const golden: { key: string; device: string; payloads: string[] } = JSON.parse(
  readFileSync(new URL("golden/lockbox-commands.json", import.meta.url), "utf8"),
);
const key = Buffer.from(golden.key, "hex");

test("commands signed by another program are opened, and ours are signed to the same bytes", () => {
  for (const payload of golden.payloads) {
    const command = openCommand(payload, golden.device, key);
    assert.ok(command, payload);
    const { mac, ...facts } = JSON.parse(payload);
    assert.equal(mac.length, 64);
    assert.equal(signCommand(facts, key), payload);
    assert.deepEqual(lockboxCommandSchema.parse(facts), command);
  }
});

const uplinks: { device: string; messages: { topic: string; payload: string }[] } = JSON.parse(
  readFileSync(new URL("golden/lockbox-uplinks.json", import.meta.url), "utf8"),
);

test("every message of a box that another program wrote is read whole", () => {
  const read = uplinks.messages.map(({ topic, payload }) => {
    const uplink = readUplink(uplinks.device, topic, payload);
    assert.deepEqual(uplink?.message, JSON.parse(payload), topic);
    return uplink?.name;
  });
  assert.deepEqual(new Set(read), new Set(Object.keys(lockboxUplinks)));
});
