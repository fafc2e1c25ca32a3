/** The secrets of an account may come, change and go while the gateway runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { brivoSecrets, givenBrivoSite } from "../../support/brivo-site.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
/** Whether a look proves it in time is not the matter here. */
const taken = /^(accepted|confirmed)$/;

test("a door whose secrets are not all there sends nothing and says what to do; it works once they are", async (t) => {
  const { device, web, secrets, pass, logged } = await givenBrivoSite(t);
  delete secrets.clientSecret;
  await web.start();
  await device.start(never);
  await pass(60_000);
  assert.match(device.status().attention ?? "", /^its secret "clientSecret" is missing: give it at the cloud's page/);
  assert.equal(await device.lock?.release(5_000, never), "refused");
  await assert.rejects(async () => device.codes?.list(() => "", never), { code: "device-unreachable" });
  assert.equal(web.calls.length, 0);

  secrets.clientSecret = "not the right one";
  const refused = /clientId or the secret "clientSecret" is wrong/;
  await until("it is refused", () => refused.test(device.status().attention ?? ""));
  // Another account is not kept waiting by the one that was refused.
  secrets.clientSecret = brivoSecrets.clientSecret;
  await until("it is online", () => device.status().link === "online");
  assert.equal(device.status().attention, undefined);
  assert.match((await device.lock?.release(5_000, never)) ?? "", taken);
  for (const secret of Object.values(brivoSecrets))
    assert.ok(!logged.some((line) => line.includes(secret)), "no secret is in the log");
});

test("a group stays one device's when the account's secrets change, and its codes are read anew", async (t) => {
  const { device, devices, web, secrets } = await givenBrivoSite(t, { others: 1, options: { groupId: 200 } });
  await web.start();
  for (const each of devices) await each.start(never);
  await until("it is online", () => device.status().link === "online");
  const digits = new SecretString("471122");
  assert.equal(await device.codes?.set({ label: "pst-1", digits }, never), "accepted");
  const other = /groupId 200 is another door's/;
  await assert.rejects(async () => devices[1]?.codes?.list(() => "", never), other);
  secrets.apiKey = "another";
  await assert.rejects(async () => device.codes?.list(() => "", never));
  await assert.rejects(async () => devices[1]?.codes?.list(() => "", never), other);
  secrets.apiKey = brivoSecrets.apiKey;
  await until("it is online again", () => device.status().link === "online");
  const codes = await device.codes?.list(() => "index", never);
  assert.deepEqual(
    codes?.map(({ label }) => label),
    ["pst-1"],
  );
  await assert.rejects(async () => devices[1]?.codes?.list(() => "", never), other);
});
