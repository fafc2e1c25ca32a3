/**
 * Lockboxes by the hundred, byte by byte, in a process of their own: one wish as JSON in the argument, one answer as a line. They ask
 * for no more work than their sockets do, so that the broker is what is measured.
 */
import { once } from "node:events";
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls, createSecureContext } from "node:tls";
import mqttPacket, { type Packet } from "mqtt-packet";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { connectPacket } from "../support/mqtt-broker.ts";
import type { LoadWish } from "./load.ts";

const wish: LoadWish = JSON.parse(process.argv[2]!);
switch (wish.what) {
  case "events":
    say({ perSecond: await events(wish) });
    break;
  case "storm":
    say(await storm(wish));
    break;
  case "answer":
    await answer(wish);
    say({ ready: true });
    break;
}

function say(answer: object): void {
  console.log(JSON.stringify(answer));
}

/** Every box keeps `window` messages unacknowledged; from the first one sent to the last acknowledged and, with a subscriber, delivered. */
async function events({ port, boxes, each, window, boot, subscriber }: LoadWish & { what: "events" }): Promise<number> {
  const delivered = subscriber ? await delivery(port, boxes * each) : undefined;
  const lines = await Promise.all(names(boxes).map((id) => logIn(id, connectPlain(port, "127.0.0.1"))));
  const packets = lines.map(({ id }) => Array.from({ length: each }, (_, sent) => doorEvent(id, boot, sent + 1)));
  const began = performance.now();
  const acknowledged = lines.map(({ socket }, box) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let sent = 0;
    let bytes = 0;
    const sendUpTo = (count: number) => {
      if (sent < count) socket.write(Buffer.concat(packets[box]!.slice(sent, count)));
      sent = Math.max(sent, count);
    };
    socket.on("data", (piece) => {
      bytes += piece.length; // PUBACKs and nothing else, of 4 bytes
      sendUpTo(Math.min(each, Math.floor(bytes / 4) + window));
      if (bytes === each * 4) resolve();
    });
    sendUpTo(window);
    return promise;
  });
  await Promise.all([...acknowledged, delivered?.all]);
  return (boxes * each) / ((performance.now() - began) / 1000);
}

/** About 64 bytes of a lockbox's own words; each is news, because the door has moved. */
function doorEvent(id: string, boot: number, seq: number): Buffer {
  const payload = `{"boot":${boot},"seq":${seq},"up":${10_000 + seq},"bolt":"secured","door":"${seq % 2 ? "open" : "closed"}"}`;
  return mqttPacket.generate({
    cmd: "publish",
    topic: `postern/${id}/state`,
    payload,
    qos: 1,
    messageId: seq,
    retain: false,
    dup: false,
  });
}

/** Subscribes to everything; `all` resolves when so many have come. */
async function delivery(port: number, wanted: number): Promise<{ readonly all: Promise<void> }> {
  const { socket } = await logIn("subscriber", connectPlain(port, "127.0.0.1"));
  socket.write(
    mqttPacket.generate({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "postern/+/state", qos: 1 }] }),
  );
  await once(socket, "data");
  const { promise, resolve } = Promise.withResolvers<void>();
  let rest: Buffer = Buffer.alloc(0);
  let received = 0;
  socket.on("data", (piece: Buffer) => {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const acknowledgements: Buffer[] = [];
    let at = 0;
    // PUBLISH of QoS 1, shorter than 128 bytes: header, length, topic with its length, packet id, payload.
    for (; at + 2 <= bytes.length && at + 2 + bytes[at + 1]! <= bytes.length; at += 2 + bytes[at + 1]!) {
      const id = at + 4 + bytes.readUInt16BE(at + 2);
      acknowledgements.push(Buffer.from([0x40, 2, bytes[id]!, bytes[id + 1]!]));
    }
    rest = bytes.subarray(at);
    received += acknowledgements.length;
    if (acknowledgements.length > 0) socket.write(Buffer.concat(acknowledgements));
    if (received === wanted) resolve();
  });
  return { all: promise };
}

/** All of them connect, prove themselves by certificate and subscribe to their commands, `atOnce` at a time. */
async function storm({ port, boxes, atOnce, folder }: LoadWish & { what: "storm" }): Promise<{ seconds: number }> {
  const authority = await CertificateAuthority.open(folder, systemClock);
  const waiting = names(boxes).map((id) => ({ id, ...authority.issueDevice(id) }));
  const began = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        const { id, ...proof } = next;
        const secureContext = createSecureContext({ ...proof, ca: authority.certificate });
        const socket = connectTls({ port, host: "127.0.0.1", servername: "localhost", secureContext });
        await once(socket, "secureConnect");
        await subscribed(await logIn(id, socket));
      }
    }),
  );
  return { seconds: (performance.now() - began) / 1000 };
}

/** Box 0 obeys and says that it did, the others are there and keep quiet. */
async function answer({ port, boxes }: LoadWish & { what: "answer" }): Promise<void> {
  const lines = [];
  for (const id of names(boxes)) lines.push(await logIn(id, connectPlain(port, "127.0.0.1")));
  const { id, socket } = lines[0]!;
  let seq = 0;
  const startedAt = performance.now() - 1_000;
  const stamp = () => ({ boot: 1, seq: ++seq, up: Math.floor(performance.now() - startedAt) });
  let messageId = 0;
  const publish = (name: string, message: object): Packet => {
    messageId = (messageId % 65_535) + 1;
    const [topic, payload] = [`postern/${id}/${name}`, JSON.stringify(message)];
    return { cmd: "publish", topic, payload, qos: 1, messageId, retain: false, dup: false };
  };
  const write = (...packets: readonly Packet[]) =>
    socket.write(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))));
  const parser = mqttPacket.parser({ protocolVersion: 4 });
  parser.on("packet", (packet) => {
    if (packet.cmd !== "publish") return;
    const command = JSON.parse(packet.payload.toString()) as { id: string; action: string };
    const releases = command.action === "release";
    const reply = { id: command.id, result: "done", bolt: releases ? "released" : "secured", door: "closed" };
    write({ cmd: "puback", messageId: packet.messageId! }, publish("reply", { ...stamp(), ...reply }));
    if (releases) write(publish("state", { ...stamp(), bolt: "secured", door: "closed" }));
  });
  await subscribed(lines[0]!);
  socket.on("data", (piece: Buffer) => parser.parse(piece));
  const { boot, up } = stamp();
  write(
    publish("presence", { online: true, boot, up }),
    publish("state", { ...stamp(), bolt: "secured", door: "closed" }),
  );
}

interface Line {
  readonly id: string;
  readonly socket: Socket;
}

function names(boxes: number): string[] {
  return Array.from({ length: boxes }, (_, box) => `box-${box}`);
}

async function logIn(id: string, socket: Socket): Promise<Line> {
  socket.setNoDelay(true);
  socket.on("error", (error) => {
    throw error;
  });
  socket.write(mqttPacket.generate(connectPacket(id)));
  const [connack] = (await once(socket, "data")) as [Buffer];
  if (connack[0] !== 0x20 || connack[3] !== 0) throw new Error(`${id} was not let in`);
  return { id, socket };
}

async function subscribed({ id, socket }: Line): Promise<void> {
  const topic = `postern/${id}/command`;
  socket.write(mqttPacket.generate({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 1 }] }));
  await once(socket, "data");
}
