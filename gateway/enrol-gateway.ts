/** Enrols a data folder: one-time code in, keys.json out. */
import { GatewayError } from "./errors.ts";
import { type GatewayKeys, loadGatewayKeys, saveGatewayKeys } from "./storage/gateway-keys.ts";
import { nodeDisk } from "./storage/node-disk.ts";
import { enrol } from "./sync/enrol.ts";
import type { Fetch } from "./sync/http-cloud-link.ts";
import { SecretString } from "./wire/secret.ts";

export interface EnrolmentOrder {
  readonly cloudUrl: string;
  readonly code: SecretString;
  /** The gateway's data folder; made when absent. */
  readonly folder: string;
  readonly version: string;
  readonly fetch: Fetch;
}

/** Rejects with `data-taken` when the folder is enrolled already. */
export async function enrolGateway({ cloudUrl, code, folder, version, fetch }: EnrolmentOrder): Promise<GatewayKeys> {
  if (await loadGatewayKeys(nodeDisk, folder)) {
    throw new GatewayError(
      "data-taken",
      `${folder} is enrolled already; take another folder, or move its keys.json away`,
    );
  }
  const { enrolled, privateKey } = await enrol(cloudUrl, code, version, fetch);
  const { site, gateway, name, epoch, siteKey } = enrolled;
  const keys: GatewayKeys = { site, gateway, name, epoch, siteKey: new SecretString(siteKey), privateKey };
  await nodeDisk.makeFolder(folder);
  await saveGatewayKeys(nodeDisk, folder, keys);
  return keys;
}
