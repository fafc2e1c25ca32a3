/**
 * Durable writes past the kernel's page cache (O_DIRECT): a short line costs the sectors it stands in, a quarter of the page the cache
 * would write, and a tenth less time. Not every file system can, and some disks have larger sectors: the caller then writes plainly.
 */
import * as fs from "node:fs";
import { constants } from "node:fs";

/** As far as we use it; neither the language's nor Node's types know it. */
declare const WebAssembly: { readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };

const sectorBytes = 512;
const windowBytes = 256 * 1024;
const wasmPageBytes = 64 * 1024;

/** Memory that a disk can take from directly begins at a page of the machine; of all that JavaScript can ask for, only WebAssembly's does. */
const unused: Uint8Array[] = [];

export class DirectWriter {
  readonly #descriptor: number;
  readonly #size: number;
  /** What stands in the file from `#from` on. */
  readonly #window: Uint8Array;
  #from = 0;
  #held = 0;

  private constructor(descriptor: number, size: number, window: Uint8Array) {
    this.#descriptor = descriptor;
    this.#size = size;
    this.#window = window;
  }

  /** undefined where this file or this machine cannot. `size`: of the file, which does not change while this one writes. */
  static async open(path: string, size: number): Promise<DirectWriter | undefined> {
    if (constants.O_DIRECT === undefined || size === 0 || size % sectorBytes > 0) return undefined;
    const window = unused.pop() ?? alignedMemory();
    if (!window) return undefined;
    const descriptor = await new Promise<number | undefined>((resolve) => {
      fs.open(path, constants.O_RDWR | constants.O_DSYNC | constants.O_DIRECT, (error, opened) =>
        resolve(error ? undefined : opened),
      );
    });
    if (descriptor === undefined) {
      unused.push(window);
      return undefined;
    }
    const writer = new DirectWriter(descriptor, size, window);
    // Refused where sectors are larger.
    const canReadASector = await writer.#load(0, sectorBytes).then(
      () => true,
      () => false,
    );
    if (canReadASector) return writer;
    await writer.close();
    return undefined;
  }

  /** Whether these bytes lie inside the file and are not too many. */
  takes(position: number, length: number): boolean {
    return position + length <= this.#size && length <= windowBytes - 2 * sectorBytes;
  }

  /** Something else was written to the file. */
  forget(): void {
    this.#held = 0;
  }

  /** One at a time. What stands beside the bytes in the first and the last sector is written once more as it is. Gives how many of them were written. */
  async write(bytes: Uint8Array, position: number): Promise<number> {
    const from = position - (position % sectorBytes);
    const to = Math.ceil((position + bytes.byteLength) / sectorBytes) * sectorBytes;
    if (from < this.#from || to > this.#from + this.#held) await this.#load(from, windowBytes);
    this.#window.set(bytes, position - this.#from);
    const written = await settled((done) =>
      fs.write(this.#descriptor, this.#window, from - this.#from, to - from, from, done),
    );
    return Math.min(bytes.byteLength, Math.max(0, written - (position - from)));
  }

  close(): Promise<void> {
    unused.push(this.#window);
    return new Promise((resolve, reject) => fs.close(this.#descriptor, (error) => (error ? reject(error) : resolve())));
  }

  async #load(from: number, length: number): Promise<void> {
    this.#held = 0;
    const held = await settled((done) => fs.read(this.#descriptor, this.#window, 0, length, from, done));
    this.#from = from;
    this.#held = held;
  }
}

function alignedMemory(): Uint8Array | undefined {
  try {
    return new Uint8Array(new WebAssembly.Memory({ initial: windowBytes / wasmPageBytes }).buffer);
  } catch {
    return undefined; // no address space to spare
  }
}

function settled(operation: (done: (error: Error | null, bytes: number) => void) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    operation((error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}
