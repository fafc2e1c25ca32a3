/** Waits for a condition of a real program that gives no event. Fails with what was waited for, never by chance of the machine's speed. */
import { setTimeout as pause } from "node:timers/promises";

/** Long enough for a machine that is many times slower and busy with other things: whatever holds is noticed at once. */
const deadlineMs = 120_000;
/** Who waits for long looks more rarely, at most so often that the gateway's pages do not tell us to ask less often. */
const pauseMs = { least: 5, most: 25, part: 1 / 20 };

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const begunAt = performance.now();
  while (!(await holds())) {
    const waitedMs = performance.now() - begunAt;
    if (waitedMs > deadlineMs) throw new Error(`waited ${deadlineMs / 1000} s in vain until ${what}`);
    await pause(Math.min(pauseMs.most, Math.max(pauseMs.least, waitedMs * pauseMs.part)));
  }
}
