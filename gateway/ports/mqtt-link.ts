/** One device's line through the site's broker. Implemented by broker/, used by drivers; no driver knows the broker. */
import type { Unsubscribe } from "./device.ts";

/**
 * What the firmware of one device says and hears over MQTT, as its driver knows it. The broker permits this and nothing else to whoever logs
 * in as the device: user name is the device's id, its password or certificate the proof.
 */
export interface MqttDialect {
  /** Begins every topic of the device, without a slash at its end: "postern/box-1". What lies below is the device's alone. */
  readonly base: string;
  /** Below the base: what the driver wants to hear. Without wildcards, as all topics here. */
  readonly publishes: readonly string[];
  /** Below the base: what the device may subscribe to and its driver publish on. A name may stand in both lists. */
  readonly subscribes: readonly string[];
  /** That of `publishes` on which its last will may stand. */
  readonly will?: string;
  /**
   * Whole topics at and below which the firmware also talks: acknowledged, dropped and counted, subscriptions to it refused, and nobody is cut
   * off for it. Elsewhere whoever keeps on with what he may not is. Some firmware clears its own command topics by publishing on them.
   */
  readonly ignores: readonly string[];
  /** The largest packet it sends, where that is more than the broker's usual 16 KiB: a list of all codes, say. At most 128 KiB. */
  readonly packetBytesMax?: number;
  /** "device": the device's id, and that with .pub for a second line · "any": the firmware calls itself what it likes. */
  readonly clientId: "device" | "any";
  /** "never": the firmware knows no TLS. Such a device alone may log in on `broker.plainLan`, by password. */
  readonly tls: "always" | "never";
}

export interface MqttLink {
  /**
   * Sends to the device's own connection, QoS 1 or what it subscribed with if that is less, never retained, never queued: false when the
   * device is not connected and subscribed at this moment. `late`: for what must not come late, as an opening to a device that knows no expiry.
   * When it fires, the connection that carries the message is cut off, so that what has not arrived by then never does; whoever sends makes it
   * fire unless the device has answered.
   */
  publish(topic: string, payload: string, late?: AbortSignal): Promise<boolean>;
  /**
   * Every allowed publish of the device, its last will included. Its PUBACK goes out when the listener's promise resolves; when
   * it rejects, the connection is closed without one, so that the device sends again. Nothing more is read from the device until
   * every message read with this one is answered, so a listener must never wait for another message of the same device. While no
   * one listens, the device is not let in.
   */
  onMessage(listener: (topic: string, payload: string) => Promise<void>): Unsubscribe;
  /** Each subscription the device makes that the broker grants: from now on it can be commanded. */
  onSubscribed(listener: (topic: string) => void): Unsubscribe;
  /** The connection of the device began or ended; a newer connection replacing an older one reports nothing. */
  onConnection(listener: (connected: boolean) => void): Unsubscribe;
}
