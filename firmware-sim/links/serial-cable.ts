/**
 * The cable between a simulated device and the gateway: a pty by socat, at a path that stays as /dev/serial/by-id does. Pulling it out ends
 * the pty; plugging it in makes another one under the same path, in which nothing waits.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, rm } from "node:fs/promises";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";

export interface SerialCableOptions {
  readonly clock: Clock;
  /** Where the gateway finds the port. */
  readonly path: string;
  /**
   * Of what the device sends: `lose`, `garble` and `repeat` for each message, `disconnect` pulls the cable after it. Of what it is sent, `lose`
   * alone.
   */
  readonly faults: Faults;
  /** What the gateway has sent, as it comes. */
  onBytes(bytes: Buffer): void;
}

const lookEveryMs = 5;

interface Plugged {
  readonly socat: ChildProcess;
  /** Keeps the pty from ending when the gateway closes its end, as a cable does. */
  readonly held: FileHandle;
}

export class SerialCable {
  readonly #options: SerialCableOptions;
  #plugged: Plugged | undefined;

  constructor(options: SerialCableOptions) {
    this.#options = options;
  }

  get isPlugged(): boolean {
    return this.#plugged !== undefined;
  }

  /** Resolves when the port is there. Rejects where socat is not installed. */
  async plug(): Promise<void> {
    if (this.#plugged) return;
    const { path, clock } = this.#options;
    await rm(path, { force: true });
    const socat = spawn("socat", [`PTY,link=${path},rawer`, "STDIO"], { stdio: ["pipe", "pipe", "ignore"] });
    const failed = new Promise<never>((_, reject) => {
      socat.once("error", (cause) => reject(new Error("socat does not start: is it installed?", { cause })));
      socat.once("exit", () => reject(new Error(`socat ended: ${path} cannot be made`)));
    });
    failed.catch(() => undefined);
    socat.stdin?.on("error", () => undefined);
    await Promise.race([failed, this.#appears(path, clock)]);
    const held = await open(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    socat.stdout?.on("data", (bytes: Buffer) => this.#hear(bytes));
    this.#plugged = { socat, held };
  }

  /** Resolves when the port is no more. What was on its way is gone. */
  async pull(): Promise<void> {
    const plugged = this.#plugged;
    this.#plugged = undefined;
    if (!plugged) return;
    const { socat, held } = plugged;
    const ended = new Promise((resolve) => socat.once("exit", resolve));
    if (socat.exitCode === null) {
      socat.kill("SIGKILL");
      await ended;
    }
    await held.close();
    await rm(this.#options.path, { force: true });
  }

  /** Sends as the device, unless the cable is out. */
  send(bytes: Uint8Array): void {
    const { copies, breaks } = this.#options.faults.pass(Buffer.from(bytes).toString("latin1"));
    for (const { payload } of copies) this.#plugged?.socat.stdin?.write(Buffer.from(payload, "latin1"));
    if (breaks) void this.pull();
  }

  #hear(bytes: Buffer): void {
    if (this.#options.faults.chance(this.#options.faults.rates.lose)) return;
    this.#options.onBytes(bytes);
  }

  async #appears(path: string, clock: Clock): Promise<void> {
    const isThere = () =>
      lstat(path).then(
        () => true,
        () => false,
      );
    while (!(await isThere())) await clock.sleep(lookEveryMs);
  }
}
