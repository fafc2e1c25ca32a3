/**
 * Copies of an embedded store, in the folder `copies` beside it: PGlite never syncs, these files are synced. They are backups
 * (backup-format.ts), numbered as they are made; the newest two are kept.
 */
import { mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type BackupFacts, takeBackup } from "./backup.ts";
import { BackupError } from "./backup-error.ts";
import { type BackupSummary, checkBackup, draftSuffix, saveBackup } from "./backup-file.ts";
import type { Store } from "./store.ts";

const generations = 2;
const copyName = /^(\d{6,})\.jsonl\.gz$/;

export interface Copy extends BackupSummary {
  readonly path: string;
}

const folderOf = (dataFolder: string) => join(dataFolder, "copies");

/**
 * Makes a copy and removes the oldest. While it is made the store serves nobody else; `signal` ends it, with nothing changed. Rejects
 * with a BackupError when there is too little room for it.
 */
export async function makeCopy(
  store: Store,
  dataFolder: string,
  facts: BackupFacts,
  signal?: AbortSignal,
): Promise<Copy> {
  const folder = folderOf(dataFolder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const before = await copiesIn(dataFolder);
  for (const name of await readdir(folder))
    if (name.endsWith(draftSuffix)) await rm(join(folder, name), { force: true });
  await demandRoom(folder, before[0]?.path);
  const path = join(folder, `${String((before[0]?.number ?? 0) + 1).padStart(6, "0")}.jsonl.gz`);
  // The store is free again once all is read; the file is synced and checked afterwards.
  const summary = await saveBackup(path, (write) =>
    takeBackup(store, facts, (piece) => {
      signal?.throwIfAborted();
      return write(piece);
    }),
  );
  for (const { path: old } of before.slice(generations - 1)) await rm(old, { force: true });
  return { path, ...summary };
}

/** The newest that is whole; those that are not are told to `onBad`. */
export async function newestGoodCopy(
  dataFolder: string,
  onBad: (path: string, error: Error) => void,
): Promise<Copy | undefined> {
  for (const { path } of await copiesIn(dataFolder)) {
    try {
      return { path, ...(await checkBackup(path)) };
    } catch (error) {
      onBad(path, error as Error);
    }
  }
  return undefined;
}

/** Newest first, whole or not. */
export async function copiesIn(dataFolder: string): Promise<{ readonly number: number; readonly path: string }[]> {
  const folder = folderOf(dataFolder);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const number = copyName.exec(name)?.[1];
      return number === undefined ? [] : [{ number: Number(number), path: join(folder, name) }];
    })
    .sort((a, b) => b.number - a.number);
}

/** The copy will be about as large as the last one; what is left must do for the store itself. */
async function demandRoom(folder: string, last: string | undefined): Promise<void> {
  if (last === undefined) return;
  const [{ size }, { bavail, bsize }] = await Promise.all([stat(last), statfs(folder)]);
  if (bavail * bsize < 3 * size) throw new BackupError(`too little room below ${folder} for a copy of ${size} bytes`);
}
