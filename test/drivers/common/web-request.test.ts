import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { sendWeb } from "../../../gateway/drivers/common/web-request.ts";

const never = new AbortController().signal;

/** A peer that answers each request with these bytes; with none it only listens. */
async function givenPeer(t: TestContext, answer?: string) {
  const sockets = new Set<Socket>();
  const heard: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    socket.on("data", (bytes) => {
      heard.push(bytes.toString("latin1"));
      server.emit("heard");
      if (answer !== undefined) socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address && typeof address === "object");
  return { server, heard, host: `127.0.0.1:${address.port}` };
}

const get = (url: string, signal = never) => sendWeb({ method: "GET", url, headers: {} }, signal);

test("what was sent is what was asked for, and no more; the answer comes with its headers", async (t) => {
  const { host, heard } = await givenPeer(t, 'HTTP/1.1 200 OK\r\nx-of: 1-2/3\r\ncontent-length: 8\r\n\r\n{"a":12}');
  const request = { method: "POST", url: `http://${host}/a?b=c`, headers: { authorization: "x" }, body: '{"é":1}' };
  const answer = await sendWeb(request, never);
  assert.deepEqual(heard, [
    `POST /a?b=c HTTP/1.1\r\naccept: application/json\r\nconnection: close\r\nauthorization: x\r\ncontent-length: 8\r\nHost: ${host}\r\n\r\n{"Ã©":1}`,
  ]);
  assert.ok(answer.kind === "answered");
  assert.deepEqual(
    [answer.status, answer.body, answer.isPage, answer.headers?.["x-of"]],
    [200, { a: 12 }, false, "1-2/3"],
  );
});

test("a page is told from JSON that cannot be read", async (t) => {
  const page = await givenPeer(t, "HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n <h1>Developer Inactive</h1>");
  const torn = await givenPeer(t, 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"a":');
  const [first, second] = [await get(`http://${page.host}`), await get(`http://${torn.host}`)];
  assert.ok(first.kind === "answered" && first.isPage && first.body === undefined);
  assert.ok(second.kind === "answered" && !second.isPage && second.body === undefined);
});

for (const [what, protocol, kind] of [
  ["heard and not answered", "http", "unanswered"],
  ["not heard, since no encryption came about", "https", "unsent"],
] as const)
  test(`given up after it was ${what}: ${kind}`, async (t) => {
    const { host, server } = await givenPeer(t);
    const abort = new AbortController();
    const answer = get(`${protocol}://${host}`, abort.signal);
    await once(server, "heard");
    abort.abort();
    assert.deepEqual(await answer, { kind, why: "time-out" });
  });

for (const [what, bytes] of [
  ["before a word", ""],
  ["in the middle of the answer", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"],
] as const)
  test(`a line that breaks ${what} leaves it unanswered`, async (t) => {
    const { host } = await givenPeer(t, bytes);
    assert.equal((await get(`http://${host}`)).kind, "unanswered");
  });

test("where nobody listens nothing was sent", async (t) => {
  const { host, server } = await givenPeer(t);
  server.close();
  await once(server, "close");
  assert.deepEqual(await get(`http://${host}`), { kind: "unsent", why: "ECONNREFUSED" });
  assert.deepEqual(await get(`http://${host}`, AbortSignal.abort()), { kind: "unsent", why: "called off" });
});
