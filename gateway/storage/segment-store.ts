/**
 * Where journal lines go: the segment in use, the next one prepared ahead of need, and a ballast file that is given up when the
 * disk fills. Because the next segment is filled with blank lines and synced beforehand, an append neither allocates nor meets a
 * full disk: that is known one segment earlier.
 */
import { join } from "node:path";
import type { Monotonic } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";
import type { Logger } from "../ports/logger.ts";
import { isFull, listIfThere, removeIfThere, writeFileAtomically } from "./atomic-file.ts";
import { ballastFile } from "./data-folder.ts";
import { blankPieces, prepareSegment, segmentFile } from "./journal-segment.ts";

/** A segment that lines are written to. */
export interface OpenSegment {
  readonly number: number;
  readonly size: number;
  /** Where the next line goes; 0: the header is still to be written. */
  position: number;
  /** Bytes promised to lines that are not written yet. */
  reserved: number;
  /** Resolves when the file stands on the disk and can be written to. */
  readonly file: Promise<DiskFile>;
}

export interface SegmentStoreOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly segmentBytes: number;
  readonly ballastBytes: number;
  /** The disk failed in another way than by being full. */
  readonly onFailed: (error: Error) => void;
}

const retryAfterMs = 5_000;

export class SegmentStore {
  readonly #options: SegmentStoreOptions;
  #nextNumber: number;
  /** undefined: there was no room for it. */
  #next: OpenSegment | undefined;
  #preparing: Promise<void> | undefined;
  /** The newest that stands on the disk. */
  #prepared: OpenSegment | undefined;
  #hasBallast = false;
  #triedAt: Monotonic = Number.NEGATIVE_INFINITY;
  #mending: Promise<void> | undefined;
  #closed = false;

  /** `nextNumber`: of the first segment to be prepared. */
  constructor(options: SegmentStoreOptions, nextNumber: number) {
    this.#options = options;
    this.#nextNumber = nextNumber;
  }

  /** The disk has run short: only what matters may still be written. */
  get isShort(): boolean {
    return !this.#hasBallast || !this.#next;
  }

  /** Prepares the next segment and lays down the ballast, as far as there is room. */
  async start(): Promise<void> {
    const { disk, folder } = this.#options;
    this.#hasBallast = (await listIfThere(disk, folder)).includes(ballastFile);
    this.#prepareNext();
    await this.#preparing;
    await this.mend();
  }

  async reopen(number: number, size: number, position: number): Promise<OpenSegment> {
    const { disk, folder } = this.#options;
    const file = await disk.open(join(folder, segmentFile(number)), { create: false, durable: true });
    return { number, size, position, reserved: 0, file: Promise.resolve(file) };
  }

  /** The segment to go on with when one is full; undefined: there is no room for one. Takes up to `bytes`. */
  takeNext(bytes: number): OpenSegment | undefined {
    const next = this.#next;
    if (!next || bytes > next.size) return undefined;
    this.#prepareNext();
    return next;
  }

  /** Looks for room again, at most every few seconds. Never rejects. */
  mend(): Promise<void> {
    const now = this.#options.clock.monotonic();
    if (this.#closed || !this.isShort || this.#mending || now - this.#triedAt < retryAfterMs)
      return this.#mending ?? Promise.resolve();
    this.#triedAt = now;
    this.#mending = this.#lookForRoom().finally(() => {
      this.#mending = undefined;
    });
    return this.#mending;
  }

  /** Gives up the ballast; false when there was none. */
  async dropBallast(): Promise<boolean> {
    const { disk, folder, logger } = this.#options;
    if (!this.#hasBallast) return false;
    this.#hasBallast = false;
    this.#triedAt = this.#options.clock.monotonic();
    await removeIfThere(disk, join(folder, ballastFile));
    logger.warn("disk-full", { folder });
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#mending;
    await this.#preparing;
    const file = await this.#next?.file.catch(() => undefined);
    await file?.close();
  }

  #prepareNext(): void {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const file = this.#prepare(number);
    const next: OpenSegment = { number, size: this.#options.segmentBytes, position: 0, reserved: 0, file };
    this.#next = next;
    this.#preparing = file.then(
      () => {
        this.#prepared = next;
      },
      (error: Error) => {
        // Whoever has taken it already finds out by its file.
        if (this.#next === next) this.#next = undefined;
        this.#nextNumber = Math.min(this.#nextNumber, number);
        if (!isFull(error)) this.#options.onFailed(error);
      },
    );
  }

  async #prepare(number: number): Promise<DiskFile> {
    const { disk, folder, segmentBytes } = this.#options;
    try {
      await prepareSegment(disk, folder, number, segmentBytes);
    } catch (error) {
      if (!isFull(error) || !(await this.dropBallast())) throw error;
      await prepareSegment(disk, folder, number, segmentBytes);
    }
    return disk.open(join(folder, segmentFile(number)), { create: false, durable: true });
  }

  async #lookForRoom(): Promise<void> {
    const { disk, folder, ballastBytes, logger, onFailed } = this.#options;
    if (!this.#next) {
      // Counted on only once it is there: nothing is promised on a disk that was full a moment ago.
      this.#prepareNext();
      const next = this.#next;
      this.#next = undefined;
      await this.#preparing;
      if (this.#prepared !== next) return;
      this.#next = next;
    }
    if (this.#hasBallast) return;
    try {
      await writeFileAtomically(disk, join(folder, ballastFile), blankPieces(ballastBytes));
      this.#hasBallast = true;
      logger.info("disk-has-room", { folder });
    } catch (error) {
      if (!isFull(error)) onFailed(error as Error);
    }
  }
}
