/** A service of ours run as a process of its own, told to be ready by its ready file. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "../gateway/system-clock.ts";
import { CommandError } from "./command.ts";
import { timeWord } from "./demo-clock.ts";

export interface ServiceOptions {
  readonly logFile: string;
  readonly readyFile: string;
  /** Writes the configuration anew before each start and names the file. */
  readonly config: () => Promise<string>;
  readonly env: Readonly<Record<string, string>>;
  /** The time it is given, as late as that is at each start; absent: the machine's, and its command as everybody else starts it. */
  readonly time?: { readonly aheadMs: number };
}

/** How a process ended. */
export interface ServiceExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const program = fileURLToPath(new URL("../bin/postern.mjs", import.meta.url));
const programOnDemoTime = fileURLToPath(new URL("./demo-service.mjs", import.meta.url));
/** As long as a busy machine keeps it from its channel; a service that is starting takes the time over when it gets there. */
const leapDeadlineMs = 5_000;
const stopDeadlineMs = 6_000;
/**
 * For glibc's allocator: threads share an arena, and what is free at an arena's end goes back to the system, which is some 10 MB less for
 * an idle gateway. A process can be told this by its environment only; Dockerfile and the unit in README.md say the same.
 */
const sparingAllocator = { MALLOC_ARENA_MAX: "2", MALLOC_TRIM_THRESHOLD_: "131072" };

export class ServiceProcess {
  readonly #command: string;
  readonly #options: ServiceOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<ServiceExit | undefined> = Promise.resolve(undefined);

  constructor(command: "gateway" | "cloud-sync", options: ServiceOptions) {
    this.#command = command;
    this.#options = options;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Settles when what start() was last called for has ended; with undefined when it came to no process. */
  get ended(): Promise<ServiceExit | undefined> {
    return this.#ended;
  }

  /**
   * Resolves with what the ready file says; rejects with a CommandError when the process ends or the deadline passes first, and with
   * the signal's reason when that fires before there is a process.
   */
  async start(deadlineMs: number, signal?: AbortSignal): Promise<Record<string, unknown>> {
    if (this.#child) throw new Error(`${this.#command} is running already`);
    this.#ended = Promise.resolve(undefined);
    const { logFile, readyFile, config, env, time } = this.#options;
    await rm(readyFile, { force: true });
    const file = await config();
    signal?.throwIfAborted();
    const log = openSync(logFile, "a", 0o600);
    const logBegins = fstatSync(log).size;
    const words = [time ? programOnDemoTime : program, this.#command, "--config", file, "--ready-file", readyFile];
    const child = spawn(process.execPath, words, {
      // The channel carries the demo's time or nothing; when it breaks, this process is gone, and the service ends too (process.ts).
      stdio: ["ignore", log, log, "ipc"],
      env: { ...sparingAllocator, ...process.env, ...env },
    });
    closeSync(log);
    this.#child = child;
    const ended = Promise.withResolvers<ServiceExit>();
    this.#ended = ended.promise;
    const gone = (code: number | null, by: NodeJS.Signals | null) => {
      this.#child = undefined;
      ended.resolve({ code, signal: by });
    };
    child.once("exit", gone);
    // The system had no process to give.
    child.once("error", () => child.pid ?? gone(null, null));
    if (time) child.send({ aheadMs: time.aheadMs }, () => undefined);
    const endsAt = systemClock.monotonic() + deadlineMs;
    for (;;) {
      const ready = await readFile(readyFile, "utf8").catch(() => undefined);
      if (ready) return JSON.parse(ready) as Record<string, unknown>;
      if (!this.#child) throw new CommandError(`${this.#command} did not start${await saidLast(logFile, logBegins)}`);
      if (systemClock.monotonic() > endsAt)
        throw new CommandError(`${this.#command} was not ready within ${deadlineMs} ms; see ${logFile}`);
      await systemClock.sleep(50);
    }
  }

  /** Tells it how late it is. Resolves once it is so late there, or it is gone, or has not answered in time: with whether it is. */
  async leapTo(aheadMs: number): Promise<boolean> {
    const child = this.#child;
    if (!child?.connected) return true;
    const over = new AbortController();
    const isThere = new Promise<boolean>((resolve) => {
      const hear = (message: unknown) => {
        const word = timeWord.safeParse(message);
        if (word.success && word.data.aheadMs >= aheadMs) resolve(true);
      };
      const gone = () => resolve(true);
      child.on("message", hear).once("disconnect", gone);
      over.signal.addEventListener("abort", () => child.off("message", hear).off("disconnect", gone), { once: true });
    });
    const late = systemClock.sleep(leapDeadlineMs, over.signal).then(
      () => false,
      () => false,
    );
    child.send({ aheadMs }, () => undefined);
    try {
      return await Promise.race([isThere, late]);
    } finally {
      over.abort();
    }
  }

  /** As a service manager would: ask, then insist. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const insist = new AbortController();
    systemClock.sleep(stopDeadlineMs, insist.signal).then(
      () => child.kill("SIGKILL"),
      () => undefined,
    );
    await ended;
    insist.abort();
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
}

/** What a command fails with it says at the end, after the program's name (postern.ts). */
async function saidLast(logFile: string, from: number): Promise<string> {
  const text = (await readFile(logFile)).subarray(from).toString();
  const said = /^postern: (.*)$/ms.exec(text)?.[1]?.trim() ?? "";
  return said === "" ? `; see ${logFile}` : `: ${said}\nIts log: ${logFile}`;
}
