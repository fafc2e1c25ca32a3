/** What whoever runs the service asks: that it lives, and whether it can serve. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { cloudApp } from "../../cloud-sync/app.ts";
import { givenCloud, type TestCloud } from "../support/cloud.ts";

let cloud: TestCloud;
before(async () => {
  cloud = await givenCloud();
});

test("a service whose store answers lives and can serve, and needs no token to say so", async () => {
  for (const path of ["/healthz", "/readyz"]) {
    const { status, body } = await cloud.ask("GET", path, undefined, { authorization: "" });
    assert.deepEqual([path, status, body], [path, 200, { status: "ok", version: "0.0.0-test" }]);
  }
});

test("one that is stopping lives, and cannot serve, so that nobody sends it more", async () => {
  const app = cloudApp({ ...cloud.parts, stopping: AbortSignal.abort() });

  const ready = await app.request("/readyz");
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), /"code":"stopping"/);
  assert.equal((await app.request("/healthz")).status, 200);
});

test("one whose store does not answer lives, and cannot serve", async () => {
  await cloud.close();
  const app = cloudApp({ ...cloud.parts, stopping: new AbortController().signal });

  const ready = await app.request("/readyz");
  assert.equal(ready.status, 503);
  assert.match(ready.headers.get("content-type") ?? "", /^application\/problem\+json/);
  assert.match(await ready.text(), /"code":"store-unreachable"/);
  assert.equal((await app.request("/healthz")).status, 200);
});
