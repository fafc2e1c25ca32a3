/** One device's line through the site's broker. Implemented by broker/, used by drivers; no driver knows the broker. */
import type { Unsubscribe } from "./device.ts";

export interface MqttLink {
  /**
   * Sends to the device's own connection, QoS 1, never retained, never queued: false when the device is not connected and
   * subscribed at this moment.
   */
  publish(topic: string, payload: string): Promise<boolean>;
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
