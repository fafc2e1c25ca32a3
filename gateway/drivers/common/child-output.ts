/** What a child writes to its standard output and error goes to the log: a bounded number of bounded lines, without what may be a secret. */
import type { Readable } from "node:stream";
import type { Logger } from "../../ports/logger.ts";
import type { SecretString } from "../../wire/secret.ts";
import { BoundedLines } from "./bounded-lines.ts";

const lineBytesMax = 500;
/** Between two calls of refill(). What is written beyond is not read before the next, so the writer has to wait. */
const linesMax = 20;
const bytesMax = 64 * 1024;

/** What no word is, but many a key or token: a long run, or the parts of a JWT. */
const tokenLike = /eyJ[\w-]+(?:\.[\w-]+)*|[\w+=-]{32,}/g;
const hidden = "[secret]";

export function withoutSecrets(text: string, secrets: readonly SecretString[]): string {
  const known = secrets.map((secret) => secret.reveal()).filter((value) => value !== "");
  return known.reduce((cleaned, value) => cleaned.replaceAll(value, hidden), text).replace(tokenLike, hidden);
}

export class ChildOutput {
  readonly #streams: readonly Readable[];
  readonly #logger: Logger;
  readonly #secrets: () => readonly SecretString[];
  readonly #lines: readonly BoundedLines[];
  #linesLeft = linesMax;
  #bytesLeft = bytesMax;
  #unsaid = 0;

  constructor(streams: readonly Readable[], logger: Logger, secrets: () => readonly SecretString[]) {
    this.#streams = streams;
    this.#logger = logger;
    this.#secrets = secrets;
    this.#lines = streams.map((stream) => {
      const lines = new BoundedLines(lineBytesMax, (line) => this.#log(line));
      stream.on("data", (chunk: Buffer) => {
        this.#bytesLeft -= chunk.length;
        if (this.#bytesLeft <= 0) for (const each of streams) each.pause();
        lines.push(chunk);
      });
      stream.on("error", () => undefined);
      return lines;
    });
  }

  /** Called in even steps. */
  refill(): void {
    if (this.#unsaid > 0) this.#logger.warn("child-says-too-much", { lines: this.#unsaid });
    this.#unsaid = 0;
    this.#linesLeft = linesMax;
    this.#bytesLeft = bytesMax;
    for (const stream of this.#streams) stream.resume();
  }

  /** What it had begun to say when it ended. */
  end(): void {
    for (const lines of this.#lines) lines.flush();
    this.refill();
    for (const stream of this.#streams) stream.destroy();
  }

  #log(line: string): void {
    if (line.trim() === "") return;
    if (this.#linesLeft === 0) {
      this.#unsaid += 1;
      return;
    }
    this.#linesLeft -= 1;
    this.#logger.warn("child-said", { text: withoutSecrets(line, this.#secrets()) });
  }
}
