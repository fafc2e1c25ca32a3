import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { brivo } from "../../../gateway/drivers/brivo/driver.ts";
import { optionsSchema, parseOptions } from "../../../gateway/drivers/brivo/options.ts";
import { GatewayError } from "../../../gateway/errors.ts";
import { givenContext } from "../../support/driver-context.ts";

const options = { accessPointId: 1, clientId: "ABC-123-456", username: "admin@example.com" };
const secrets = { apiKey: "key", clientSecret: "secret", password: "password" };

for (const [what, wrong, key] of [
  ["no accessPointId", { ...options, accessPointId: undefined }, "accessPointId"],
  ["an unknown key", { ...options, colour: "red" }, "colour"],
  ["tokens in plain text over the network", { ...options, authUrl: "http://auth.example" }, "authUrl"],
  ["an address with a password", { ...options, apiUrl: "https://me:word@api.example" }, "apiUrl"],
  ["PINs that begin longer than they end", { ...options, pinDigitsMin: 6, pinDigitsMax: 5 }, "pinDigitsMin"],
  ["polls without a pause", { ...options, pollMs: 10 }, "pollMs"],
] as const)
  test(`refuses ${what} by its key`, (t) => {
    const { context } = givenContext(t, secrets);
    assert.throws(
      () => brivo.create("door", wrong, context),
      (error) => error instanceof GatewayError && error.code === "config-invalid" && error.message.startsWith(key),
    );
  });

for (const name of ["apiKey", "clientSecret", "password"] as const)
  test(`the secret ${name} is named when it is none, and not shown`, (t) => {
    const { context } = givenContext(t, { ...secrets, [name]: "line\nbreak" });
    assert.throws(
      () => brivo.create("door", options, context),
      (error) =>
        error instanceof GatewayError && error.message.includes(`"${name}"`) && !error.message.includes("line\nbreak"),
    );
  });

for (const [name, given, more] of [
  ["apiKey", { clientSecret: "secret", password: "password" }, options],
  ["clientSecret", { apiKey: "key", password: "password" }, options],
  ["password", { apiKey: "key", clientSecret: "secret" }, options],
  ["refreshToken", { apiKey: "key", clientSecret: "secret" }, { ...options, username: undefined }],
] as const)
  test(`the secret ${name} may yet come when it is missing: the device says what to do, and commands are refused`, async (t) => {
    const { context } = givenContext(t, given);
    const device = brivo.create("door", more, context);
    t.after(() => device.stop());
    assert.match(
      device.status().attention ?? "",
      new RegExp(`^its secret "${name}" is missing: give it at the cloud's page`),
    );
    await device.start(AbortSignal.timeout(60_000));
    assert.equal(await device.lock?.release(5_000, AbortSignal.timeout(60_000)), "refused");
  });

test("the region decides where it asks, unless addresses are named", () => {
  const eu = parseOptions({ ...options, region: "eu" });
  assert.deepEqual([eu.authUrl, eu.apiUrl], ["https://auth.eu.brivo.com", "https://api.eu.brivo.com/v1/api"]);
  const trial = parseOptions({ ...options, authUrl: "http://127.0.0.1:1/", apiUrl: "http://127.0.0.1:2/v1/api/" });
  assert.deepEqual([trial.authUrl, trial.apiUrl], ["http://127.0.0.1:1", "http://127.0.0.1:2/v1/api"]);
});

test("what it does not say it cannot do is not there: codes without a group, holding without the option", (t) => {
  const { context } = givenContext(t, secrets);
  const plain = brivo.create("door", options, context);
  assert.equal(plain.codes, undefined);
  assert.equal(plain.lock?.hold, undefined);
  const able = brivo.create("door", { ...options, groupId: 2, override: "POST" }, context);
  assert.deepEqual(able.codes?.constraints.lengths, [4, 5, 6, 7, 8]);
  assert.ok(able.lock?.hold);
});

test("the README names every option, with what it is without being named", () => {
  const readme = readFileSync(new URL("../../../gateway/drivers/brivo/README.md", import.meta.url), "utf8");
  const defaults = optionsSchema.parse(options) as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(optionsSchema.shape)) {
    const value = key in options ? undefined : defaults[key];
    const named = value === undefined ? `\`${key}\`` : `\`${key}\` \\(\`?${String(value)}\`?\\)`;
    assert.match(readme, new RegExp(named), key);
  }
});
