/**
 * The journal in files. A record is stamped, applied to the records and queued in one turn; a write takes all that is queued, one
 * write at a time, and everyone in it is told together.
 */
import { join } from "node:path";
import type { ClockTrust } from "../domain/clock-interval.ts";
import type { DeviceOrigin, EntryEvent, EventBody, EventSeq } from "../domain/entry-event.ts";
import type { Instant, Millis } from "../domain/instant.ts";
import type { JournalRecord } from "../domain/record.ts";
import type { SiteRecords } from "../domain/site-records.ts";
import { GatewayError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk } from "../ports/disk.ts";
import type { EventBatch, Journal, JournalState, Recorded, RecordedEvent } from "../ports/journal.ts";
import type { Logger } from "../ports/logger.ts";
import { chainNext, eventLine, recordLine } from "../wire/journal-line.ts";
import { isFull, removeIfThere } from "./atomic-file.ts";
import { type DurableEvent, RecentEvents, readEvents } from "./event-reading.ts";
import type { JournalPosition, KnownSegment, RecoveredJournal } from "./journal-recovery.ts";
import { journalFolder, newline, type SegmentHeader, segmentFile, writeBlank } from "./journal-segment.ts";
import { type OpenSegment, SegmentStore } from "./segment-store.ts";

export interface JournalLimits {
  readonly segmentBytes: number;
  readonly ballastBytes: number;
  /** Acknowledged segments beyond this are removed, oldest first; those older than `keptMs` are anyway. */
  readonly keptBytes: number;
  readonly keptMs: number;
}

export const journalLimits: JournalLimits = {
  segmentBytes: 4 * 1024 * 1024,
  ballastBytes: 8 * 1024 * 1024,
  keptBytes: 64 * 1024 * 1024,
  keptMs: 30 * 24 * 3_600_000,
};

export interface FileJournalOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gateway: string;
  readonly epoch: number;
  readonly records: SiteRecords;
  /** Number of this boot; stamped on every event. */
  readonly boot: number;
  readonly time: () => { readonly at: Instant; readonly trust: ClockTrust };
  readonly onFailed: (error: Error) => void;
  /** Between two writes: lets those who were told ask again before the next write takes what is there (doubles the throughput of few callers). */
  readonly nextTurn: () => Promise<void>;
  readonly limits: JournalLimits;
}

/** A group commit in the making. */
interface Batch {
  readonly segment: OpenSegment;
  readonly lines: Line[];
  /** Of the first line. */
  readonly firstLsn: number;
  /** Where the journal stands after its last line. */
  after: JournalPosition;
  bytes: number;
  readonly durable: PromiseWithResolvers<void>;
}

/** JSON text of an event, or of another record. */
type Line = DurableEvent | { readonly record: string };

/** More than lsn, durable, kind, prev and crc need. */
const frameBytes = 200;
const headerBytes = 600;
const batchBytes = 256 * 1024;
/** Enough that a write is well used, and few enough that many callers make several. */
const linesWorthAWrite = 24;
const lookForRoomMs: Millis = 5_000;

export class FileJournal implements Journal {
  readonly #options: FileJournalOptions;
  readonly #store: SegmentStore;
  /** Every segment on the disk, oldest first; `#planning` is the last. */
  readonly #segments: KnownSegment[];
  readonly #recent = new RecentEvents();
  readonly #listeners = new Set<() => void>();
  #buffer = Buffer.allocUnsafe(batchBytes);
  /** Where lines taken in now will stand. */
  #planning: OpenSegment | undefined;
  /** Written to last. */
  #current: OpenSegment | undefined;
  readonly #queue: Batch[] = [];
  #underWay: Batch | undefined;
  #writing: Promise<void> | undefined;
  /** Ends the wait between two writes. */
  #enough: () => void = () => undefined;
  #failure: GatewayError | undefined;
  #closed = false;
  #applied: JournalPosition;
  #durable: JournalPosition;
  #bytesWritten = 0;
  /** What must be on the disk before anything is taken in, and found no room at the start. */
  #unrepeated: RecoveredJournal | undefined;
  #repeating: Promise<void> | undefined;
  /** Looks for room while there is none. */
  #looking: Promise<void> | undefined;
  readonly #closing = new AbortController();
  /** Events that come before all others of this boot. */
  #opening: EventBody[] = [];

  private constructor(options: FileJournalOptions, recovered: RecoveredJournal) {
    this.#options = options;
    this.#applied = recovered.last;
    this.#durable = recovered.last;
    this.#segments = recovered.segments.filter(({ number }) => number < recovered.unused);
    const onFailed = (error: Error) => this.#fail(error, "prepare a segment");
    this.#store = new SegmentStore({ ...options, ...options.limits, onFailed }, recovered.unused);
  }

  /**
   * Makes the recovered tail fit to be written behind: nothing is taken in before that is on the disk. On a full disk the journal
   * comes up "full" and does so once there is room.
   */
  static async open(options: FileJournalOptions, recovered: RecoveredJournal): Promise<FileJournal> {
    const journal = new FileJournal(options, recovered);
    await options.disk.makeFolder(join(options.folder, journalFolder));
    await journal.#cutTail(recovered);
    await journal.#store.start();
    try {
      await journal.#repeatUnproven(recovered);
    } catch (error) {
      if (!isShortOfRoom(error)) throw error;
      journal.#unrepeated = recovered;
      journal.#durable = recovered.unproven.before;
      journal.#full("nothing can be written down");
    }
    if (journal.#failure) throw journal.#failure;
    return journal;
  }

  get state(): JournalState {
    if (this.#failure) return "failed";
    if (this.#closed) return "closed";
    return this.#store.isShort || this.#unrepeated || this.#opening.length > 0 ? "full" : "open";
  }

  get durableSeq(): EventSeq {
    return this.#durable.seq;
  }

  get head(): string {
    return this.#durable.head;
  }

  /** Of the newest record taken in: what the records in memory hold. */
  get position(): JournalPosition {
    return this.#applied;
  }

  /** Bytes written since the start; tells when a snapshot is due. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Records these before anything else: at once, or, when the disk is full and it answers false, as soon as there is room. */
  begin(events: readonly EventBody[]): boolean {
    this.#opening = [...events];
    try {
      this.#recordOpening();
      return true;
    } catch (error) {
      if (!isShortOfRoom(error)) throw error;
      this.#options.logger.error("started-on-a-full-disk", { error: error as Error });
      return false;
    }
  }

  recordEvent(
    body: EventBody,
    { origin, importance = "high" }: { origin?: DeviceOrigin; importance?: "high" | "low" } = {},
  ): RecordedEvent {
    this.#recordOpening();
    return this.#recordEvent(body, origin, importance);
  }

  #recordOpening(): void {
    for (let next = this.#opening[0]; next; next = this.#opening[0]) {
      this.#recordEvent(next, undefined, "high");
      this.#opening.shift();
    }
  }

  #recordEvent(body: EventBody, origin: DeviceOrigin | undefined, importance: "high" | "low"): RecordedEvent {
    const { clock, boot, records, time } = this.#options;
    const { at, trust } = time();
    const seq = this.#applied.seq + 1;
    const mono = Math.round(clock.monotonic());
    const event: EntryEvent = { seq, at, clock: trust, boot, mono, ...(origin && { origin }), ...body };
    const text = JSON.stringify(event);
    const batch = this.#reserve(Buffer.byteLength(text) + frameBytes, importance);
    const prev = this.#applied.head;
    batch.lines.push({ text, seq, prev });
    if (batch.lines.length >= linesWorthAWrite) this.#enough();
    this.#applied = { lsn: this.#applied.lsn + 1, seq, head: chainNext(prev, text) };
    batch.after = this.#applied;
    records.apply({ kind: "event", event }, mono, boot);
    return { event, durable: batch.durable.promise };
  }

  record(record: Exclude<JournalRecord, { kind: "event" }>): Recorded {
    this.#recordOpening();
    const { clock, boot, records } = this.#options;
    const text = JSON.stringify(record);
    const batch = this.#reserve(Buffer.byteLength(text) + frameBytes, "high");
    batch.lines.push({ record: text });
    this.#applied = { ...this.#applied, lsn: this.#applied.lsn + 1 };
    batch.after = this.#applied;
    records.apply(record, Math.round(clock.monotonic()), boot);
    return { durable: batch.durable.promise };
  }

  async eventsFrom(first: EventSeq, limit: { maxEvents: number; maxBytes: number }): Promise<EventBatch | undefined> {
    if (first > this.#durable.seq) return undefined;
    const last = this.#durable.seq;
    const { disk, folder, epoch, nextTurn } = this.#options;
    const oldest = this.#segments[0]?.header;
    if (oldest && first < oldest.firstSeq)
      throw new GatewayError(
        "events-released",
        `the journal begins with event ${oldest.firstSeq}: event ${first} is not kept any more`,
        { seq: first },
      );
    const events =
      this.#recent.from(first, limit) ??
      (await readEvents(
        { disk, folder, nextTurn, segments: this.#segments, written: this.#current },
        first,
        last,
        limit,
      ));
    const [begin, end] = [events[0], events.at(-1)];
    if (!begin || !end || begin.seq !== first) {
      throw new GatewayError(
        "journal-damaged",
        `event ${first} is not in the journal any more: the cloud cannot be given it`,
        { seq: first },
      );
    }
    return {
      epoch,
      first,
      prev: begin.prev,
      head: chainNext(end.prev, end.text),
      lines: events.map(({ text }) => text),
    };
  }

  onDurable(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async flushed(): Promise<void> {
    await (this.#queue.at(-1) ?? this.#underWay)?.durable.promise;
    if (this.#failure) throw this.#failure;
    if (this.#unrepeated) throw this.#full("the last records cannot be made durable");
  }

  /** Removes segments that nobody needs: `covered` by every kept snapshot, acknowledged by the cloud, and old or too many. */
  async retain(covered: number, acknowledged: EventSeq): Promise<void> {
    const { disk, folder, limits, time } = this.#options;
    const now = time().at;
    for (;;) {
      const oldest = this.#segments[0];
      const next = this.#segments.find((segment) => segment !== oldest && segment.header);
      if (!oldest || !next?.header || next.afterLsn === undefined) return;
      const isDone = next.afterLsn <= covered && next.header.firstSeq <= acknowledged;
      const isOld = now - next.header.at > limits.keptMs;
      if (!isDone || !(isOld || this.#segments.length * limits.segmentBytes > limits.keptBytes)) return;
      this.#segments.shift();
      await removeIfThere(disk, join(folder, segmentFile(oldest.number)));
      await disk.syncFolder(join(folder, journalFolder));
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort();
    await this.#looking;
    await this.#repeating;
    await this.#writing;
    await this.#store.close();
    await (await this.#current?.file)?.close();
    if (this.#planning !== this.#current) await (await this.#planning?.file)?.close();
  }

  /** The batch that a line of up to `bytes` goes into. Throws before anything was changed. */
  #reserve(bytes: number, importance: "high" | "low"): Batch {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw new GatewayError("journal-failed", "the journal is closed: the gateway is stopping");
    if (this.#unrepeated) {
      void this.#repeat(this.#unrepeated);
      throw this.#full("nothing can be written down");
    }
    if (this.#store.isShort) {
      void this.#store.mend();
      if (importance === "low") throw this.#full("events of little weight are refused");
    }
    let segment = this.#planning;
    if (!segment || segment.position + segment.reserved + bytes > segment.size) {
      if (bytes + headerBytes > this.#options.limits.segmentBytes)
        throw new RangeError(
          `a record of ${bytes} bytes does not fit a segment of ${this.#options.limits.segmentBytes}`,
        );
      segment = this.#nextSegment(bytes, this.#applied);
    }
    segment.reserved += bytes;
    let batch = this.#queue.at(-1);
    if (!batch || batch.segment !== segment || batch.bytes + bytes > batchBytes) {
      const after = this.#applied;
      batch = { segment, lines: [], firstLsn: after.lsn + 1, after, bytes: 0, durable: Promise.withResolvers() };
      batch.durable.promise.catch(() => undefined); // whoever waits hears it; nobody has to
      this.#queue.push(batch);
      this.#writing ??= Promise.resolve().then(() => this.#write());
    }
    batch.bytes += bytes;
    return batch;
  }

  #full(what: string): GatewayError {
    this.#looking ??= this.#lookForRoom().finally(() => {
      this.#looking = undefined;
    });
    return new GatewayError(
      "storage-full",
      `the disk that holds ${this.#options.folder} is full: ${what} until there is room`,
    );
  }

  /** `after`: where the journal stands before the first line in it. */
  #nextSegment(bytes: number, after: JournalPosition): OpenSegment {
    const segment = this.#store.takeNext(bytes + headerBytes);
    if (!segment) throw this.#full("the journal has no room");
    segment.reserved = headerBytes;
    const { gateway, epoch, time } = this.#options;
    const header: SegmentHeader = {
      kind: "segment",
      schema: 1,
      gateway,
      epoch,
      firstSeq: after.seq + 1,
      head: after.head,
      at: time().at,
      bytes: segment.size,
    };
    this.#segments.push({ number: segment.number, header, afterLsn: after.lsn });
    this.#planning = segment;
    return segment;
  }

  async #write(): Promise<void> {
    for (let batch = this.#queue.shift(); batch && !this.#failure; batch = this.#queue.shift()) {
      this.#underWay = batch;
      try {
        await this.#commit(batch);
      } catch (error) {
        // Preparing the next segment may have failed before, and told all who waited but those of this batch.
        this.#fail(error as Error, "write to the journal");
        return batch.durable.reject(this.#failure);
      }
      this.#underWay = undefined;
      batch.durable.resolve();
      for (const listener of this.#listeners) listener();
      await this.#gather();
    }
    this.#writing = undefined;
  }

  /** Until all who were told had their turn, or so many lines are there that the disk can work while the rest is decided. */
  #gather(): Promise<void> {
    return new Promise((resolve) => {
      this.#enough = resolve;
      void this.#options.nextTurn().then(resolve);
    });
  }

  async #commit({ segment, lines, firstLsn, after, bytes }: Batch): Promise<void> {
    const file = await segment.file;
    const durable = firstLsn - 1;
    await this.#leaveFull(segment);
    const isNew = segment.position === 0;
    let text = isNew ? this.#headerLine(segment.number) : "";
    let lsn = durable;
    for (const line of lines) {
      lsn += 1;
      text += "record" in line ? recordLine(lsn, durable, line.record) : eventLine(lsn, durable, line.text, line.prev);
    }
    const room = bytes + headerBytes;
    if (this.#buffer.length < room) this.#buffer = Buffer.allocUnsafe(room);
    const length = this.#buffer.write(text);
    try {
      await file.write(this.#buffer.subarray(0, length), segment.position);
    } catch (error) {
      // Only where an overwrite allocates (copy-on-write). The same bytes at the same place again are harmless.
      if (!isFull(error) || !(await this.#store.dropBallast())) throw error;
      await file.write(this.#buffer.subarray(0, length), segment.position);
    }
    segment.position += length;
    segment.reserved -= isNew ? bytes + headerBytes : bytes;
    this.#bytesWritten += length;
    this.#durable = after;
    for (const line of lines) if (!("record" in line)) this.#recent.add(line);
  }

  #headerLine(number: number): string {
    const known = this.#segments.find((segment) => segment.number === number)!;
    return recordLine(known.afterLsn!, known.afterLsn!, JSON.stringify(known.header));
  }

  /** Writes come in order: with the first into another segment the one before is done. */
  async #leaveFull(segment: OpenSegment): Promise<void> {
    const before = this.#current;
    this.#current = segment;
    if (before && before !== segment) await (await before.file).close();
  }

  /** Cuts what was never acknowledged, so that no leftover can be taken for a line written later. */
  async #cutTail({ tail, cuts }: RecoveredJournal): Promise<void> {
    const { disk, folder } = this.#options;
    for (const { number, from, to } of cuts) {
      const file = await disk.open(join(folder, segmentFile(number)), { create: false, durable: true });
      await writeBlank(file, from, to);
      await file.close();
    }
    // Without a header of its own a segment is not gone on with.
    if (!tail || !this.#segments.find(({ number }) => number === tail.number)?.header) return;
    this.#planning = await this.#store.reopen(tail.number, tail.size, tail.end);
    this.#current = this.#planning;
  }

  /**
   * Lines of the last write that were read back may be in the machine's memory alone, after a sync that failed or a process that
   * was killed. They are written once more behind themselves, never over themselves: a crash on the way loses neither.
   */
  async #repeatUnproven({ unproven }: RecoveredJournal): Promise<void> {
    const { before, lines } = unproven;
    const bytes = Buffer.concat(lines.flatMap((line) => [line, Buffer.of(newline)]));
    let segment = this.#planning;
    if (!segment || segment.position + bytes.length > segment.size) segment = this.#nextSegment(bytes.length, before);
    if (lines.length === 0) return;
    const isNew = segment.position === 0;
    const all = isNew ? Buffer.concat([Buffer.from(this.#headerLine(segment.number)), bytes]) : bytes;
    await this.#leaveFull(segment);
    await (await segment.file).write(all, segment.position);
    segment.position += all.length;
    segment.reserved = 0;
  }

  /** Nobody may come who asks for a record, and what waits here is not told before. Never rejects. */
  async #lookForRoom(): Promise<void> {
    const { clock } = this.#options;
    while (this.state === "full") {
      try {
        await clock.sleep(lookForRoomMs, this.#closing.signal);
        if (this.#unrepeated) await this.#repeat(this.#unrepeated);
        else await this.#store.mend();
        if (!this.#unrepeated) this.#recordOpening();
      } catch (error) {
        if (!isShortOfRoom(error)) return;
      }
    }
  }

  /** Once at a time. Never rejects. */
  #repeat(recovered: RecoveredJournal): Promise<void> {
    this.#repeating ??= this.#repeatOnceThereIsRoom(recovered);
    return this.#repeating;
  }

  /** Never rejects. */
  async #repeatOnceThereIsRoom(recovered: RecoveredJournal): Promise<void> {
    try {
      await this.#store.mend();
      await this.#repeatUnproven(recovered);
      this.#durable = recovered.last;
      this.#unrepeated = undefined;
    } catch (error) {
      if (!isShortOfRoom(error)) this.#fail(error as Error, "repeat the last records");
    } finally {
      this.#repeating = undefined;
    }
  }

  #fail(cause: Error, doing: string): void {
    if (this.#failure) return;
    const { folder, onFailed, logger } = this.#options;
    this.#failure = new GatewayError(
      "journal-failed",
      `could not ${doing} in ${folder} (${cause.message}): nothing is admitted until the gateway has started again`,
      {},
      { cause },
    );
    logger.error("journal-failed", { error: cause });
    for (const batch of this.#queue.splice(0)) batch.durable.reject(this.#failure);
    this.#writing = undefined;
    onFailed(this.#failure);
  }
}

function isShortOfRoom(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "storage-full";
}
