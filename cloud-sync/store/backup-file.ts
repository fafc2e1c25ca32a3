/** A backup as a file: gzip of its lines, for nobody else to read, seen whole or not at all, and still there after a power cut. */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { createGunzip, createGzip } from "node:zlib";
import { BackupError } from "./backup-error.ts";
import { type BackupEntry, type BackupHeader, fromBytes } from "./backup-format.ts";

/** What a crash may leave behind of an unfinished file. */
export const draftSuffix = ".tmp";

/** Fast rather than small: the store is held while a backup is made. */
const gzipLevel = 1;

export function zipped(lines: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const from = Readable.from(lines, { objectMode: false });
  const gzip = createGzip({ level: gzipLevel });
  from.once("error", (error) => gzip.destroy(error));
  gzip.once("close", () => from.destroy());
  return from.pipe(gzip);
}

/** `fill` writes a backup's bytes. Rejects, with nothing changed at `path`, when it does or when that was no whole backup. */
export async function saveBackup(
  path: string,
  fill: (write: (piece: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<BackupSummary> {
  const draft = `${path}${draftSuffix}`;
  await rm(draft, { force: true });
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await fill((piece) => writeAll(file, piece));
      await file.sync();
    } finally {
      await file.close();
    }
    const summary = await checkBackup(draft);
    await rename(draft, path);
    await syncFolder(dirname(path));
    return summary;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The lines of the backup at `path`; see fromBytes. */
export async function* readBackup(path: string): AsyncGenerator<BackupEntry> {
  const file = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    throw new BackupError(`${path} cannot be read (${cause.code ?? "unknown reason"})`, { cause });
  });
  yield* readBackupOf(file.createReadStream());
}

export async function* readBackupOf(zippedPieces: Readable): AsyncGenerator<BackupEntry> {
  const gunzip = createGunzip();
  zippedPieces.once("error", (error) => gunzip.destroy(error));
  try {
    yield* fromBytes(zippedPieces.pipe(gunzip));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (!code.startsWith("Z_")) throw cause;
    const why = code === "Z_BUF_ERROR" ? "it is not whole" : "it was altered, or is no backup";
    throw new BackupError(`the backup cannot be unpacked: ${why}; take another one`, { cause });
  } finally {
    gunzip.destroy();
    zippedPieces.destroy();
  }
}

export interface BackupSummary {
  readonly header: BackupHeader;
  readonly rows: number;
}

/** Reads it whole. Rejects with a BackupError when it is not to be believed. */
export async function checkBackup(path: string): Promise<BackupSummary> {
  let header: BackupHeader | undefined;
  let rows = 0;
  for await (const entry of readBackup(path)) {
    if (entry.kind === "header") header = entry.header;
    if (entry.kind === "end") rows = entry.rows;
  }
  if (!header) throw new BackupError(`${path} is empty`);
  return { header, rows };
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
