/**
 * How a maker's simulated device keeps its line to an MQTT broker: 3.1.1, user name and password, retained messages and a last
 * will, subscriptions one by one, and always a new connection after a lost one. What it says is the maker's business (nuki-mqtt.ts, nuki-hub.ts).
 */
import { connect, type MqttClient } from "mqtt";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Logger } from "../../gateway/ports/logger.ts";
import type { Faults } from "../faults.ts";
import type { BrokerAt } from "./mqtt-lockbox.ts";

export interface MqttSessionOptions {
  readonly broker: BrokerAt;
  readonly login: { readonly username: string; readonly password: string };
  readonly clientId: string;
  /** Always retained, QoS 1. */
  readonly will: { readonly topic: string; readonly payload: string };
  /** Asked for at each connection, QoS 1. */
  readonly subscribes: () => readonly string[];
  /** Whether the device has power; `onPower` tells of changes. */
  readonly powered: () => boolean;
  readonly onPower: (listener: () => void) => () => void;
  /** The broker has let it in and has answered all its subscriptions. */
  readonly greet: () => void;
  readonly hear: (command: HeardCommand) => void;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keepaliveSeconds?: number;
}

/** What has arrived from the broker. */
export interface HeardCommand {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
}

export interface Saying {
  readonly retain?: boolean;
  /** The answer to a command. */
  readonly isReply?: boolean;
}

/** Between two tries to connect: at least the first, at most the second, by chance. */
const pauseMs = { least: 200, most: 3_000 };
const connectMs = 5_000;

export class MqttSession {
  readonly #options: MqttSessionOptions;
  #running: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
  #client: MqttClient | undefined;
  #connected = false;
  #refused: readonly string[] = [];

  constructor(options: MqttSessionOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Of its subscriptions those that the broker did not grant on this connection. */
  get refused(): readonly string[] {
    return this.#refused;
  }

  start(): void {
    if (this.#running) return;
    const stop = new AbortController();
    const unwatch = this.#options.onPower(() => {
      if (!this.#options.powered()) this.#client?.end(true);
    });
    this.#running = { stop, ended: this.#keepConnected(stop.signal).finally(unwatch) };
  }

  /** Without a word, as when the power goes: the broker publishes the last will. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stop.abort();
    await running?.ended;
  }

  /** The connection breaks off; the next one comes by itself. */
  breakOff(): void {
    this.#client?.end(true);
  }

  /** Says goodbye to the broker, so that there is no last will, and comes back by itself. */
  leaveWithoutWill(): void {
    this.#client?.end(false);
  }

  /** Nothing when there is no line: it is not kept for later. */
  publish(topic: string, payload: string, { retain = false, isReply = false }: Saying = {}): void {
    const client = this.#client;
    if (!client || !this.#connected) return;
    this.#transmit(client, payload, isReply, (copy) => client.publish(topic, copy, { qos: 1, retain }));
  }

  async #keepConnected(signal: AbortSignal): Promise<void> {
    const { faults, clock } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      await this.#power(signal);
      if (signal.aborted) return;
      failures = (await this.#connection(signal)) ? 0 : failures + 1;
      const most = Math.min(pauseMs.most, pauseMs.least * 2 ** Math.min(failures + 1, 10));
      const pause = pauseMs.least + faults.fraction() * (most - pauseMs.least);
      await clock.sleep(pause, signal).catch(() => undefined);
    }
  }

  /** One connection from its first to its last byte; true when the broker had let it in. */
  #connection(signal: AbortSignal): Promise<boolean> {
    const { login, clientId, will, logger, keepaliveSeconds = 30 } = this.#options;
    const { host, port, caPem, servername } = this.#options.broker;
    return new Promise((resolve) => {
      const client = connect({
        ...{ host, port, ...login, clientId, protocolVersion: 4, clean: true },
        ...(caPem === undefined ? { protocol: "mqtt" } : { protocol: "mqtts", ca: caPem }),
        ...(servername !== undefined && { servername }),
        ...{ keepalive: keepaliveSeconds, connectTimeout: connectMs, reconnectPeriod: 0, resubscribe: false },
        queueQoSZero: false,
        will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
      });
      const hangUp = () => client.end(true);
      let wasIn = false;
      this.#client = client;
      signal.addEventListener("abort", hangUp, { once: true });
      client.on("connect", () => {
        wasIn = true;
        void this.#subscribe(client).then(() => {
          if (this.#client !== client || !client.connected) return;
          this.#connected = true;
          this.#options.greet();
        });
      });
      client.on("message", (topic, payload, packet) => {
        const hear = (copy: string) => this.#options.hear({ topic, payload: copy, retain: packet.retain });
        this.#transmit(client, payload.toString("utf8"), false, hear);
      });
      client.on("error", (error) => logger.warn("device-link-failed", { why: error.message }));
      client.once("close", () => {
        signal.removeEventListener("abort", hangUp);
        this.#client = undefined;
        this.#connected = false;
        client.end(true);
        resolve(wasIn);
      });
    });
  }

  async #subscribe(client: MqttClient): Promise<void> {
    const refused: string[] = [];
    for (const topic of this.#options.subscribes())
      await client.subscribeAsync(topic, { qos: 1 }).catch(() => refused.push(topic));
    this.#refused = refused;
  }

  /** Brings a payload to the other side as the faults allow. */
  #transmit(client: MqttClient, payload: string, isReply: boolean, arrive: (payload: string) => void): void {
    const { faults, clock } = this.#options;
    const { copies, breaks } = faults.pass(payload, isReply);
    for (const copy of copies) {
      if (copy.afterMs === 0) arrive(copy.payload);
      else
        void clock.sleep(copy.afterMs).then(() => {
          if (this.#client === client && client.connected) arrive(copy.payload);
        });
    }
    if (breaks) client.end(true);
  }

  /** Resolves once the device has power or the signal fires. */
  #power(signal: AbortSignal): Promise<void> {
    const { powered, onPower } = this.#options;
    return new Promise((resolve) => {
      const check = () => {
        if (!powered() && !signal.aborted) return;
        unwatch();
        signal.removeEventListener("abort", check);
        resolve();
      };
      const unwatch = onPower(check);
      signal.addEventListener("abort", check);
      check();
    });
  }
}
