/** Connections to one peer, kept open for a while. A request is written only to who holds the key expected there. */
import { Agent } from "node:http";
import type { Duplex } from "node:stream";
import { connect, type SecureContext } from "node:tls";
import type { Millis } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { Address } from "./address.ts";
import { keyOf } from "./peer-identity.ts";

/** Somebody answers at the peer's address with another key than the feed lists: an impostor, or a gateway enrolled anew. */
export class WrongKeyError extends Error {}

/** Shorter than the server keeps an idle connection, so that it is seldom given up while a request is on its way. */
const idleMs: Millis = 30_000;
const idleMax = 4;
const connectWithinMs: Millis = 3_000;
/** Node's agent does not count those that are not made yet. */
const connectingMax = 32;

export interface PinnedPeer {
  readonly address: Address;
  /** Its PeerGateway.publicKey. */
  readonly publicKey: string;
}

export class PinnedAgent extends Agent {
  readonly peer: PinnedPeer;
  readonly #identity: SecureContext;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #connecting = 0;

  constructor(peer: PinnedPeer, identity: SecureContext, clock: Clock) {
    super({ keepAlive: true, maxFreeSockets: idleMax, timeout: idleMs });
    this.peer = peer;
    this.#identity = identity;
    this.#clock = clock;
  }

  override createConnection(_options: object, done: (error: Error | null, stream: Duplex) => void): undefined {
    const { address, publicKey } = this.peer;
    if (this.#connecting >= connectingMax) throw new Error(`${connectingMax} connections are being made already`);
    this.#connecting += 1;
    // Neither names nor dates of a certificate are looked at: the key is, below.
    const socket = connect({ ...address, secureContext: this.#identity, rejectUnauthorized: false });
    const over = new AbortController();
    const settle = (error: Error | null) => {
      if (over.signal.aborted) return;
      over.abort();
      this.#connecting -= 1;
      if (error) socket.destroy();
      done(error, socket);
    };
    socket.on("secureConnect", () =>
      settle(keyOf(socket) === publicKey ? null : new WrongKeyError("it has another key than the site feed lists")),
    );
    socket.on("error", settle);
    socket.on("close", () => settle(new Error("the connection was closed")));
    this.#clock.sleep(connectWithinMs, AbortSignal.any([over.signal, this.#closing.signal])).then(
      () => settle(new Error(`no connection within ${connectWithinMs} ms`)),
      () => settle(new Error("no longer needed")),
    );
  }

  override destroy(): void {
    this.#closing.abort();
    super.destroy();
  }
}
