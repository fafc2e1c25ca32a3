/**
 * The MQTT broker the devices talk to, inside the gateway's process. It carries messages between a device and the gateway, never
 * between devices, keeps nothing (no sessions, no retained messages, no queues) and acknowledges what the gateway has taken.
 */
import type { X509Certificate } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, TLSSocket, type Server as TlsServer } from "node:tls";
import type { AuthenticateError, Client, ConnectPacket, PublishPacket, Subscription } from "aedes";
import type { Packet } from "mqtt-packet";
import type { DeviceId } from "../domain/access-point.ts";
import type { Instant, Millis, Monotonic } from "../domain/instant.ts";
import { GatewayError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { MqttLink } from "../ports/mqtt-link.ts";
import { Allowance, type Rate } from "../wire/allowance.ts";
import { networkOf } from "../wire/network-of.ts";
import { Accounts, type DeviceAccount, type Proof } from "./accounts.ts";
import { type ArrivalLimits, Arrivals } from "./arrivals.ts";
import { DeviceCertificates, type EndingCertificate } from "./device-certificates.ts";
import { DeviceLine } from "./device-line.ts";
import { isIgnored, levelsMax, readClientId } from "./permissions.ts";
import { isPrivateAddress } from "./private-address.ts";
import { RareWarning } from "./rare-warning.ts";
import { Refusals } from "./refusals.ts";
import { boundPackets, pacePackets, RelaylessAedes } from "./relayless-aedes.ts";
import { Session, type SessionLimits } from "./session.ts";

export interface BrokerLimits extends ArrivalLimits, SessionLimits {
  readonly packetBytesBeforeLogin: number;
  readonly packetBytes: number;
  /** Publishes and subscriptions of one device beyond its permissions; who asks for more is cut off. */
  readonly denials: Rate;
  /** A device that was cut off for asking too much is not let in again for so long. */
  readonly penaltyMs: Millis;
  /** Refused logins from one network, or in the name of one device; the next ones wait half of `loginMs` for their answer. */
  readonly refusals: Rate;
  /** Devices are asked for a sign of life at least this often; longer wishes are shortened. */
  readonly keepaliveSeconds: number;
}

export const defaultBrokerLimits: BrokerLimits = {
  connections: 2_500,
  arrivalsPerNetwork: 250,
  logins: 50,
  loginMs: 5_000,
  packetBytesBeforeLogin: 1_024,
  packetBytes: 16_384,
  unreadBytes: 1_048_576,
  packets: { perSecond: 50, burst: 500 },
  denials: { perSecond: 0.2, burst: 20 },
  penaltyMs: 30_000,
  refusals: { perSecond: 0.2, burst: 10 },
  keepaliveSeconds: 300,
};

export interface BrokerCertificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

export interface BrokerOptions {
  /** Where the TLS port listens. */
  readonly host: string;
  /** 0: any free one; see `address`. */
  readonly port: number;
  /** Plain MQTT, on 127.0.0.1 and nowhere else. */
  readonly plainPort?: number;
  /** Plain MQTT on one private address, for devices whose firmware knows no TLS and nobody else. */
  readonly plainLan?: { readonly host: string; readonly port: number } | undefined;
  /** `ca`: who signs devices' certificates. `ticketKeys`: 48 secret bytes that let devices resume TLS sessions over a restart. */
  readonly tls: BrokerCertificate & { readonly ca: string; readonly ticketKeys?: Buffer };
  readonly devices: readonly DeviceAccount[];
  readonly limits?: Partial<BrokerLimits>;
  /** A time that has certainly come; devices' certificates end by it. Where it is not given none ends. */
  readonly passedTime?: () => Instant;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface BrokerStats {
  /** Sockets, whatever their state. */
  readonly connections: number;
  /** Logged in. */
  readonly sessions: number;
  readonly waiting: number;
  readonly logins: number;
  readonly loginsRefused: number;
  /** For want of room, or because they kept others from logging in. */
  readonly turnedAway: number;
  readonly loginsTimedOut: number;
  readonly takeovers: number;
  readonly messages: number;
  /** Messages that a listener would not take; the connection ended. */
  readonly failures: number;
  readonly publishesDenied: number;
  readonly subscriptionsDenied: number;
  /** Publishes and subscriptions beyond its permissions that are not held against a device: its firmware knows no better. */
  readonly ignored: number;
  readonly packetsTooLarge: number;
  /** Connections ended because of what the device did: did not read, asked too much. */
  readonly cutOff: number;
  /** Devices whose certificate ends within 60 days, or has. */
  readonly certificatesEnding: number;
}

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly plainPort?: number;
  readonly plainLanPort?: number;
}

type Counts = {
  -readonly [K in Exclude<keyof BrokerStats, "connections" | "sessions" | "waiting" | "certificatesEnding">]: number;
};
type Done = (error?: Error | null) => void;
type LoginAnswer = (error: AuthenticateError | null, success: boolean | null) => void;

interface Refusal {
  readonly code: number;
  readonly why: string;
}

/** CONNACK return codes of MQTT 3.1.1. */
const connack = { identifierRejected: 2, unavailable: 3, badCredentials: 4, notAuthorized: 5 } as const;

export class Broker {
  readonly #options: BrokerOptions;
  readonly #limits: BrokerLimits;
  readonly #logger: Logger;
  readonly #certificates: DeviceCertificates;
  readonly #accounts = new Accounts();
  readonly #lines = new Map<DeviceId, DeviceLine>();
  /** By client id. */
  readonly #sessions = new Map<string, Session>();
  readonly #sessionOf = new WeakMap<Client, Session>();
  /** That came in by `plainLan`. */
  readonly #unencrypted = new WeakSet<Client>();
  readonly #connects = new WeakMap<Client, ConnectPacket>();
  readonly #penalties = new Map<DeviceId, Monotonic>();
  readonly #denials = new Map<DeviceId, Allowance>();
  readonly #takeovers = new Map<DeviceId, Allowance>();
  readonly #refusals: Refusals;
  readonly #refused: RareWarning;
  readonly #cloned: RareWarning;
  readonly #counts: Counts = {
    logins: 0,
    loginsRefused: 0,
    turnedAway: 0,
    loginsTimedOut: 0,
    takeovers: 0,
    messages: 0,
    failures: 0,
    publishesDenied: 0,
    subscriptionsDenied: 0,
    ignored: 0,
    packetsTooLarge: 0,
    cutOff: 0,
  };
  #epochs = 0;
  #running: Running | undefined;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#limits = { ...defaultBrokerLimits, ...options.limits };
    this.#logger = options.logger;
    this.#certificates = new DeviceCertificates(options.tls.ca, options.passedTime ?? (() => 0));
    this.#accounts.replace(options.devices);
    this.#refusals = new Refusals(this.#limits.refusals);
    this.#refused = new RareWarning("login-refused", options.logger, options.clock);
    this.#cloned = new RareWarning("device-cloned", options.logger, options.clock);
  }

  /** Rejects with `port-in-use` naming the configuration key. Drivers should listen to their lines before. */
  async start(): Promise<void> {
    if (this.#running) return;
    const { host, port, plainPort, plainLan, tls } = this.#options;
    const engine = this.#engine();
    await engine.listen();
    const arrivals = new Arrivals(this.#limits);
    const handle = (socket: Socket) => this.#handle(engine, socket);
    const tlsServer = createTlsServer({
      key: tls.key,
      cert: tls.cert,
      ca: [tls.ca],
      requestCert: true,
      rejectUnauthorized: false, // a device may have a password instead; a certificate of someone else is refused at the login
      minVersion: "TLSv1.2",
      handshakeTimeout: this.#limits.loginMs,
      ...(tls.ticketKeys && { ticketKeys: tls.ticketKeys }),
    });
    tlsServer.on("secureConnection", handle);
    tlsServer.on("tlsClientError", (error, socket) => {
      this.#logger.debug("tls-failed", { reason: error.message });
      socket.destroy();
    });
    const accept = (enter: (socket: Socket) => void) =>
      createServer({ noDelay: true, pauseOnConnect: true }, (socket) => arrivals.take(socket, () => enter(socket)));
    const server = accept((socket) => tlsServer.emit("connection", socket));
    const plainServer = plainPort === undefined ? undefined : accept(handle);
    const lanServer = plainLan && accept((socket) => this.#handleUnencrypted(engine, socket));
    this.#running = { engine, arrivals, tlsServer, server, plainServer, lanServer };
    try {
      await listen(server, host, port, "broker.port");
      if (plainServer && plainPort !== undefined) await listen(plainServer, "127.0.0.1", plainPort, "broker.plainPort");
      if (lanServer) await listen(lanServer, plainLan.host, plainLan.port, "broker.plainLan");
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#logger.info("broker-listening", {
      host,
      port: portOf(server),
      plainPort: plainServer && portOf(plainServer),
    });
    if (lanServer) this.#logger.warn("passwords-cross-the-lan-unencrypted", { ...plainLan, port: portOf(lanServer) });
  }

  /** Ends every connection. Last wills of this hour are not the devices' going and are not delivered. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    const closed = [running.server, running.plainServer, running.lanServer].map(
      (server) => new Promise<unknown>((resolve) => (server ? server.close(resolve) : resolve(undefined))),
    );
    for (const session of this.#sessions.values()) session.end();
    this.#sessions.clear();
    running.arrivals.destroy();
    await new Promise<void>((resolve) => running.engine.close(resolve));
    await Promise.all(closed);
  }

  /** Where the broker listens; undefined while it does not. */
  get address(): BrokerAddress | undefined {
    if (!this.#running?.server.listening) return undefined;
    const { server, plainServer, lanServer } = this.#running;
    return {
      host: this.#options.host,
      port: portOf(server),
      ...(plainServer && { plainPort: portOf(plainServer) }),
      ...(lanServer && { plainLanPort: portOf(lanServer) }),
    };
  }

  /** The line of a device: the same one at every call, whether the device is connected or even known. */
  link(device: DeviceId): MqttLink {
    return this.#line(device);
  }

  stats(): BrokerStats {
    const arrivals = this.#running?.arrivals;
    return {
      ...this.#counts,
      connections: arrivals?.count ?? 0,
      sessions: this.#sessions.size,
      waiting: arrivals?.waiting ?? 0,
      certificatesEnding: this.endingCertificates().length,
      turnedAway: this.#counts.turnedAway + (arrivals?.turnedAway ?? 0),
      loginsTimedOut: this.#counts.loginsTimedOut + (arrivals?.timedOut ?? 0),
    };
  }

  /** From now on these devices and no others. Who is gone, or has another proof to bring, is cut off at once. */
  setDevices(devices: readonly DeviceAccount[]): void {
    const changed = new Set(this.#accounts.replace(devices));
    for (const session of this.#sessions.values()) if (changed.has(session.name.device)) session.cutOff();
  }

  /** Of the devices it knows, those whose certificate ends within 60 days, or has. */
  endingCertificates(): EndingCertificate[] {
    return this.#certificates.ending().filter(({ device }) => this.#accounts.has(device));
  }

  /** For new handshakes; connections stand. With other ticket keys, each device makes a whole handshake once more. */
  renewCertificate({ key, cert }: BrokerCertificate, ticketKeys: Buffer): void {
    const server = this.#running?.tlsServer;
    server?.setSecureContext({ key, cert, ca: [this.#options.tls.ca], minVersion: "TLSv1.2" });
    server?.setTicketKeys(ticketKeys);
  }

  #engine(): RelaylessAedes {
    const engine = new RelaylessAedes({
      concurrency: 0,
      drainTimeout: 10_000,
      connectTimeout: this.#limits.loginMs,
      queueLimit: 16,
      maxInflightInbound: 32,
      maxTopicLevels: levelsMax,
      heartbeatInterval: 3_600_000,
      preConnect: (client, packet, callback) => this.#preConnect(client, packet, callback),
      authenticate: (client, username, password, callback) => this.#authenticate(client, username, password, callback),
      authorizePublish: (client, packet, callback) => this.#authorizePublish(client, packet, callback),
      authorizeSubscribe: (client, subscription, callback) =>
        callback(null, this.#maySubscribe(client, subscription) ? subscription : null),
      authorizeForward: (client, packet) => (this.#mayForward(client, packet.topic) ? packet : null),
    });
    engine.on("clientReady", (client) => this.#ready(client));
    engine.on("subscribe", (subscriptions, client) => {
      for (const { topic, qos } of subscriptions as { topic: string; qos: number }[])
        if (qos < 128) this.#sessionOf.get(client)?.subscribed(topic, qos);
    });
    engine.on("unsubscribe", (filters, client) => {
      for (const filter of filters) this.#sessionOf.get(client)?.unsubscribed(filter);
    });
    engine.on("clientError", (client, error) =>
      this.#logger.debug("client-error", { client: client.id, reason: error.message }),
    );
    engine.on("connectionError", (_client, error) => this.#logger.debug("connection-error", { reason: error.message }));
    (engine as NodeJS.EventEmitter).on("error", (error: Error) => this.#logger.error("broker-error", { error }));
    return engine;
  }

  /** A port forwarded from outside, or a route nobody meant, leads nowhere. */
  #handleUnencrypted(engine: RelaylessAedes, socket: Socket): void {
    if (isPrivateAddress(socket.remoteAddress ?? "")) this.#unencrypted.add(this.#handle(engine, socket));
    else {
      this.#refused.tell(networkOf(socket.remoteAddress ?? ""), { why: "not from a private network, not encrypted" });
      socket.destroy();
    }
  }

  #handle(engine: RelaylessAedes, socket: Socket): Client {
    const client = engine.handle(socket);
    boundPackets(
      client,
      {
        beforeLogin: this.#limits.packetBytesBeforeLogin,
        afterLogin: () => this.#sessionOf.get(client)?.permissions.packetBytesMax ?? this.#limits.packetBytes,
      },
      () => {
        this.#counts.packetsTooLarge += 1;
      },
    );
    pacePackets(client, (packet) => this.#pace(client, packet));
    socket.once("close", () => this.#gone(client));
    return client;
  }

  /**
   * aedes ends the connection of who publishes on a topic that cannot be, and asks nobody: by this name it is denied as any other. Before
   * the login is done, which a device need not wait for, the topic stays: #authorizePublish asks for its permission afterwards.
   */
  #pace(client: Client, packet: Packet): (() => Promise<void>) | undefined {
    const session = this.#sessionOf.get(client);
    if (packet.cmd === "publish" && session?.permissions.publish.has(packet.topic) === false)
      packet.topic = isIgnored(session.permissions, packet.topic) ? ignoredTopic : foreignTopic;
    return session?.pace();
  }

  /** A device that calls itself what it likes is called by its id from here on: whatever name it took, it is nobody else's. */
  #preConnect(client: Client, packet: ConnectPacket, callback: (error: Error | null, success: boolean) => void): void {
    const { username } = packet;
    if (username !== undefined && this.#accounts.namesItself(username)) packet.clientId = username;
    const longest = this.#limits.keepaliveSeconds;
    packet.clean = true;
    packet.keepalive = Math.min(packet.keepalive || longest, longest);
    if (packet.will) packet.will.retain = false;
    this.#connects.set(client, packet);
    callback(null, true);
  }

  #authenticate(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
    callback: LoginAnswer,
  ): void {
    const connect = this.#connects.get(client);
    this.#connects.delete(client);
    const clientId = connect?.clientId ?? "";
    const refusal = this.#refusal(client, clientId, connect?.will?.topic, username, password);
    if (refusal) {
      void this.#refuse(client, clientId, refusal, callback);
      return;
    }
    this.#admit(client, clientId);
    callback(null, true);
  }

  /** Who is refused often waits for the answer, and so for the next try; a device with the right proof is not kept waiting by him. */
  async #refuse(client: Client, clientId: string, { code, why }: Refusal, callback: LoginAnswer): Promise<void> {
    const { clock } = this.#options;
    const conn = client.conn as Socket;
    const from = networkOf(conn.remoteAddress ?? "");
    const device = readClientId(clientId)?.device;
    const known = device !== undefined && this.#accounts.has(device) ? [device] : [];
    client.clean = false; // else aedes forgets the half-finished exchanges of whoever really has this name
    this.#counts.loginsRefused += 1;
    this.#refused.tell(known[0] ?? from, { client: printable(clientId), from, why });
    if (this.#refusals.isTooMany([from, ...known], clock.monotonic())) {
      const gone = new AbortController();
      conn.once("close", () => gone.abort());
      await clock.sleep(this.#limits.loginMs / 2, gone.signal).catch(() => undefined);
    }
    callback(Object.assign(new Error(why), { returnCode: code as AuthenticateError["returnCode"] }), false);
  }

  #refusal(
    client: Client,
    clientId: string,
    will: string | undefined,
    username: string | undefined,
    password: Buffer | undefined,
  ): Refusal | undefined {
    const name = readClientId(clientId);
    if (!name) return { code: connack.identifierRejected, why: "no device has this client id" };
    const certificate = certificateOf(client);
    const objection = certificate && this.#certificates.objectionTo(certificate);
    if (objection) return { code: connack.notAuthorized, why: objection };
    if (!this.#accounts.proves(name.device, proofOf(client, username, password)))
      return { code: connack.badCredentials, why: "unknown device or wrong proof" };
    if (this.#unencrypted.has(client) && this.#accounts.knowsTls(name.device))
      return { code: connack.badCredentials, why: "not encrypted, and its firmware knows TLS" };
    if (will !== undefined && will !== this.#accounts.permissions(name)?.will)
      return { code: connack.notAuthorized, why: "will on a foreign topic" };
    if ((this.#penalties.get(name.device) ?? 0) > this.#options.clock.monotonic())
      return { code: connack.unavailable, why: "cut off a moment ago" };
    if (!this.#line(name.device).isTaken) return { code: connack.unavailable, why: "no driver for this device" };
    return undefined;
  }

  #admit(client: Client, clientId: string): void {
    const name = readClientId(clientId);
    const permissions = name && this.#accounts.permissions(name);
    if (!permissions) return;
    const { device } = name;
    this.#epochs += 1;
    const session = new Session({
      name,
      permissions,
      epoch: this.#epochs,
      client,
      line: this.#line(device),
      limits: this.#limits,
      clock: this.#options.clock,
    });
    const older = this.#sessions.get(clientId);
    this.#sessions.set(clientId, session);
    this.#sessionOf.set(client, session);
    this.#counts.logins += 1;
    if (older) this.#takeOver(older, session);
    this.#penalties.delete(device);
    if (!certificateOf(client)) this.#certificates.forget(device);
    this.#logger.info("device-login", { device, line: name.line, epoch: session.epoch });
  }

  /** The newest login wins (MQTT-3.1.4-2). The line goes over at once, so that nobody hears of an end. */
  #takeOver(older: Session, newer: Session): void {
    const { device } = older.name;
    older.replaced = true;
    newer.begin();
    older.cutOff();
    this.#counts.takeovers += 1;
    const allowance = allowanceOf(this.#takeovers, device, { perSecond: 3 / 60, burst: 3 });
    if (!allowance.takeNow(this.#options.clock.monotonic())) this.#cloned.tell(device, { device });
  }

  #ready(client: Client): void {
    this.#running?.arrivals.loggedIn(client.conn as Socket);
    this.#sessionOf.get(client)?.begin();
  }

  #gone(client: Client): void {
    const session = this.#sessionOf.get(client);
    if (!session) return;
    session.end();
    if (session.frozen) this.#counts.cutOff += 1;
    if (this.#sessions.get(client.id) === session) this.#sessions.delete(client.id);
    this.#logger.info("device-gone", { device: session.name.device, line: session.name.line, epoch: session.epoch });
  }

  #authorizePublish(client: Client | null, packet: PublishPacket, done: Done): void {
    const session = client && this.#sessionOf.get(client);
    packet.retain = false;
    if (!client || !session || !this.#running) {
      done(null);
      return;
    }
    if (packet.cmd !== "publish") {
      // a last will: of a connection that is gone, or, on aedes' rounds, the stored one of a live connection
      if (client.closed) this.#leaveWill(session, packet);
      done(null);
      return;
    }
    if (session.isOver) return;
    if (!session.permissions.publish.has(packet.topic)) {
      const isHarmless = packet.topic === ignoredTopic || isIgnored(session.permissions, packet.topic);
      this.#counts[isHarmless ? "ignored" : "publishesDenied"] += 1;
      if (isHarmless || this.#errs(session, "publish")) session.drop(packet, done);
      return;
    }
    this.#counts.messages += 1;
    session.take(packet, done, (error) => {
      this.#counts.failures += 1;
      this.#logger.error("message-not-taken", { device: session.name.device, error });
    });
  }

  #leaveWill(session: Session, will: PublishPacket): void {
    if (session.replaced || will.topic !== session.permissions.will) return;
    session.leaveWill(will.topic, will.payload.toString()).catch((error: Error) => {
      this.#logger.error("will-not-taken", { device: session.name.device, error });
    });
  }

  #maySubscribe(client: Client, { topic }: Subscription): boolean {
    const session = this.#sessionOf.get(client);
    if (!session || session.isOver) return false;
    if (session.permissions.subscribe.has(topic)) return true;
    if (isIgnored(session.permissions, topic)) {
      this.#counts.ignored += 1;
      return false;
    }
    this.#counts.subscriptionsDenied += 1;
    this.#errs(session, "subscribe");
    return false;
  }

  /** Whether the device may go on after it asked for what it may not have; otherwise it is cut off, and kept out for a while. */
  #errs(session: Session, what: "publish" | "subscribe"): boolean {
    const now = this.#options.clock.monotonic();
    const { device } = session.name;
    if (allowanceOf(this.#denials, device, this.#limits.denials).takeNow(now)) {
      this.#logger.debug("not-permitted", { device, what });
      return true;
    }
    this.#counts.cutOff += 1;
    this.#penalties.set(device, now + this.#limits.penaltyMs);
    this.#logger.warn("device-cut-off", { device, why: "asks for what it may not have", what });
    session.cutOff();
    return false;
  }

  #mayForward(client: Client, topic: string): boolean {
    const session = this.#sessionOf.get(client);
    return session?.permissions.subscribe.has(topic) ? session.keepsReading() : false;
  }

  #line(device: DeviceId): DeviceLine {
    const line = this.#lines.get(device) ?? new DeviceLine();
    this.#lines.set(device, line);
    return line;
  }
}

/** On which no device may publish: a permitted topic has more levels. */
const foreignTopic = "foreign";
/** For what is not held against the device. */
const ignoredTopic = "ignored";

/** Of a device, not of its connection: a new one brings no new allowance. */
function allowanceOf(allowances: Map<DeviceId, Allowance>, device: DeviceId, rate: Rate): Allowance {
  const allowance = allowances.get(device) ?? new Allowance(rate);
  allowances.set(device, allowance);
  return allowance;
}

interface Running {
  readonly engine: RelaylessAedes;
  readonly arrivals: Arrivals;
  readonly tlsServer: TlsServer;
  readonly server: Server;
  readonly plainServer: Server | undefined;
  readonly lanServer: Server | undefined;
}

function certificateOf({ conn }: Client): X509Certificate | undefined {
  return conn instanceof TLSSocket ? conn.getPeerX509Certificate() : undefined;
}

/** To be asked when nothing is wrong with the connection's certificate. */
function proofOf({ conn }: Client, username: string | undefined, password: Buffer | undefined): Proof {
  const peer = conn instanceof TLSSocket ? conn.getPeerCertificate() : undefined;
  const certificate = peer?.fingerprint256
    ? { name: String(peer.subject.CN), fingerprint: peer.fingerprint256 }
    : undefined;
  return { username, password, certificate };
}

function listen(server: Server, host: string, port: number, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const detail = { key, host, port };
      if (cause.code === "EADDRINUSE")
        reject(new GatewayError("port-in-use", `${key}: port ${port} on ${host} is in use`, detail, { cause }));
      else
        reject(
          new GatewayError("config-invalid", `${key}: cannot listen on ${host}:${port} (${cause.code})`, detail, {
            cause,
          }),
        );
    });
    server.listen({ host, port, backlog: 1024 }, resolve);
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** A client id from a stranger, fit for a log. */
function printable(clientId: string): string {
  return clientId.slice(0, 64).replace(/[^\x20-\x7e]/g, "?");
}
