/** One client's connection to a simulated Tuya device: the bytes that have come, the key that holds, the numbers that are told. */
import { timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import {
  decodeFrame,
  encodeFrame,
  sessionKey,
  sessionProof,
  splitFrames,
  TuyaFrameError,
  type TuyaMessage,
  type TuyaVersion,
} from "./tuya-frame.ts";
import { hasSession } from "./tuya-request.ts";

export interface TuyaSessionOptions {
  readonly socket: Socket;
  readonly version: TuyaVersion;
  readonly localKey: Buffer;
  /** A 3.5 device numbers all it tells, from this. */
  readonly firstNumber: number;
  /** Chance, in [0, 1). */
  readonly fraction: () => number;
}

const nonceLength = 16;

export class TuyaSession {
  readonly #options: TuyaSessionOptions;
  #key: Buffer;
  #number: number;
  #begun: Buffer = Buffer.alloc(0);
  #agreement: { readonly ofClient: Buffer; readonly ofDevice: Buffer } | undefined;
  #isOpen: boolean;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: TuyaSessionOptions) {
    this.#options = options;
    this.#key = options.localKey;
    this.#number = options.firstNumber;
    this.#isOpen = !hasSession(options.version);
    options.socket.setNoDelay(true);
  }

  /** The client may ask. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isEnded(): boolean {
    return this.#options.socket.destroyed;
  }

  /** The frames that are whole with these bytes; undefined on noise. */
  receive(bytes: Buffer): readonly Buffer[] | undefined {
    return unlessWrong(() => {
      const { frames, rest } = splitFrames(Buffer.concat([this.#begun, bytes]));
      this.#begun = rest;
      return frames;
    });
  }

  /** undefined when it is not under the key that holds. */
  open(frame: Buffer): TuyaMessage | undefined {
    const { version } = this.#options;
    return unlessWrong(() => decodeFrame(frame, { version, key: this.#key }, "client"));
  }

  seal(command: number, body: Buffer, number: number | undefined, returnCode: number): Buffer {
    const { version } = this.#options;
    const seq = version === "3.5" ? this.#nextNumber() : (number ?? 0);
    return encodeFrame({ seq, command, body, returnCode }, { version, key: this.#key }, this.#random(12));
  }

  /** The client's random bytes are here: what to answer. undefined when they are none. */
  begin(ofClient: Buffer): Buffer | undefined {
    if (ofClient.length !== nonceLength) return undefined;
    const ofDevice = this.#random(nonceLength);
    this.#agreement = { ofClient: Buffer.from(ofClient), ofDevice };
    return Buffer.concat([ofDevice, sessionProof(this.#options.localKey, ofClient)]);
  }

  /** The client's proof is here: from now on the session's key holds. False when it proves nothing. */
  finish(proof: Buffer): boolean {
    const { version, localKey } = this.#options;
    if (!this.#agreement || !hasSession(version)) return false;
    const { ofClient, ofDevice } = this.#agreement;
    const wanted = sessionProof(localKey, ofDevice);
    if (proof.length !== wanted.length || !timingSafeEqual(proof, wanted)) return false;
    this.#key = sessionKey(version, localKey, ofClient, ofDevice);
    this.#isOpen = true;
    return true;
  }

  /** Each piece in a segment of its own: the loop turns between them, so that the other side reads what is there. */
  send(frames: readonly Buffer[], segmentBytes: number): void {
    const pieces = frames.flatMap((frame) => cut(frame, segmentBytes));
    this.#sending = this.#sending.then(async () => {
      for (const piece of pieces) {
        if (this.isEnded) return;
        this.#options.socket.write(piece);
        for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
    });
  }

  end(): void {
    this.#options.socket.destroy();
  }

  endAfterSending(): void {
    this.#sending = this.#sending.then(() => this.end());
  }

  #nextNumber(): number {
    const number = this.#number;
    this.#number = (number + 1) >>> 0;
    return number;
  }

  #random(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => Math.floor(this.#options.fraction() * 256)));
  }
}

function cut(frame: Buffer, bytes: number): Buffer[] {
  if (frame.length <= bytes) return [frame];
  return Array.from({ length: Math.ceil(frame.length / bytes) }, (_, at) =>
    frame.subarray(at * bytes, (at + 1) * bytes),
  );
}

function unlessWrong<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TuyaFrameError) return undefined;
    throw error;
  }
}
