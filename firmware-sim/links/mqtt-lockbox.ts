/**
 * How a simulated lockbox talks: MQTT 3.1.1, a clean session, topics and QoS of gateway/wire/lockbox.ts, a last will that says it is
 * gone. What it has to say while the line is down waits only as long as it makes sense.
 */
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Logger } from "../../gateway/ports/logger.ts";
import { type LockboxUplink, lockboxTopics } from "../../gateway/wire/lockbox.ts";
import type { Faults } from "../faults.ts";
import { answerMs, type SimLockbox, type Uplink } from "../sim-lockbox.ts";

export interface BrokerAt {
  readonly host: string;
  readonly port: number;
  /** Who signed the broker's certificate, in PEM; without it the line is plain. */
  readonly caPem?: string | undefined;
  /** The name in the broker's certificate. */
  readonly servername?: string | undefined;
}

/** How the box proves who it is: its password, or a certificate in PEM. */
export type BoxProof = { readonly password: string } | { readonly certPem: string; readonly keyPem: string };

export interface LockboxLinkOptions {
  readonly box: SimLockbox;
  readonly broker: BrokerAt;
  readonly proof: BoxProof;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A silent line is noticed after one and a half times this. */
  readonly keepaliveSeconds?: number;
}

/** Between two tries to connect: at least the first, at most the second, by chance. */
const pauseMs = { least: 200, most: 3_000 };
const connectMs = 5_000;
/** How long a message that the broker has not acknowledged is worth sending again on the next connection. Others are not. */
const worthMs: Partial<Record<LockboxUplink, number>> = {
  attempt: answerMs,
  reply: answerMs,
  tamper: Number.POSITIVE_INFINITY,
};
const owedMax = 32;

interface Owed {
  readonly uplink: Uplink;
  readonly until: number;
}

export class LockboxLink {
  readonly #options: LockboxLinkOptions;
  readonly #logger: Logger;
  readonly #listeners = new Set<() => void>();
  readonly #owed = new Set<Owed>();
  #running: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
  #client: MqttClient | undefined;
  #connected = false;

  constructor(options: LockboxLinkOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ device: options.box.id });
  }

  /** The broker has let it in and it hears its commands. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Called after `connected` has changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#running) return;
    const { box } = this.#options;
    const stop = new AbortController();
    const unsubscribe = box.onUplink((uplink) => this.#say(uplink));
    const unwatch = box.onChange(() => {
      if (!box.powered) this.#hangUp();
    });
    const ended = this.#keepConnected(stop.signal).finally(() => {
      unsubscribe();
      unwatch();
    });
    this.#running = { stop, ended };
  }

  /** Without a word, as when the power goes: the broker publishes the last will. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stop.abort();
    await running?.ended;
  }

  async #keepConnected(signal: AbortSignal): Promise<void> {
    const { box, faults, clock } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      await powerOf(box, signal);
      if (signal.aborted) return;
      failures = (await this.#session(signal)) ? 0 : failures + 1;
      const most = Math.min(pauseMs.most, pauseMs.least * 2 ** Math.min(failures + 1, 10));
      const pause = pauseMs.least + faults.fraction() * (most - pauseMs.least);
      await clock.sleep(pause, signal).catch(() => undefined);
    }
  }

  /** One connection from its first to its last byte; true when the broker had let it in. */
  #session(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const client = connect(this.#clientOptions());
      const hangUp = () => client.end(true);
      let wasIn = false;
      this.#client = client;
      signal.addEventListener("abort", hangUp, { once: true });
      client.on("connect", () => {
        client.subscribe(lockboxTopics.of(this.#options.box.id, "command"), { qos: 1 }, (error) => {
          if (error) return hangUp();
          wasIn = true;
          this.#greet();
        });
      });
      client.on("message", (_topic, payload) => this.#hear(client, payload.toString("utf8")));
      client.on("error", (error) => this.#logger.warn("box-link-failed", { why: error.message }));
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
    const { box, broker, proof, keepaliveSeconds = 60 } = this.#options;
    const { host, port, caPem, servername } = broker;
    return {
      protocol: caPem === undefined ? "mqtt" : "mqtts",
      host,
      port,
      ...(caPem !== undefined && { ca: caPem }),
      ...(servername !== undefined && { servername }),
      ...("password" in proof
        ? { username: box.id, password: proof.password }
        : { cert: proof.certPem, key: proof.keyPem }),
      clientId: box.id,
      protocolVersion: 4,
      clean: true,
      keepalive: keepaliveSeconds,
      connectTimeout: connectMs,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      will: {
        topic: lockboxTopics.of(box.id, "presence"),
        payload: Buffer.from('{"online":false}'),
        qos: 1,
        retain: false,
      },
    };
  }

  #greet(): void {
    this.#setConnected(true);
    const [presence, ...standing] = this.#options.box.greet();
    if (presence) this.#publish(presence);
    // In the order of their numbers: the gateway takes one below the last it has heard for a repeat.
    const now = this.#options.clock.monotonic();
    for (const owed of this.#owed) {
      if (now > owed.until) this.#owed.delete(owed);
      else this.#publish(owed.uplink, owed);
    }
    for (const uplink of standing) this.#publish(uplink);
  }

  #say(uplink: Uplink): void {
    const worth = worthMs[uplink.name];
    if (worth === undefined) {
      this.#publish(uplink);
      return;
    }
    const owed = { uplink, until: this.#options.clock.monotonic() + worth };
    this.#owed.add(owed);
    for (const oldest of this.#owed) {
      if (this.#owed.size <= owedMax) break;
      this.#owed.delete(oldest);
    }
    this.#publish(uplink, owed);
  }

  #publish(uplink: Uplink, owed?: Owed): void {
    const client = this.#client;
    if (!client || !this.#connected) return;
    const topic = lockboxTopics.of(this.#options.box.id, uplink.name);
    const qos = uplink.name === "heartbeat" ? 0 : 1;
    this.#transmit(client, JSON.stringify(uplink.message), uplink.name === "reply", (payload) =>
      client.publish(topic, payload, { qos, retain: false }, (error) => {
        if (!error && owed) this.#owed.delete(owed);
      }),
    );
  }

  #hear(client: MqttClient, payload: string): void {
    this.#transmit(client, payload, false, (copy) => this.#options.box.receive(copy));
  }

  /** Brings a payload to the other side as the faults allow. */
  #transmit(client: MqttClient, payload: string, isReply: boolean, arrive: (payload: string) => void): void {
    const { faults, clock } = this.#options;
    const { copies, breaks } = faults.pass(payload, isReply);
    for (const copy of copies) {
      if (copy.afterMs === 0) arrive(copy.payload);
      else
        void clock.sleep(copy.afterMs).then(() => {
          if (this.#client === client) arrive(copy.payload);
        });
    }
    if (breaks) client.end(true);
  }

  #hangUp(): void {
    this.#client?.end(true);
  }

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    for (const listener of this.#listeners) listener();
  }
}

/** Resolves once the box has power or the signal fires. */
function powerOf(box: SimLockbox, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (!box.powered && !signal.aborted) return;
      unwatch();
      signal.removeEventListener("abort", check);
      resolve();
    };
    const unwatch = box.onChange(check);
    signal.addEventListener("abort", check);
    check();
  });
}
