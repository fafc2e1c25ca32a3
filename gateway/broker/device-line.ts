/** The gateway's end of a device's line: outlives the device's connections, of which there is at most one of its own at a time. */
import type { Unsubscribe } from "../ports/device.ts";
import type { MqttLink } from "../ports/mqtt-link.ts";
import type { Session } from "./session.ts";

type MessageListener = Parameters<MqttLink["onMessage"]>[0];

export class DeviceLine implements MqttLink {
  readonly #onMessage = new Set<MessageListener>();
  readonly #onSubscribed = new Set<(topic: string) => void>();
  readonly #onConnection = new Set<(connected: boolean) => void>();
  #session: Session | undefined;

  /** Whether someone takes what the device says. Without, its login is refused: its events would be acknowledged and lost. */
  get isTaken(): boolean {
    return this.#onMessage.size > 0;
  }

  async publish(topic: string, payload: string, late?: AbortSignal): Promise<boolean> {
    return this.#session?.send(topic, payload, late) ?? false;
  }

  onMessage(listener: MessageListener): Unsubscribe {
    return listen(this.#onMessage, listener);
  }

  onSubscribed(listener: (topic: string) => void): Unsubscribe {
    return listen(this.#onSubscribed, listener);
  }

  onConnection(listener: (connected: boolean) => void): Unsubscribe {
    return listen(this.#onConnection, listener);
  }

  /** The device said something; resolves when every listener has it. */
  deliver(topic: string, payload: string): Promise<unknown> {
    const [listener] = this.#onMessage;
    if (!listener) return Promise.reject(new Error("no driver listens to this device"));
    if (this.#onMessage.size === 1) return listener(topic, payload);
    return Promise.all([...this.#onMessage].map((each) => each(topic, payload)));
  }

  /** A connection of the device is ready. One that replaces another is no news. */
  begin(session: Session): void {
    const isNews = !this.#session;
    this.#session = session;
    if (isNews) for (const listener of this.#onConnection) listener(true);
  }

  /** A late end of a connection that was replaced meanwhile is no news either. */
  end(session: Session): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    for (const listener of this.#onConnection) listener(false);
  }

  subscribed(session: Session, topic: string): void {
    if (this.#session === session) for (const listener of this.#onSubscribed) listener(topic);
  }
}

function listen<T>(listeners: Set<T>, listener: T): Unsubscribe {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
