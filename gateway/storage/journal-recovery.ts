/**
 * Reads a journal after whatever happened to it. Damage is told, never thrown, be it a wrong byte, a file cut off or one that the medium
 * does not give back; another gateway's journal and other errors of the disk reject.
 *
 * A line counts when its checksum holds and its number follows. Where numbers are missing, two cases differ by what later lines
 * say was on the disk before them: numbers up to that were durable and are damage; numbers beyond it belong to the one write that was
 * under way when the process ended (its sectors land in any order), so that write is cut at its first gap. Lines that an earlier start
 * wrote once more stand for those that are unreadable in their place.
 *
 * What cannot be told apart: durable lines at the very end of which not one readable byte, snapshot or later line speaks, and a write
 * that never ended. The cloud knows better when it was told of them.
 */
import { join } from "node:path";
import type { EventSeq } from "../domain/entry-event.ts";
import type { JournalRecord } from "../domain/record.ts";
import { GatewayError } from "../errors.ts";
import type { Disk } from "../ports/disk.ts";
import { chainNext, type ParsedLine } from "../wire/journal-line.ts";
import { isUnreadable, listIfThere, writeFileAtomically } from "./atomic-file.ts";
import {
  headerOf,
  journalFolder,
  type LinePlace,
  lostAtEnd,
  newline,
  readLines,
  readSegment,
  recordOf,
  type SegmentHeader,
  type SegmentLine,
  segmentFile,
  segmentNumbers,
} from "./journal-segment.ts";

/** How far a journal has come: number of its last line, of its last event, and the chain value after that. */
export interface JournalPosition {
  readonly lsn: number;
  readonly seq: EventSeq;
  readonly head: string;
}

export interface JournalDamage {
  readonly file: string;
  readonly line: number;
  /** Records lost that no snapshot covers; where nobody can count them, as many as there may have been. */
  readonly lines: number;
  readonly what: string;
}

/** One file, as far as the journal needs to know it. */
export interface KnownSegment {
  readonly number: number;
  /** undefined: not used yet, or unreadable. */
  readonly header: SegmentHeader | undefined;
  /** Number of the last record before it; undefined where the header is unreadable. */
  readonly afterLsn: number | undefined;
}

export interface RecoveredJournal {
  readonly segments: readonly KnownSegment[];
  readonly last: JournalPosition;
  /** The segment that holds the last line that counts; it can be gone on with if its header is known. */
  readonly tail: { readonly number: number; readonly size: number; readonly end: number } | undefined;
  /** What was written and never acknowledged: to be blank again before anything follows. */
  readonly cuts: readonly TornPart[];
  /** Number of the first segment of which nothing counts. */
  readonly unused: number;
  /** Lines that count although nothing proves that they reached the disk; they are written once more before anything follows. */
  readonly unproven: { readonly before: JournalPosition; readonly lines: readonly Uint8Array[] };
  /** Bytes in the cuts that are not blank. */
  readonly cutBytes: number;
  readonly damage: readonly JournalDamage[];
}

/** Bytes `from` … `to` of a segment. */
export interface TornPart {
  readonly number: number;
  readonly from: number;
  readonly to: number;
}

export interface RecoveryOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly gateway: string;
  readonly epoch: number;
  /** Of the snapshot that is in memory already; lines up to it are on the disk, and are not applied again. */
  readonly from: JournalPosition;
  readonly apply: (record: JournalRecord) => void;
  readonly nextTurn: () => Promise<void>;
}

const headerBytesMax = 4096;
const linesPerTurn = 1000;
/** No line is shorter. */
const lineBytesMin = 50;

/** A segment as it was read. */
interface ReadSegment {
  readonly number: number;
  readonly size: number;
  readonly usedEnd: number;
  /** Bytes that the file has lost at its end, or may have lost anywhere. */
  readonly lostBytes: number;
  readonly unreadable: boolean;
}

export async function recoverJournal(options: RecoveryOptions): Promise<RecoveredJournal> {
  const { disk, folder } = options;
  const numbers = await segmentNumbers(disk, folder);
  const segments: KnownSegment[] = [];
  const reading = new Reading(options);
  const read: ReadSegment[] = [];
  for (const [i, number] of numbers.entries()) {
    const file = segmentFile(number);
    if (await isCovered(options, numbers.slice(i + 1, i + 3))) {
      const first = await firstLine(disk, folder, number);
      if (first.header) {
        // Its lines are read when the cloud asks for them, not at every start.
        reading.checkOwner(first.header, file);
        segments.push({ number, header: first.header, afterLsn: first.lsn });
        continue;
      }
    }
    const { bytes, unreadable } = await readSegment(disk, join(folder, file));
    let header: { header: SegmentHeader; lsn: number } | undefined;
    let count = 0;
    for (const line of readLines(file, bytes)) {
      const found = headerOf(line.parsed);
      if (found && line.parsed) {
        reading.checkOwner(found, file);
        header ??= { header: found, lsn: line.parsed.lsn };
      }
      reading.take(line, number);
      count += 1;
      if (count % linesPerTurn === 0) await options.nextTurn();
    }
    segments.push({ number, header: header?.header, afterLsn: header?.lsn });
    const lostBytes = unreadable ? bytes.length : lostAtEnd(bytes, header?.header);
    read.push({ number, size: bytes.length, usedEnd: lastUsed(bytes), lostBytes, unreadable });
  }
  const { end } = reading;
  const spoilt = read.find(({ number, lostBytes, unreadable }) => {
    const isTail = number >= (end?.segment ?? 0);
    return isTail && (unreadable || lostBytes > 0);
  });
  if (spoilt)
    reading.loseEnd(
      spoilt.number,
      Math.ceil(spoilt.lostBytes / lineBytesMin),
      `the end of ${segmentFile(spoilt.number)}`,
    );
  else for (const { number, lostBytes } of read) if (lostBytes > 0) reading.noteCutOff(number);
  const { last, damage, damagedSegments, unproven } = reading.finish();
  for (const number of damagedSegments) await keepAside(disk, folder, number);
  const holder = end && read.find(({ number }) => number === end.segment);
  // What the medium may give back one day must not be followed by other lines.
  const tail = end && holder && !spoilt ? { number: holder.number, size: holder.size, end: end.offset } : undefined;
  const cuts = read.flatMap(({ number, usedEnd: to, unreadable }) => {
    const from = end && number === end.segment ? end.offset : 0;
    return unreadable || (end && number < end.segment) || to <= from ? [] : [{ number, from, to }];
  });
  const unused = end ? end.segment + 1 : (read[0]?.number ?? 1);
  return { segments, last, tail, cuts, unused, unproven, cutBytes: await usedBytes(disk, folder, cuts), damage };
}

interface GoodLine {
  readonly line: SegmentLine;
  readonly segment: number;
  readonly parsed: ParsedLine;
  readonly header: SegmentHeader | undefined;
  /** A start before this one wrote it once more. */
  readonly isRepeated: boolean;
}

/** Takes the lines one by one and says in the end where the journal stands. */
class Reading {
  /** Where the last line that counts ends. */
  end: { readonly segment: number; readonly offset: number } | undefined;

  readonly #options: RecoveryOptions;
  #last: JournalPosition;
  /** Highest number known to have been on the disk. */
  #proven: number;
  /** Lines behind a gap of which it is not known yet whether it is damage. */
  #waiting: GoodLine[] = [];
  /** Accepted, and not proven by any line so far. */
  #unproven: { readonly lsn: number; readonly before: JournalPosition; readonly bytes: Uint8Array }[] = [];
  #badSince: { readonly line: SegmentLine; readonly segment: number } | undefined;
  /** Unreadable lines since the last good one; undefined: they cannot be counted. */
  #badLines: number | undefined = 0;
  #lastSeen = 0;
  /** The next event follows lost lines, so it cannot follow the last one we have. */
  #afterGap = false;
  #endIsLost = false;
  #damage: JournalDamage[] = [];
  readonly #damagedSegments = new Set<number>();

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#last = options.from;
    this.#proven = options.from.lsn;
  }

  checkOwner({ gateway, epoch, schema }: SegmentHeader, file: string): void {
    const wanted = this.#options;
    if (gateway !== wanted.gateway || epoch !== wanted.epoch) {
      throw new GatewayError(
        "data-taken",
        `${file} is the journal of gateway ${gateway}, epoch ${epoch}; this is gateway ${wanted.gateway}, epoch ${wanted.epoch}: use another data folder, or move journal/ and snapshot/ of this one away`,
      );
    }
    if (schema !== 1) throw new GatewayError("data-newer", `${file} has schema ${schema}; this version reads 1`);
  }

  take(line: SegmentLine, segment: number): void {
    const { parsed } = line;
    if (!parsed) {
      this.#badSince ??= { line, segment };
      if (this.#badLines !== undefined) this.#badLines = line.bytes.includes(0) ? undefined : this.#badLines + 1;
      return;
    }
    this.#badLines = 0;
    const header = headerOf(parsed);
    const isRepeated = !header && parsed.lsn <= this.#lastSeen;
    this.#proven = Math.max(this.#proven, parsed.durable);
    if (!header) this.#noteCovered(parsed.lsn);
    this.#lastSeen = Math.max(this.#lastSeen, parsed.lsn);
    this.#waiting.push({ line, segment, parsed, header, isRepeated });
    this.#settle();
  }

  finish(): Pick<RecoveredJournal, "last" | "damage" | "unproven"> & { readonly damagedSegments: readonly number[] } {
    const notSeen = this.#options.from.lsn - this.#lastSeen;
    if (notSeen > 0 && !this.#endIsLost) {
      const what = `records after ${this.#lastSeen} are damaged`;
      if (this.#badSince && this.#badLines === notSeen)
        this.#note(this.#badSince.line, this.#badSince.segment, 0, `${what}; the snapshot holds what they did`);
      else this.loseEnd(this.#badSince?.segment, 1, `${what}, and what follows those in the snapshot`);
    }
    const unproven = this.#unproven.filter(({ lsn }) => lsn > this.#proven);
    return {
      last: this.#last,
      damage: this.#damage,
      damagedSegments: [...this.#damagedSegments],
      unproven: { before: unproven[0]?.before ?? this.#last, lines: unproven.map(({ bytes }) => bytes) },
    };
  }

  /** Lines after it show what is missing of its own, if anything is. */
  noteCutOff(segment: number): void {
    const file = segmentFile(segment);
    this.#note({ file, line: 1 }, segment, 0, `${file} is cut off or not given back whole`);
  }

  /** Nobody knows how many lines followed the last good one: up to `records`, which are numbered as if they had been events. */
  loseEnd(segment: number | undefined, records: number, what: string): void {
    this.#endIsLost = true;
    const place = segment === undefined ? { file: journalFolder, line: 0 } : { file: segmentFile(segment), line: 1 };
    this.#note(place, segment, records, `${what} is lost: up to ${records} records`);
    this.#last = { ...this.#last, lsn: this.#last.lsn + records, seq: this.#last.seq + records };
  }

  #settle(): void {
    for (;;) {
      const first = this.#waiting[0];
      if (!first) return;
      const { lsn } = first.parsed;
      const missing = this.#last.lsn + 1;
      if (first.header || lsn < missing) {
        if (lsn > this.#last.lsn) this.#passOver(lsn, first);
        // Repeated lines that were torn themselves go with the rest of the tail.
        if (first.isRepeated && this.#badSince) this.#waiting.shift();
        else this.#advance(first);
        continue;
      }
      // What is unreadable in its place may stand once more further on.
      const next = this.#waiting.find(({ header, parsed }) => !header && parsed.lsn === missing);
      if (next) this.#accept(next);
      else if (missing <= this.#proven) this.#passOver(Math.min(lsn - 1, this.#proven), first);
      else return;
    }
  }

  #accept(good: GoodLine): void {
    const { parsed, line } = good;
    const before = this.#last;
    const record = recordOf(parsed);
    if (record.kind === "event") {
      const { seq } = record.event;
      const follows = seq === before.seq + 1 && parsed.prev === before.head;
      if (!follows && !this.#afterGap)
        this.#note(good.line, good.segment, 1, `event ${seq} does not follow the one before it: the chain is broken`);
      this.#afterGap = false;
      if (record.event.type === "damage") this.#forgetRecorded(record.event);
      this.#last = { lsn: parsed.lsn, seq, head: chainNext(parsed.prev!, parsed.body!) };
    } else this.#last = { ...before, lsn: parsed.lsn };
    if (this.#unproven[0] && this.#unproven[0].lsn <= this.#proven)
      this.#unproven = this.#unproven.filter(({ lsn }) => lsn > this.#proven);
    this.#unproven.push({ lsn: parsed.lsn, before, bytes: line.bytes });
    this.#options.apply(record);
    this.#advance(good);
  }

  /** Nothing is lost by a record that is unreadable and that the snapshot holds; but the card is not what it was. */
  #noteCovered(lsn: number): void {
    const isGap = this.#lastSeen > 0 && lsn > this.#lastSeen + 1;
    if (!this.#badSince || !isGap || lsn > this.#options.from.lsn) return;
    const { line, segment } = this.#badSince;
    this.#note(line, segment, 0, `${line.file} line ${line.line} is damaged; the snapshot holds what it did`);
  }

  /** The lines after `#last` up to `lsn` were on the disk once and are not any more. */
  #passOver(lsn: number, found: GoodLine): void {
    const from = this.#last.lsn + 1;
    const what = from === lsn ? `record ${lsn} is lost` : `records ${from} to ${lsn} are lost`;
    const { line, segment } = this.#badSince ?? found;
    this.#note(line, segment, lsn - from + 1, what);
    const { header } = found;
    // Each of them may have been an event, and no number is given twice.
    const seq = header ? header.firstSeq - 1 : this.#last.seq + lsn - from + 1;
    this.#last = { lsn, seq, head: header?.head ?? this.#last.head };
    this.#afterGap = !header;
  }

  /** This one of the waiting lines counts: the journal goes at least as far as its end. */
  #advance(good: GoodLine): void {
    const { line, segment } = good;
    this.#waiting.splice(this.#waiting.indexOf(good), 1);
    this.#badSince = undefined;
    const isFurther =
      !this.end || segment > this.end.segment || (segment === this.end.segment && line.end > this.end.offset);
    if (isFurther) this.end = { segment, offset: line.end };
  }

  /** An earlier start found this damage and wrote it down; counting it again would spend rights twice. */
  #forgetRecorded(recorded: { readonly file: string; readonly line: number }): void {
    this.#damage = this.#damage.filter(({ file, line }) => file !== recorded.file || line !== recorded.line);
  }

  #note({ file, line }: LinePlace, segment: number | undefined, lines: number, what: string): void {
    this.#damage.push({ file, line, lines, what });
    if (segment !== undefined) this.#damagedSegments.add(segment);
  }
}

/**
 * Whether the snapshot holds all of a segment, by the headers of the two `following` it. One would not do: the lines of a last
 * write may stand at the end of a segment and once more, perhaps torn, in the next, whose header then names a place before them.
 */
async function isCovered({ disk, folder, from }: RecoveryOptions, following: readonly number[]): Promise<boolean> {
  if (following.length < 2) return false;
  for (const number of following) {
    const { header, lsn } = await firstLine(disk, folder, number);
    if (!header || lsn > from.lsn) return false;
  }
  return true;
}

async function firstLine(disk: Disk, folder: string, number: number) {
  const file = segmentFile(number);
  let bytes: Uint8Array = new Uint8Array();
  try {
    bytes = await disk.read(join(folder, file), headerBytesMax);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  const [line] = readLines(file, bytes);
  return { header: line?.line === 1 ? headerOf(line.parsed) : undefined, lsn: line?.parsed?.lsn ?? 0 };
}

/** Cutting and repairing must not destroy what a person may want to look at. Best effort: the disk may be full. */
async function keepAside(disk: Disk, folder: string, number: number): Promise<void> {
  const aside = join(folder, "damaged");
  const name = segmentFile(number).slice(journalFolder.length + 1);
  try {
    await disk.makeFolder(aside);
    if ((await listIfThere(disk, aside)).includes(name)) return;
    await writeFileAtomically(disk, join(aside, name), [
      (await readSegment(disk, join(folder, segmentFile(number)))).bytes,
    ]);
  } catch {
    return;
  }
}

function lastUsed(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === newline) end -= 1;
  return end;
}

async function usedBytes(disk: Disk, folder: string, cuts: readonly TornPart[]): Promise<number> {
  let count = 0;
  for (const { number, from, to } of cuts) {
    const bytes = (await disk.read(join(folder, segmentFile(number)))).subarray(from, to);
    count += bytes.reduce((sum, byte) => (byte === newline ? sum : sum + 1), 0);
  }
  return count;
}
