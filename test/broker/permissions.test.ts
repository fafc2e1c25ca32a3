import assert from "node:assert/strict";
import { test } from "node:test";
import { isIgnored, objectionTo, permissionsOf, readClientId, touch } from "../../gateway/broker/permissions.ts";
import { isPrivateAddress } from "../../gateway/broker/private-address.ts";
import { lockboxDialect } from "../../gateway/drivers/mqtt-lockbox/wire.ts";
import type { MqttDialect } from "../../gateway/ports/mqtt-link.ts";
import fc from "../support/fast-check.ts";

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
  const own = permissionsOf("own", lockboxDialect("box-1"));
  const names = ["presence", "heartbeat", "attempt", "state", "battery", "tamper", "reply"];
  assert.deepEqual(
    [...own.publish],
    names.map((name) => `postern/box-1/${name}`),
  );
  assert.deepEqual([...own.subscribe], ["postern/box-1/command"]);
  assert.equal(own.will, "postern/box-1/presence");

  const second = permissionsOf("second", lockboxDialect("box-1"));
  assert.deepEqual([...second.publish], [...own.publish]);
  assert.equal(second.subscribe.size, 0);
  assert.equal(second.will, undefined);
});

test("no device may say or hear what belongs to another", () => {
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
  fc.assert(
    fc.property(id, id, (one, other) => {
      fc.pre(one !== other);
      const [mine, theirs] = [one, other].map((device) => permissionsOf("own", lockboxDialect(device)));
      for (const topic of mine?.publish ?? []) assert.ok(!theirs?.publish.has(topic) && !theirs?.subscribe.has(topic));
      for (const topic of mine?.subscribe ?? [])
        assert.ok(!theirs?.publish.has(topic) && !theirs?.subscribe.has(topic));
    }),
  );
});

const aDialect = (base: string, more: Partial<MqttDialect> = {}): MqttDialect => ({
  base,
  publishes: ["connected", "state"],
  subscribes: ["lockAction"],
  will: "connected",
  ignores: [base, "homeassistant"],
  clientId: "any",
  tls: "never",
  ...more,
});

test("what a firmware says besides is ignored below its own base and where its dialect says so, and nowhere else", () => {
  const permissions = permissionsOf("own", aDialect("nuki/1A2B"));
  const ignored = [
    "nuki/1A2B/lockAction",
    "nuki/1A2B/name",
    "nuki/1A2B",
    "nuki/1A2B/#",
    "homeassistant/lock/1A2B/config",
    "homeassistant",
  ];
  const denied = ["nuki/1A2BC/name", "nuki/+/lockAction", "nuki/#", "#", "homeassistants/x", ""];
  for (const topic of ignored) assert.ok(isIgnored(permissions, topic), topic);
  for (const topic of denied) assert.ok(!isIgnored(permissions, topic), topic);
});

const bases: [one: string, other: string, touching: boolean][] = [
  ["nuki/1A2B", "nuki/1A2B", true],
  ["nuki/1A2B", "nuki", true],
  ["nukihub", "nukihub/upstairs", true],
  ["nuki/1A2B", "nuki/1A2BC", false],
  ["nuki/1A2B", "nuki/1a2b", false],
  ["nukihub", "nukihub2", false],
  ["postern/box-1", "postern/box-1", true],
];
test("two dialects touch when one's topics begin like the other's", () => {
  for (const [one, other, touching] of bases) {
    assert.equal(touch(aDialect(one), aDialect(other)), touching, `${one} ${other}`);
    assert.equal(touch(aDialect(other), aDialect(one)), touching, `${other} ${one}`);
  }
});

test("dialects that touch nowhere share no topic, whatever the device asks for", () => {
  const level = fc.constantFrom("a", "b", "c", "ab", "a", "b", "c", "ab", "+", "#", "");
  const base = fc.array(level, { minLength: 1, maxLength: 3 }).map((levels) => levels.join("/"));
  const names = fc.array(base, { maxLength: 3 });
  fc.assert(
    fc.property(base, base, names, names, (one, other, publishes, subscribes) => {
      const [mine, theirs] = [one, other].map((each) =>
        aDialect(each, { publishes: [...publishes, "connected"], subscribes }),
      ) as [MqttDialect, MqttDialect];
      if (objectionTo(mine) ?? objectionTo(theirs) ?? (touch(mine, theirs) || undefined)) return;
      const [my, their] = [permissionsOf("own", mine), permissionsOf("own", theirs)];
      for (const topic of [...my.publish, ...my.subscribe]) {
        assert.ok(!/[+#]/.test(topic), topic);
        assert.ok(!their.publish.has(topic) && !their.subscribe.has(topic), topic);
      }
    }),
  );
});

const unfit: [what: string, dialect: MqttDialect][] = [
  ["a wildcard for a base", aDialect("nuki/+")],
  ["a base that takes all", aDialect("#")],
  ["the broker's own topics", aDialect("$SYS")],
  ["an empty base", aDialect("")],
  ["a base with a slash at its end", aDialect("nuki/")],
  ["a name with a wildcard", aDialect("nuki", { subscribes: ["+/lockAction"] })],
  ["too many levels", aDialect("a/b/c/d", { publishes: ["e/f/g/h/i", "connected"] })],
  ["a line feed", aDialect("nuki\nx")],
  ["a wildcard among what is ignored", aDialect("nuki", { ignores: ["#"] })],
  ["packets that would fill the memory", aDialect("nuki", { packetBytesMax: 1_000_000 })],
  ["a last will on what it does not publish", aDialect("nuki", { will: "lockAction" })],
];
test("a dialect that could not be kept to is refused", () => {
  assert.equal(objectionTo(aDialect("nuki/1A2B")), undefined);
  assert.equal(objectionTo(lockboxDialect("box-1")), undefined);
  for (const [what, dialect] of unfit) assert.equal(typeof objectionTo(dialect), "string", what);
});

const addresses: [address: string, isPrivate: boolean][] = [
  ["10.1.2.3", true],
  ["172.31.255.1", true],
  ["192.168.1.10", true],
  ["169.254.1.1", true],
  ["127.0.0.1", true],
  ["fd00::2", true],
  ["fe80::1%eth0", true],
  ["::1", true],
  ["0.0.0.0", false],
  ["::", false],
  ["172.32.0.1", false],
  ["192.169.0.1", false],
  ["100.64.0.1", false],
  ["8.8.8.8", false],
  ["2001:db8::1", false],
  ["gateway.local", false],
  ["", false],
];
test("private addresses are those that no router carries to the internet", () => {
  for (const [address, isPrivate] of addresses) assert.equal(isPrivateAddress(address), isPrivate, address);
});
