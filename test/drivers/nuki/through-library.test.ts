/** What nuki-web-api says is taken apart here: whether a command that was given up can have been heard. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { actions } from "../../../gateway/drivers/common/nuki.ts";
import { resultOf } from "../../../gateway/drivers/common/web-answer.ts";
import { act } from "../../../gateway/drivers/nuki/through-library.ts";
import { WebAccount } from "../../../gateway/drivers/nuki/web-account.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { smartlockId, token } from "../../support/nuki-site.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { until } from "../../support/until.ts";

const deadlineMs = 10_000;
const backlog = 1;
/** Takes connections only while the kernel has room for them: it never looks at one. */
const deafListener = `
  const server = require("node:net").createServer().listen(0, "127.0.0.1", ${backlog}, () => {
    require("node:worker_threads").parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** An address where no connection comes about, as behind a line that swallows everything. */
async function givenBlackHole(t: TestContext): Promise<string> {
  const listener = new Worker(deafListener, { eval: true });
  t.after(() => listener.terminate());
  const [port] = await once(listener, "message");
  for (let count = 0; count <= backlog; count += 1) {
    const filler = connect(port, "127.0.0.1").on("error", () => undefined);
    t.after(() => filler.destroy());
    await once(filler, "connect");
  }
  return `http://127.0.0.1:${port}`;
}

function command(url: string) {
  const clock = new SimClock(0);
  const account = new WebAccount(clock, url, new SecretString(token));
  const { signal } = new AbortController();
  const answer = account.ask(act(smartlockId, actions.unlatch), { kind: "command", deadlineMs, signal });
  return { answer, passDeadline: () => clock.step(deadlineMs) };
}

test("a command whose connection never came about was certainly not heard: refused", async (t) => {
  const url = await givenBlackHole(t);
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
  const before = sockets();
  const { answer, passDeadline } = command(url);
  await until("it tries to connect", () => sockets() > before);
  passDeadline();
  assert.deepEqual(await answer, { kind: "unsent", why: "time-out" });
  assert.equal(resultOf(await answer), "refused");
});

test("a command that was heard and not answered: unknown, on a connection that is kept open as well", async (t) => {
  const sockets = new Set<Socket>();
  let heard = 0;
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    socket.on("data", () => {
      heard += 1;
      if (heard === 1) socket.write("HTTP/1.1 204 No Content\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  assert.equal(resultOf(await command(url).answer), "accepted");
  const { answer, passDeadline } = command(url);
  await until("it is heard", () => heard === 2);
  passDeadline();
  assert.equal(resultOf(await answer), "unknown");
});
