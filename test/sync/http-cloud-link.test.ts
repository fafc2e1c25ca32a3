/** The gateway's line to the cloud, one request at a time: at the real service, and at peers that are silent, gone or excessive. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { noCursor } from "../../gateway/domain/feed.ts";
import { type ErrorCode, GatewayError } from "../../gateway/errors.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { PollRequest } from "../../gateway/ports/cloud-link.ts";
import { loadGatewayKeys } from "../../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { type Fetch, HttpCloudLink } from "../../gateway/sync/http-cloud-link.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { chainStart } from "../../gateway/wire/journal-line.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { SimClock } from "../support/sim-clock.ts";
import { noon } from "../support/site-fixture.ts";
import { WholeSite } from "../support/whole-site.ts";

let site: WholeSite;
before(async () => {
  site = await WholeSite.start();
});
after(() => site.stop());

const never = () => new AbortController().signal;
const poll: PollRequest = {
  cursor: noCursor,
  waitMs: 0,
  lastCommand: 0,
  journal: { epoch: 1, seq: 0, head: chainStart("gateway", 1), boot: 1, beat: 1 },
};

const failsWith = (code: ErrorCode) => (error: unknown) => error instanceof GatewayError && error.code === code;
const refused = failsWith("cloud-refused");

async function ownKeys() {
  const keys = await loadGatewayKeys(nodeDisk, join(site.folder, "gateway"));
  assert.ok(keys);
  return keys;
}

/** A peer that answers as told, stopped after the test. */
async function givenPeer(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function strangerAt(url: string, clock: Clock = systemClock, over: Fetch = fetch): HttpCloudLink {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  return new HttpCloudLink(url, { gateway: "demo.gw-stranger", privateKey: new SecretString(pem) }, clock, over);
}

test("a gateway that never polled is sent the whole set, with what it must add up to", async () => {
  const link = new HttpCloudLink(site.cloudUrl, await ownKeys(), systemClock, fetch);

  const { page, checksum, serverTime, heldMs } = await link.poll(poll, never());

  assert.deepEqual([page.reset, page.complete], [true, true]);
  assert.equal(page.rows.filter(({ kind }) => kind === "site").length, 1);
  assert.equal(checksum?.rows, page.rows.length);
  assert.ok(serverTime > 0 && heldMs >= 0);
});

test("a poll that is held ends when its signal fires", async () => {
  const link = new HttpCloudLink(site.cloudUrl, await ownKeys(), systemClock, fetch);
  const { page } = await link.poll(poll, never());
  const stop = new AbortController();
  const held = link.poll({ ...poll, cursor: { feed: page.feed, version: page.to }, waitMs: 25_000 }, stop.signal);

  stop.abort();

  await assert.rejects(held, failsWith("cloud-unreachable"));
});

test("a key the cloud does not know is refused", async () => {
  await assert.rejects(strangerAt(site.cloudUrl).poll(poll, never()), failsWith("cloud-refused"));
});

test("nobody there is unreachable, and so is whoever does not answer in time", async (t) => {
  await assert.rejects(strangerAt("http://127.0.0.1:1").poll(poll, never()), failsWith("cloud-unreachable"));

  const silent = await givenPeer(t, () => undefined);
  // The deadline passes as soon as it is set.
  const hasty: Clock = { ...systemClock, sleep: () => Promise.resolve() };
  await assert.rejects(strangerAt(silent, hasty).poll(poll, never()), failsWith("cloud-unreachable"));
});

test("an answer without end, of another shape or of an error is refused, and a redirect is not followed", async (t) => {
  const endless = await givenPeer(t, (_request, response) => {
    const more = () => {
      while (response.write(Buffer.alloc(1 << 20, 0x20)));
      response.once("drain", more);
    };
    more();
  });
  await assert.rejects(strangerAt(endless).poll(poll, never()), failsWith("cloud-refused"));

  const strange = await givenPeer(t, (_request, response) => response.end('{"serverTime":"soon"}'));
  await assert.rejects(strangerAt(strange).poll(poll, never()), failsWith("cloud-refused"));

  const failing = await givenPeer(t, (_request, response) => response.writeHead(500).end("<html>"));
  await assert.rejects(strangerAt(failing).poll(poll, never()), failsWith("cloud-refused"));

  const elsewhere = await givenPeer(t, (_request, response) =>
    response.writeHead(302, { location: site.cloudUrl }).end(),
  );
  await assert.rejects(strangerAt(elsewhere).poll(poll, never()), failsWith("cloud-unreachable"));
});

test("a login page in the cloud's place is a refusal, whatever was asked or told", async (t) => {
  const portal = await givenPeer(t, ({ url }, response) =>
    url === "/v1/time"
      ? response.end(JSON.stringify({ serverTime: Date.now() }))
      : response.writeHead(200, { "content-type": "text/html" }).end("<html>Please log in</html>"),
  );
  const link = strangerAt(portal);
  const head = chainStart("gateway", 1);
  const account = { feed: "feed-1", epoch: 1, rights: [], revoked: [], complete: true };

  await assert.rejects(link.poll(poll, never()), refused);
  await assert.rejects(link.push({ epoch: 1, first: 1, prev: head, head, lines: ["{}"] }, never()), refused);
  await assert.rejects(link.report({ version: "1", accessPoints: [], devices: [] }, never()), refused);
  await assert.rejects(link.audit(account, never()), refused);
  await assert.rejects(link.newEpoch(never()), refused);
});

test("one token serves twenty seconds, and none of the cloud's time, which may be set back", async () => {
  const clock = new SimClock(noon);
  let setBackMs = 0;
  let status = 200;
  const tokens: string[] = [];
  const link = strangerAt("http://cloud", clock, async (url, { headers }) => {
    if (url.endsWith("/v1/time")) return Response.json({ serverTime: clock.time - setBackMs });
    tokens.push(new Headers(headers).get("authorization")!);
    return Response.json({}, { status });
  });
  const ask = async (afterMs: number) => {
    clock.step(clock.monotonic() + afterMs);
    await assert.rejects(link.poll(poll, never()), refused);
    const { iat, exp } = JSON.parse(Buffer.from(tokens.at(-1)!.split(".")[1]!, "base64url").toString());
    const now = (clock.time - setBackMs) / 1000;
    assert.ok(iat <= now && exp >= now + 29 && exp <= now + 60, `at ${now} it lives from ${iat} to ${exp}`);
    return new Set(tokens).size;
  };

  assert.deepEqual([await ask(0), await ask(20_000), await ask(1), await ask(19_000)], [1, 1, 2, 2]);
  status = 401;
  await assert.rejects(link.poll(poll, never()), refused);
  setBackMs = 3_600_000;
  assert.deepEqual([await ask(0), await ask(19_000)], [3, 3]);
});

test("a gateway that was revoked is told so", async () => {
  const keys = await ownKeys();
  await site.admin("POST", `/api/sites/demo/gateways/${keys.gateway}/revoke`);

  const link = new HttpCloudLink(site.cloudUrl, keys, systemClock, fetch);

  await assert.rejects(link.poll(poll, never()), failsWith("gateway-revoked"));
});
