/** Where a credential is checked. It names the devices it uses; a device (one thing on the site) may serve several access points. */
import type { Millis } from "./instant.ts";

export type AccessPointId = string;
export type DeviceId = string;

export interface AccessPoint {
  readonly id: AccessPointId;
  readonly name: string;
  /** The device whose lock is released. */
  readonly lock: DeviceId;
  /** The devices whose reports are requests here. */
  readonly readers: readonly DeviceId[];
  /** How long the strike stays released. */
  readonly holdMs: Millis;
}

/** The part that holds the door. */
export type BoltState = "released" | "secured" | "jammed" | "unknown";

/** The barrier itself. */
export type DoorState = "open" | "closed" | "unknown";
