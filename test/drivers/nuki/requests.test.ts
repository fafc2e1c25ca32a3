/** What leaves for the maker's service, and what may come back: how often, how much, and to whom the token goes. */
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { actions } from "../../../gateway/drivers/common/nuki.ts";
import { NukiCodes } from "../../../gateway/drivers/nuki/codes.ts";
import { nuki } from "../../../gateway/drivers/nuki/driver.ts";
import { parseOptions } from "../../../gateway/drivers/nuki/options.ts";
import { act } from "../../../gateway/drivers/nuki/through-library.ts";
import { WebAccount } from "../../../gateway/drivers/nuki/web-account.ts";
import type { GatewayError } from "../../../gateway/errors.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { fittingDigits, indexOf } from "../../contract/code-store.ts";
import { givenNukiSite, smartlockId, token } from "../../support/nuki-site.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
const minute = 60_000;

test("all locks of an account together ask once a second at most, and a command goes before what is only read", async (t) => {
  const { devices, device, web, appear } = await givenNukiSite(t, { others: [2, 3, 4, 5, 6] });
  for (const each of devices) await each.start(never);
  await appear();
  await until("all are online", () => devices.every((each) => each.status().link === "online"));
  const before = web.calls.length;

  assert.notEqual(await device.lock?.release(5_000, never), "refused");

  const spanMs = (web.calls.at(-1)?.at ?? 0) - (web.calls[0]?.at ?? 0);
  // The first may take long to arrive.
  assert.ok(spanMs >= (web.calls.length - 2) * 1_000, `${web.calls.length} within ${spanMs} ms`);
  const commandAt = web.calls.findIndex(({ path }) => path.endsWith("/action"));
  assert.ok(commandAt <= before + 1, `${commandAt - before} others went before it`);
});

test("after a 429 nothing is read for a minute, and whoever stands at the door is let in", async (t) => {
  const { device, web, appear, logged, clock } = await givenNukiSite(t);
  await device.start(never);
  await appear();
  web.refuse(429, 1);
  await until("it was told", () => logged.some((line) => line.includes("429: too many")));
  const toldAt = clock.monotonic();
  const before = web.calls.length;

  assert.equal(await device.lock?.release(5_000, never), "accepted");
  const during = web.calls.slice(before).filter(({ at }) => at < toldAt + minute - 1_000);
  await until("it is read again", () => web.calls.at(-1)?.method === "GET" && web.calls.length > before + 1);

  assert.deepEqual(
    during.map(({ method }) => method),
    ["POST"],
  );
  const [, next] = web.calls.slice(before);
  assert.ok((next?.at ?? 0) >= toldAt + minute - 1_000);
});

test("the codes are listed every five minutes at most, unless something is under way", async (t) => {
  const { device, lock, web, appear, pass, clock } = await givenNukiSite(t, { options: { pollMs: 3_600_000 } });
  const lists = () => web.calls.filter(({ method, path }) => method === "GET" && path.includes("/auth")).length;
  const jump = (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end));
  };
  const list = async () => (await device.codes?.list(indexOf, never)) ?? [];
  await device.start(never);
  await appear();
  await list();
  lock.keypad?.add({ name: "by hand", code: 345678, enabled: true, allowed: {} });
  web.refreshList(lock.id);

  assert.equal((await list()).length, 0, "what was read before");
  assert.equal(lists(), 1);
  jump(5 * minute);
  assert.equal((await list()).length, 1);
  assert.equal(lists(), 2);

  await device.codes?.set({ label: "guest", digits: new SecretString("456789") }, never);
  assert.equal((await list()).filter(({ pending }) => pending).length, 1);
  await pass(5_000);
  assert.equal((await list()).filter(({ pending }) => pending).length, 0);
  assert.equal(lists(), 4);
  jump(10 * minute);
  await list();
  await list();
  assert.equal(lists(), 5);
});

test("two changes at once: the second is refused while the lock is busy with the first", async (t) => {
  const { device, appear, changes } = await givenNukiSite(t);
  await device.start(never);
  await appear();
  const results = await Promise.all(
    ["345678", "456789"].map((digits) =>
      device.codes?.set({ label: "guest", digits: new SecretString(digits) }, never),
    ),
  );
  assert.deepEqual(results, ["accepted", "refused"]);
  assert.equal(changes(), 2);
});

test("a lock that is full is not asked to take one more: what the cloud would say to that is not written down", async (t) => {
  const { device, lock, web, appear, changes } = await givenNukiSite(t, { options: { codesMax: 100 } });
  assert.ok(device.codes);
  const { constraints } = device.codes;
  for (let nth = 1; nth <= 100; nth++) {
    const code = Number(fittingDigits(constraints, nth));
    lock.keypad?.add({ name: "by hand", code, enabled: true, allowed: {} });
  }
  web.refreshList(lock.id);
  await device.start(never);
  await appear();
  const stored = await device.codes?.list(indexOf, never);
  assert.equal(await device.codes?.set({ label: "guest", digits: new SecretString("345678") }, never), "refused");
  assert.equal(stored?.length, 100);
  assert.equal(changes(), 0);
});

/** A device whose maker's service is whatever answers here. */
async function givenPeer(t: TestContext, answer: RequestListener) {
  const { context, logged } = await givenNukiSite(t);
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const device = nuki.create("door", { smartlockId, url, pollMs: 5_000 }, context);
  t.after(async () => {
    await device.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { device, logged };
}

const asText = (error: unknown) => (error as GatewayError).message;

for (const [what, status] of [
  ["an answer without end", 200],
  ["an error without end", 500],
] as const)
  test(`${what} is cut off at a megabyte, by either client`, async (t) => {
    let cut = 0;
    const { device, logged } = await givenPeer(t, (_request, response) => {
      response.writeHead(status, { "content-type": "application/json" });
      const chunk = Buffer.alloc(65_536, "[");
      const pour = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", pour).on("close", () => (cut += 1));
      pour();
    });
    await device.start(never);
    await until("the first read is cut", () => cut >= 1);
    assert.ok(logged.some((line) => line.includes("more than 1048576 bytes")));
    // Not "device-unreachable": the deadline was not what ended it.
    await assert.rejects(async () => device.codes?.list(indexOf, never), { code: "device-refused" });
    await until("that is cut, too", () => cut >= 2);
    assert.equal(device.status().link, "unknown");
  });

test("a redirect is not followed: the token goes to nobody else", async (t) => {
  const elsewhere: string[] = [];
  const other = createServer((request, response) => {
    elsewhere.push(`${request.headers.authorization}`);
    response.end("[]");
  });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.after(() => other.close());
  let asked = 0;
  const { device } = await givenPeer(t, (request, response) => {
    asked += 1;
    assert.equal(request.headers.authorization, `Bearer ${token}`);
    response.writeHead(302, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/` }).end();
  });
  await device.start(never);
  await until("the state was asked for", () => asked >= 1);
  await assert.rejects(async () => device.codes?.list(indexOf, never), { code: "device-refused" });
  const code = { label: "guest", digits: new SecretString("345678") };
  assert.equal(await device.codes?.set(code, never), "refused");
  assert.deepEqual(elsewhere, []);
});

test("a read that hangs keeps nobody waiting at the door", async (t) => {
  let reads = 0;
  const { device, logged } = await givenPeer(t, (request, response) => {
    if (request.method === "POST") return response.writeHead(204).end();
    reads += 1;
    if (reads === 1) response.end(JSON.stringify({ serverState: 0, state: { state: 1 } }));
  });
  await device.start(never);
  await until("another read hangs", () => reads >= 2);
  const result = device.lock?.release(5_000, never);
  await until("it gave way, and the next hangs", () => reads >= 3);
  assert.deepEqual(logged, [], "nothing failed");
  assert.equal(await result, "accepted");
});

test("a release was taken and then nothing is heard: the bolt is not where it was before, until a status tells", async (t) => {
  let isSilent = false;
  const { device } = await givenPeer(t, (request, response) => {
    if (request.method === "POST") isSilent = true;
    if (request.method === "POST") return response.writeHead(204).end();
    if (isSilent) return response.writeHead(503).end();
    response.end(JSON.stringify({ serverState: 0, state: { state: 1 } }));
  });
  await device.start(never);
  await until("it is known", () => device.lock?.state().bolt === "secured");
  assert.equal(await device.lock?.release(5_000, never), "accepted");
  assert.deepEqual(device.lock?.state(), { bolt: "unknown", basis: "reported" });
  await until("it is lost", () => device.status().link === "offline");
  assert.equal(await device.lock?.secure(never), "refused");
  assert.deepEqual(device.lock?.state(), { bolt: "unknown", basis: "reported" });
  isSilent = false;
  await until("it is known again", () => device.lock?.state().bolt === "secured");
});

test("a stop in the middle of a read is no failed read", async (t) => {
  let reads = 0;
  const { device, logged } = await givenPeer(t, () => (reads += 1));
  await device.start(never);
  await until("a read hangs", () => reads >= 1);
  await device.stop();
  await device.start(never);
  await until("the next hangs", () => reads >= 2);
  assert.deepEqual(logged, []);
});

test("a change of codes that is under way is left to its end, whoever comes to the door", async (t) => {
  const asked: string[] = [];
  let answerChange: () => void = () => undefined;
  const { device } = await givenPeer(t, (request, response) => {
    asked.push(request.method ?? "");
    if (request.method === "GET") response.end(JSON.stringify({ serverState: 0, state: { state: 1 } }));
    else if (request.method === "POST") response.writeHead(204).end();
    else answerChange = () => response.writeHead(204).end();
  });
  await device.start(never);
  await until("the lock is online", () => device.status().link === "online");
  const change = device.codes?.set({ label: "guest", digits: new SecretString("345678") }, never);
  await until("the change is under way", () => asked.includes("PUT"));
  const release = device.lock?.release(5_000, never);
  answerChange();
  assert.equal(await change, "accepted");
  assert.equal(await release, "accepted");
});

test("a change of codes that is not answered holds up the door for four seconds, not for the whole deadline", async (t) => {
  const asked: string[] = [];
  const server = createServer(({ method = "" }, response) => {
    asked.push(method);
    if (method === "POST") response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const clock = new SimClock(0);
  const options = parseOptions({ smartlockId, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const account = new WebAccount(clock, options.url, new SecretString(token));
  const codes = new NukiCodes(options, account, clock, () => never);
  const change = codes.set({ label: "guest", digits: new SecretString("345678") }, never);
  await until("the change is under way", () => asked.includes("PUT"));
  const command = { kind: "command", deadlineMs: options.deadlineMs, signal: never } as const;
  const release = account.ask(act(smartlockId, actions.unlatch), command);
  clock.step(4_000);
  await until("the command is heard", () => asked.includes("POST"));
  assert.equal((await release).kind, "answered");
  assert.equal(await change, "unknown");
});

for (const [what, body] of [
  ["a page", "<html>log in</html>"],
  ["nothing", ""],
  ["a list of something else", '[{"login":true}]'],
] as const)
  test(`${what} instead of the codes is no empty list`, async (t) => {
    const { device } = await givenPeer(t, (_request, response) => response.end(body));
    await device.start(never);
    await assert.rejects(async () => device.codes?.list(indexOf, never), { code: "device-refused" });
    assert.equal(device.status().link, "unknown");
  });

test("a line that breaks after the request was sent leaves a change unknown, one that never came about refused", async (t) => {
  const { device } = await givenPeer(t, (request) => request.socket.destroy());
  await device.start(never);
  const code = { label: "guest", digits: new SecretString("345678") };
  assert.equal(await device.codes?.set(code, never), "unknown");
  await assert.rejects(async () => device.codes?.list(indexOf, never), { code: "device-unreachable" });

  const { device: alone } = await givenNukiSite(t);
  await alone.start(never);
  assert.equal(await alone.codes?.set(code, never), "refused");
  await assert.rejects(
    async () => alone.codes?.list(indexOf, never),
    (error) => !asText(error).includes("345678") && /ECONNREFUSED/.test(asText(error)),
  );
});
