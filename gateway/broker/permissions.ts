/**
 * Who may say and hear what on the site's broker. A device speaks on its own uplink topics and hears its own command topic; nothing
 * else, and no wildcard, exists for it. Pure: the broker asks, this answers.
 */
import type { DeviceId } from "../domain/access-point.ts";
import { lockboxTopics, lockboxUplinks } from "../wire/lockbox.ts";

/** Devices' ids are client ids, user names, topic levels and certificate names alike, so they are kept plain. */
const deviceIdPattern = /^[A-Za-z0-9_-]{1,64}$/;
/** A client id with such an ending is a second line of a device: it speaks for the device and hears nothing. */
const secondLineEnding = /\.pub[0-9]?$/;

export function isDeviceId(text: string): boolean {
  return deviceIdPattern.test(text);
}

export interface ClientName {
  readonly device: DeviceId;
  /** "own": the device's connection, which is commanded and whose end is the device's going · "second": for clients that can only publish. */
  readonly line: "own" | "second";
}

/** undefined: no device can have this client id. */
export function readClientId(clientId: string): ClientName | undefined {
  const device = clientId.replace(secondLineEnding, "");
  return isDeviceId(device) ? { device, line: device === clientId ? "own" : "second" } : undefined;
}

export interface Permissions {
  readonly publish: ReadonlySet<string>;
  /** Compared with the filter itself, not with what the filter matches. */
  readonly subscribe: ReadonlySet<string>;
  /** The only topic of a last will. */
  readonly will: string | undefined;
}

export function permissionsOf({ device, line }: ClientName): Permissions {
  const uplinks = Object.keys(lockboxUplinks) as (keyof typeof lockboxUplinks)[];
  const own = line === "own";
  return {
    publish: new Set(uplinks.map((name) => lockboxTopics.of(device, name))),
    subscribe: new Set(own ? [lockboxTopics.of(device, "command")] : []),
    will: own ? lockboxTopics.of(device, "presence") : undefined,
  };
}
