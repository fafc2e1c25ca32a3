/** Runs one of our scripts in a process of its own and reads the JSON lines it prints. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Child {
  readonly process: ChildProcess;
  /** The next line, parsed. Rejects when the process ends first. */
  next<T>(): Promise<T>;
  /** Writes a line to it; the next one it prints is the answer. */
  ask<T>(question: string): Promise<T>;
  end(): Promise<void>;
}

/** What `postern gateway` begins with, too. */
const asGateway = join(import.meta.dirname, "../../cli/small-heap.ts");

/** `script`: a file of this folder. */
export function startChild(script: string, ...args: readonly string[]): Child {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--import", asGateway, join(import.meta.dirname, script), ...args],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async <T>() => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${script} ended before it answered`);
    return JSON.parse(value) as T;
  };
  return {
    process: child,
    next,
    ask: (question) => {
      child.stdin!.write(`${question}\n`);
      return next();
    },
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill();
      await ended;
    },
  };
}
