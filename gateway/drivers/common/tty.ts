/**
 * One open serial port. The serialport package opens and locks it and sets its speed; bytes are moved here, because its own reader asks a
 * port that was pulled out while it read again and again, for ever and at the processor's full speed, and never says that the port is gone.
 * Seen with serialport 13.0.0. Neither reading nor writing waits: the port is open non-blocking, so a device that hangs costs no thread.
 */
import { readSync, writeSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { SerialPort } from "serialport";

export interface TtyOptions {
  /** Absolute path of the port. */
  readonly path: string;
  readonly baudRate: number;
}

export interface TtyEvents {
  /** Belongs to whoever is called; at most 4 kB. */
  onBytes(bytes: Buffer): void;
  /** Once: it was pulled out, or failed. Not told after close(). */
  onGone(why: string): void;
}

type Binding = Awaited<ReturnType<typeof SerialPort.binding.open>>;
type PolledBinding = Extract<Binding, { readonly poller: unknown }>;

const chunkBytes = 4_096;
/** Where udev keeps the names that do not change; the kernel's names stand for machines without it. */
const stableFolders = ["/dev/serial/by-id", "/dev/serial/by-path"];
const namesToldMax = 10;

/** 8 data bits, no parity, one stop bit, no flow control, and nobody else's while it is open. What came before is thrown away by the package. */
export async function openTty({ path, baudRate }: TtyOptions, events: TtyEvents): Promise<Tty> {
  // Dropping DTR at each close would start boards anew that hang their reset on it.
  const port = await SerialPort.binding.open({ path, baudRate, lock: true, hupcl: false });
  if (!("poller" in port) || port.fd === null) {
    await port.close();
    throw new Error("serial ports are read on Linux and macOS only");
  }
  return new Tty(port, port.fd, events);
}

/** The ports of this machine, by names that stay where there are such; at most ten. */
export async function portsHere(): Promise<readonly string[]> {
  for (const folder of stableFolders) {
    const names = await readdir(folder).catch((): string[] => []);
    if (names.length > 0) return names.slice(0, namesToldMax).map((name) => `${folder}/${name}`);
  }
  const names = await readdir("/dev").catch((): string[] => []);
  return names
    .filter((name) => /^tty(USB|ACM|AMA)\d+$/.test(name))
    .slice(0, namesToldMax)
    .map((name) => `/dev/${name}`);
}

export class Tty {
  /** For a child process that shares the port; the lock goes with it. */
  readonly fd: number;
  readonly #port: PolledBinding;
  readonly #events: TtyEvents;
  readonly #chunk = Buffer.allocUnsafe(chunkBytes);
  #isOver = false;

  constructor(port: PolledBinding, fd: number, events: TtyEvents) {
    this.#port = port;
    this.fd = fd;
    this.#events = events;
    this.#await();
  }

  /** How many bytes the kernel has taken; throws when it has taken none. */
  write(bytes: Uint8Array): number {
    if (this.#isOver) throw new Error("the port is closed");
    return writeSync(this.fd, bytes);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    if (this.#port.isOpen) await this.#port.close();
  }

  #await(): void {
    this.#port.poller.once("readable", (error) => {
      // The package calls from outside of Node's own loop: promises that are settled in such a call go on only when something else happens.
      setImmediate(() => {
        if (this.#isOver) return;
        if (error) this.#gone("it was pulled out");
        else this.#read();
      });
    });
  }

  #read(): void {
    let bytes: number;
    try {
      bytes = readSync(this.fd, this.#chunk, 0, chunkBytes, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN" || code === "EINTR") this.#await();
      else this.#gone(`reading failed: ${code ?? "no reason given"}`);
      return;
    }
    // Readable, and nothing to read: the other side is no more.
    if (bytes === 0) {
      this.#gone("it was pulled out");
      return;
    }
    this.#events.onBytes(Buffer.from(this.#chunk.subarray(0, bytes)));
    if (!this.#isOver) this.#await();
  }

  #gone(why: string): void {
    this.#isOver = true;
    this.#events.onGone(why);
  }
}
