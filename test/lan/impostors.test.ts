/** Who answers where a gateway is expected, and what becomes of the person who waits at the door meanwhile. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { startInternet } from "../../firmware-sim/internet.ts";
import { answerWithinMs } from "../../gateway/flows/fetch-entry.ts";
import { peerIdentity } from "../../gateway/lan/peer-identity.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { until } from "../support/until.ts";
import { aKey, aSiteOf, grantId, type Neighbour, type NeighbourOptions, peerRow } from "./neighbours.ts";

const question = { grant: grantId, to: "east.1", have: 0 };
const patience = () => AbortSignal.timeout(60_000);

/** East is told that west answers at the server's port. */
async function given(t: TestContext, serverOf: (west: Neighbour) => Server, options: NeighbourOptions = {}) {
  const [west, east] = await aSiteOf(t, ["west", "east"], options);
  const port = await listening(t, serverOf(west!));
  await east!.hear(peerRow(west!.card({ lan: `127.0.0.1:${port}` }), 2));
  return { west: west!, east: east! };
}

async function listening(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** With west's own key. */
function answering(answer: RequestListener): (west: Neighbour) => Server {
  return ({ privateKey }) =>
    createServer({ ...peerIdentity("west", privateKey), requestCert: true, rejectUnauthorized: false }, answer);
}

test("a man in the middle with another key is told nothing", async (t) => {
  let heard = "";
  let calls = 0;
  const { east } = await given(t, () =>
    createTlsServer({ ...peerIdentity("west", aKey()), requestCert: true, rejectUnauthorized: false }, (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (bytes) => {
        heard += bytes.toString();
      });
    })
      .on("tlsClientError", () => undefined)
      .on("connection", (socket) =>
        socket.on("close", () => {
          calls += 1;
        }),
      ),
  );

  assert.equal(await east.lan.ask("west", question, patience()), undefined);

  await until("the call is over", () => calls === 1);
  assert.equal(heard, "");
  const [line] = east.log.lines.filter(({ event }) => event === "peer-unreachable");
  assert.match(String(line?.fields.error), /another key than the site feed lists/);
});

test("a man in the middle who passes the bytes on is of no harm", async (t) => {
  const [west, east] = await aSiteOf(t, ["west", "east"]);
  const [targetHost, port] = west!.lan.address!.split(":");
  const cable = await startInternet({ targetHost: targetHost!, targetPort: Number(port), clock: systemClock });
  t.after(() => cable.stop());
  await east!.hear(peerRow(west!.card({ lan: new URL(cable.url).host }), 2));

  assert.equal(await east!.present(), "released");
});

const silent: readonly (readonly [string, (west: Neighbour) => Server])[] = [
  ["takes the connection and says nothing", () => createTcpServer((socket) => socket.on("error", () => undefined))],
  ["shakes hands and says nothing", answering(() => undefined)],
  ["begins an answer and does not end it", answering((_request, response) => void response.write('{"from":'))],
];
for (const [what, serverOf] of silent) {
  test(`one that ${what} is given up on, and the person at the door is told`, async (t) => {
    const { east } = await given(t, serverOf, { patienceMs: answerWithinMs });
    assert.equal(await east.present(), "HELD_AT_OTHER_GATE");
    assert.ok(east.log.has("peer-silent"));

    const giveUp = new AbortController();
    const asking = east.lan.ask("west", question, giveUp.signal);
    giveUp.abort(new Error("enough"));
    await assert.rejects(asking, { message: "enough" });
  });
}

const wrongAnswers: readonly (readonly [string, number, string])[] = [
  ["an entry of another gateway", 200, '{"from":"north.1","total":1}'],
  ["an entry of another epoch", 200, '{"from":"west.2","total":1}'],
  ["no total", 200, '{"from":"west.1"}'],
  ["a part of an entry", 200, '{"from":"west.1","total":0.5}'],
  ["garbage", 200, "<html>"],
  ["more than 4 kB", 200, JSON.stringify({ from: "west.1", total: 1, more: "x".repeat(4_096) })],
  ["a refusal", 403, '{"from":"west.1","total":1}'],
];
test("an answer that is none brings nothing", async (t) => {
  let answer: (typeof wrongAnswers)[number];
  const { east } = await given(
    t,
    answering((_request, response) => void response.writeHead(answer[1]).end(answer[2])),
  );
  for (answer of wrongAnswers) {
    const before = east.log.lines.length;
    assert.equal(await east.lan.ask("west", question, patience()), undefined, answer[0]);
    assert.deepEqual(
      east.log.lines.slice(before).map(({ event }) => event),
      ["peer-answer-refused"],
      answer[0],
    );
  }
  assert.equal(await east.present(), "HELD_AT_OTHER_GATE");
  assert.deepEqual(await east.events(), ["denied"]);
});

test("a connection that was kept and is dead is no reason to send a person away", async (t) => {
  const connections = new Set<unknown>();
  const { east } = await given(
    t,
    answering(({ socket }, response) => {
      if (connections.has(socket)) socket.destroy();
      else response.end('{"from":"west.1","total":0}');
      connections.add(socket);
    }),
  );

  for (let number = 1; number <= 3; number += 1) {
    assert.deepEqual(await east.lan.ask("west", question, patience()), { from: "west.1", total: 0 });
    assert.equal(connections.size, number);
  }
});

test("a kept connection ends with the key it was made for", async (t) => {
  const { west, east } = await given(
    t,
    answering((_request, response) => void response.end('{"from":"west.1","total":0}')),
  );
  assert.deepEqual(await east.lan.ask("west", question, patience()), { from: "west.1", total: 0 });

  const { lan } = east.site.parts.records.peer("west")!;
  await east.hear(peerRow(west.card({ lan: lan!, publicKey: "x".repeat(43) }), 3));

  assert.equal(await east.lan.ask("west", question, patience()), undefined);
});

test("no more are asked at once than there is room for", async (t) => {
  const { east } = await given(
    t,
    answering(() => undefined),
  );
  const giveUp = new AbortController();
  const asking = Array.from({ length: 32 }, () => east.lan.ask("west", question, giveUp.signal));

  assert.equal(await east.lan.ask("west", question, patience()), undefined);
  assert.ok(east.log.has("peer-not-asked"));

  giveUp.abort(new Error("enough"));
  assert.deepEqual(
    (await Promise.allSettled(asking)).map(({ status }) => status),
    Array.from({ length: 32 }, () => "rejected"),
  );
});
