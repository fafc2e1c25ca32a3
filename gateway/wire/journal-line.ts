/**
 * One line of a journal segment: a JSON object whose last member is a checksum of fixed length, so that `jq` reads the file and a
 * damaged byte shows. An event's line names the chain value before it, so that tampering shows too:
 *
 *   {"lsn":7,"durable":6,"kind":"event","event":{…},"prev":"<43>","crc":"<8>"}\n      events
 *   {"lsn":8,"durable":6,"kind":"page",…,"crc":"<8>"}\n                              everything else
 *
 * `lsn` numbers all lines of the journal; `durable` is the highest lsn known to be on the disk before this line was written.
 * `crc` is CRC-32 over all bytes before `,"crc"`. The chain runs over the events alone, because they are what the cloud can
 * check: value(0) = base64url SHA-256 of "postern chain <gateway> <epoch>", value(n) = SHA-256(value(n-1) ‖ body(n)), where
 * body(n) is the text of the member "event" as it stands in the line. A push carries the bodies and the first prev only.
 */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

export interface ParsedLine {
  readonly lsn: number;
  readonly durable: number;
  /** The line's object without lsn, durable, prev and crc. */
  readonly content: { readonly kind: string } & Record<string, unknown>;
  /** Events only: the body's exact text, and the chain value before it. */
  readonly body?: string;
  readonly prev?: string;
}

export function chainStart(gateway: string, epoch: number): string {
  return hash("sha256", `postern chain ${gateway} ${epoch}`, "base64url");
}

/** `body`: the text, or its bytes where they may not be text. */
export function chainNext(prev: string, body: string | Uint8Array): string {
  const all = typeof body === "string" ? prev + body : Buffer.concat([Buffer.from(prev), body]);
  return hash("sha256", all, "base64url");
}

/** The line of an event, with its newline. `body` is JSON text. */
export function eventLine(lsn: number, durable: number, body: string, prev: string): string {
  return sealed(`{"lsn":${lsn},"durable":${durable},"kind":"event","event":${body},"prev":"${prev}"`);
}

/** The line of any other record, with its newline. `record` is the JSON text of an object with a member "kind". */
export function recordLine(lsn: number, durable: number, record: string): string {
  return sealed(`{"lsn":${lsn},"durable":${durable},${record.slice(1, -1)}`);
}

const crcLength = ',"crc":"00000000"}'.length;
const chainLength = 43;
const prevLength = ',"prev":""'.length + chainLength;
const eventMarker = ',"kind":"event","event":';
/** Where the marker ends at the latest: both numbers have 16 digits at most. */
const eventStartMax = 96;

/** By how it begins, whether whole or damaged: tells without parsing it, because other records may be megabytes. */
export function isEventLine(line: Uint8Array): boolean {
  return Buffer.from(line.buffer, line.byteOffset, Math.min(line.byteLength, eventStartMax)).includes(eventMarker);
}

/**
 * Total: undefined for anything that is not a whole, undamaged line (given without its newline); never throws. Asks for the bytes,
 * because text made of damaged UTF-8 may equal the text of the undamaged.
 */
export function parseLine(line: Uint8Array): ParsedLine | undefined {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const start = bytes.subarray(0, -crcLength);
  if (bytes.length <= crcLength || bytes.toString("latin1", start.length) !== crcTail(start)) return undefined;
  try {
    const text = start.toString();
    const { lsn, durable, prev, ...content } = JSON.parse(`${text}}`);
    if (!Number.isSafeInteger(lsn) || !Number.isSafeInteger(durable) || typeof content.kind !== "string")
      return undefined;
    if (content.kind !== "event") return { lsn, durable, content };
    const marker = text.indexOf(eventMarker);
    if (marker < 0 || typeof prev !== "string" || prev.length !== chainLength) return undefined;
    if (content.event === null || typeof content.event !== "object") return undefined;
    return { lsn, durable, content, prev, body: text.slice(marker + eventMarker.length, -prevLength) };
  } catch {
    return undefined;
  }
}

function sealed(start: string): string {
  return `${start}${crcTail(start)}\n`;
}

function crcTail(start: string | Uint8Array): string {
  return `,"crc":"${crc32(start).toString(16).padStart(8, "0")}"}`;
}
