/** A file that is seen whole or not at all, and is still there after a power cut: temp, sync, rename, sync folder. */
import { dirname } from "node:path";
import type { Disk } from "../ports/disk.ts";

/** What a crash may leave behind of an unfinished file; removed at the next start. */
export const draftSuffix = ".tmp";

/** `pieces` are written one after the other, so that a long file does not hold the loop. `ready` is asked before the file appears. */
export async function writeFileAtomically(
  disk: Disk,
  path: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ready?: () => Promise<void>,
): Promise<void> {
  const draft = `${path}${draftSuffix}`;
  await removeIfThere(disk, draft);
  try {
    const file = await disk.open(draft, { create: true });
    try {
      let position = 0;
      for await (const piece of pieces) {
        await file.write(piece, position);
        position += piece.byteLength;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await ready?.();
    await disk.rename(draft, path);
  } catch (error) {
    await removeIfThere(disk, draft).catch(() => undefined); // the first error is the one to tell
    throw error;
  }
  await disk.syncFolder(dirname(path));
}

export async function removeIfThere(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.remove(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

export async function listIfThere(disk: Disk, folder: string): Promise<string[]> {
  try {
    return (await disk.list(folder)).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

export function isAbsent(error: unknown): boolean {
  return errorCode(error) === "ENOENT";
}

export function isFull(error: unknown): boolean {
  return errorCode(error) === "ENOSPC" || errorCode(error) === "EDQUOT";
}

export function isReadOnly(error: unknown): boolean {
  return errorCode(error) === "EROFS";
}

/** The medium does not give back what was written: damage, as a wrong byte is. */
export function isUnreadable(error: unknown): boolean {
  return ["EIO", "EUCLEAN", "EBADMSG"].includes(String(errorCode(error)));
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
