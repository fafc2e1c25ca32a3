/** Frames out of what a scanner sends: whoever holds a code to it chooses the bytes, so each is bounded and refused for what it carries. */

/** A QR code holds up to 2,953 bytes; a pass is some twenty. */
export const frameBytesMax = 2_048;

export type Frame =
  | { readonly kind: "text"; readonly text: string }
  /** "cut": its rest did not come in time. */
  | { readonly kind: "refused"; readonly why: "too-long" | "control-characters" | "not-utf-8" | "cut" };

const carriageReturn = 13;
const newline = 10;
/** C0 and C1; a tabulator too. */
const control = /\p{Cc}/u;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

export class ScanFrames {
  readonly #endsByLine: boolean;
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** `endsByLine`: by CR, LF or both; else end() is called after a pause. */
  constructor(endsByLine: boolean) {
    this.#endsByLine = endsByLine;
  }

  /** A frame has begun and not ended. */
  get isOpen(): boolean {
    return this.#bytes > 0;
  }

  /** The frames that these bytes end. */
  push(bytes: Buffer): Frame[] {
    const frames: Frame[] = [];
    let from = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const isEnd = bytes[at] === newline || bytes[at] === carriageReturn;
      if (!isEnd) continue;
      this.#take(bytes.subarray(from, at));
      from = at + 1;
      if (this.#endsByLine) frames.push(...this.end());
    }
    this.#take(bytes.subarray(from));
    return frames;
  }

  /** What has come of a frame is the whole of it. */
  end(): Frame[] {
    if (!this.isOpen) return [];
    const [bytes, isTooLong] = [Buffer.concat(this.#pieces), this.#bytes > frameBytesMax];
    this.forget();
    return [isTooLong ? { kind: "refused", why: "too-long" } : readFrame(bytes)];
  }

  /** What has come of a frame is nothing. */
  forget(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }

  #take(piece: Buffer): void {
    const room = Math.max(0, frameBytesMax - this.#bytes);
    if (piece.length > 0 && room > 0) this.#pieces.push(piece.subarray(0, room));
    // Beyond the bound only that there was more is kept.
    this.#bytes = Math.min(this.#bytes + piece.length, frameBytesMax + 1);
  }
}

function readFrame(bytes: Buffer): Frame {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { kind: "refused", why: "not-utf-8" };
  }
  return control.test(text) ? { kind: "refused", why: "control-characters" } : { kind: "text", text };
}
