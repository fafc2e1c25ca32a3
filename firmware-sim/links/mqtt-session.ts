/**
 * How a simulated device keeps its line to an MQTT broker: 3.1.1, a clean session, a last will, subscriptions one by one, and always a new
 * connection after a lost one. What it says and hears is its link's business (mqtt-lockbox.ts, nuki-mqtt.ts, nuki-hub.ts).
 */
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Logger } from "../../gateway/ports/logger.ts";
import type { Faults } from "../faults.ts";

export interface BrokerAt {
  readonly host: string;
  readonly port: number;
  /** Who signed the broker's certificate, in PEM; without it the line is plain. */
  readonly caPem?: string | undefined;
  /** The name in the broker's certificate. */
  readonly servername?: string | undefined;
}

export interface MqttSessionOptions {
  readonly broker: BrokerAt;
  /** User name and password, or a certificate. */
  readonly login: Pick<IClientOptions, "username" | "password" | "cert" | "key">;
  readonly clientId: string;
  /** QoS 1. */
  readonly will: { readonly topic: string; readonly payload: string; readonly retain: boolean };
  /** Asked for at each connection, QoS 1. */
  readonly subscribes: () => readonly string[];
  /** Without one of them it hangs up and comes again; else it goes on with those it got. */
  readonly needsAll: boolean;
  /** Whether the device has power; `onPower` tells of changes. */
  readonly powered: () => boolean;
  readonly onPower: (listener: () => void) => () => void;
  /** The broker has let it in and has answered all its subscriptions. */
  readonly greet: () => void;
  /** `connected` has changed. */
  readonly onChange?: () => void;
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
  /** 1 when left out. */
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
  /** The broker has acknowledged it. */
  readonly onTaken?: () => void;
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

  constructor(options: MqttSessionOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connected;
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
  publish(topic: string, payload: string, { qos = 1, retain = false, isReply = false, onTaken }: Saying = {}): void {
    const client = this.#client;
    if (!client || !this.#connected) return;
    this.#transmit(client, payload, isReply, (copy) =>
      client.publish(topic, copy, { qos, retain }, (error) => {
        if (!error) onTaken?.();
      }),
    );
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
    return new Promise((resolve) => {
      const client = connect(this.#clientOptions());
      const hangUp = () => client.end(true);
      let wasIn = false;
      this.#client = client;
      signal.addEventListener("abort", hangUp, { once: true });
      client.on("connect", () => {
        subscribe(client, this.#options.subscribes(), (refused) => {
          if (refused > 0 && this.#options.needsAll) return hangUp();
          wasIn = true;
          this.#setConnected(true);
          this.#options.greet();
        });
      });
      client.on("message", (topic, payload, packet) => {
        const hear = (copy: string) => this.#options.hear({ topic, payload: copy, retain: packet.retain });
        this.#transmit(client, payload.toString("utf8"), false, hear);
      });
      client.on("error", (error) => this.#options.logger.warn("device-link-failed", { why: error.message }));
      client.once("close", () => {
        signal.removeEventListener("abort", hangUp);
        this.#client = undefined;
        this.#setConnected(false);
        client.end(true);
        resolve(wasIn);
      });
    });
  }

  #clientOptions(): IClientOptions {
    const { broker, login, clientId, will, keepaliveSeconds = 60 } = this.#options;
    const { host, port, caPem, servername } = broker;
    return {
      ...{ host, port, ...login, clientId, protocolVersion: 4, clean: true },
      ...(caPem === undefined ? { protocol: "mqtt" } : { protocol: "mqtts", ca: caPem }),
      ...(servername !== undefined && { servername }),
      ...{ keepalive: keepaliveSeconds, connectTimeout: connectMs, reconnectPeriod: 0, resubscribe: false },
      queueQoSZero: false,
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: will.retain },
    };
  }

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    this.#options.onChange?.();
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

/** One after the other; `done` in the very moment of the last answer, for the broker may send at once. Never called when the line is lost. */
function subscribe(client: MqttClient, topics: readonly string[], done: (refused: number) => void, refused = 0): void {
  const [topic, ...others] = topics;
  if (!client.connected) return;
  if (topic === undefined) done(refused);
  else client.subscribe(topic, { qos: 1 }, (error) => subscribe(client, others, done, refused + (error ? 1 : 0)));
}
