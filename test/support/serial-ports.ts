/** Serial ports for a test: a folder with the paths that a site file names, and what a driver on one of them is given. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { DriverContext } from "../../gateway/ports/driver.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";

/** Removed after the test. */
export async function givenFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "postern-serial-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** `lines`: what was logged, each with its fields. */
export function givenSerialContext(clock: Clock): { readonly context: DriverContext; readonly lines: string[] } {
  const lines: string[] = [];
  const write = (event: string, fields?: LogFields) => void lines.push(`${event} ${JSON.stringify(fields ?? {})}`);
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  const mqtt = {
    publish: async () => false,
    onMessage: () => () => undefined,
    onSubscribed: () => () => undefined,
    onConnection: () => () => undefined,
  };
  return { context: { clock, logger, mqtt, secret: () => undefined }, lines };
}
