/** How a simulated relay board talks: LCUS frames, which it obeys and does not answer; some boards tell how they stand when asked with FF. */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import type { SimRelayBoard } from "../sim-relay-board.ts";
import { SerialCable } from "./serial-cable.ts";

export interface SerialRelayOptions {
  readonly board: SimRelayBoard;
  readonly clock: Clock;
  readonly path: string;
  /** See SerialCableOptions; `noReply` leaves a question without an answer. */
  readonly faults: Faults;
  /** Whether it answers FF. */
  readonly tellsStatus: boolean;
  /** It has a supply of its own: its relays stay as they are when its port goes. */
  readonly isFedElsewhere?: boolean;
}

const start = 0xa0;
const question = 0xff;
const frameBytes = 4;

export class SerialRelayLink {
  readonly #options: SerialRelayOptions;
  readonly #cable: SerialCable;
  #left = Buffer.alloc(0);
  readonly #frames: string[] = [];
  #isDeaf = false;
  #toMiss = 0;

  constructor(options: SerialRelayOptions) {
    this.#options = options;
    const { clock, path, faults } = options;
    this.#cable = new SerialCable({ clock, path, faults, onBytes: (bytes) => this.#hear(bytes) });
  }

  /** Every whole frame that has come, in hexadecimal. */
  get frames(): readonly string[] {
    return this.#frames;
  }

  plug(): Promise<void> {
    return this.#cable.plug();
  }

  async pull(): Promise<void> {
    await this.#cable.pull();
    this.#left = Buffer.alloc(0);
    if (!this.#options.isFedElsewhere) this.#options.board.cutPower();
  }

  /** Its processor hangs: it neither obeys nor answers, and its relays stay as they are. */
  hang(isDeaf = true): void {
    this.#isDeaf = isDeaf;
  }

  /** The next so many frames do not come over whole. */
  miss(frames: number): void {
    this.#toMiss = frames;
  }

  #hear(bytes: Buffer): void {
    this.#left = Buffer.concat([this.#left, bytes]);
    while (this.#left.length > 0) {
      if (this.#left[0] === question) this.#answer();
      else if (this.#left[0] === start && this.#left.length < frameBytes) return;
      else if (this.#left[0] === start && this.#obey(this.#left.subarray(0, frameBytes))) {
        this.#left = this.#left.subarray(frameBytes);
        continue;
      }
      this.#left = this.#left.subarray(1);
    }
  }

  /** Whether it is a frame, which a wrong sum makes it not. */
  #obey(frame: Buffer): boolean {
    const [, channel = 0, state = 0, sum] = frame;
    if (state > 1 || sum !== (start + channel + state) % 256) return false;
    if (this.#toMiss > 0) {
      this.#toMiss -= 1;
      return true;
    }
    this.#frames.push(frame.toString("hex"));
    if (!this.#isDeaf) this.#options.board.set(channel, state === 1);
    return true;
  }

  #answer(): void {
    const { board, faults, tellsStatus } = this.#options;
    if (!tellsStatus || this.#isDeaf || faults.chance(faults.rates.noReply)) return;
    this.#cable.send(Uint8Array.from(board.channels, (on) => (on ? 1 : 0)));
  }
}
