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
  /** When the process began, in the system's own count: ids of ended processes are given again. */
  readonly began: string;
}

/** Rejects with `data-locked` when a running process owns the folder. */
export async function takeFolder(folder: string): Promise<TakenFolder> {
  const marker = join(folder, "cloud-running.json");
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  const owner = await readOwner(marker);
  if (owner && owner.boot === boot && owner.pid !== process.pid && (await isRunning(owner))) {
    throw new CloudStartError(
      "data-locked",
      `another cloud-sync (process ${owner.pid}) runs on ${folder}; stop it or name another data folder`,
    );
  }
  const own: Owner = { pid: process.pid, boot, began: await beginOf(process.pid) };
  await writeFile(marker, JSON.stringify(own), { mode: 0o600, flush: true });
  await syncFolder(folder);
  return { wasUnclean: owner !== undefined, release: () => rm(marker, { force: true }) };
}

/** undefined: no marker. A marker that cannot be read was cut off while it was written: unclean, owner unknown. */
async function readOwner(marker: string): Promise<Owner | undefined> {
  const text = await readFile(marker, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { pid, boot, began } = JSON.parse(text);
    return { pid: Number(pid), boot: String(boot), began: String(began) };
  } catch {
    return { pid: 0, boot: "", began: "" };
  }
}

async function isRunning({ pid, began }: Owner): Promise<boolean> {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, under another user.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return (await beginOf(pid)) === began;
}

/** The 22nd field of the process's state (proc(5)); "" where the system has none. The 2nd, its name in brackets, may hold anything. */
async function beginOf(pid: number): Promise<string> {
  const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return state.slice(state.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}
