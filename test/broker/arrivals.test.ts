import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { type ArrivalLimits, Arrivals } from "../../gateway/broker/arrivals.ts";
import { networkOf } from "../../gateway/wire/network-of.ts";
import { closed } from "../support/closed.ts";
import { connectPacket, dial, givenBroker, login } from "../support/mqtt-broker.ts";
import { until } from "../support/until.ts";

const strangers = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];

const floods: [what: string, port: "port" | "plainPort", firstBytes: Buffer][] = [
  ["say nothing", "plainPort", Buffer.alloc(0)],
  ["say nothing where TLS is spoken", "port", Buffer.alloc(0)],
  ["begin a CONNECT and do not go on", "plainPort", Buffer.from([0x10])],
];
for (const [what, port, firstBytes] of floods) {
  test(`a box logs in while four addresses keep the door full of connections that ${what}`, async (t) => {
    const site = await givenBroker(t, { logins: 8 });
    await flood(t, site[port], 40, firstBytes);
    await until("they stand in line", () => site.broker.stats().waiting >= 100);

    const box = await dial(site.plainPort);

    assert.equal(await login(box, connectPacket("box-1")), 0);
    box.end();
  });
}

test("who has spoken while the process was busy with something else keeps its turn", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const entered: Socket[] = [];
  const { arrivals, port, server } = await door(t, { logins: 1, loginMs: 60_000 }, (socket) => {
    entered.push(socket);
    socket.resume();
  });
  const call = async (localAddress: string) => {
    const arrival = once(server, "connection");
    const socket = await connected(connect({ port, host: "127.0.0.1", localAddress }));
    await arrival;
    return socket;
  };
  const [first, second] = [await call("127.0.0.2"), await call("127.0.0.3")];

  // a timer's turn of the loop: what is written now is read after it
  await new Promise<void>((resolve) => {
    const turn = setInterval(() => {
      clearInterval(turn);
      first.write(Buffer.from([0x10]));
      t.mock.timers.tick(12_000);
      resolve();
    }, 1);
  });
  await setImmediate();

  assert.equal(entered.length, 1);
  assert.equal(arrivals.turnedAway, 0);
  for (const socket of [first, second]) socket.destroy();
});

test("when the house is full of arrivals, the oldest of the address with the most makes room for another address", async (t) => {
  const site = await givenBroker(t, { connections: 20 });
  const inside = await site.client("box-2");
  await flood(t, site.plainPort, 5);
  await until("the house is full", () => site.broker.stats().connections === 20);

  const box = await dial(site.plainPort);

  assert.equal(await login(box, connectPacket("box-1")), 0);
  assert.equal(site.broker.stats().connections, 20);
  await inside.ping();
  box.end();
});

test("when the house is full of devices that are in, whoever comes is turned away", async (t) => {
  const site = await givenBroker(t, { connections: 2 });
  const inside = [await site.client("box-1"), await site.client("box-2")];

  const late = await dial(site.plainPort, "127.0.0.2");
  await late.isClosed();

  assert.equal(site.broker.stats().turnedAway, 1);
  for (const client of inside) await client.ping();
});

const slow: [what: string, firstBytes: Buffer, makesRoom: boolean][] = [
  ["has said nothing makes room", Buffer.alloc(0), true],
  ["has begun to speak keeps its turn", Buffer.from([0x10]), false],
];
for (const [what, firstBytes, makesRoom] of slow) {
  test(`while another address waits, a login that has had a fifth of its time and ${what}`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const entered: string[] = [];
    const { arrivals, port, server } = await door(t, { logins: 1, loginMs: 60_000 }, (socket) => {
      entered.push(socket.remoteAddress ?? "");
      socket.resume();
    });
    const first = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.2" });
    first.write(firstBytes);
    const [atTheDoor] = await once(server, "connection");
    if (makesRoom === false) await once(atTheDoor, "data");
    const second = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.3" });
    await once(server, "connection");

    t.mock.timers.tick(11_999);
    await setImmediate();
    assert.deepEqual(entered, ["127.0.0.2"]);
    t.mock.timers.tick(1);
    await setImmediate();

    assert.deepEqual(entered, makesRoom ? ["127.0.0.2", "127.0.0.3"] : ["127.0.0.2"]);
    assert.equal(arrivals.turnedAway, makesRoom ? 1 : 0);
    for (const socket of [first, second]) socket.destroy();
  });
}

test("one neighbour's connections to two addresses of ours from the same port are two, and both end at the stop", async (t) => {
  const { arrivals, port, server } = await door(t, { logins: 5, loginMs: 60_000 }, () => undefined);

  const first = await connected(connect({ port, host: "127.0.0.1", localAddress: "127.0.0.9" }));
  const localPort = first.localPort ?? 0;
  const second = await connected(connect({ port, host: "127.0.0.2", localAddress: "127.0.0.9", localPort }));
  await until("both have arrived", () => arrivals.count === 2);
  arrivals.destroy();

  await Promise.all([once(server.close(), "close"), ...[first, second].map(closed)]);
});

const neighbours: [address: string, network: string][] = [
  ["192.168.7.2", "192.168.7.2"],
  ["::ffff:192.168.7.2", "192.168.7.2"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::6", "2001:db8:1:2::/64"],
  ["2001:db8::6", "2001:db8:0:0::/64"],
  ["2001:db8:1:2:3:4:5::", "2001:db8:1:2::/64"],
  ["fe80::1:2:3%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
];
test("an IPv4 address and an IPv6 /64 are one neighbour each", () => {
  for (const [address, network] of neighbours) assert.equal(networkOf(address), network, address);
});

/** The door alone, on every address of this machine. */
async function door(
  t: TestContext,
  limits: Pick<ArrivalLimits, "logins" | "loginMs">,
  enter: (socket: Socket) => void,
) {
  const arrivals = new Arrivals({ connections: 5, arrivalsPerNetwork: 5, ...limits });
  const server = createServer({ pauseOnConnect: true }, (socket) => arrivals.take(socket, () => enter(socket)));
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  const address = server.address();
  t.after(() => {
    arrivals.destroy();
    server.close();
  });
  return { arrivals, server, port: typeof address === "object" && address ? address.port : 0 };
}

/** From each stranger's address so many connections that say no more than this; who is shut out calls again. */
async function flood(t: TestContext, port: number, fromEach: number, firstBytes: Buffer = Buffer.alloc(0)) {
  const open = new Set<Socket>();
  let isOver = false;
  const call = (from: string) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress: from });
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      open.delete(socket);
      if (!isOver) call(from);
    });
    socket.write(firstBytes);
  };
  t.after(() => {
    isOver = true;
    for (const socket of open) socket.destroy();
  });
  for (const from of strangers) for (let n = 0; n < fromEach; n += 1) call(from);
}

async function connected(socket: Socket): Promise<Socket> {
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}
