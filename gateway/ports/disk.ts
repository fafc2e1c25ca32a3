/**
 * The few file operations that durability is made of. One implementation on the real disk, one in the simulation that forgets
 * what was not synced. Paths are absolute. Errors carry Node's `code` ("ENOENT", "ENOSPC", "EIO", …).
 */
export interface Disk {
  /** Names in a folder, unsorted; an absent folder rejects with ENOENT. */
  list(folder: string): Promise<string[]>;
  /** Creates a folder (0700) and its parents. */
  makeFolder(folder: string): Promise<void>;
  /** The whole file, or up to `maxBytes` of it from byte `from` (0) on; nothing beyond its end; ENOENT when absent. */
  read(path: string, maxBytes?: number, from?: number): Promise<Uint8Array>;
  /** Creates a file (0600) with this content, whole or not at all; false when the name is taken. */
  createExclusive(path: string, bytes: Uint8Array): Promise<boolean>;
  /** The permission bits of a file, such as 0o600. */
  permissions(path: string): Promise<number>;
  /**
   * A handle for writing, created 0600 when absent. With `durable` every write() is on the disk when it resolves (O_DSYNC),
   * else after sync().
   */
  open(path: string, options: { readonly create: boolean; readonly durable?: boolean }): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in the folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** Bytes free for an ordinary user on the volume that holds `folder`. */
  freeBytes(folder: string): Promise<number>;
}

export interface DiskFile {
  readonly size: number;
  /** Writes all of `bytes` at `position`; rejects on a short write. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(size: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}
