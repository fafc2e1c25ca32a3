/**
 * Answers the other gateways of the site over the LAN: whoever holds the key of a gateway that the feed lists may ask for an entry
 * in that gateway's name. Everybody else is cut off after the handshake.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type SecureContextOptions, TLSSocket } from "node:tls";
import type { PeerGateway } from "../domain/feed.ts";
import type { GatewayId } from "../domain/grant.ts";
import type { Millis } from "../domain/instant.ts";
import { type HolderId, holderId } from "../domain/rights.ts";
import type { SiteRecords } from "../domain/site-records.ts";
import { GatewayError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { EntryReply, EntryRequest } from "../ports/peer-link.ts";
import { Allowance, type Rate } from "../wire/allowance.ts";
import { entryPath, entryRequestSchema, helloPath, peerBodyBytesMax, type WireEntryRequest } from "../wire/peer.ts";
import { writeAddress } from "./address.ts";
import { keyOf } from "./peer-identity.ts";

export interface PeerServerLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Of everybody together: each costs a small processor some milliseconds that the doors need. */
  readonly handshakes: Rate;
  readonly handshakeMs: Millis;
  /** Of one peer. */
  readonly requests: Rate;
  /** From a request's first byte to its last. */
  readonly requestMs: Millis;
  readonly idleMs: Millis;
}

export const defaultPeerServerLimits: PeerServerLimits = {
  connections: 128,
  connectionsPerAddress: 40,
  handshakes: { perSecond: 50, burst: 200 },
  handshakeMs: 3_000,
  requests: { perSecond: 100, burst: 500 },
  requestMs: 3_000,
  idleMs: 60_000,
};

export interface PeerServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** See peer-identity.ts. */
  readonly identity: SecureContextOptions;
  readonly records: Pick<SiteRecords, "gateway" | "peers">;
  /** This gateway in its present epoch. */
  readonly holder: HolderId;
  readonly give: (request: EntryRequest) => Promise<EntryReply>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<PeerServerLimits>;
}

type Answer =
  | { readonly status: 200; readonly body: EntryReply | { readonly from: HolderId } }
  | { readonly status: 400 | 403 | 404 | 409 | 413 | 429 | 503; readonly body: { readonly code: string } };

export class PeerServer {
  readonly #options: PeerServerOptions;
  readonly #limits: PeerServerLimits;
  readonly #server: Server;
  readonly #handshakes: Allowance;
  readonly #requests = new Map<GatewayId, Allowance>();
  /** Every connection with the address it comes from. */
  readonly #sockets = new Map<Socket, string>();

  constructor(options: PeerServerOptions) {
    this.#options = options;
    this.#limits = { ...defaultPeerServerLimits, ...options.limits };
    const { connections, handshakes, handshakeMs, requestMs, idleMs } = this.#limits;
    this.#handshakes = new Allowance(handshakes);
    this.#server = createServer({
      ...options.identity,
      requestCert: true,
      // A certificate here is only a key in an envelope: #peerOf looks at the key.
      rejectUnauthorized: false,
      handshakeTimeout: handshakeMs,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(requestMs, 1_000),
      keepAliveTimeout: idleMs,
      maxHeaderSize: peerBodyBytesMax,
    });
    this.#server.maxConnections = connections;
    this.#guardDoor();
    this.#server.prependListener("secureConnection", (socket: TLSSocket) => {
      if (this.#peerOf(socket)) return;
      options.logger.debug("stranger-refused", { address: socket.remoteAddress });
      socket.destroy();
    });
    // Noise, a plain HTTP speaker, a request that never ends.
    this.#server.on("clientError", (error, socket) => {
      options.logger.debug("peer-connection-failed", { error });
      socket.destroy();
    });
    this.#server.on("request", (request, response) => void this.#answer(request, response));
  }

  /** Rejects with `port-in-use` or `config-invalid` naming the configuration key. */
  start(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      const refuse = (cause: NodeJS.ErrnoException) => {
        const [code, key] =
          cause.code === "EADDRNOTAVAIL" || cause.code === "ENOTFOUND"
            ? (["config-invalid", "lan.host"] as const)
            : (["port-in-use", "lan.port"] as const);
        const where = writeAddress({ host, port });
        reject(
          new GatewayError(code, `${key}: cannot listen on ${where} (${cause.code})`, { key, host, port }, { cause }),
        );
      };
      this.#server.once("error", refuse);
      this.#server.listen({ host, port }, () => {
        this.#server.off("error", refuse);
        // Such as no descriptor left for one more connection: those there are go on.
        this.#server.on("error", (error) => this.#options.logger.error("lan-failed", { error }));
        resolve();
      });
    });
  }

  /** undefined: it does not listen. */
  get port(): number | undefined {
    return (this.#server.address() as AddressInfo | null)?.port;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets.keys()) socket.destroy();
    });
  }

  /** Stands before the handshake: nobody's connections or handshakes leave no room for the rest. */
  #guardDoor(): void {
    const enter = this.#server.listeners("connection");
    this.#server.removeAllListeners("connection");
    this.#server.on("connection", (socket: Socket) => {
      const address = socket.remoteAddress ?? "";
      const fromThere = this.#sockets.values().reduce((count, other) => count + (other === address ? 1 : 0), 0);
      const isFull = fromThere >= this.#limits.connectionsPerAddress;
      if (isFull || !this.#handshakes.takeNow(this.#options.clock.monotonic())) {
        this.#options.logger.debug("peer-turned-away", { address, connections: fromThere });
        socket.destroy();
        return;
      }
      this.#sockets.set(socket, address);
      socket.once("close", () => this.#sockets.delete(socket));
      for (const each of enter) each.call(this.#server, socket);
    });
  }

  /** The gateway that speaks, if the feed lists it now and it is another one. */
  #peerOf(socket: TLSSocket): PeerGateway | undefined {
    const key = keyOf(socket);
    const { records } = this.#options;
    return key === undefined
      ? undefined
      : records.peers().find((peer) => peer.publicKey === key && peer.id !== records.gateway);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The feed may have dropped it since the handshake.
    const peer = request.socket instanceof TLSSocket ? this.#peerOf(request.socket) : undefined;
    if (!peer) {
      request.socket.destroy();
      return;
    }
    try {
      const { status, body } = await this.#answerTo(peer, request);
      if (status !== 200) this.#options.logger.warn("peer-refused", { peer: peer.id, ...body });
      const text = JSON.stringify(body);
      response.writeHead(status, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
        // What is left of the request is not waited for.
        ...(!request.complete && { connection: "close" }),
      });
      response.end(text);
    } catch (error) {
      // It went away before its request was whole.
      this.#options.logger.debug("peer-connection-failed", { peer: peer.id, error: error as Error });
      request.socket.destroy();
    }
  }

  async #answerTo(peer: PeerGateway, request: IncomingMessage): Promise<Answer> {
    if (!this.#allowanceOf(peer.id).takeNow(this.#options.clock.monotonic())) return refusal(429, "too-many");
    if (request.method === "GET" && request.url === helloPath)
      return { status: 200, body: { from: this.#options.holder } };
    if (request.method !== "POST" || request.url !== entryPath) return refusal(404, "not-found");
    const text = await boundedText(request);
    if (text === undefined) return refusal(413, "too-large");
    const asked = readRequest(text);
    if (!asked) return refusal(400, "unreadable");
    if (asked.to !== holderId(peer.id, peer.epoch)) return refusal(403, "not-your-name");
    if (asked.from !== this.#options.holder) return refusal(409, "not-my-name");
    try {
      const { grant, to, have } = asked;
      return { status: 200, body: await this.#options.give({ grant, to, have }) };
    } catch (error) {
      this.#options.logger.error("entry-not-given", { peer: peer.id, grant: asked.grant, error: error as Error });
      return refusal(503, "failed");
    }
  }

  #allowanceOf(peer: GatewayId): Allowance {
    const allowance = this.#requests.get(peer) ?? new Allowance(this.#limits.requests);
    this.#requests.set(peer, allowance);
    return allowance;
  }
}

function refusal(status: Exclude<Answer["status"], 200>, code: string): Answer {
  return { status, body: { code } };
}

/** undefined: it is too long. */
async function boundedText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  // The stream stays whole when the loop is left, so that a refusal can be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > peerBodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function readRequest(text: string): WireEntryRequest | undefined {
  try {
    return entryRequestSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
