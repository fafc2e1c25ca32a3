/** Reads a data folder without changing it, for a person who wants to know whether it can be believed. */
import { join } from "node:path";
import type { EntryEvent } from "../domain/entry-event.ts";
import type { JournalRecord } from "../domain/record.ts";
import type { Disk } from "../ports/disk.ts";
import { chainNext, chainStart, type ParsedLine } from "../wire/journal-line.ts";
import {
  headerOf,
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
import { snapshotFile, snapshotNumbers } from "./json-grant-cache.ts";
import { readSnapshot } from "./snapshot-file.ts";

export interface Finding {
  /** Relative to the data folder. */
  readonly file: string;
  /** From 1; 0 where the whole file is meant. */
  readonly line: number;
  /** In words, file and line included. */
  readonly what: string;
  /** No record is lost by it: a write cut off before anybody relied on it, or a line that stands whole elsewhere. */
  readonly harmless: boolean;
}

export interface Verification {
  readonly segments: number;
  readonly snapshots: number;
  /** Good lines that are records, repeated ones counted once. */
  readonly records: number;
  readonly events: number;
  /** The newest record and event, and the chain's value after it. */
  readonly lastLsn: number;
  readonly lastSeq: number;
  readonly head: string;
  /** Empty: nothing is wrong. */
  readonly findings: readonly Finding[];
}

export interface ShownRecord {
  readonly file: string;
  readonly line: number;
  readonly lsn: number;
  readonly record: JournalRecord | SegmentHeader;
}

/** Every line's checksum, the order of lines and events, the chain, and each snapshot's digest. Never throws for what it reads. */
export async function verifyFolder(disk: Disk, folder: string): Promise<Verification> {
  const findings: Finding[] = [];
  const snapshots = await snapshotNumbers(disk, folder);
  let covered = 0;
  for (const number of snapshots) {
    const file = snapshotFile(number);
    const header = await readSnapshot(disk, join(folder, file), () => undefined);
    if (header) covered = Math.max(covered, header.position.lsn);
    else
      findings.push({ file, line: 0, what: `${file}: digest does not fit, the snapshot is damaged`, harmless: false });
  }
  const check = new JournalCheck(covered, findings);
  const numbers = await segmentNumbers(disk, folder);
  for (const [i, number] of numbers.entries()) {
    if (i > 0 && number !== numbers[i - 1]! + 1) check.segmentsAreMissing(numbers[i - 1]! + 1, number - 1);
    const file = segmentFile(number);
    const { bytes, unreadable } = await readSegment(disk, join(folder, file));
    check.fileIsWhole(file, bytes, unreadable);
    for (const line of readLines(file, bytes)) check.take(line);
  }
  return { segments: numbers.length, snapshots: snapshots.length, ...check.finish(), findings };
}

/** Good lines in order, headers included; damaged ones are left out, and those that stand twice are shown once. */
export async function* showJournal(disk: Disk, folder: string): AsyncGenerator<ShownRecord> {
  const shown = new Set<number>();
  for (const number of await segmentNumbers(disk, folder)) {
    const file = segmentFile(number);
    for (const { line, parsed } of readLines(file, (await readSegment(disk, join(folder, file))).bytes)) {
      if (!parsed) continue;
      const { lsn } = parsed;
      const header = headerOf(parsed);
      if (!header && shown.has(lsn)) continue;
      if (!header) shown.add(lsn);
      yield { file, line, lsn, record: header ?? recordOf(parsed) };
    }
  }
}

class JournalCheck {
  readonly #findings: Finding[];
  /** A snapshot says that the lines up to here were on the disk. */
  readonly #covered: number;
  readonly #texts = new Map<number, string>();
  /** Damaged lines since the last good one. */
  #bad: SegmentLine[] = [];
  /** Damaged lines with good ones behind, and the records that should stand there. */
  readonly #damaged: { readonly line: SegmentLine; readonly first: number; readonly last: number }[] = [];
  /** Records that were not where they should be, with the line before which they were missed; they may stand further on. */
  readonly #missing = new Map<number, SegmentLine>();
  #lastLine: SegmentLine | undefined;
  #lastLsn: number | undefined;
  #lastSeq: number | undefined;
  #head: string | undefined;
  #events = 0;

  constructor(covered: number, findings: Finding[]) {
    this.#covered = covered;
    this.#findings = findings;
  }

  segmentsAreMissing(first: number, last: number): void {
    for (let number = first; number <= last; number += 1) {
      const file = segmentFile(number);
      this.#findings.push({ file, line: 0, what: `${file} is missing`, harmless: false });
    }
  }

  fileIsWhole(file: string, bytes: Uint8Array, unreadable: boolean): void {
    const find = (what: string) => this.#findings.push({ file, line: 0, what: `${file} ${what}`, harmless: false });
    if (unreadable) find("is not given back whole by the disk");
    const [first] = readLines(file, bytes);
    const lost = lostAtEnd(bytes, headerOf(first?.parsed));
    if (lost > 0) find("is cut off: its end is missing");
  }

  take(line: SegmentLine): void {
    const { parsed } = line;
    if (!parsed) {
      this.#bad.push(line);
      return;
    }
    const header = headerOf(parsed);
    const [first, last] = [(this.#lastLsn ?? 0) + 1, header ? parsed.lsn : parsed.lsn - 1];
    for (const bad of this.#bad.splice(0)) this.#damaged.push({ line: bad, first, last });
    if (line.line === 1 && !header) this.#find(line, "the segment's header is missing");
    if (header) this.#takeHeader(line, parsed, header);
    else this.#takeRecord(line, parsed);
    this.#lastLine = line;
  }

  finish() {
    for (const { line, first, last } of this.#damaged) {
      const isLoss = [...this.#missing.keys()].some((lsn) => lsn >= first && lsn <= last);
      this.#find(line, `checksum does not fit${isLoss ? "" : "; no record is lost by it"}`, !isLoss);
    }
    for (const [line, lsns] of Map.groupBy(this.#missing.keys(), (lsn) => this.#missing.get(lsn)!)) {
      const [first, last] = [Math.min(...lsns), Math.max(...lsns)];
      this.#find(
        line,
        first === last ? `record ${first} before it is missing` : `records ${first} to ${last} before it are missing`,
      );
    }
    this.#takeTail();
    return {
      records: this.#texts.size,
      events: this.#events,
      lastLsn: this.#lastLsn ?? 0,
      lastSeq: this.#lastSeq ?? 0,
      head: this.#head ?? "",
    };
  }

  #takeHeader(line: SegmentLine, { lsn }: ParsedLine, header: SegmentHeader): void {
    const isFirst = this.#lastLsn === undefined;
    if (isFirst && lsn > this.#covered) this.#find(line, `records 1 to ${lsn} are missing, and no snapshot holds them`);
    if (isFirst && lsn === 0 && header.head !== chainStart(header.gateway, header.epoch))
      this.#find(line, "the chain does not begin as it must");
    if (!isFirst && lsn > this.#lastLsn!) this.#findMissing(line, lsn);
    // A start may repeat the last lines in a new segment: its header then names a place a few lines back.
    else if (
      !isFirst &&
      lsn === this.#lastLsn &&
      (header.firstSeq !== this.#lastSeq! + 1 || header.head !== this.#head)
    )
      this.#find(
        line,
        `the header names event ${header.firstSeq} and its chain value; they do not follow event ${this.#lastSeq}`,
      );
    if (isFirst || lsn > this.#lastLsn!)
      [this.#lastLsn, this.#lastSeq, this.#head] = [lsn, header.firstSeq - 1, header.head];
  }

  #takeRecord(line: SegmentLine, parsed: ParsedLine): void {
    const { lsn } = parsed;
    const text = Buffer.from(line.bytes).toString();
    if (this.#lastLsn !== undefined && lsn <= this.#lastLsn) {
      if (this.#missing.delete(lsn)) this.#texts.set(lsn, text);
      else if (this.#texts.has(lsn) && this.#texts.get(lsn) !== text)
        this.#find(line, `record ${lsn} stands here again, with another content`);
      return;
    }
    const gap = this.#lastLsn === undefined ? lsn > 1 : lsn > this.#lastLsn + 1;
    if (gap) this.#findMissing(line, lsn - 1);
    this.#texts.set(lsn, text);
    this.#lastLsn = lsn;
    const record = recordOf(parsed);
    if (record.kind === "event") this.#takeEvent(line, parsed, record.event, gap);
  }

  #takeEvent(line: SegmentLine, { prev, body }: ParsedLine, { seq }: EntryEvent, afterGap: boolean): void {
    this.#events += 1;
    if (!afterGap && this.#lastSeq !== undefined && seq !== this.#lastSeq + 1)
      this.#find(line, `event ${seq}: it follows event ${this.#lastSeq}`);
    else if (!afterGap && this.#head !== undefined && prev !== this.#head)
      this.#find(line, `event ${seq}: chain broken: it names another value than the events before it give`);
    this.#lastSeq = seq;
    this.#head = chainNext(prev!, body!);
  }

  /** What follows the last good line of all. */
  #takeTail(): void {
    const [first] = this.#bad;
    if (!first) return;
    if ((this.#lastLsn ?? 0) < this.#covered) {
      for (const bad of this.#bad)
        this.#find(bad, "checksum does not fit, and a snapshot says that this line had been on the disk");
      return;
    }
    const bytes = this.#bad.reduce((sum, bad) => sum + bad.bytes.filter((byte) => byte !== newline).length, 0);
    const where = this.#lastLine?.file === first.file ? `after line ${this.#lastLine.line}` : "at its start";
    this.#findings.push({
      file: first.file,
      line: first.line,
      what: `line ${first.line} of ${first.file}: torn tail: ${bytes} bytes ${where}, harmless: nothing says that they were ever acknowledged`,
      harmless: true,
    });
  }

  #findMissing(line: SegmentLine, upTo: number): void {
    for (let lsn = (this.#lastLsn ?? 0) + 1; lsn <= upTo; lsn += 1) this.#missing.set(lsn, line);
  }

  #find({ file, line }: SegmentLine, what: string, harmless = false): void {
    this.#findings.push({ file, line, what: `line ${line} of ${file}: ${what}`, harmless });
  }
}
