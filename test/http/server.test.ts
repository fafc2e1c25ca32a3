/** The LAN pages' server keeps its bounds. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { type HttpServer, listen } from "../../gateway/http/server.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { closed } from "../support/closed.ts";

const connections = 4;

test("beyond its number of connections it takes none, and again when one is gone", async (t) => {
  const server = await aServer(t, 60_000);
  const held = await Promise.all(Array.from({ length: connections }, () => dial(t, server)));
  await closed(await dial(t, server));

  held[0]!.destroy();
  assert.equal(await answerOf(t, server), "well");
});

test("a connection that asks nothing, or not to its end, is closed", async (t) => {
  const server = await aServer(t, 50);
  const [silent, slow] = await Promise.all([dial(t, server), dial(t, server)]);
  slow.write("GET / HTTP/1.1\r\nhost: gate\r\nx-slow: ");
  await Promise.all([silent, slow].map(closed));
  assert.equal(await answerOf(t, server), "well");
});

test("a connection that never shakes hands is closed", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "postern-https-"));
  t.after(() => rm(folder, { recursive: true }));
  const tls = await (await CertificateAuthority.open(folder, systemClock)).serverCertificate(["gate.local"]);
  const limits = { connections, headersMs: 50, requestMs: 100 };
  const server = await listen(() => new Response("well"), { host: "127.0.0.1", port: 0, tls }, limits);
  t.after(() => server.stop());
  await closed(await dial(t, server));
});

test("over TLS it shows the authority's certificate, and a renewed one from the next connection on", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "postern-https-"));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await CertificateAuthority.open(folder, systemClock);
  const tls = await authority.serverCertificate(["gate.local"]);
  const server = await listen(() => new Response("well"), { host: "127.0.0.1", port: 0, tls });
  t.after(() => server.stop());
  assert.match(server.url, /^https:/);
  const shown = async (servername: string) => {
    const socket = connectTls({ port: server.port, host: "127.0.0.1", servername, ca: authority.certificate });
    t.after(() => socket.destroy());
    await once(socket, "secureConnect");
    return socket.getPeerX509Certificate()?.subjectAltName;
  };
  assert.equal(await shown("gate.local"), "DNS:gate.local");
  server.renewCertificate(await authority.serverCertificate(["gate.local", "north.local"]));
  assert.equal(await shown("north.local"), "DNS:gate.local, DNS:north.local");
});

async function aServer(t: TestContext, headersMs: number): Promise<HttpServer> {
  const limits = { connections, headersMs, requestMs: 2 * headersMs };
  const server = await listen(() => new Response("well"), { host: "127.0.0.1", port: 0 }, limits);
  t.after(() => server.stop());
  return server;
}

async function dial(t: TestContext, { port }: HttpServer): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").resume();
  socket.on("error", () => undefined);
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Asks until it is let in. */
async function answerOf(t: TestContext, server: HttpServer): Promise<string> {
  for (;;) {
    try {
      const signal = AbortSignal.any([t.signal, AbortSignal.timeout(60_000)]);
      return await (await fetch(server.url, { signal, headers: { connection: "close" } })).text();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
}
