/** Runs the real program as a person would. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export const program = fileURLToPath(new URL("../../bin/postern.mjs", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export function startPostern(
  words: readonly string[],
  { env = {}, node = process.execPath }: { readonly env?: Record<string, string>; readonly node?: string } = {},
): Started {
  const child = spawn(node, [program, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...env },
  });
  const ended = Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]).then(
    ([[code], out, err]): Ended => ({ code: code as number | null, out, err }),
  );
  return { child, ended };
}

export function postern(words: readonly string[], options?: Parameters<typeof startPostern>[1]): Promise<Ended> {
  return startPostern(words, options).ended;
}

/** The machine's own Node, where that is one that Postern does not run on; as on Debian, whose users start it by that one. */
export const olderNode = ["/usr/bin/node"].find((path) => {
  if (!existsSync(path)) return false;
  return Number(/^v(\d+)/.exec(execFileSync(path, ["--version"], { encoding: "utf8" }))?.[1]) < 26;
});
