/** One process owns a data folder; a marker file left behind tells the next one that the last did not stop cleanly. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CloudStartError } from "../start-error.ts";
import { syncFolder } from "./backup-file.ts";

export interface TakenFolder {
  readonly wasUnclean: boolean;
  release(): Promise<void>;
}

interface Owner {
  readonly pid: number;
  readonly boot: string;
}

/** Rejects with `data-locked` when a running process owns the folder. */
export async function takeFolder(folder: string): Promise<TakenFolder> {
  const marker = join(folder, "cloud-running.json");
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  const owner = await readOwner(marker);
  if (owner && owner.boot === boot && owner.pid !== process.pid && isAlive(owner.pid)) {
    throw new CloudStartError(
      "data-locked",
      `another cloud-sync (process ${owner.pid}) runs on ${folder}; stop it or name another data folder`,
    );
  }
  await writeFile(marker, JSON.stringify({ pid: process.pid, boot } satisfies Owner), { mode: 0o600, flush: true });
  await syncFolder(folder);
  return { wasUnclean: owner !== undefined, release: () => rm(marker, { force: true }) };
}

/** undefined: no marker. A marker that cannot be read was cut off while it was written: unclean, owner unknown. */
async function readOwner(marker: string): Promise<Owner | undefined> {
  const text = await readFile(marker, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { pid, boot } = JSON.parse(text);
    return { pid: Number(pid), boot: String(boot) };
  } catch {
    return { pid: 0, boot: "" };
  }
}

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
