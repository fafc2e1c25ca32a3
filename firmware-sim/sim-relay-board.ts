/** A board of relays without a timer, fed by its port or by a supply of its own. How it talks is its link's business (links/serial-relay.ts). */

type Unsubscribe = () => void;

export class SimRelayBoard {
  readonly #on: boolean[];
  readonly #welded = new Set<number>();
  readonly #listeners = new Set<(channel: number, on: boolean) => void>();

  /** All of its relays begin off. */
  constructor(channels: number) {
    this.#on = Array.from({ length: channels }, () => false);
  }

  get channels(): readonly boolean[] {
    return this.#on;
  }

  /** `channel`: from 1. */
  isOn(channel: number): boolean {
    return this.#on[channel - 1] === true;
  }

  /** By command, or by the button on it. A channel it does not have does nothing. */
  set(channel: number, on: boolean): void {
    if (channel > this.#on.length || this.#welded.has(channel) || this.isOn(channel) === on) return;
    this.#on[channel - 1] = on;
    for (const listener of this.#listeners) listener(channel, on);
  }

  /** The contacts melt together, or stick: the relay stays as it is. */
  weld(channel: number): void {
    this.#welded.add(channel);
  }

  unweld(channel: number): void {
    this.#welded.delete(channel);
  }

  /** Every coil drops. */
  cutPower(): void {
    this.#on.forEach((_, index) => {
      this.set(index + 1, false);
    });
  }

  /** Called when a relay has moved. */
  onChange(listener: (channel: number, on: boolean) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
