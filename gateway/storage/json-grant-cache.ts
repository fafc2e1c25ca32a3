/**
 * The JSON cache: lowdb's `Low` over snapshots of our own making, because lowdb's file adapter neither syncs nor lets the loop
 * breathe. read() takes the newest whole snapshot, write() makes a new generation; two are kept.
 */
import { join } from "node:path";
import { type Adapter, Low } from "lowdb";
import type { SiteRecords } from "../domain/site-records.ts";
import { GatewayError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk } from "../ports/disk.ts";
import type { GrantCache } from "../ports/grant-cache.ts";
import type { Logger } from "../ports/logger.ts";
import { chainStart } from "../wire/journal-line.ts";
import { isUnreadable, listIfThere, writeFileAtomically } from "./atomic-file.ts";
import type { FileJournal } from "./file-journal.ts";
import type { JournalPosition } from "./journal-recovery.ts";
import { SharedParts } from "./shared-parts.ts";
import { readSnapshot, readSnapshotHeader, type SnapshotHeader, snapshotPieces } from "./snapshot-file.ts";

/** What lowdb holds: the records as of a place in the journal. */
export interface CachedSite {
  readonly records: SiteRecords;
  readonly position: JournalPosition;
}

export interface SnapshotOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly gateway: string;
  readonly epoch: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Records without anything in them. */
  readonly emptyRecords: () => SiteRecords;
  readonly nextTurn: () => Promise<void>;
}

export const snapshotFolder = "snapshot";
const generationsKept = 2;
const headerBytesMax = 4096;

export class SnapshotAdapter implements Adapter<CachedSite> {
  /** Asked before a snapshot is published: resolves when the lines it holds are on the disk. */
  durable: () => Promise<void> = async () => undefined;
  /** How far each kept generation goes, oldest first. */
  #kept: { readonly number: number; readonly lsn: number }[] = [];
  #newest = 0;
  readonly #options: SnapshotOptions;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  /** Every kept generation holds the lines up to here. */
  get covered(): number {
    return this.#kept.length < generationsKept ? 0 : Math.min(...this.#kept.map(({ lsn }) => lsn));
  }

  /** null: there is no whole snapshot. */
  async read(): Promise<CachedSite | null> {
    const { disk, folder, logger, clock, emptyRecords } = this.#options;
    const numbers = await snapshotNumbers(disk, folder);
    this.#newest = numbers.at(-1) ?? 0;
    let found: CachedSite | null = null;
    for (const number of numbers.slice(-generationsKept).reverse()) {
      const path = join(folder, snapshotFile(number));
      if (found) {
        const older = await olderHeader(disk, path);
        if (older) this.#kept.unshift({ number, lsn: older.position.lsn });
        continue;
      }
      const records = emptyRecords();
      const now = clock.monotonic();
      const parts = new SharedParts();
      const header = await readSnapshot(disk, path, (item) => records.restore(parts.share(item), now));
      if (!header) {
        logger.error("snapshot-damaged", { file: snapshotFile(number) });
        continue;
      }
      this.#checkOwner(header, number);
      this.#kept.unshift({ number, lsn: header.position.lsn });
      found = { records, position: header.position };
    }
    return found;
  }

  async write({ records, position }: CachedSite): Promise<void> {
    const { disk, folder, gateway, epoch, clock, nextTurn } = this.#options;
    const header: SnapshotHeader = { kind: "snapshot", schema: 1, gateway, epoch, position };
    const pieces = snapshotPieces(header, records.dump(clock.monotonic()));
    const number = this.#newest + 1;
    await disk.makeFolder(join(folder, snapshotFolder));
    await writeFileAtomically(disk, join(folder, snapshotFile(number)), inTurns(pieces, nextTurn), this.durable);
    this.#newest = number;
    this.#kept = [...this.#kept, { number, lsn: position.lsn }].slice(-generationsKept);
    await this.#removeOthers();
  }

  async #removeOthers(): Promise<void> {
    const { disk, folder } = this.#options;
    for (const number of await snapshotNumbers(disk, folder)) {
      if (!this.#kept.some((kept) => kept.number === number)) await disk.remove(join(folder, snapshotFile(number)));
    }
    await disk.syncFolder(join(folder, snapshotFolder));
  }

  #checkOwner({ gateway, epoch }: SnapshotHeader, number: number): void {
    const wanted = this.#options;
    if (gateway === wanted.gateway && epoch === wanted.epoch) return;
    throw new GatewayError(
      "data-taken",
      `${snapshotFile(number)} belongs to gateway ${gateway}, epoch ${epoch}; this is gateway ${wanted.gateway}, epoch ${wanted.epoch}: use another data folder, or move journal/ and snapshot/ of this one away`,
    );
  }
}

export class JsonGrantCache implements GrantCache {
  readonly #low: Low<CachedSite>;
  readonly #adapter: SnapshotAdapter;
  readonly #journal: FileJournal;
  #running: Promise<void> | undefined;
  #following: Promise<void> | undefined;
  #writtenAtSnapshot = 0;

  constructor(low: Low<CachedSite>, adapter: SnapshotAdapter, journal: FileJournal) {
    this.#low = low;
    this.#adapter = adapter;
    this.#journal = journal;
    adapter.durable = () => journal.flushed();
  }

  get records(): SiteRecords {
    return this.#low.data.records;
  }

  /** Journal bytes written since the last snapshot. */
  get bytesSinceSnapshot(): number {
    return this.#journal.bytesWritten - this.#writtenAtSnapshot;
  }

  /** One at a time; who asks while one is being written gets the next, which holds what had been recorded by then. */
  snapshot(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#write().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#following ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#following = undefined;
        return this.snapshot();
      });
    return this.#following;
  }

  async #write(): Promise<void> {
    const written = this.#journal.bytesWritten;
    // As of now, because the snapshot waits until this is on the disk: an acknowledgement lost in a power cut must find its events.
    const { acknowledged } = this.records;
    this.#low.data = { records: this.records, position: this.#journal.position };
    await this.#low.write();
    this.#writtenAtSnapshot = written;
    await this.#journal.retain(this.#adapter.covered, acknowledged);
  }
}

/** lowdb's store with the newest whole snapshot in it, or empty records. */
export async function loadCache(options: SnapshotOptions): Promise<{ low: Low<CachedSite>; adapter: SnapshotAdapter }> {
  const adapter = new SnapshotAdapter(options);
  const position = { lsn: 0, seq: 0, head: chainStart(options.gateway, options.epoch) };
  const low = new Low<CachedSite>(adapter, { records: options.emptyRecords(), position });
  await low.read();
  return { low, adapter };
}

export function snapshotFile(number: number): string {
  return `${snapshotFolder}/${String(number).padStart(6, "0")}.jsonl`;
}

/** Numbers of the snapshots in a data folder, rising. */
export async function snapshotNumbers(disk: Disk, folder: string): Promise<number[]> {
  const names = await listIfThere(disk, join(folder, snapshotFolder));
  return names
    .flatMap((name) => /^(\d{6,})\.jsonl$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

async function olderHeader(disk: Disk, path: string): Promise<SnapshotHeader | undefined> {
  try {
    return readSnapshotHeader(await disk.read(path, headerBytesMax));
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

async function* inTurns(pieces: Iterable<Uint8Array>, nextTurn: () => Promise<void>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    yield piece;
    await nextTurn();
  }
}
