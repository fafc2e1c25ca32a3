/** What of a Ring device stands where: the documents a hub shows, the commands it reads, and the list of handsets. */
import type { SimRingIntercom } from "../sim-ring-intercom.ts";
import type { SimRingLock } from "../sim-ring-lock.ts";

/** In "v2" what every device has, in "v1" what is a lock's own. */
export interface RingDocument {
  readonly general: { readonly v2: Readonly<Record<string, unknown>> };
  readonly device: { readonly v1: Readonly<Record<string, unknown>> };
}

/** Ring's own number for the category "locks". */
const locksCategory = 10;

/** `asBefore`: the last that was heard, for a lock out of reach. */
export function ringDocument(lock: SimRingLock, asBefore?: RingDocument): RingDocument {
  const { locked, ...general } = lock.report();
  const commStatus = lock.inReach ? "ok" : "error";
  if (asBefore) return { ...asBefore, general: { v2: { ...asBefore.general.v2, commStatus } } };
  const { zid, name, deviceType } = lock;
  return {
    general: { v2: { zid, name, deviceType, categoryId: locksCategory, tags: [], commStatus, ...general } },
    device: { v1: { locked } },
  };
}

/** Of the body of a DeviceInfoSet; what is not shaped so is left out. */
export function readCommands(body: unknown): readonly { readonly zid: string; readonly command: string }[] {
  if (!Array.isArray(body)) return [];
  return body.flatMap((one: { readonly zid?: unknown; readonly command?: { readonly v1?: unknown } } | null) => {
    const { zid, command } = one ?? {};
    if (typeof zid !== "string" || !Array.isArray(command?.v1)) return [];
    return command.v1.flatMap((asked: { readonly commandType?: unknown } | null) =>
      typeof asked?.commandType === "string" ? [{ zid, command: asked.commandType }] : [],
    );
  });
}

export function handset(intercom: SimRingIntercom, location: string, subscribed: boolean): object {
  return {
    id: intercom.id,
    kind: intercom.kind,
    description: intercom.name,
    location_id: location,
    battery_life: String(intercom.batteryPercent),
    alerts: { connection: intercom.online ? "online" : "offline" },
    subscribed,
  };
}
