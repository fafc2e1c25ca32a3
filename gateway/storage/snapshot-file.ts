/**
 * A snapshot as lines: a header, one line for each item of SiteRecords.dump(), and a footer with their count and the SHA-256 of
 * all bytes before it. Only a whole one is ever believed.
 */
import { createHash } from "node:crypto";
import type { SnapshotItem } from "../domain/site-records.ts";
import type { Disk } from "../ports/disk.ts";
import { isUnreadable } from "./atomic-file.ts";
import type { JournalPosition } from "./journal-recovery.ts";

export interface SnapshotHeader {
  readonly kind: "snapshot";
  readonly schema: 1;
  readonly gateway: string;
  readonly epoch: number;
  /** The last journal line whose effect it holds. */
  readonly position: JournalPosition;
}

const pieceBytes = 64 * 1024;
const linesPerLook = 64;
const footerBytesMax = 256;
const partBytes = 128 * 1024;

/** Pieces of about 64 kB, a millisecond of work each, so that the loop breathes between them. */
export function* snapshotPieces(header: SnapshotHeader, items: Iterable<SnapshotItem>): Generator<Uint8Array> {
  const digest = createHash("sha256");
  let piece = `${JSON.stringify(header)}\n`;
  let count = 0;
  for (const item of items) {
    piece += `${JSON.stringify(item)}\n`;
    count += 1;
    if (count % linesPerLook === 0 && piece.length >= pieceBytes) {
      yield flushed();
    }
  }
  yield flushed();
  yield Buffer.from(footerOf(count, digest.digest("base64url")));

  function flushed(): Uint8Array {
    const bytes = Buffer.from(piece);
    piece = "";
    digest.update(bytes);
    return bytes;
  }
}

/**
 * Reads a snapshot in parts, so that a large one need not fit into memory twice. Gives its header after `take` was told every item in
 * order; undefined when it is not whole or the medium does not give it back, and then what `take` was told is worth nothing.
 */
export async function readSnapshot(
  disk: Disk,
  path: string,
  take: (item: SnapshotItem) => void,
): Promise<SnapshotHeader | undefined> {
  try {
    return await readParts(disk, path, take);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

async function readParts(
  disk: Disk,
  path: string,
  take: (item: SnapshotItem) => void,
): Promise<SnapshotHeader | undefined> {
  const digest = createHash("sha256");
  let header: SnapshotHeader | undefined;
  let items = 0;
  const counted = (item: SnapshotItem) => {
    items += 1;
    take(item);
  };
  let length = partBytes;
  // Every part begins with a line; its last one, whole or not, is read again with the next, because it may be the footer.
  for (let position = 0; ; ) {
    const part = await disk.read(path, length, position);
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    const lastStart = bytes.lastIndexOf("\n", -2) + 1;
    const lines = bytes.subarray(0, lastStart);
    digest.update(lines);
    try {
      header = takeLines(lines, header, counted);
    } catch {
      return undefined;
    }
    if (lastStart > 0 && !header) return undefined;
    position += lastStart;
    if (bytes.length < length) {
      const last = bytes.subarray(lastStart);
      return header && isFooter(last, items, digest.digest("base64url")) ? header : undefined;
    }
    length = lastStart > 0 ? partBytes : 2 * length;
  }
}

/** The first line of all is the header. */
function takeLines(
  lines: Buffer,
  known: SnapshotHeader | undefined,
  take: (item: SnapshotItem) => void,
): SnapshotHeader | undefined {
  const header = known ?? readSnapshotHeader(lines);
  if (!header) return undefined;
  for (let start = known ? 0 : lines.indexOf("\n") + 1; start < lines.length; ) {
    const end = lines.indexOf("\n", start);
    take(JSON.parse(lines.toString("utf8", start, end)));
    start = end + 1;
  }
  return header;
}

/** Compared as text, so that a changed byte of the footer itself shows too. */
function isFooter(line: Buffer, items: number, sha256: string): boolean {
  return line.toString("latin1", 0, footerBytesMax) === footerOf(items, sha256);
}

function footerOf(items: number, sha256: string): string {
  return `${JSON.stringify({ kind: "end", items, sha256 })}\n`;
}

/** From a snapshot's first bytes; says nothing about the rest. */
export function readSnapshotHeader(bytes: Uint8Array): SnapshotHeader | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const header: SnapshotHeader = JSON.parse(buffer.toString("utf8", 0, buffer.indexOf("\n")));
    const { lsn, seq, head } = header.position;
    const isPosition = Number.isSafeInteger(lsn) && Number.isSafeInteger(seq) && typeof head === "string";
    return header.kind === "snapshot" && header.schema === 1 && isPosition ? header : undefined;
  } catch {
    return undefined;
  }
}
