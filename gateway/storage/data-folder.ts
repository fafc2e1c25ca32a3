/**
 * One process owns a data folder: it holds the file `lock`, which names it. A lock whose process is gone, or that was made before
 * the machine's last start, is taken over.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "../errors.ts";
import type { Disk } from "../ports/disk.ts";
import { isAbsent, isFull, isReadOnly, listIfThere, removeIfThere } from "./atomic-file.ts";

/** Room that is given up when the disk is full. */
export const ballastFile = "ballast";

/** A process, told apart from a later one with the same id: in a container every gateway is process 1. */
export interface ProcessName {
  readonly pid: number;
  /** Which start of the machine; "" where the system does not say. */
  readonly bootId: string;
  /** When the process began, in the system's own count; "" where the system does not say. */
  readonly began: string;
}

export interface ProcessTable {
  readonly self: ProcessName;
  isRunning(process: ProcessName): boolean;
}

export interface DataFolderLock {
  release(): Promise<void>;
}

interface Owner extends ProcessName {
  /** Of this lock alone, so that nobody takes over another than the one looked at. */
  readonly token: string;
}

/** Rejects with `data-locked` while another process owns the folder. */
export async function lockDataFolder(
  disk: Disk,
  folder: string,
  processes: ProcessTable = systemProcesses,
): Promise<DataFolderLock> {
  await disk.makeFolder(folder);
  const path = join(folder, "lock");
  const owner: Owner = { ...processes.self, token: randomUUID() };
  try {
    await take(disk, folder, path, owner, processes);
  } catch (error) {
    // What is kept for a full disk is for this: a gateway that runs denies with a reason, one that does not start says nothing.
    if (!isFull(error) || !(await listIfThere(disk, folder)).includes(ballastFile)) throw error;
    await disk.remove(join(folder, ballastFile));
    await take(disk, folder, path, owner, processes);
  }
  return {
    release: async () => {
      try {
        if ((await ownerOf(disk, path))?.token === owner.token) await removeIfThere(disk, path);
      } catch (error) {
        // On a disk that has become read-only it stays, and counts for nothing once this process is gone.
        if (!isReadOnly(error)) throw error;
      }
    },
  };
}

/**
 * A stale lock may be replaced only by the holder of the lock `<path>.next`, and only while it is still the one that was found
 * stale; so of two who find it stale at the same moment one comes too late. A holder who died on the way leaves a stale
 * `.next`, which is taken by the same rule.
 */
async function take(disk: Disk, folder: string, path: string, owner: Owner, processes: ProcessTable): Promise<void> {
  while (!(await disk.createExclusive(path, Buffer.from(`${JSON.stringify(owner)}\n`)))) {
    const found = await ownerOf(disk, path);
    if (!found) continue; // given back meanwhile
    if (processes.isRunning(found)) {
      throw new GatewayError(
        "data-locked",
        `process ${found.pid} runs on the data folder ${folder}: stop it, or choose another folder`,
        {
          pid: found.pid,
          folder,
        },
      );
    }
    const next = `${path}.next`;
    await take(disk, folder, next, owner, processes);
    if ((await ownerOf(disk, path))?.token === found.token) return disk.rename(next, path);
    await disk.remove(next);
  }
}

/** undefined: no lock. A lock nobody can read belongs to nobody. */
async function ownerOf(disk: Disk, path: string): Promise<Owner | undefined> {
  try {
    const { pid, bootId, began, token } = JSON.parse(Buffer.from(await disk.read(path)).toString());
    return { pid: Number(pid), bootId: String(bootId), began: String(began), token: String(token) };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    if (error instanceof SyntaxError) return { pid: 0, bootId: "", began: "", token: "" };
    throw error;
  }
}

const systemProcesses: ProcessTable = {
  self: { pid: process.pid, bootId: bootId(), began: beginOf(process.pid) },
  isRunning: ({ pid, bootId: boot, began }) => {
    if (pid < 1 || boot !== bootId()) return false;
    try {
      process.kill(pid, 0);
    } catch (error) {
      // EPERM: it runs, under another user.
      if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
    }
    return beginOf(pid) === began;
  },
};

/** Linux; elsewhere the process id alone must do. */
function bootId(): string {
  return readSystem("/proc/sys/kernel/random/boot_id");
}

/** The 22nd field of the process's state; the second one, its name, is in brackets and may hold anything (proc(5)). */
function beginOf(pid: number): string {
  const state = readSystem(`/proc/${pid}/stat`);
  return state.slice(state.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function readSystem(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
