/** The files a journal is made of: `journal/NNNNNN.jsonl`, filled with newlines ahead of use, so that what is not used yet reads as blank lines. */
import { join } from "node:path";
import type { Instant } from "../domain/instant.ts";
import type { JournalRecord } from "../domain/record.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";
import { type ParsedLine, parseLine } from "../wire/journal-line.ts";
import { draftSuffix, isAbsent, isUnreadable, listIfThere, writeFileAtomically } from "./atomic-file.ts";

/**
 * First line of a segment. It has no number of its own: its `lsn` is that of the last record before it, which is on the disk by
 * then, so its `durable` is the same.
 */
export interface SegmentHeader {
  readonly kind: "segment";
  readonly schema: 1;
  readonly gateway: string;
  readonly epoch: number;
  /** Number of the first event that may stand in it, and the chain value before that. */
  readonly firstSeq: number;
  readonly head: string;
  readonly at: Instant;
  /** Size of the file; absent in segments of earlier versions. */
  readonly bytes?: number;
}

/** Where a line stands, for people. */
export interface LinePlace {
  /** Relative to the data folder. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface SegmentLine extends LinePlace {
  readonly offset: number;
  /** Of the byte after its newline. */
  readonly end: number;
  readonly bytes: Uint8Array;
  /** undefined: damaged. */
  readonly parsed: ParsedLine | undefined;
}

export const newline = 0x0a;
export const journalFolder = "journal";

const blank = Buffer.alloc(64 * 1024, newline);
/** What a medium loses at least when it loses something. */
const pageBytes = 4096;

export function segmentFile(number: number): string {
  return `${journalFolder}/${String(number).padStart(6, "0")}.jsonl`;
}

/** Numbers of the segments in a data folder, rising. */
export async function segmentNumbers(disk: Disk, folder: string): Promise<number[]> {
  const names = await listIfThere(disk, join(folder, journalFolder));
  return names
    .flatMap((name) => /^(\d{6,})\.jsonl$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** A segment's bytes, or the first `maxBytes` of them; those that the medium does not give back are zeros, which no line has. */
export async function readSegment(
  disk: Disk,
  path: string,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<{ readonly bytes: Uint8Array; readonly unreadable: boolean }> {
  try {
    const bytes = maxBytes === Number.POSITIVE_INFINITY ? disk.read(path) : disk.read(path, maxBytes);
    return { bytes: await bytes, unreadable: false };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  const file = await disk.open(path, { create: false });
  const bytes = new Uint8Array(Math.min(file.size, maxBytes));
  await file.close();
  for (let position = 0; position < bytes.length; position += pageBytes) {
    try {
      bytes.set(await disk.read(path, Math.min(pageBytes, bytes.length - position), position), position);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return { bytes, unreadable: true };
}

/**
 * How many bytes a segment has lost at its end, as far as can be told: it is made whole before its first line, and whatever is written
 * into it ends with a newline.
 */
export function lostAtEnd(bytes: Uint8Array, header: SegmentHeader | undefined): number {
  if (header?.bytes !== undefined) return Math.max(0, header.bytes - bytes.length);
  return bytes.at(-1) === newline ? 0 : pageBytes;
}

/** The lines of a segment that are not blank. Those that are not `wanted` by their bytes are passed over unread. */
export function* readLines(
  file: string,
  bytes: Uint8Array,
  wanted: (line: Uint8Array) => boolean = () => true,
): Generator<SegmentLine> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let line = 1;
  let start = 0;
  while (start < buffer.length) {
    if (buffer[start] === newline) {
      const run = blankRun(buffer, start);
      start += run;
      line += run;
      continue;
    }
    const found = buffer.indexOf(newline, start);
    const stop = found < 0 ? buffer.length : found;
    const text = buffer.subarray(start, stop);
    const end = Math.min(stop + 1, buffer.length);
    // Without its newline a line was not written to its end.
    if (wanted(text))
      yield { file, line, offset: start, end, bytes: text, parsed: found < 0 ? undefined : parseLine(text) };
    start = stop + 1;
    line += 1;
  }
}

export function headerOf(parsed: ParsedLine | undefined): SegmentHeader | undefined {
  return parsed?.content.kind === "segment" ? (parsed.content as unknown as SegmentHeader) : undefined;
}

/** The record of a good line that is not a header. A good checksum says that we wrote it, so its shape is ours. */
export function recordOf({ content }: ParsedLine): JournalRecord {
  return content as unknown as JournalRecord;
}

/** A segment full of blank lines, on the disk under its name when this resolves. One left over by an earlier start is used. */
export async function prepareSegment(disk: Disk, folder: string, number: number, size: number): Promise<void> {
  const path = join(folder, segmentFile(number));
  if (await isBlankFile(disk, path, size)) await disk.syncFolder(join(folder, journalFolder));
  else await writeFileAtomically(disk, path, blankPieces(size));
}

async function isBlankFile(disk: Disk, path: string, size: number): Promise<boolean> {
  try {
    for (let position = 0; ; position += blank.length) {
      const piece = await disk.read(path, blank.length, position);
      if (!blank.subarray(0, piece.length).equals(piece)) return false;
      if (piece.length < blank.length) return position + piece.length === size;
    }
  } catch (error) {
    if (isAbsent(error) || isUnreadable(error)) return false;
    throw error;
  }
}

/** Leftovers of files that a crash kept from being finished. */
export async function removeDrafts(disk: Disk, folder: string): Promise<void> {
  for (const name of await listIfThere(disk, folder))
    if (name.endsWith(draftSuffix)) await disk.remove(join(folder, name));
}

export async function writeBlank(file: DiskFile, from: number, to: number): Promise<void> {
  let position = from;
  for (const piece of blankPieces(to - from)) {
    await file.write(piece, position);
    position += piece.byteLength;
  }
}

export function* blankPieces(size: number): Generator<Uint8Array> {
  for (let left = size; left > 0; left -= blank.length) yield left < blank.length ? blank.subarray(0, left) : blank;
}

function blankRun(buffer: Buffer, start: number): number {
  let end = start;
  while (buffer.length - end >= blank.length && buffer.compare(blank, 0, blank.length, end, end + blank.length) === 0)
    end += blank.length;
  while (end < buffer.length && buffer[end] === newline) end += 1;
  return end - start;
}
