/** Sees the data volume fill up before anything on it fails, and says so once. */
import type { Millis } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk } from "../ports/disk.ts";
import type { Logger } from "../ports/logger.ts";
import { journalLimits } from "./file-journal.ts";

/** Less is free than the journal sets aside for itself: when that is used up, it finds no more. */
export const diskLowBytes = journalLimits.ballastBytes + journalLimits.segmentBytes;

export interface DiskRoom {
  readonly freeBytes: number;
  readonly low: boolean;
}

const lookMs: Millis = 60_000;

export class DiskWatch {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #logger: Logger;
  #isTold = false;

  constructor({ folder, disk, logger }: { folder: string; disk: Disk; logger: Logger }) {
    this.#folder = folder;
    this.#disk = disk;
    this.#logger = logger;
  }

  /** Rejects when the volume cannot be asked. */
  async look(): Promise<DiskRoom> {
    const freeBytes = await this.#disk.freeBytes(this.#folder);
    const low = freeBytes < diskLowBytes;
    if (low && !this.#isTold) {
      this.#isTold = true;
      this.#logger.warn("disk-nearly-full", { folder: this.#folder, freeBytes, lowBelowBytes: diskLowBytes });
    }
    // Not at the first byte of room: it would be told again and again.
    if (freeBytes >= 2 * diskLowBytes) this.#isTold = false;
    return { freeBytes, low };
  }

  /** Until the signal fires. */
  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look().catch((error: Error) => this.#logger.error("disk-not-read", { folder: this.#folder, error }));
      await clock.sleep(lookMs, signal).catch(() => undefined);
    }
  }
}
