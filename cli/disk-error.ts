/** What the system says about a file or folder, in words that name it and tell what to do. */
import { CommandError } from "./command.ts";

type Advice = (place: string) => string;

const isFull: Advice = (place) =>
  `the disk that holds ${place} is full: free some space there, or choose another folder`;
const isReadOnly: Advice = (place) =>
  `the disk that holds ${place} is read-only: mount it for writing, or choose another folder`;
const isForbidden: Advice = (place) =>
  `this user may not use ${place}: give it to the user who runs this (chown, chmod), or choose another folder`;
const isInTheWay: Advice = (place) =>
  `${place}: a file stands where a folder is needed: move it away, or choose another folder`;

const advice: Readonly<Record<string, Advice>> = {
  ENOSPC: isFull,
  EDQUOT: isFull,
  EROFS: isReadOnly,
  EACCES: isForbidden,
  EPERM: isForbidden,
  ENOENT: (place) => `${place} does not exist: check how it is written, or make it first`,
  ENOTDIR: isInTheWay,
  EEXIST: isInTheWay,
  EISDIR: (place) => `${place} is a folder where a file is needed: name another`,
  EIO: (place) => `the disk that holds ${place} fails: look into the system's log, and replace it`,
};

/** PGlite's file system rejects with numbers alone, those of WASI preview 1 (`errno` in its witx). */
const wasiCodes: Readonly<Record<number, string>> = {
  2: "EACCES",
  19: "EDQUOT",
  29: "EIO",
  51: "ENOSPC",
  54: "ENOTDIR",
  63: "EPERM",
  69: "EROFS",
};

/** undefined: none of the system's errors about files. `folder`: where it happened, for an error that does not say. */
export function diskErrorText(error: unknown, folder?: string): string | undefined {
  const { code, place = folder } = factsOf(error);
  const told = code === undefined || place === undefined ? undefined : advice[code]?.(place);
  return told && `${told} (${code})`;
}

/** For work on `folder`: rejects with a CommandError that names it, or the file below it, where the system refused. */
export async function onFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const told = diskErrorText(error, folder);
    throw told === undefined ? error : new CommandError(told, { cause: error });
  }
}

function factsOf(error: unknown): { readonly code?: string | undefined; readonly place?: string | undefined } {
  if (typeof error !== "object" || error === null) return {};
  const { name, errno, code, path, syscall } = error as Readonly<Record<string, unknown>>;
  if (name === "ErrnoError" && typeof errno === "number") return { code: wasiCodes[errno] };
  if (!(error instanceof Error) || typeof code !== "string") return {};
  // Node tells EROFS as ENOENT where it makes a folder with those above it (mkdir, recursive).
  if (code === "ENOENT" && syscall === "mkdir") return { code: "EROFS", place: String(path) };
  return { code, place: typeof path === "string" ? path : undefined };
}
