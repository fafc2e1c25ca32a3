/** What check-config and the start say of devices' MQTT dialects before anything listens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathText } from "../config/config-error.ts";
import { lockboxDialect } from "../gateway/drivers/mqtt-lockbox/wire.ts";
import { type MqttUser, mqttFaults } from "../gateway/mqtt-faults.ts";
import type { MqttDialect } from "../gateway/ports/mqtt-link.ts";

const box = (id: string): MqttUser => ({ id, dialect: lockboxDialect(id), hasPassword: false });
const nuki = (id: string, base: string, more: Partial<MqttDialect> = {}): MqttUser => ({
  id,
  hasPassword: true,
  dialect: {
    base,
    publishes: ["state"],
    subscribes: ["lockAction"],
    ignores: [],
    clientId: "any",
    tls: "never",
    ...more,
  },
});
const relay: MqttUser = { id: "relay", dialect: undefined, hasPassword: false };
const lan = { plainLan: { host: "192.168.1.10" } };

const faults: [what: string, ...Parameters<typeof mqttFaults>, told: RegExp[]][] = [
  ["lockboxes and what has no MQTT", {}, [box("box-1"), box("box-2"), relay], []],
  ["two locks and their listener", lan, [nuki("front", "nuki/1A"), nuki("back", "nuki/1B"), box("box-1")], []],
  ["a lock for a trial on this machine", { plainPort: 0 }, [nuki("front", "nuki/1A")], []],
  ["a lock without its listener", {}, [relay, nuki("front", "nuki/1A")], [/^broker\.plainLan: is missing.*front/]],
  ["a listener that nobody needs", lan, [box("box-1")], [/^broker\.plainLan: no device here needs it/]],
  [
    "a listener on every address",
    { plainLan: { host: "0.0.0.0" } },
    [nuki("front", "nuki/1A")],
    [/^broker\.plainLan\.host: "0\.0\.0\.0" is no address of a private network/],
  ],
  [
    "a listener on the internet",
    { plainLan: { host: "8.8.8.8" } },
    [nuki("front", "nuki/1A")],
    [/^broker\.plainLan\.host: "8\.8\.8\.8"/],
  ],
  [
    "one lock twice",
    lan,
    [nuki("front", "nuki/1A"), relay, nuki("back", "nuki/1A")],
    [/^devices\[2\]\.options: its topics begin with "nuki\/1A", those of "front" with "nuki\/1A"/],
  ],
  [
    "a base above another's",
    lan,
    [nuki("front", "nuki/1A"), nuki("hub", "nuki")],
    [/^devices\[1\]\.options: its topics begin with "nuki", those of "front"/],
  ],
  ["a base that is a lockbox's", lan, [box("box-1"), nuki("hub", "postern/box-1")], [/^devices\[1\]\.options/]],
  ["a base with a wildcard", lan, [nuki("hub", "nuki/+")], [/^devices\[0\]\.options: "nuki\/\+" cannot be a topic/]],
  [
    "a lock without a password",
    lan,
    [{ ...nuki("front", "nuki/1A"), hasPassword: false }],
    [/^devices\[0\]: secret "password" of front is missing/],
  ],
];
for (const [what, broker, devices, told] of faults)
  test(`${what}: ${told.length === 0 ? "fine" : "refused"}`, () => {
    const found = mqttFaults(broker, devices).map(({ path, message }) => `${pathText(path)}: ${message}`);
    assert.equal(found.length, told.length, found.join("\n"));
    for (const [index, pattern] of told.entries()) assert.match(found[index] ?? "", pattern);
  });
