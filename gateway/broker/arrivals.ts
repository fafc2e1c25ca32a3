/**
 * Who comes in at the broker's door: counts connections in all and from each address, lets so many log in at a time (a handshake
 * costs milliseconds of a small processor), and shuts out whoever has not logged in when the time is up.
 */
import type { Socket } from "node:net";
import type { Millis } from "../domain/instant.ts";

export interface ArrivalLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Handshakes and logins under way at once; one address gets half of them. */
  readonly logins: number;
  /** From the turn until the login is done, and for the wait before that. */
  readonly loginMs: Millis;
}

interface Arrival {
  readonly socket: Socket;
  readonly address: string;
  readonly enter: () => void;
  state: "waiting" | "logging-in" | "in";
  timer: NodeJS.Timeout;
}

export class Arrivals {
  turnedAway = 0;
  timedOut = 0;
  readonly #limits: ArrivalLimits;
  readonly #known = new Map<string, Arrival>();
  readonly #perAddress = new Map<string, number>();
  readonly #loggingIn = new Map<string, number>();
  #waiting: Arrival[] = [];
  #running = 0;

  constructor(limits: ArrivalLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#known.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Calls `enter` when it is the socket's turn; until then nothing is read from it. */
  take(socket: Socket, enter: () => void): void {
    const address = socket.remoteAddress;
    const { connections, connectionsPerAddress } = this.#limits;
    const fromThere = this.#perAddress.get(address ?? "") ?? 0;
    if (!address || this.#known.size >= connections || fromThere >= connectionsPerAddress) {
      this.turnedAway += 1;
      socket.destroy();
      return;
    }
    const arrival: Arrival = { socket, address, enter, state: "waiting", timer: this.#deadline(socket) };
    const key = keyOf(socket);
    this.#known.set(key, arrival);
    this.#perAddress.set(address, fromThere + 1);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#gone(key, arrival));
    this.#waiting.push(arrival);
    this.#next();
  }

  /** The connection, plain or wrapped in TLS, is a device's now. */
  loggedIn(socket: Socket): void {
    const arrival = this.#known.get(keyOf(socket));
    if (arrival?.state !== "logging-in") return;
    clearTimeout(arrival.timer);
    this.#endLogin(arrival);
    arrival.state = "in";
    this.#next();
  }

  /** Closes every connection, hard. */
  destroy(): void {
    this.#waiting = [];
    for (const { socket } of this.#known.values()) socket.destroy();
  }

  #next(): void {
    const share = Math.max(1, Math.floor(this.#limits.logins / 2));
    while (this.#running < this.#limits.logins) {
      const index = this.#waiting.findIndex(({ address }) => (this.#loggingIn.get(address) ?? 0) < share);
      const arrival = this.#waiting[index];
      if (!arrival) return;
      this.#waiting.splice(index, 1);
      arrival.state = "logging-in";
      this.#running += 1;
      this.#loggingIn.set(arrival.address, (this.#loggingIn.get(arrival.address) ?? 0) + 1);
      clearTimeout(arrival.timer);
      arrival.timer = this.#deadline(arrival.socket);
      arrival.enter();
    }
  }

  #gone(key: string, arrival: Arrival): void {
    clearTimeout(arrival.timer);
    this.#known.delete(key);
    decrease(this.#perAddress, arrival.address);
    if (arrival.state === "waiting") this.#waiting = this.#waiting.filter((other) => other !== arrival);
    if (arrival.state === "logging-in") this.#endLogin(arrival);
    this.#next();
  }

  #endLogin({ address }: Arrival): void {
    this.#running -= 1;
    decrease(this.#loggingIn, address);
  }

  #deadline(socket: Socket): NodeJS.Timeout {
    return setTimeout(() => {
      this.timedOut += 1;
      socket.destroy();
    }, this.#limits.loginMs);
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localPort}`;
}

function decrease(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 1) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
