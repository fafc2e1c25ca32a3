/**
 * Who comes in at the broker's door: bounds the connections in all and the arrivals from each network, lets so many log in at a time
 * (a handshake costs milliseconds of a small processor) and shuts out whoever has not logged in when the time is up. Networks take
 * turns: one that sends nothing, or wants more than its part, keeps nobody else waiting.
 */
import type { Socket } from "node:net";
import type { Millis } from "../domain/instant.ts";
import { networkOf } from "../wire/network-of.ts";

export interface ArrivalLimits {
  readonly connections: number;
  /** Not yet logged in, of one network (network-of.ts). Devices that are in are bounded by their accounts. */
  readonly arrivalsPerNetwork: number;
  /** Handshakes and logins under way at once; one network gets half of them. */
  readonly logins: number;
  /** From the turn until the login is done, and for the wait before that. */
  readonly loginMs: Millis;
}

/** After this part of its time a login is slow: it gives way when it has sent nothing yet, or its network has more turns than others. */
const patience = 1 / 5;

interface Network {
  arrivals: number;
  loggingIn: number;
}

interface Arrival {
  readonly key: string;
  readonly socket: Socket;
  readonly address: string;
  readonly network: Network;
  readonly enter: () => void;
  state: "waiting" | "logging-in" | "in" | "gone";
  isSlow: boolean;
  deadline: NodeJS.Timeout;
  slowness?: NodeJS.Timeout;
}

export class Arrivals {
  turnedAway = 0;
  timedOut = 0;
  readonly #limits: ArrivalLimits;
  /** The oldest first, and so in the other two. */
  readonly #known = new Map<string, Arrival>();
  readonly #waiting = new Set<Arrival>();
  readonly #loggingIn = new Set<Arrival>();
  /** Of arrivals not yet in. */
  readonly #networks = new Map<string, Network>();

  constructor(limits: ArrivalLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#known.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls `enter` when it is the socket's turn; until then nothing is read from it. */
  take(socket: Socket, enter: () => void): void {
    socket.on("error", () => undefined);
    const address = socket.remoteAddress && networkOf(socket.remoteAddress);
    const network = this.#networks.get(address ?? "") ?? { arrivals: 0, loggingIn: 0 };
    if (!address || network.arrivals >= this.#limits.arrivalsPerNetwork || !this.#hasPlaceFor(network)) {
      this.turnedAway += 1;
      socket.destroy();
      return;
    }
    const key = keyOf(socket);
    const deadline = this.#deadline(socket);
    const arrival: Arrival = { key, socket, address, network, enter, deadline, state: "waiting", isSlow: false };
    this.#networks.set(address, network);
    network.arrivals += 1;
    this.#known.set(key, arrival);
    this.#waiting.add(arrival);
    socket.once("close", () => {
      this.#forget(arrival);
      this.#next();
    });
    this.#next();
  }

  /** The connection, plain or wrapped in TLS, is a device's now. */
  loggedIn(socket: Socket): void {
    const arrival = this.#known.get(keyOf(socket));
    if (arrival?.state !== "logging-in") return;
    this.#leave(arrival, "in");
    this.#next();
  }

  /** Closes every connection, hard. */
  destroy(): void {
    for (const arrival of [...this.#known.values()]) {
      this.#forget(arrival);
      arrival.socket.destroy();
    }
  }

  /** When the house is full, the network with the most arrivals loses its oldest, if that is more than this one has. */
  #hasPlaceFor(newcomer: Network): boolean {
    if (this.#known.size < this.#limits.connections) return true;
    let most: Arrival | undefined;
    for (const arrival of this.#known.values()) {
      if (arrival.state !== "in" && arrival.network.arrivals > (most?.network ?? newcomer).arrivals) most = arrival;
    }
    if (most) this.#turnOut(most);
    return most !== undefined;
  }

  #next(): void {
    for (;;) {
      const arrival = this.#first();
      if (!arrival || !this.#hasTurnFor(arrival.network)) return;
      this.#waiting.delete(arrival);
      this.#loggingIn.add(arrival);
      arrival.state = "logging-in";
      arrival.network.loggingIn += 1;
      this.#watch(arrival);
      arrival.enter();
    }
  }

  /** Of the network with the fewest logins under way, whoever waits longest. */
  #first(): Arrival | undefined {
    let first: Arrival | undefined;
    for (const arrival of this.#waiting) {
      if (!first || arrival.network.loggingIn < first.network.loggingIn) first = arrival;
    }
    return first;
  }

  #hasTurnFor(network: Network): boolean {
    const { logins } = this.#limits;
    const hasItsPart = network.loggingIn >= Math.max(1, Math.floor(logins / 2));
    if (this.#loggingIn.size < logins && !hasItsPart) return true;
    for (const other of this.#loggingIn) {
      if (!other.isSlow || (hasItsPart && other.network !== network)) continue;
      if (other.socket.bytesRead > 0 && other.network.loggingIn <= network.loggingIn + 1) continue;
      this.#turnOut(other);
      return true;
    }
    return false;
  }

  #watch(arrival: Arrival): void {
    const { loginMs } = this.#limits;
    clearTimeout(arrival.deadline);
    arrival.deadline = this.#deadline(arrival.socket);
    // When the process was busy itself, what has come meanwhile is read before anybody is found silent.
    const judge = () => {
      arrival.isSlow = true;
      this.#next();
    };
    arrival.slowness = setTimeout(() => setImmediate(judge), loginMs * patience);
  }

  #turnOut(arrival: Arrival): void {
    this.turnedAway += 1;
    this.#forget(arrival);
    arrival.socket.destroy();
  }

  #forget(arrival: Arrival): void {
    if (arrival.state === "gone") return;
    this.#leave(arrival, "gone");
    // Its port may be another's by now.
    if (this.#known.get(arrival.key) === arrival) this.#known.delete(arrival.key);
  }

  /** It is no arrival any more: it is in, or gone. */
  #leave(arrival: Arrival, state: "in" | "gone"): void {
    const { network, address } = arrival;
    clearTimeout(arrival.deadline);
    clearTimeout(arrival.slowness);
    this.#waiting.delete(arrival);
    if (this.#loggingIn.delete(arrival)) network.loggingIn -= 1;
    if (arrival.state !== "in") {
      network.arrivals -= 1;
      if (network.arrivals === 0) this.#networks.delete(address);
    }
    arrival.state = state;
  }

  #deadline(socket: Socket): NodeJS.Timeout {
    return setTimeout(() => {
      this.timedOut += 1;
      socket.destroy();
    }, this.#limits.loginMs);
  }
}

/** The same for a connection and for the TLS around it. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
