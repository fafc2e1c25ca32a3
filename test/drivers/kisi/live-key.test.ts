/** The key of an account may come, change and go while the gateway runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { givenKisiSite, kisiKey } from "../../support/kisi-site.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
/** Whether a look proves it in time is not the matter here. */
const taken = /^(accepted|confirmed)$/;
const missing =
  /^its secret "apiKey" is missing: give it at the cloud's page Integrations, or in the gateway's secrets; /;

test("a door without a key sends nothing and says what to do; it works from when the key is there until it goes", async (t) => {
  const { device, web, secrets, keys, pass, logged } = await givenKisiSite(t);
  delete secrets.apiKey;
  await web.start();
  await device.start(never);
  await pass(60_000);
  assert.match(device.status().attention ?? "", missing);
  assert.equal(await device.lock?.release(5_000, never), "refused");
  assert.equal(await device.lock?.secure(never), "refused");
  assert.deepEqual([web.calls.length, device.status().link], [0, "unknown"]);

  secrets.apiKey = kisiKey;
  await until("it is online", () => device.status().link === "online");
  assert.equal(device.status().attention, undefined);
  assert.match((await device.lock?.release(5_000, never)) ?? "", taken);

  keys.splice(0, 1, { secret: "the-next-key", rights: "owner" });
  assert.equal(await device.lock?.release(5_000, never), "refused");
  assert.ok(logged.some((line) => line.includes("Kisi answered 401")));
  await until("it is said", () => device.status().attention !== undefined);
  assert.equal(device.status().attention, 'Kisi answered 401: the secret "apiKey" is wrong, or was taken back');
  secrets.apiKey = "the-next-key";
  await until("it is taken", () => device.status().attention === undefined);
  assert.match((await device.lock?.release(5_000, never)) ?? "", taken);

  secrets.apiKey = "two words";
  assert.match(device.status().attention ?? "", /^its secret "apiKey" is none: /);
  delete secrets.apiKey;
  assert.match(device.status().attention ?? "", missing);
  await pass(5_000);
  const asked = web.calls.length;
  assert.equal(await device.lock?.release(5_000, never), "refused");
  await until("it is lost", () => device.status().link === "offline");
  assert.equal(web.calls.length, asked);
  for (const secret of [kisiKey, "the-next-key", "two words"])
    assert.ok(!logged.some((line) => line.includes(secret)), "no secret is in the log");
});
