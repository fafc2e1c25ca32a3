/**
 * One connection of one device, from its login to its end. Takes what it sends in the order it was sent, at the pace it is allowed,
 * and answers in that same order: PUBACK goes out when the listener has the message, never before.
 */
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Client, PublishPacket } from "aedes";
import type { Monotonic } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import { Allowance, type Rate } from "../wire/allowance.ts";
import type { DeviceLine } from "./device-line.ts";
import type { ClientName, Permissions } from "./permissions.ts";

export interface SessionLimits {
  /** Packets of one connection, messages as well as pings; what is over it waits, and that client with it. */
  readonly packets: Rate;
  /** Bytes waiting to be read by the device. */
  readonly unreadBytes: number;
}

/** aedes' way to go on with a packet. */
type Done = (error?: Error | null) => void;

/** What aedes tells of a message that was published. */
interface Published {
  qos: number;
  readonly messageId?: number | undefined;
}

interface Answer {
  readonly packet: Published;
  readonly done: Done;
  ready: boolean;
}

const puback = [0x40, 2] as const;

export interface SessionParts {
  readonly name: ClientName;
  readonly permissions: Permissions;
  readonly epoch: number;
  readonly client: Client;
  readonly line: DeviceLine;
  readonly limits: SessionLimits;
  readonly clock: Clock;
}

export class Session {
  readonly name: ClientName;
  readonly permissions: Permissions;
  /** Numbers the connections since the start, so that logs and late events tell them apart. */
  readonly epoch: number;
  /** A newer connection of the same client has logged in. */
  replaced = false;
  ended = false;
  /** It was cut off because it did not read. */
  frozen = false;
  readonly #client: Client;
  readonly #line: DeviceLine;
  readonly #clock: Clock;
  readonly #limits: SessionLimits;
  readonly #pace: Allowance;
  /** With the quality that each was granted. */
  readonly #subscribed = new Map<string, 0 | 1>();
  /** Made when somebody first waits: most never have to, and there are thousands of sessions. */
  #waiting: AbortController | undefined;
  #answers: Answer[] = [];
  #answering = false;
  #endsByReset = false;

  constructor({ name, permissions, epoch, client, line, limits, clock }: SessionParts) {
    this.name = name;
    this.epoch = epoch;
    this.permissions = permissions;
    this.#client = client;
    this.#line = line;
    this.#clock = clock;
    this.#limits = limits;
    this.#pace = new Allowance(limits.packets);
  }

  /** Hands an allowed message on. When the listener rejects, the connection ends without an answer and the device sends again. */
  take(packet: Published & PublishPacket, done: Done, onFailure: (error: Error) => void): void {
    const payload = packet.payload.toString();
    this.#inTurn(() => this.#line.deliver(packet.topic, payload), { packet, done, ready: false }, onFailure);
  }

  /** Acknowledges a message that goes nowhere: a device has no other way to learn that it may not, and would send it again for ever. */
  drop(packet: Published, done: Done): void {
    this.#inTurn(
      () => Promise.resolve(),
      { packet, done, ready: false },
      () => undefined,
    );
  }

  /** How one more packet waits for its turn; undefined when it need not. Rejects when the connection is gone. */
  pace(): (() => Promise<void>) | undefined {
    const now = this.#clock.monotonic();
    const waitMs = this.#pace.take(now);
    return waitMs === 0 ? undefined : () => this.#until(now + waitMs);
  }

  /** Its connection is gone or cut off; what was read from it before, aedes goes on handing over. */
  get isOver(): boolean {
    return this.ended || this.#client.conn.destroyed;
  }

  /** Writes to the device; false when that is certainly not done. `late`: see MqttLink. */
  send(topic: string, payload: string, late?: AbortSignal): boolean {
    const qos = this.#subscribed.get(topic);
    if (qos === undefined || late?.aborted || !this.keepsReading()) return false;
    if (late) {
      this.#endByReset();
      late.addEventListener("abort", () => this.cutOff(), { once: true });
    }
    this.#client.publish({ cmd: "publish", topic, payload, qos, retain: false, dup: false }, () => undefined);
    return true;
  }

  /** Whether what waits for the device is within its bound; a device that does not read is cut off. */
  keepsReading(): boolean {
    if (this.isOver) return false;
    if (this.#client.conn.writableLength <= this.#limits.unreadBytes) return true;
    this.frozen = true;
    this.cutOff();
    return false;
  }

  subscribed(topic: string, qos: number): void {
    this.#subscribed.set(topic, qos === 0 ? 0 : 1);
    this.#line.subscribed(this, topic);
  }

  unsubscribed(topic: string): void {
    this.#subscribed.delete(topic);
  }

  begin(): void {
    if (!this.ended && this.name.line === "own") this.#line.begin(this);
  }

  /** The connection is gone. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#waiting?.abort();
    this.#answers = [];
    this.#line.end(this);
  }

  cutOff(): void {
    this.#client.conn.destroy();
  }

  /**
   * However the connection is ended here from now on, it is reset: the system goes on for minutes with what a connection that was merely closed
   * has not delivered. Over TLS it cannot be.
   */
  #endByReset(): void {
    const { conn } = this.#client;
    if (this.#endsByReset || !(conn instanceof Socket) || conn instanceof TLSSocket) return;
    this.#endsByReset = true;
    const destroy = conn.destroy.bind(conn);
    conn.destroy = (error) => {
      conn.destroy = destroy;
      return error || conn.destroyed ? destroy(error) : conn.resetAndDestroy();
    };
  }

  /** The last will of a connection that is gone. */
  leaveWill(topic: string, payload: string): Promise<unknown> {
    return this.#line.deliver(topic, payload);
  }

  #inTurn(deliver: () => Promise<unknown>, answer: Answer, onFailure: (error: Error) => void): void {
    this.#answers.push(answer);
    deliver().then(
      () => this.#taken(answer),
      (error: Error) => {
        if (this.isOver) return;
        onFailure(error);
        this.cutOff();
      },
    );
  }

  async #until(due: Monotonic): Promise<void> {
    const left = due - this.#clock.monotonic();
    if (left <= 0) return;
    if (this.ended) throw new Error("the connection is gone");
    this.#waiting ??= new AbortController();
    await this.#clock.sleep(left, this.#waiting.signal);
  }

  /** Many messages become durable at once, so their answers wait for each other, until the current turn of the loop is over. */
  #taken(answer: Answer): void {
    answer.ready = true;
    if (this.#answering) return;
    this.#answering = true;
    process.nextTick(() => this.#answer());
  }

  #answer(): void {
    this.#answering = false;
    const waiting = this.#answers.findIndex(({ ready }) => !ready);
    const ready = this.#answers.splice(0, waiting < 0 ? this.#answers.length : waiting);
    this.#acknowledge(ready);
    for (const { done } of ready) done();
  }

  /** All in one write; aedes would make three of each, and a turn of the loop. What it finds at QoS 0 it leaves unanswered. */
  #acknowledge(answers: readonly Answer[]): void {
    const { conn } = this.#client;
    const bytes: number[] = [];
    for (const { packet } of answers) {
      if (packet.qos !== 1 || packet.messageId === undefined) continue;
      bytes.push(...puback, packet.messageId >> 8, packet.messageId & 0xff);
      packet.qos = 0;
    }
    if (bytes.length > 0 && this.keepsReading()) conn.write(Buffer.from(bytes));
  }
}
