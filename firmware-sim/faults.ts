/** What goes wrong on the way between a simulated device and the gateway: all rates in one record, all chance from one seed. */

/** Rates are probabilities per message, 0 to 1; times are in milliseconds. */
export interface FaultRates {
  /** The message does not arrive, in either direction. */
  readonly lose: number;
  /** The longest a message is held back, in either direction; each takes its own time, so that they overtake each other. */
  readonly delayMs: number;
  /** The message arrives twice, in either direction. */
  readonly repeat: number;
  /** One byte of the payload is wrong, in either direction. */
  readonly garble: number;
  /** The connection breaks after the message. */
  readonly disconnect: number;
  /** A command is carried out and never answered. */
  readonly noReply: number;
  /** Every answer to a command comes so much later. */
  readonly lateReplyMs: number;
}

export const noFaults: FaultRates = {
  lose: 0,
  delayMs: 0,
  repeat: 0,
  garble: 0,
  disconnect: 0,
  noReply: 0,
  lateReplyMs: 0,
};

/** What happens to one message: when each copy arrives and with what payload, and whether the line breaks after it. */
export interface Passage {
  readonly copies: readonly { readonly afterMs: number; readonly payload: string }[];
  readonly breaks: boolean;
}

export class Faults {
  /** May change at any time; holds from the next message on. */
  rates: FaultRates;
  #state: number;

  constructor(rates: Partial<FaultRates> = {}, seed = 1) {
    this.rates = { ...noFaults, ...rates };
    this.#state = seed >>> 0;
  }

  /** `isReply`: the answer to a command. */
  pass(payload: string, isReply = false): Passage {
    const { lose, delayMs, repeat, garble, disconnect, noReply, lateReplyMs } = this.rates;
    const breaks = this.chance(disconnect);
    if (this.chance(lose) || (isReply && this.chance(noReply))) return { copies: [], breaks };
    const copies = Array.from({ length: this.chance(repeat) ? 2 : 1 }, () => ({
      afterMs: this.fraction() * delayMs + (isReply ? lateReplyMs : 0),
      payload: this.chance(garble) ? this.#garbled(payload) : payload,
    }));
    return { copies, breaks };
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** In [0, 1). A Weyl sequence whose steps are mixed until neighbours have nothing in common. */
  fraction(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  }

  #garbled(payload: string): string {
    const at = Math.floor(this.fraction() * payload.length);
    const wrong = String.fromCharCode(33 + ((payload.charCodeAt(at) - 33 + 1 + Math.floor(this.fraction() * 90)) % 93));
    return payload.slice(0, at) + wrong + payload.slice(at + 1);
  }
}
