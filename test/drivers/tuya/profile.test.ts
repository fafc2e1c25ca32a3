/** What a profile makes of data points, the bytes of a remote key, and what options may be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOptions, readKeys } from "../../../gateway/drivers/tuya/options.ts";
import { type Profile, profiles } from "../../../gateway/drivers/tuya/profiles.ts";
import { readDps } from "../../../gateway/drivers/tuya/read-dps.ts";
import { readKeyAnswer, unlockWithKey } from "../../../gateway/drivers/tuya/remote-key.ts";
import { GatewayError } from "../../../gateway/errors.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";

const wifi: Profile = profiles["residential-wifi"];
const bluetooth: Profile = profiles.bluetooth;

for (const [what, profile, dps, isPush, meaning] of [
  ["the motor is open", bluetooth, { 47: true }, false, { bolt: "released" }],
  ["the motor is shut", bluetooth, { 47: false }, true, { bolt: "secured" }],
  ["the motor says something else", bluetooth, { 47: "half" }, true, {}],
  ["the bolt did not come out", bluetooth, { 21: "tongue_not_out" }, true, { bolt: "jammed" }],
  ["an alarm among old values", bluetooth, { 21: "pry" }, false, {}],
  ["someone pries", bluetooth, { 21: "pry" }, true, { tamper: true }],
  ["a fingerprint has opened", bluetooth, { 12: 3 }, true, { opened: ["fingerprint"] }],
  ["a fingerprint had opened", bluetooth, { 12: 3 }, false, {}],
  ["the battery", bluetooth, { 8: 55 }, false, { battery: 55 }],
  ["a battery beyond measure", bluetooth, { 8: 255 }, false, {}],
  ["someone asks", wifi, { 9: 30 }, true, { requestSeconds: 30 }],
  ["someone asked once", wifi, { 9: 30 }, false, {}],
  ["nobody asks any more", wifi, { 9: 0 }, true, { requestSeconds: 0 }],
  ["our approval opened it", wifi, { 15: 0 }, true, { commandOpened: true }],
  ["an unknown data point", wifi, { 200: { deep: true } }, true, {}],
] as const)
  test(`${what}: ${JSON.stringify(dps)} ${isPush ? "pushed" : "asked for"}`, () => {
    assert.deepEqual(readDps(profile, dps, isPush), { opened: [], commandOpened: false, ...meaning });
  });

test("battery words and a door contact are read by the profile's own values", () => {
  const profile: Profile = {
    ...bluetooth,
    battery: { dp: 9, levels: { high: 90, low: 10 } },
    door: { dp: 34, open: "1", closed: "0" },
  };
  const { battery, door } = readDps(profile, { 9: "low", 34: "1" }, false);
  assert.deepEqual({ battery, door }, { battery: 10, door: "open" });
  assert.equal(readDps(profile, { 9: "odd" }, false).battery, undefined);
});

test("a remote key: action, member, key, source", () => {
  const bytes = Buffer.from(unlockWithKey(new SecretString("12345678"), 0x0102), "base64");
  assert.equal(bytes.toString("hex"), "010102313233343536373800" + "01");
});

for (const [bytes, answer] of [
  ["000001", "taken"],
  ["010001", "unknown"],
  ["020001", "refused"],
  ["030001", "unknown"],
  ["060001", "refused"],
  ["020007", undefined],
  ["010001313233343536373800" + "01", undefined],
  ["", undefined],
] as const)
  test(`a remote key's answer ${bytes || "of nothing"}: ${answer}`, () => {
    assert.equal(readKeyAnswer(Buffer.from(bytes, "hex").toString("base64"), 1), answer);
  });

const minimal = { host: "10.0.0.5", version: 3.4, deviceId: "bf01", profile: "bluetooth" };
const cloud = { region: "eu", clientId: "abcdefghijklmnopqrst" };
const board = { unlock: { by: "write", dp: 104, value: false }, relocks: "by-itself" };

test("options: a version that YAML reads as a number, and defaults", () => {
  const { version, port, commandGapMs, profile } = parseOptions(minimal);
  assert.deepEqual([version, port, commandGapMs], ["3.4", 6668, 50]);
  assert.equal(profile.unlock.by, "remote-key");
});

for (const [what, options, key] of [
  ["an unknown key", { ...minimal, colour: "red" }, "colour"],
  ["a version nobody speaks", { ...minimal, version: "3.2" }, "version"],
  ["a gap in which nonces would repeat", { ...minimal, commandGapMs: 10 }, "commandGapMs"],
  ["an unknown profile", { ...minimal, profile: "magic" }, "profile"],
  ["no address", { ...minimal, host: "" }, "host"],
  [
    "a lock that must be told to lock, and cannot",
    { ...minimal, profile: { unlock: { by: "write", dp: 1, value: true }, relocks: "when-told" } },
    "profile.lock",
  ],
  ["a region nobody knows", { ...minimal, cloud: { ...cloud, region: "moon" } }, "cloud.region"],
  ["a cloud nowhere", { ...minimal, cloud: { clientId: "abc" } }, "cloud.region"],
  ["a cloud in two places", { ...minimal, cloud: { ...cloud, baseUrl: "https://a.example" } }, "cloud.region"],
  ["a cloud in the clear", { ...minimal, cloud: { clientId: "abc", baseUrl: "http://a.example" } }, "cloud.baseUrl"],
  ["a lock behind a gateway, in the cloud nobody", { ...minimal, cid: "a4c1", cloud }, "cloud.deviceId"],
  ["a lock that nobody knows the digits of", { ...minimal, profile: board, cloud }, "profile.codes"],
] as const)
  test(`options: ${what} is refused, naming ${key}`, () => {
    assert.throws(
      () => parseOptions(options),
      (error) => error instanceof GatewayError && error.code === "config-invalid" && error.message.startsWith(key),
    );
  });

test("secrets: a local key has 16 characters, a remote key 8, and neither is quoted", () => {
  const secrets = (values: Record<string, string>) => ({
    secret: (name: string) => (values[name] === undefined ? undefined : new SecretString(values[name])),
  });
  const refused = (values: Record<string, string>, of: RegExp, more: object = {}) =>
    assert.throws(
      () => readKeys(secrets(values), parseOptions({ ...minimal, ...more })),
      (error: Error) => of.test(error.message) && Object.values(values).every((each) => !error.message.includes(each)),
    );
  refused({}, /"localKey" is missing/);
  refused({ localKey: "tooshort4711" }, /"localKey" is not 16/);
  refused({ localKey: "0123456789abcdef" }, /"remoteKey" is missing/);
  refused({ localKey: "0123456789abcdef", remoteKey: "998877" }, /"remoteKey" is not 8/);
  const { profile } = parseOptions({ ...minimal, profile: "residential-wifi" });
  const keys = readKeys(secrets({ localKey: "0123456789abcdef" }), { profile });
  assert.deepEqual([keys.remoteKey, keys.accessSecret], [undefined, undefined]);
  const both = { localKey: "0123456789abcdef", remoteKey: "99887766" };
  refused(both, /"accessSecret" is missing/, { cloud });
  refused({ ...both, accessSecret: "0123456789" }, /"accessSecret" is not 32/, { cloud });
});
