import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { permissionsOf, readClientId } from "../../gateway/broker/permissions.ts";

const clientIds: [clientId: string, device: string | undefined, line?: "own" | "second"][] = [
  ["box-1", "box-1", "own"],
  ["Box_1", "Box_1", "own"],
  ["box-1.pub", "box-1", "second"],
  ["box-1.pub7", "box-1", "second"],
  ["box-1.pub77", undefined],
  ["box-1.sub", undefined],
  [".pub", undefined],
  ["", undefined],
  ["box/1", undefined],
  ["+", undefined],
  ["#", undefined],
  ["$SYS", undefined],
  ["böx", undefined],
  ["box-1\n", undefined],
  ["x".repeat(64), "x".repeat(64), "own"],
  ["x".repeat(65), undefined],
];
test("a client id is a device's id, or that with .pub, and nothing else", () => {
  for (const [clientId, device, line] of clientIds)
    assert.deepEqual(readClientId(clientId), device && { device, line }, JSON.stringify(clientId));
});

test("a device publishes its own reports and subscribes to its own commands", () => {
  const own = permissionsOf({ device: "box-1", line: "own" });
  const names = ["presence", "heartbeat", "attempt", "state", "battery", "tamper", "reply"];
  assert.deepEqual(
    [...own.publish],
    names.map((name) => `postern/box-1/${name}`),
  );
  assert.deepEqual([...own.subscribe], ["postern/box-1/command"]);
  assert.equal(own.will, "postern/box-1/presence");

  const second = permissionsOf({ device: "box-1", line: "second" });
  assert.deepEqual([...second.publish], [...own.publish]);
  assert.equal(second.subscribe.size, 0);
  assert.equal(second.will, undefined);
});

test("no device may say or hear what belongs to another", () => {
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
  fc.assert(
    fc.property(id, id, (one, other) => {
      fc.pre(one !== other);
      const [mine, theirs] = [one, other].map((device) => permissionsOf({ device, line: "own" }));
      for (const topic of mine?.publish ?? []) assert.ok(!theirs?.publish.has(topic) && !theirs?.subscribe.has(topic));
      for (const topic of mine?.subscribe ?? [])
        assert.ok(!theirs?.publish.has(topic) && !theirs?.subscribe.has(topic));
    }),
  );
});
