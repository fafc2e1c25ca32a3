/** Lines out of bytes that somebody else sends: none is kept beyond a bound, whoever sends it. */

const newline = 10;

export class BoundedLines {
  readonly #bytesMax: number;
  readonly #onLine: (line: string, isCut: boolean) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #isCut = false;

  /** Of a longer line only the first `bytesMax` bytes are handed on, as cut: at once when there are so many. */
  constructor(bytesMax: number, onLine: (line: string, isCut: boolean) => void) {
    this.#bytesMax = bytesMax;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    for (let from = 0; from < chunk.length; ) {
      const end = chunk.indexOf(newline, from);
      this.#take(chunk.subarray(from, end < 0 ? chunk.length : end));
      if (end < 0) return;
      this.flush();
      this.#isCut = false;
      from = end + 1;
    }
  }

  /** What came after the last end of a line. */
  flush(): void {
    if (this.#isCut || this.#bytes === 0) return;
    const line = Buffer.concat(this.#pieces).toString();
    this.#pieces = [];
    this.#bytes = 0;
    this.#onLine(line, false);
  }

  #take(piece: Buffer): void {
    if (this.#isCut || piece.length === 0) return;
    const room = this.#bytesMax - this.#bytes;
    this.#pieces.push(Buffer.from(piece.subarray(0, room)));
    this.#bytes += Math.min(piece.length, room);
    if (piece.length <= room) return;
    const line = Buffer.concat(this.#pieces).toString();
    this.#pieces = [];
    this.#bytes = 0;
    this.#isCut = true;
    this.#onLine(line, true);
  }
}
