/** How a simulated scanner talks: what it reads with an end behind it; as a GM65 it also takes commands and answers them. */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import { SerialCable } from "./serial-cable.ts";

export interface SerialScannerOptions {
  readonly clock: Clock;
  readonly path: string;
  /** See SerialCableOptions; `noReply` leaves a command without an answer. */
  readonly faults: Faults;
  /** What it puts behind each code. */
  readonly end: "\r\n" | "\n" | "\r" | "";
  /** It takes the family's commands. */
  readonly isGm65?: boolean;
}

/** Written by the manuals, not by the driver: the simulator shares no code with it. */
const baudRateQuestion = "7e000701002a02d80f";
const baudRateAnswer = Buffer.from("020000023901c14c", "hex");
const look = "7e000801000201";
const lookAnswer = Buffer.from("02000001003331", "hex");

export class SerialScannerLink {
  readonly #options: SerialScannerOptions;
  readonly #cable: SerialCable;
  #heard = Buffer.alloc(0);
  #looks = 0;

  constructor(options: SerialScannerOptions) {
    this.#options = options;
    const { clock, path, faults } = options;
    this.#cable = new SerialCable({ clock, path, faults, onBytes: (bytes) => this.#hear(bytes) });
  }

  /** All that the gateway has sent. */
  get heard(): Buffer {
    return this.#heard;
  }

  /** How often it was told to look. */
  get looks(): number {
    return this.#looks;
  }

  plug(): Promise<void> {
    return this.#cable.plug();
  }

  pull(): Promise<void> {
    return this.#cable.pull();
  }

  /** A code is held in front of it. */
  scan(code: string | Uint8Array): void {
    this.send(Buffer.concat([Buffer.from(code as string), Buffer.from(this.#options.end)]));
  }

  /** Bytes as they are: noise, or the half of a code. */
  send(bytes: Uint8Array): void {
    this.#cable.send(bytes);
  }

  #hear(bytes: Buffer): void {
    this.#heard = Buffer.concat([this.#heard, bytes]);
    if (!this.#options.isGm65) return;
    const text = bytes.toString("hex");
    if (text.includes(look)) this.#looks += 1;
    const { faults } = this.#options;
    if (faults.chance(faults.rates.noReply)) return;
    if (text.includes(baudRateQuestion)) this.send(baudRateAnswer);
    else if (text.includes(look)) this.send(lookAnswer);
  }
}
