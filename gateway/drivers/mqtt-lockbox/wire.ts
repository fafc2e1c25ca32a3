/** Reads what a lockbox says (wire/lockbox.ts). Pure; what cannot be read is undefined, never an error. */
import type { DeviceId } from "../../domain/access-point.ts";
import type { MqttDialect } from "../../ports/mqtt-link.ts";
import { type LockboxMessage, type LockboxUplink, lockboxTopics, lockboxUplinks } from "../../wire/lockbox.ts";

export type Uplink = {
  [Name in LockboxUplink]: { readonly name: Name; readonly message: LockboxMessage<Name> };
}[LockboxUplink];

export function lockboxDialect(device: DeviceId): MqttDialect {
  return {
    base: lockboxTopics.base(device),
    publishes: Object.keys(lockboxUplinks),
    subscribes: ["command"],
    will: "presence",
    ignores: [],
    clientId: "device",
    tls: "always",
  };
}

export function readUplink(device: DeviceId, topic: string, payload: string): Uplink | undefined {
  const start = lockboxTopics.of(device, "" as LockboxUplink);
  const name = topic.startsWith(start) ? topic.slice(start.length) : "";
  if (!Object.hasOwn(lockboxUplinks, name)) return undefined;
  try {
    const read = lockboxUplinks[name as LockboxUplink].safeParse(JSON.parse(payload));
    return read.success ? ({ name, message: read.data } as Uplink) : undefined;
  } catch {
    return undefined; // not JSON
  }
}
