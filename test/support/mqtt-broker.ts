/** A broker on free loopback ports, and clients that speak MQTT byte by byte. */

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectPlain, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import mqtt from "mqtt";
import mqttPacket, { type IConnectPacket, type Packet } from "mqtt-packet";
import type { DeviceAccount } from "../../gateway/broker/accounts.ts";
import { Broker, type BrokerLimits, type BrokerOptions } from "../../gateway/broker/broker.ts";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { lockboxDialect } from "../../gateway/drivers/mqtt-lockbox/wire.ts";
import { type LogFields, type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { until } from "./until.ts";

export const passwordOf = (device: string) => `${device}-password-0123456789`;

/** Of a lockbox with its password, unless `proof` says otherwise. */
export function boxAccount(id: string, proof: Partial<DeviceAccount> = {}): DeviceAccount {
  return { id, dialect: lockboxDialect(id), password: new SecretString(passwordOf(id)), ...proof };
}

export interface Received {
  readonly device: string;
  readonly topic: string;
  readonly payload: string;
}

/** Lockboxes "box-1" and "box-2" (password or certificate) or these devices, their messages collected; stopped and removed after the test. */
export async function givenBroker(
  t: TestContext,
  limits: Partial<BrokerLimits> = {},
  devices: readonly (string | DeviceAccount)[] = ["box-1", "box-2"],
  parts: Partial<Pick<BrokerOptions, "clock" | "logger" | "passedTime" | "plainLan">> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), "postern-broker-"));
  const authority = await CertificateAuthority.open(folder, systemClock);
  const accounts = devices.map((one) => (typeof one === "string" ? boxAccount(one, { certificate: true }) : one));
  const broker = new Broker({
    host: "127.0.0.1",
    port: 0,
    plainPort: 0,
    tls: { ...(await authority.serverCertificate(["localhost", "127.0.0.1"])), ca: authority.certificate },
    devices: accounts,
    limits,
    clock: systemClock,
    logger: silentLogger,
    ...parts,
  });
  const received: Received[] = [];
  const deaf = accounts.map(({ id: device }) =>
    broker.link(device).onMessage(async (topic, payload) => {
      received.push({ device, topic, payload });
    }),
  );
  t.after(async () => {
    await broker.stop();
    await rm(folder, { recursive: true });
  });
  await broker.start();
  const { port, plainPort, plainLanPort = 0 } = broker.address ?? {};
  if (port === undefined || plainPort === undefined) throw new Error("the broker does not listen");
  return {
    broker,
    authority,
    folder,
    received,
    port,
    plainPort,
    /** 0 when there is none. */
    plainLanPort,
    /** Takes the collecting listeners away, for a test that brings its own. */
    deafen: () => {
      for (const stop of deaf) stop();
    },
    /** A byte-by-byte client, logged in unless its CONNECT says otherwise. */
    client: (id: string, connect: Partial<IConnectPacket> = {}) => loggedIn(plainPort, id, connect),
    /** mqtt.js, MQTT 3.1.1, without reconnecting. */
    mqttjs: (id: string, options: mqtt.IClientOptions = {}) =>
      mqtt.connectAsync(`mqtt://127.0.0.1:${plainPort}`, {
        protocolVersion: 4,
        clientId: id,
        username: id,
        password: passwordOf(id),
        reconnectPeriod: 0,
        ...options,
      }),
  };
}

/** A log, and what it warned of under a name. */
export function givenLog() {
  const all: { readonly event: string; readonly fields: LogFields }[] = [];
  const logger: Logger = { ...silentLogger, warn: (event, fields = {}) => void all.push({ event, fields }) };
  const warnings = (name: string) => all.filter(({ event }) => event === name).map(({ fields }) => fields);
  return { logger, warnings };
}

export class RawClient {
  readonly socket: Socket;
  readonly packets: Packet[] = [];
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    parser.on("packet", (packet) => this.packets.push(packet));
    socket.on("data", (bytes: Buffer) => parser.parse(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
    });
  }

  send(...packets: readonly Packet[]): void {
    this.socket.write(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))));
  }

  /** The first packet of this kind, which is taken off the list. */
  async next<T extends Packet["cmd"]>(cmd: T): Promise<Packet & { cmd: T }> {
    const find = () => this.packets.findIndex((packet) => packet.cmd === cmd);
    await until(`${cmd} arrives`, () => find() >= 0 || this.closed);
    const [packet] = this.packets.splice(find() >= 0 ? find() : this.packets.length, 1);
    if (!packet) throw new Error(`the connection closed before ${cmd}`);
    return packet as Packet & { cmd: T };
  }

  /** A ping and its answer: everything sent before has been dealt with. */
  async ping(): Promise<void> {
    this.send({ cmd: "pingreq" });
    await this.next("pingresp");
  }

  async subscribe(topic: string, qos: 0 | 1 | 2 = 1): Promise<number> {
    this.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos }] });
    return Number((await this.next("suback")).granted[0]);
  }

  publish(topic: string, payload: string, qos: 0 | 1 | 2 = 1, messageId = 1, retain = false): void {
    this.send({ cmd: "publish", topic, payload, qos, messageId, retain, dup: false });
  }

  async isClosed(): Promise<void> {
    await until("the connection ends", () => this.closed);
  }

  end(): void {
    this.socket.destroy();
  }
}

/** `from`: another address of loopback, as if of another neighbour. */
export async function dial(port: number, from = "127.0.0.1"): Promise<RawClient> {
  const socket = connectPlain({ port, host: "127.0.0.1", localAddress: from });
  await once(socket, "connect");
  return new RawClient(socket);
}

export async function dialTls(port: number, options: ConnectionOptions): Promise<RawClient> {
  const socket = connectTls({ port, host: "127.0.0.1", servername: "localhost", ...options });
  await once(socket, "secureConnect");
  return new RawClient(socket);
}

export function connectPacket(id: string, connect: Partial<IConnectPacket> = {}): IConnectPacket {
  return {
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    clientId: id,
    keepalive: 60,
    username: id,
    password: Buffer.from(passwordOf(id)),
    ...connect,
  };
}

/** CONNACK's return code; a refused client is closed by the broker. */
export async function login(client: RawClient, packet: IConnectPacket): Promise<number> {
  client.send(packet);
  return Number((await client.next("connack")).returnCode);
}

async function loggedIn(port: number, id: string, connect: Partial<IConnectPacket>): Promise<RawClient> {
  const client = await dial(port);
  const code = await login(client, connectPacket(id, connect));
  if (code !== 0) throw new Error(`login refused with ${code}`);
  return client;
}
