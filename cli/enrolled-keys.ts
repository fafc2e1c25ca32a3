/** The identity in a data folder, or the way to get one. */
import { GatewayError } from "../gateway/errors.ts";
import { type GatewayKeys, loadGatewayKeys } from "../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../gateway/storage/node-disk.ts";

/** Rejects with `not-enrolled`. */
export async function enrolledKeys(folder: string): Promise<GatewayKeys> {
  const keys = await loadGatewayKeys(nodeDisk, folder);
  if (keys) return keys;
  throw new GatewayError("not-enrolled", `${folder} is not enrolled: there is no keys.json in it`);
}
