/** The real disk. Calls go by the callback API on plain descriptors: one durable write is one hop to the thread pool and back. */
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { constants } from "node:fs";
import * as files from "node:fs/promises";
import type { Disk, DiskFile } from "../ports/disk.ts";
import { DirectWriter } from "./direct-write.ts";

/** Of an idle loop, some 0.3 ms: longer than a write takes on a good disk, and little beside one on a memory card. */
const awakeTurnsMax = 300;

export const nodeDisk: Disk = {
  list: (folder) => files.readdir(folder),
  makeFolder: async (folder) => {
    await files.mkdir(folder, { recursive: true, mode: 0o700 });
  },
  read: (path, maxBytes, from = 0) => (maxBytes === undefined ? files.readFile(path) : readPart(path, maxBytes, from)),
  createExclusive,
  permissions: async (path) => (await files.stat(path)).mode & 0o777,
  open: async (path, { create, durable = false }) => {
    const flags = constants.O_RDWR | (create ? constants.O_CREAT : 0) | (durable ? constants.O_DSYNC : 0);
    const descriptor = await new Promise<number>((resolve, reject) => {
      fs.open(path, flags, 0o600, (error, opened) => (error ? reject(error) : resolve(opened)));
    });
    const { size } = fs.fstatSync(descriptor);
    return new NodeDiskFile(path, descriptor, size, durable, durable ? await DirectWriter.open(path, size) : undefined);
  },
  rename: (from, to) => files.rename(from, to),
  remove: (path) => files.unlink(path),
  syncFolder: async (folder) => {
    await using handle = await files.open(folder, "r");
    await handle.sync();
  },
  freeBytes: async (folder) => {
    const { bavail, bsize } = await files.statfs(folder);
    return bavail * bsize;
  },
};

class NodeDiskFile implements DiskFile {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #isDurable: boolean;
  #size: number;
  /** For short writes that change the file's content and not its size. */
  #direct: DirectWriter | undefined;

  constructor(path: string, descriptor: number, size: number, isDurable: boolean, direct: DirectWriter | undefined) {
    this.#isDurable = isDurable;
    this.#path = path;
    this.#descriptor = descriptor;
    this.#size = size;
    this.#direct = direct;
  }

  get size(): number {
    return this.#size;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    if (!this.#isDurable) return this.#write(bytes, position);
    const awake = stayAwake();
    try {
      await this.#write(bytes, position);
    } finally {
      awake.isOver = true;
    }
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    if (this.#direct?.takes(position, bytes.byteLength)) {
      const written = await this.#direct.write(bytes, position);
      if (written < bytes.byteLength) throw shortWrite(this.#path, written, bytes.byteLength);
      return;
    }
    this.#direct?.forget();
    if (position + bytes.byteLength > this.#size) await this.#leaveDirect();
    await this.#writePlainly(bytes, position);
  }

  #writePlainly(bytes: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.write(this.#descriptor, bytes, 0, bytes.byteLength, position, (error, written) => {
        if (error) return reject(error);
        // The kernel writes less than asked when the disk fills up on the way.
        if (written < bytes.byteLength) return reject(shortWrite(this.#path, written, bytes.byteLength));
        this.#size = Math.max(this.#size, position + written);
        resolve();
      });
    });
  }

  async truncate(size: number): Promise<void> {
    await this.#leaveDirect();
    await settled((done) => fs.ftruncate(this.#descriptor, size, done));
    this.#size = size;
  }

  sync(): Promise<void> {
    return settled((done) => fs.fdatasync(this.#descriptor, done));
  }

  async close(): Promise<void> {
    await this.#leaveDirect();
    await settled((done) => fs.close(this.#descriptor, done));
  }

  /** It knows the file's size as it was opened; whatever changes that ends it. */
  async #leaveDirect(): Promise<void> {
    const direct = this.#direct;
    this.#direct = undefined;
    await direct?.close();
  }
}

/** Keeps the loop turning, without holding up anything in it: a thread that has gone to sleep wakes a tenth of a write later. */
function stayAwake(): { isOver: boolean } {
  const awake = { isOver: false };
  let turns = 0;
  const turn = () => {
    turns += 1;
    if (!awake.isOver && turns < awakeTurnsMax) setImmediate(turn);
  };
  setImmediate(turn);
  return awake;
}

async function readPart(path: string, maxBytes: number, from: number): Promise<Uint8Array> {
  await using handle = await files.open(path, "r");
  const buffer = Buffer.allocUnsafeSlow(maxBytes);
  const { bytesRead } = await handle.read(buffer, 0, maxBytes, from);
  return buffer.subarray(0, bytesRead);
}

/** A second name for a finished file is made whole or not at all, and never over another. */
async function createExclusive(path: string, bytes: Uint8Array): Promise<boolean> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await files.writeFile(draft, bytes, { flag: "wx", mode: 0o600, flush: true });
    await files.link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await files.rm(draft, { force: true });
  }
}

function settled(operation: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    operation((error) => (error ? reject(error) : resolve()));
  });
}

function shortWrite(path: string, written: number, wanted: number): Error {
  return Object.assign(new Error(`ENOSPC: wrote ${written} of ${wanted} bytes to ${path}`), { code: "ENOSPC", path });
}
