#!/usr/bin/env node
// Starts the command line under the Node that package-lock.json pins, whatever Node was found first.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const needed = 26;
const root = fileURLToPath(new URL("..", import.meta.url));
const lookForParentEveryMs = 500;

if (process.env.npm_command === "exec") endWithParent();

if (Number(process.versions.node.split(".")[0]) >= needed) {
  const { register } = await import("tsx/esm/api");
  register({ tsconfig: `${root}tsconfig.json` });
  await import("../cli/postern.ts");
} else {
  const pinned = pinnedNode();
  if (!pinned) {
    console.error(
      `postern needs Node ${needed} or newer; this is ${process.version} on ${process.platform}-${process.arch}.\n` +
        `\`npm ci\` brings the right one on Linux x64 and arm64; elsewhere install Node ${needed} and start again.`,
    );
    process.exit(1);
  }
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

/** npx hands a signal to the shell between it and us, and that one ends without a word. */
function endWithParent() {
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    process.kill(process.pid, "SIGTERM");
  }, lookForParentEveryMs);
  look.unref();
}

function pinnedNode() {
  try {
    const folder = createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/package.json`);
    const path = folder.replace(/package\.json$/, "bin/node");
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
