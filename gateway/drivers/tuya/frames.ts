/**
 * Cuts what a Tuya device sends into whole frames: TCP may deliver one in pieces or several at once, and tuyapi 7.7.1 takes each piece for
 * whole frames. Old frames begin 000055AA and end 0000AA55, those of protocol 3.5 begin 00006699 and end 00009966; a frame's own length
 * says where it ends.
 */
import { createDecipheriv } from "node:crypto";

/** More than any report a lock sends; what claims to be longer is no frame. */
const frameBytesMax = 65_536;
const oldStart = 0x000055aa;
const newStart = 0x00006699;

/** Throws RangeError when the stream is not one of frames; it cannot be read on from there. */
export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    let rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const frames: Buffer[] = [];
    for (;;) {
      const length = frameLength(rest);
      if (length === undefined || rest.length < length) break;
      frames.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    this.#rest = rest;
    return frames;
  }
}

/** undefined while too little of it is there. */
function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 4) return undefined;
  const start = bytes.readUInt32BE(0);
  if (start !== oldStart && start !== newStart)
    throw new RangeError("what the device sent does not begin as a frame does");
  const isOld = start === oldStart;
  const headerBytes = isOld ? 16 : 18;
  if (bytes.length < headerBytes) return undefined;
  const length = headerBytes + bytes.readUInt32BE(headerBytes - 4) + (isOld ? 0 : 4);
  if (length > frameBytesMax) throw new RangeError(`a frame of ${length} bytes is longer than ${frameBytesMax}`);
  return length;
}

/** What the device says first in each of its frames: 0 is success. undefined where it says nothing. `key`: what a 3.5 frame is enciphered with. */
export function returnCodeOf(frame: Buffer, key: string | Buffer): number | undefined {
  const bytes = frame.readUInt32BE(0) === oldStart ? frame.subarray(16, 20) : firstDeciphered(frame, key);
  const code = bytes.length === 4 ? bytes.readUInt32BE(0) : undefined;
  // A payload without a return code begins with text or ciphertext, never with three zero bytes.
  return code === undefined || code > 0xff ? undefined : code;
}

/** Counter mode: the first bytes can be read alone. The library checks the whole frame. */
function firstDeciphered(frame: Buffer, key: string | Buffer): Buffer {
  const decipher = createDecipheriv("aes-128-gcm", key, frame.subarray(18, 30));
  return decipher.update(frame.subarray(30, 34));
}
