/** What the cloud is told of an access point, so that it makes no grant that nothing there could honour. */
import type { AccessPoint, DeviceId } from "../domain/access-point.ts";
import type { GatewayReport } from "../ports/cloud-link.ts";
import type { Device } from "../ports/device.ts";

export function describeDoor(
  { id, name, lock, readers }: AccessPoint,
  devices: ReadonlyMap<DeviceId, Pick<Device, "lock" | "codes" | "reader">>,
): GatewayReport["accessPoints"][number] {
  const device = devices.get(lock);
  const codes = device?.codes?.constraints;
  const noCodes = device?.lock?.noCodes;
  const told = readers.map((reader) => devices.get(reader)?.reader?.kinds);
  const isTold = told.every((kinds) => kinds !== undefined);
  return {
    ...{ id, name, lock, reads: readers.length > 0 },
    ...(isTold && { kinds: [...new Set(told.flat())] }),
    ...(codes && (codes.keeps === "accounts" ? { accounts: { capacity: codes.capacity } } : { codes })),
    ...(noCodes !== undefined && { noCodes }),
  };
}
