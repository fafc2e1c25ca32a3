/**
 * How a simulated lockbox talks: MQTT 3.1.1, a clean session, topics and QoS of gateway/wire/lockbox.ts, a last will that says it is
 * gone. What it has to say while the line is down waits only as long as it makes sense.
 */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Logger } from "../../gateway/ports/logger.ts";
import { type LockboxUplink, lockboxTopics } from "../../gateway/wire/lockbox.ts";
import type { Faults } from "../faults.ts";
import { answerMs, type SimLockbox, type Uplink } from "../sim-lockbox.ts";
import { type BrokerAt, MqttSession } from "./mqtt-session.ts";

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
  readonly #session: MqttSession;
  readonly #listeners = new Set<() => void>();
  readonly #owed = new Set<Owed>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: LockboxLinkOptions) {
    const { box, broker, proof, faults, clock, logger, keepaliveSeconds } = options;
    this.#options = options;
    this.#session = new MqttSession({
      ...{ broker, faults, clock, clientId: box.id },
      login:
        "password" in proof
          ? { username: box.id, password: proof.password }
          : { cert: proof.certPem, key: proof.keyPem },
      will: { topic: lockboxTopics.of(box.id, "presence"), payload: '{"online":false}', retain: false },
      needsAll: true,
      subscribes: () => [lockboxTopics.of(box.id, "command")],
      powered: () => box.powered,
      onPower: (listener) => box.onChange(listener),
      greet: () => this.#greet(),
      hear: ({ payload }) => box.receive(payload),
      onChange: () => {
        for (const listener of this.#listeners) listener();
      },
      logger: logger.child({ device: box.id }),
      ...(keepaliveSeconds !== undefined && { keepaliveSeconds }),
    });
  }

  /** The broker has let it in and it hears its commands. */
  get connected(): boolean {
    return this.#session.connected;
  }

  /** Called after `connected` has changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    this.#unsubscribe ??= this.#options.box.onUplink((uplink) => this.#say(uplink));
    this.#session.start();
  }

  /** Without a word, as when the power goes: the broker publishes the last will. */
  async stop(): Promise<void> {
    await this.#session.stop();
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #greet(): void {
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
    this.#session.publish(lockboxTopics.of(this.#options.box.id, uplink.name), JSON.stringify(uplink.message), {
      qos: uplink.name === "heartbeat" ? 0 : 1,
      isReply: uplink.name === "reply",
      onTaken: () => {
        if (owed) this.#owed.delete(owed);
      },
    });
  }
}
