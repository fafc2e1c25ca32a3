/** Whatever is asked of the gateway's pages and of the cloud's wire: no answer is a failure of ours, and each refusal says why. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, type TestContext, test } from "node:test";
import { gatewayApp } from "../../gateway/http/app.tsx";
import { type HttpServer, listen } from "../../gateway/http/server.ts";
import { type Answer, givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";
import { Random } from "../support/random.ts";
import { statusSources } from "../support/status-sources.ts";
import { TimedSite } from "../support/timed-site.ts";
import { until } from "../support/until.ts";
import { fuzz, times } from "./fuzz.ts";

type App = { request(path: string, init: RequestInit): Response | Promise<Response> };
type Document = ReturnType<typeof JSON.parse>;

const clock = new HandClock();
let cloud: TestCloud;
let gateway: TestGateway;
let site: TimedSite;
let pages: ReturnType<typeof gatewayApp>;

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "Europe/Madrid" });
  gateway = await cloud.gateway("demo", ["front"]);
  site = await TimedSite.online();
  const { parts, sync } = site.running;
  pages = gatewayApp(statusSources(parts, () => ({ state: sync.state, queue: sync.queue })));
});
after(async () => {
  await site.shutDown();
  await cloud.close();
});

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];
const texts = [
  ...[
    "",
    "0",
    "-1",
    "1e9",
    "0x10",
    "9007199254740993",
    "501",
    "NaN",
    "%00",
    "%",
    "%ff",
    "a/../b",
    "..%2f",
    "x".repeat(3_000),
  ],
  ...["__proto__", "constructor", "\u00e9", "%ed%a0%80", "front", "null", "[]"],
];
const types = [
  "application/json",
  "application/x-ndjson",
  "text/plain",
  "multipart/form-data",
  "application/json; charset=x",
  "",
];
const bodies: readonly (string | Uint8Array)[] = [
  ...[
    "",
    "{",
    "null",
    "[]",
    "0",
    '"x"',
    '{"__proto__":{}}',
    '{"code":"\\u0000"}',
    "[".repeat(9_000),
    "\n\n",
    "{}\n{}\n",
  ],
  ...[new Uint8Array([0xff, 0xfe, 0x00]), new Uint8Array(5_000)],
];
const headers: readonly (readonly [string, string])[] = [
  ["x-request-id", "../../x"],
  ["content-length", "-1"],
  ["transfer-encoding", "chunked"],
  ["accept", "*/*;q=x"],
  ["accept-encoding", "gzip;q=9"],
  ["idempotency-key", "x".repeat(200)],
  ["authorization", "Bearer"],
  ["authorization", `Bearer ${"a.".repeat(800)}`],
  ["cookie", "=;=;"],
  ["range", "bytes=5-1"],
  ["if-none-match", "*"],
  ["last-event-id", "-1"],
];

test("nothing that is asked of the gateway's pages makes them fail", async () => {
  const document = await (await pages.request("http://localhost/openapi.json")).json();
  await everyRequest(document, 500, {}, async (request, path) => {
    site.clock.step(site.clock.monotonic() + 100);
    return ask(pages, `http://localhost${path}`, request);
  });
});

test("nothing that a gateway asks of the cloud makes it fail", async () => {
  const { body } = await cloud.ask("GET", "/openapi.json");
  const wire = Object.fromEntries(Object.entries(body.paths).filter(([path]) => path.startsWith("/v1/")));
  await everyRequest({ paths: wire }, 700, { gateway: gateway.id }, async (request, path) => {
    clock.advance(100);
    const own = { authorization: `Bearer ${gateway.token()}` };
    return ask(cloud.app, path, { ...request, headers: { ...own, ...(request.headers as Record<string, string>) } });
  });
});

test("a method that the feed does not know is refused in words that can be read, also by who takes packed answers", async () => {
  const headers = { authorization: `Bearer ${gateway.token()}`, "accept-encoding": "gzip" };
  const refused = await ask(cloud.app, `/v1/gateways/${gateway.id}/feed`, { method: "POST", headers });
  assert.equal(refused.status, 405);
  isSound(refused);
});

test("a push of anything is taken, or refused by name", async () => {
  gateway.record({ type: "boot", version: "1", cutBytes: 0 }, { type: "door", device: "front", state: "open" });
  const head = { proto: 1, epoch: gateway.epoch, first: 1, prev: "p".repeat(43), head: "h".repeat(43) };
  const envelope = JSON.stringify({ ...head, headSignature: "s".repeat(86) });
  await fuzz({
    target: "push",
    seeds: [[envelope, ...gateway.lines].join("\n"), envelope, gateway.lines[0]!],
    runs: 300,
    words: ["\n", "\u0000", '"first":9007199254740991', '"epoch":2'],
    check: async (input) => {
      clock.advance(100);
      const type = "application/x-ndjson";
      isSound(
        await gateway.send("POST", `/v1/gateways/${gateway.id}/journal`, { body: input.toString("latin1"), type }),
      );
    },
  });
});

for (const [what, app] of [
  ["the gateway's pages", () => pages],
  ["the cloud", () => cloud.app],
] as const)
  test(`raw bytes, slow bodies and endless ones do not keep ${what} from answering`, async (t) => {
    const http = await listen(app().fetch, { host: "127.0.0.1", port: 0 });
    t.after(() => http.stop());
    const [path, query] = what === "the cloud" ? ["/v1/enrol", "/v1/time"] : ["/api/events", "/healthz"];
    const start = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;
    for (let slow = 0; slow < 20; slow += 1) open(t, http, `${start}Content-Length: 1000\r\n\r\n{"code":`);
    for (let slow = 0; slow < 20; slow += 1) open(t, http, "GET / HTTP/1.1\r\nHo");
    const endless = open(t, http, `${start}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `1000\r\n${"x".repeat(4_096)}\r\n`;
    for (let sent = 0; sent < 100 && endless.writable; sent += 1) {
      endless.write(chunk);
      await new Promise(setImmediate);
    }
    await fuzz({
      target: "http",
      seeds: [
        `GET ${query} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
        `${start}Content-Length: 2\r\n\r\n{}`,
        `${start}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
        `${start}Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n`,
        `GET http://other/${query} HTTP/1.1\r\nHost: [::1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      ],
      runs: 150,
      words: [
        "\r\n",
        "\r\n\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Host: \r\n",
        "\u0000",
        "HTTP/2.0",
      ],
      check: async (input) => {
        clock.advance(100);
        site.clock.step(site.clock.monotonic() + 100);
        const said = await answerTo(http, input);
        assert.doesNotMatch(said, /^HTTP\/1\.1 5(?!0[15] )/m, said.slice(0, 300));
      },
    });
    const healthy = await fetch(`${http.url}${query}`, { signal: AbortSignal.timeout(60_000) });
    assert.equal(healthy.status, 200);
  });

/** Every operation as documented and by chance, with what may stand in any request. */
async function everyRequest(
  { paths }: Document,
  runs: number,
  places: Readonly<Record<string, string>>,
  answer: (request: RequestInit, path: string) => Promise<Answer>,
): Promise<void> {
  const operations = Object.entries<Document>(paths).flatMap(([path, by]) =>
    Object.entries<Document>(by).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  assert.ok(operations.length >= 5);
  for (let number = 1; number <= times(runs); number += 1) {
    const random = new Random(number);
    const { path, method, operation } = random.pick(operations);
    const filled = path.replace(/\{(\w+)\}/g, (_: string, name: string) =>
      random.chance(0.8) ? (places[name] ?? "front") : random.pick(texts),
    );
    const names = [...(operation.parameters ?? []).map(({ name }: { name: string }) => name), "x"];
    const query = Array.from({ length: random.int(4) }, () => `${random.pick(names)}=${random.pick(texts)}`).join("&");
    const asked = random.chance(0.8) ? method : random.pick(methods);
    const content = Object.keys(operation.requestBody?.content ?? {})[0] ?? "application/json";
    const type = random.chance(0.7) ? content : random.pick(types);
    const request: RequestInit = {
      method: asked,
      headers: {
        ...(type && { "content-type": type }),
        ...Object.fromEntries(random.chance(0.3) ? [random.pick(headers)] : []),
      },
      ...(!["GET", "HEAD"].includes(asked) && { body: random.pick(bodies) as string }),
    };
    // A poll that is held ends when its time is over, and that is told by hand.
    const target = `${filled}${random.chance(0.1) ? `/${random.pick(texts)}` : ""}?${query.replace(/waitMs=[^&]*/g, "waitMs=0")}`;
    try {
      isSound(await answer(request, target), asked === "HEAD");
    } catch (cause) {
      throw new Error(`request ${number}, ${asked} ${target}: ${(cause as Error).message}`, { cause });
    }
  }
}

async function ask(app: App, path: string, request: RequestInit): Promise<Answer> {
  const response = await app.request(path, request);
  const isPacked = response.headers.get("content-encoding") === "gzip" && response.body !== null;
  const plain = isPacked ? response.body.pipeThrough(new DecompressionStream("gzip")) : response.body;
  const text = plain === null ? "" : await new Response(plain).text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

function isSound({ status, headers, text, body }: Answer, isHead = false): void {
  assert.ok(status < 500, `${status}: ${text}`);
  // What the cloud knows of the journal is no problem but an answer.
  if (status < 400 || (status === 409 && ["fork", "fenced"].includes(body?.outcome))) return;
  assert.equal(headers.get("content-type"), "application/problem+json", `${status}: ${text}`);
  if (!isHead) assert.deepEqual([body.status, typeof body.code, typeof body.requestId], [status, "string", "string"]);
}

function open(t: TestContext, { port }: HttpServer, text: string) {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  socket.write(text);
  socket.resume();
  t.after(() => void socket.destroy());
  return socket;
}

/** All it says until it hangs up, or has said something and goes on waiting. */
async function answerTo({ port }: HttpServer, bytes: Buffer): Promise<string> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  let said = "";
  let isOver = false;
  socket.on("data", (piece) => {
    said += piece.toString("latin1");
  });
  socket.once("close", () => {
    isOver = true;
  });
  socket.end(bytes);
  await until("it has answered or hung up", () => isOver || said.includes("\r\n\r\n"));
  socket.destroy();
  return said;
}
