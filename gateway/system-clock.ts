/** The only file that asks the system for time. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "./ports/clock.ts";

export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }),
};
