/** Makes a gateway's backup, and puts one back on a new card: a new epoch from the cloud fences the old card, the journal begins empty. */
import { access, chmod, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { GatewayError } from "./errors.ts";
import type { Clock } from "./ports/clock.ts";
import { isAbsent, writeFileAtomically } from "./storage/atomic-file.ts";
import { lockDataFolder } from "./storage/data-folder.ts";
import type { GatewayBackup } from "./storage/gateway-backup.ts";
import { type GatewayKeys, loadGatewayKeys, parseGatewayKeys, saveGatewayKeys } from "./storage/gateway-keys.ts";
import { nodeDisk } from "./storage/node-disk.ts";
import { type Fetch, HttpCloudLink } from "./sync/http-cloud-link.ts";

const authorityFiles = (folder: string) => ({ key: join(folder, "ca", "ca.key"), cert: join(folder, "ca", "ca.crt") });

/** Paths of what there is. */
export interface FilesToKeep {
  readonly configuration?: string | undefined;
  readonly secrets?: string | undefined;
  readonly cloudAuthority?: string | undefined;
}

/** Rejects with `not-enrolled` when there is no gateway in the folder. */
export async function readForBackup(
  folder: string,
  { configuration, secrets, cloudAuthority }: FilesToKeep,
): Promise<{ readonly keys: GatewayKeys; readonly content: GatewayBackup }> {
  const keys = await loadGatewayKeys(nodeDisk, folder);
  if (!keys) throw new GatewayError("not-enrolled", `${folder} is not enrolled: there is nothing to back up`);
  const paths = authorityFiles(folder);
  const [key, certificate] = await Promise.all([textOf(paths.key), textOf(paths.cert)]);
  const kept = async (path: string | undefined) => (path === undefined ? null : readFile(path, "utf8"));
  const text = await kept(configuration);
  const content: GatewayBackup = {
    keys: await readFile(join(folder, "keys.json"), "utf8"),
    authority: key !== undefined && certificate !== undefined ? { key, certificate } : null,
    configuration: configuration === undefined || text === null ? null : { path: configuration, text },
    secrets: await kept(secrets),
    cloudAuthority: await kept(cloudAuthority),
  };
  return { keys, content };
}

/** Writes a configuration or a secrets file for its owner alone. false: one stands there already and stays. */
export async function putIfAbsent(path: string, text: string): Promise<boolean> {
  if (await isThere(path)) return false;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomically(nodeDisk, path, [Buffer.from(text)]);
  return true;
}

export interface GatewayRestore {
  readonly content: GatewayBackup;
  /** The data folder; it may hold nothing of a gateway yet. */
  readonly folder: string;
  readonly cloudUrl: string;
  readonly clock: Clock;
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
}

/**
 * Rejects with `data-taken` when the folder holds a gateway, `data-locked` while one runs on it, `keys-damaged` when the keys in the
 * backup are, `authority-damaged` when another authority is there, and with the cloud's refusal. It may be tried again after any failure.
 */
export async function restoreGateway({ content, folder, ...order }: GatewayRestore): Promise<GatewayKeys> {
  const lock = await lockDataFolder(nodeDisk, folder);
  try {
    for (const name of ["keys.json", "journal", "snapshot"])
      if (await isThere(join(folder, name)))
        throw new GatewayError(
          "data-taken",
          `${join(folder, name)} is there already; take an empty data folder, or move what is in this one away`,
        );
    const old = parseGatewayKeys(content.keys, "the backup's keys.json");
    await putAuthority(folder, content.authority);
    const identity = { gateway: old.gateway, privateKey: old.privateKey };
    const epoch = await new HttpCloudLink(order.cloudUrl, identity, order.clock, order.fetch).newEpoch(order.signal);
    const keys = { ...old, epoch, newEpochAsked: undefined };
    // Last: what is not enrolled does not start.
    await saveGatewayKeys(nodeDisk, folder, keys);
    return keys;
  } finally {
    await lock.release();
  }
}

async function putAuthority(folder: string, authority: GatewayBackup["authority"]): Promise<void> {
  if (!authority) return;
  const { key, cert } = authorityFiles(folder);
  const there = await textOf(cert);
  if (there !== undefined && there !== authority.certificate)
    throw new GatewayError(
      "authority-damaged",
      `${cert} is of another authority than the backup's, and the boxes trust one; move the folder ca away`,
    );
  await nodeDisk.makeFolder(dirname(key));
  await writeFileAtomically(nodeDisk, key, [Buffer.from(authority.key)]);
  await writeFileAtomically(nodeDisk, cert, [Buffer.from(authority.certificate)]);
  await chmod(cert, 0o644);
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
