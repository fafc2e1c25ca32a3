/** A device's line through the broker, played by the test: it says what the device would, and keeps what the driver sends. */
import type { MqttLink } from "../../gateway/ports/mqtt-link.ts";

type MessageListener = Parameters<MqttLink["onMessage"]>[0];

export class PlayedLine implements MqttLink {
  /** As "topic payload", in the order they were sent. */
  readonly sent: string[] = [];
  #isConnected = false;
  readonly #subscribed = new Set<string>();
  readonly #onMessage = new Set<MessageListener>();
  readonly #onSubscribed = new Set<(topic: string) => void>();
  readonly #onConnection = new Set<(connected: boolean) => void>();

  /** A connection begins, or takes the place of one. */
  connect(...topics: readonly string[]): void {
    this.#subscribed.clear();
    if (!this.#isConnected) {
      this.#isConnected = true;
      for (const listener of this.#onConnection) listener(true);
    }
    for (const topic of topics) {
      this.#subscribed.add(topic);
      for (const listener of this.#onSubscribed) listener(topic);
    }
  }

  disconnect(): void {
    this.#isConnected = false;
    this.#subscribed.clear();
    for (const listener of this.#onConnection) listener(false);
  }

  /** Rejects where the device would get no PUBACK. */
  async say(topic: string, payload: string): Promise<void> {
    for (const listener of this.#onMessage) await listener(topic, payload);
  }

  async publish(topic: string, payload: string): Promise<boolean> {
    if (!this.#isConnected || !this.#subscribed.has(topic)) return false;
    this.sent.push(`${topic} ${payload}`);
    return true;
  }

  onMessage(listener: MessageListener) {
    this.#onMessage.add(listener);
    return () => this.#onMessage.delete(listener);
  }

  onSubscribed(listener: (topic: string) => void) {
    this.#onSubscribed.add(listener);
    return () => this.#onSubscribed.delete(listener);
  }

  onConnection(listener: (connected: boolean) => void) {
    this.#onConnection.add(listener);
    return () => this.#onConnection.delete(listener);
  }
}
