/**
 * A snapshot as lines: a header, one line for each item of SiteRecords.dump(), and a footer with their count and the SHA-256 of
 * all bytes before it. Only a whole one is ever believed.
 */
import { createHash, hash } from "node:crypto";
import type { SnapshotItem } from "../domain/site-records.ts";
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
  yield Buffer.from(`${JSON.stringify({ kind: "end", items: count, sha256: digest.digest("base64url") })}\n`);

  function flushed(): Uint8Array {
    const bytes = Buffer.from(piece);
    piece = "";
    digest.update(bytes);
    return bytes;
  }
}

/** undefined: not whole. Never throws. `items` may be walked once, and gives what was dumped. */
export function readSnapshot(
  bytes: Uint8Array,
): { readonly header: SnapshotHeader; readonly items: Iterable<SnapshotItem> } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const footerStart = buffer.lastIndexOf("\n", buffer.length - 2) + 1;
  if (footerStart === 0 || buffer.length - footerStart > footerBytesMax) return undefined;
  try {
    const footer = buffer.toString("latin1", footerStart);
    const { items, sha256 } = JSON.parse(footer);
    const digest = hash("sha256", buffer.subarray(0, footerStart), "base64url");
    // Compared as text, so that a changed byte of the footer itself shows too.
    if (footer !== `${JSON.stringify({ kind: "end", items, sha256: digest })}\n` || sha256 !== digest) return undefined;
    const header = readSnapshotHeader(buffer);
    return header && { header, items: itemsOf(buffer, buffer.indexOf("\n") + 1, footerStart) };
  } catch {
    return undefined;
  }
}

/** From a snapshot's first bytes; says nothing about the rest. */
export function readSnapshotHeader(bytes: Uint8Array): SnapshotHeader | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const header: SnapshotHeader = JSON.parse(buffer.toString("utf8", 0, buffer.indexOf("\n")));
    return header.kind === "snapshot" && header.schema === 1 ? header : undefined;
  } catch {
    return undefined;
  }
}

function* itemsOf(buffer: Buffer, from: number, to: number): Generator<SnapshotItem> {
  for (let start = from; start < to; ) {
    const end = buffer.indexOf("\n", start);
    yield JSON.parse(buffer.toString("utf8", start, end));
    start = end + 1;
  }
}
