/** Waits for a condition of a real program that gives no event. Fails with what was waited for, never by chance of the machine's speed. */
import { setTimeout as pause } from "node:timers/promises";

/** Long enough for a machine that is many times slower and busy with other things: whatever holds is noticed at once. */
const deadlineMs = 120_000;

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`waited ${deadlineMs / 1000} s in vain until ${what}`);
    await pause(5);
  }
}
