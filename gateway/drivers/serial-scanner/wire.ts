/**
 * The GM65 family's commands and their replies. A reply shares the line with what was scanned and may come in the middle of nothing else:
 * the module sends one or the other whole. Source: makers' manuals of GM65, GM67 excepted, which speaks otherwise.
 */

/** CRC-16/XMODEM: polynomial 1021, beginning with 0, not reflected. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

const requestHead = [0x7e, 0x00];
const replyHead = Buffer.from([0x02, 0x00]);
const types = { read: 0x07, write: 0x08, save: 0x09 } as const;

export interface Gm65Command {
  readonly type: keyof typeof types;
  /** Of a zone bit. */
  readonly address: number;
  /** To write; of "read" one byte that says how many to read. */
  readonly data: readonly number[];
}

export function commandFrame({ type, address, data }: Gm65Command): Buffer {
  const length = type === "write" ? data.length : 1;
  const body = Uint8Array.from([types[type], length, address >> 8, address & 0xff, ...data]);
  const crc = crc16(body);
  return Buffer.from([...requestHead, ...body, crc >> 8, crc & 0xff]);
}

/** Its baud rate: a module that answers is one of the family. */
export const askBaudRate: Gm65Command = { type: "read", address: 0x002a, data: [2] };
/** In command mode: look once, until a code is read or the module's own time is over. */
export const lookOnce: Gm65Command = { type: "write", address: 0x0002, data: [1] };

type Reply = "none" | "part" | { readonly bytes: number };

/** A reply at the beginning of `bytes`. "part": it may become one; "none": it is something that was scanned. */
function readReply(bytes: Buffer): Reply {
  const head = bytes.subarray(0, replyHead.length);
  if (!replyHead.subarray(0, head.length).equals(head)) return "none";
  if (bytes.length < 4) return "part";
  const whole = 4 + (bytes[3] ?? 0) + 2;
  if (bytes.length < whole) return "part";
  const sum = bytes.readUInt16BE(whole - 2);
  return sum === crc16(bytes.subarray(2, whole - 2)) ? { bytes: whole } : "none";
}

/** Takes the replies out of what comes. No code that is let through carries the byte they begin with. */
export class ReplyFilter {
  #part = Buffer.alloc(0);

  /** What is left of these bytes, and how many replies were among them. */
  push(bytes: Buffer): { readonly scanned: Buffer; readonly replies: number } {
    let left = Buffer.concat([this.#part, bytes]);
    this.#part = Buffer.alloc(0);
    const scanned: Buffer[] = [];
    let replies = 0;
    while (left.length > 0) {
      const at = left.indexOf(replyHead[0]!);
      if (at !== 0) {
        scanned.push(left.subarray(0, at < 0 ? left.length : at));
        left = at < 0 ? Buffer.alloc(0) : left.subarray(at);
        continue;
      }
      const reply = readReply(left);
      if (reply === "part") {
        this.#part = left;
        break;
      }
      if (reply === "none") scanned.push(left.subarray(0, 1));
      else replies += 1;
      left = left.subarray(reply === "none" ? 1 : reply.bytes);
    }
    return { scanned: Buffer.concat(scanned), replies };
  }

  /** The rest of a reply did not come. */
  forget(): void {
    this.#part = Buffer.alloc(0);
  }
}
