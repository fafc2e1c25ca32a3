/** The pages of a running gateway: by which names they answer, and what they say of a gateway that was revoked. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { hostname } from "node:os";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

let site: WholeSite;
const logged: { readonly event: string; readonly fields: LogFields | undefined }[] = [];
const note = (event: string, fields?: LogFields) => void logged.push({ event, fields });
const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger };

before(async () => {
  site = await WholeSite.start({ boxes: [], logger });
});
after(() => site.stop());

/** What the gateway answers to this path when it is called by this name. */
async function ask(path: string, host: string): Promise<{ readonly status: number; readonly body: string }> {
  const sent = request(new URL(path, site.gateway.http.url), { headers: { host } });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return { status: response.statusCode!, body: await text(response) };
}

const machine = hostname();
const own = ["127.0.0.1", "192.168.7.9:8080", "[::1]", "[fe80::1]:8080", "localhost", "LocalHost:81", "localhost."];
for (const host of [...own, machine, `${machine.split(".")[0]}.local:8080`, "pages.example", "Pages.Example:8080"])
  test(`called by ${host} it answers`, async () => {
    assert.equal((await ask("/status", host)).status, 200);
  });

const foreign = ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "local"];
for (const host of [...foreign, "other.local", "sub.pages.example", "x.localhost"])
  test(`called by ${host} it tells nothing but the key to set`, async () => {
    for (const path of [
      "/",
      "/status",
      "/api/status",
      "/api/events",
      "/metrics",
      "/readyz",
      "/openapi.json",
      "/nowhere",
    ]) {
      const { status, body } = await ask(path, host);
      assert.equal(status, 421, path);
      const problem = JSON.parse(body);
      assert.equal(problem.code, "unknown-host");
      assert.match(problem.detail, /http\.hosts/);
    }
  });

test("a gateway that was revoked is not ready, says so, and names no wait it will not make", async () => {
  await until("it is ready", async () => (await ask("/readyz", "localhost")).status === 200);
  const { gateway } = site.gateway.site.parts.records;

  await site.admin("POST", `/api/sites/demo/gateways/${gateway}/revoke`);
  await until("it was told", () => site.gateway.site.sync.state === "revoked");

  const { status, body } = await ask("/readyz", "localhost");
  assert.deepEqual([status, JSON.parse(body).code], [503, "gateway-revoked"]);
  assert.match((await ask("/status", "localhost")).body, /the cloud has revoked this gateway/);
  const [ended] = logged.filter(({ event }) => event === "sync-ended");
  assert.equal(ended?.fields?.state, "revoked");
  assert.ok(!("waitMs" in ended.fields));
  assert.deepEqual(
    logged.filter(({ event, fields }) => event.endsWith("-failed") && String(fields?.error).includes("revoked")),
    [],
  );
});
