/** The cable carries bytes unchanged while it is in, and nothing once it is pulled. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { startInternet } from "../../firmware-sim/internet.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";

/** A cloud that answers by `serve`, and the cable to it. */
async function givenCable(t: TestContext, serve: (socket: Socket) => void, options: CableOptions = {}) {
  const served = new Set<Socket>();
  const cloud = createServer({ allowHalfOpen: true }, (socket) => {
    served.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => served.delete(socket));
    serve(socket);
  });
  await listening(cloud);
  const { port } = cloud.address() as AddressInfo;
  const internet = await startInternet({
    targetHost: "127.0.0.1",
    targetPort: port,
    clock: options.clock ?? systemClock,
    ...(options.delayMs !== undefined && { delayMs: options.delayMs }),
  });
  const dialled: Socket[] = [];
  t.after(async () => {
    for (const socket of dialled) socket.destroy();
    await internet.stop();
    for (const socket of served) socket.destroy();
    if (cloud.listening) await closed(cloud);
  });
  const { hostname, port: cablePort } = new URL(internet.url);
  return {
    internet,
    cloud,
    served,
    /** A connection whose end is seen as `closed`, with or without an error. */
    dial: async (to = Number(cablePort)) => {
      const socket = connect({ host: hostname, port: to });
      dialled.push(socket);
      socket.on("error", () => undefined);
      const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      await once(socket, "connect").catch(() => undefined);
      return { socket, gone };
    },
  };
}

interface CableOptions {
  readonly clock?: Clock;
  readonly delayMs?: number;
}

const echo = (socket: Socket) => void socket.pipe(socket);

describe("the cable between gateway and cloud", () => {
  test("carries a megabyte there and back, byte for byte", async (t) => {
    const { dial } = await givenCable(t, (socket) => void socket.pipe(socket));
    const { socket } = await dial();
    const sent = randomBytes(1_048_576);

    socket.end(sent);
    const back: Buffer[] = [];
    for await (const bytes of socket) back.push(bytes as Buffer);

    assert(Buffer.concat(back).equals(sent));
  });

  test("interrupted, the cloud is out of reach, and other services are not", async (t) => {
    const { internet, cloud, dial } = await givenCable(t, echo);
    const { port } = cloud.address() as AddressInfo;
    const other = await internet.reach({ targetHost: "127.0.0.1", targetPort: port });
    const [toCloud, toOther] = [await dial(), await dial(Number(new URL(other).port))];

    await internet.interrupt(async () => {
      await toCloud.gone;
      await (await dial()).gone;
      toOther.socket.write("still here");
      assert.equal(String((await once(toOther.socket, "data"))[0]), "still here");
    });

    assert.ok(internet.on);
    const { socket } = await dial();
    socket.write("back");
    assert.equal(String((await once(socket, "data"))[0]), "back");
  });

  test("whoever has said everything is still answered", async (t) => {
    const { dial } = await givenCable(t, (socket) => {
      socket.resume();
      socket.once("end", () => socket.end("heard you out"));
    });
    const { socket } = await dial();

    socket.end("that is all");
    const answer: Buffer[] = [];
    for await (const bytes of socket) answer.push(bytes as Buffer);

    assert.equal(Buffer.concat(answer).toString(), "heard you out");
  });

  test("pulled, it breaks what is under way on both sides and lets nobody through", async (t) => {
    let asked = 0;
    const { internet, dial, served } = await givenCable(t, (socket) => {
      asked += 1;
      echo(socket);
    });
    const { socket, gone } = await dial();
    socket.write("hello");
    await once(socket, "data");

    internet.set(false);
    assert.equal(internet.on, false);
    await gone;
    await until("the cloud sees the connection end", () => served.size === 0);
    const later = await dial();
    later.socket.write("anybody there?");
    await later.gone;

    assert.equal(later.socket.bytesRead, 0);
    assert.equal(asked, 1);
  });

  test("put back, it carries again at the same address", async (t) => {
    const { internet, dial } = await givenCable(t, echo);
    const { url } = internet;
    internet.set(false);
    await (await dial()).gone;

    internet.set(true);
    const { socket } = await dial();
    socket.write("back");
    const [bytes] = await once(socket, "data");

    assert.equal(String(bytes), "back");
    assert.equal(internet.url, url);
  });

  test("another service behind it is reached at an address of its own, and gone with it", async (t) => {
    const { internet, dial } = await givenCable(t, (socket) => void socket.end("the cloud"));
    const other = createServer((socket) => void socket.write("a maker's cloud"));
    await listening(other);
    t.after(() => closed(other));
    const { port: targetPort } = other.address() as AddressInfo;

    const { port } = new URL(await internet.reach({ targetHost: "127.0.0.1", targetPort }));
    const { socket, gone } = await dial(Number(port));
    const [bytes] = await once(socket, "data");
    assert.equal(String(bytes), "a maker's cloud");
    internet.set(false);
    await gone;
    const later = await dial(Number(port));
    await later.gone;
    assert.equal(later.socket.bytesRead, 0);

    await internet.stop();
    await assert.rejects(once(connect(Number(port), "127.0.0.1"), "connect"), /ECONNREFUSED/);
  });

  test("a cloud that is not there ends the connection and nothing else", async (t) => {
    const { internet, cloud, dial } = await givenCable(t, echo);
    await closed(cloud);

    await (await dial()).gone;

    assert.equal(internet.on, true);
    await (await dial()).gone;
  });

  test("one side that breaks off breaks the other off", async (t) => {
    const { dial, served } = await givenCable(t, echo);
    const { socket } = await dial();
    socket.write("hello");
    await once(socket, "data");

    socket.resetAndDestroy();

    await until("the cloud sees the connection end", () => served.size === 0);
  });

  test("bytes are under way as long as they are told to be", async (t) => {
    const clock = new SimClock(0);
    const { dial } = await givenCable(t, echo, { clock, delayMs: 250 });
    const { socket } = await dial();
    let answeredAt: number | undefined;
    socket.once("data", () => {
      answeredAt = clock.monotonic();
    });
    socket.write("slow");

    await until("the answer is there", () => {
      if (answeredAt === undefined && clock.nextAt !== undefined) clock.step(clock.nextAt);
      return answeredAt !== undefined;
    });

    assert.equal(answeredAt, 500);
  });

  test("stopped, it holds no port and no connection", async (t) => {
    const { internet, dial } = await givenCable(t, echo);
    const { socket, gone } = await dial();
    socket.write("hello");
    await once(socket, "data");

    await internet.stop();

    await gone;
    const { hostname, port } = new URL(internet.url);
    await assert.rejects(once(connect(Number(port), hostname), "connect"), /ECONNREFUSED/);
  });
});

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
