/** Ports for whoever goes and comes back to them, below those that systems hand out: while the owner is gone nobody is given one by chance. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Linux hands out ports from 32768 on, others from 49152; what is well known lies mostly below the first. */
const range = { from: 10_000, below: 32_768 };
const triesMax = 100;

/** One for each name, on loopback, and free when this resolves. */
export async function steadyPorts<Name extends string>(
  ...names: readonly Name[]
): Promise<Readonly<Record<Name, number>>> {
  const ports = new Map<Name, number>();
  for (const name of names) ports.set(name, await steadyPort([...ports.values()]));
  return Object.fromEntries(ports) as Record<Name, number>;
}

/** `others`: those that it must not be. */
export async function steadyPort(others: readonly number[] = []): Promise<number> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = randomInt(range.from, range.below);
    if (!others.includes(port) && (await isFree(port))) return port;
  }
  throw new Error(`${triesMax} ports between ${range.from} and ${range.below} are in use; end what holds them`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
