/** The real disk, of which a test says how much room is left: files that would grow beyond it are refused with ENOSPC. */
import type { Disk, DiskFile } from "../../gateway/ports/disk.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";

export class FillingDisk {
  /** Bytes by which files may still grow. What is removed or cut off gives room back. */
  room = Number.POSITIVE_INFINITY;
  readonly #sizes = new Map<string, number>();

  readonly disk: Disk = {
    ...nodeDisk,
    createExclusive: async (path, bytes) => {
      this.#grow(path, bytes.length);
      const created = await nodeDisk.createExclusive(path, bytes);
      if (!created) this.room += bytes.length;
      else this.#sizes.set(path, bytes.length);
      return created;
    },
    open: async (path, options) => this.#watched(path, await nodeDisk.open(path, options)),
    rename: async (from, to) => {
      await nodeDisk.rename(from, to);
      this.room += this.#sizes.get(to) ?? 0;
      this.#sizes.set(to, this.#sizes.get(from) ?? 0);
      this.#sizes.delete(from);
    },
    remove: async (path) => {
      await nodeDisk.remove(path);
      this.room += this.#sizes.get(path) ?? 0;
      this.#sizes.delete(path);
    },
    freeBytes: async (folder) => Math.min(this.room, await nodeDisk.freeBytes(folder)),
  };

  #watched(path: string, file: DiskFile): DiskFile {
    this.#sizes.set(path, file.size);
    return {
      get size() {
        return file.size;
      },
      write: async (bytes, position) => {
        this.#grow(path, Math.max(0, position + bytes.length - (this.#sizes.get(path) ?? 0)));
        this.#sizes.set(path, Math.max(this.#sizes.get(path) ?? 0, position + bytes.length));
        await file.write(bytes, position);
      },
      truncate: async (size) => {
        this.#grow(path, size - (this.#sizes.get(path) ?? 0));
        this.#sizes.set(path, size);
        await file.truncate(size);
      },
      sync: () => file.sync(),
      close: () => file.close(),
    };
  }

  /** Negative: gives back. */
  #grow(path: string, bytes: number): void {
    if (bytes > Math.max(0, this.room)) throw Object.assign(new Error(`ENOSPC: write ${path}`), { code: "ENOSPC" });
    this.room -= bytes;
  }
}
