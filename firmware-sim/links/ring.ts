/**
 * How simulated Ring locks and intercoms are reached from outside: their maker's service, on loopback, with TLS by an authority of its own.
 * One port plays all its hosts; links/ring-redirect.ts brings a client there. Nothing here works without the service, as in life.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import { steadyPort } from "../steady-port.ts";
import { localIdentity } from "./local-authority.ts";
import { promptRingDelivery, type RingDelivery, RingHub, type RingListener } from "./ring-hub.ts";
import { type RingAnswer, type RingCallKind, type RingPlace, RingRoutes } from "./ring-routes.ts";
import { type RingAccount, RingTokens } from "./ring-tokens.ts";
import { WebSocketConnection } from "./web-socket.ts";

export interface RingServerOptions {
  readonly places: readonly RingPlace[];
  /** The one refresh token that is taken first; each serves once. */
  readonly refreshToken: string;
  /** For whoever signs in by hand. */
  readonly account?: RingAccount;
  readonly clock: Clock;
  /**
   * Per request and message: `lose` leaves it unheard, `delayMs` holds it back, `disconnect` breaks the line after it was carried out.
   * Per answer and push: `lose`, `delayMs`, `garble`; `noReply` and `lateReplyMs` for the answers to POST, PUT and PATCH.
   */
  readonly faults: Faults;
  readonly delivery?: Partial<RingDelivery>;
}

export interface RingCall {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly kind: RingCallKind;
  /** On the clock's monotonic time. */
  readonly at: number;
}

/** What the service does instead of carrying a call out. "nothing": it takes the call and never answers. */
export interface RingFailure {
  readonly answer: 400 | 401 | 403 | 404 | 412 | 429 | 500 | 502 | 503 | 504 | "nothing" | "malformed";
  /** Only these; by default all. */
  readonly of?: RingCallKind;
  readonly times?: number;
  readonly retryAfterSeconds?: number;
}

const host = "127.0.0.1";
/** Loopback as well, and nobody listens there. */
const emptyHost = "127.0.0.2";
const bodyBytesMax = 65_536;
const callsMax = 10_000;

export class RingServer {
  /** May change at any time. */
  readonly delivery: RingDelivery;
  readonly tokens: RingTokens;
  readonly #options: RingServerOptions;
  readonly #identity = localIdentity([host, "localhost"]);
  readonly #hubs = new Map<string, RingHub>();
  readonly #routes: RingRoutes;
  readonly #calls: RingCall[] = [];
  #failure: (RingFailure & { left: number }) | undefined;
  #misdirects = false;
  #announced: string | undefined;
  #server: Server | undefined;
  #port = 0;

  constructor(options: RingServerOptions) {
    const { places, refreshToken, account, clock, faults } = options;
    this.#options = options;
    this.delivery = { ...promptRingDelivery, ...options.delivery };
    this.tokens = new RingTokens(refreshToken, clock, account);
    for (const { id, hub } of places)
      if (hub) this.#hubs.set(id, new RingHub({ ...hub, clock, faults, delivery: this.delivery }));
    this.#routes = new RingRoutes({
      places,
      hubs: this.#hubs,
      tokens: this.tokens,
      hubHost: () => (this.#misdirects ? `${emptyHost}:${this.#port}` : (this.#announced ?? `${host}:${this.#port}`)),
    });
  }

  /** What has arrived, in order; of very many the last. */
  get calls(): readonly RingCall[] {
    return this.#calls;
  }

  /** Keeps its port over stop(). `ca`: PEM of the authority to trust. */
  async start(): Promise<{ url: string; ca: string }> {
    if (!this.#server) {
      const { key, cert } = this.#identity;
      const server = createServer({ key, cert }, (request, response) => {
        this.#serve(request, response).catch(() => request.socket.destroy());
      });
      server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
        this.#join(request, socket, head),
      );
      this.#server = server;
      this.#port ||= await steadyPort();
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(this.#port, host, resolve);
      });
      for (const hub of this.#hubs.values()) hub.start();
    }
    return { url: `https://${host}:${this.#port}`, ca: this.#identity.ca };
  }

  /** The service, or the way to it, is gone. What is in the locks stays; so do tokens. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    for (const hub of this.#hubs.values()) hub.stop();
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }

  /** Throws a RangeError where this place has none. */
  hub(place: string): RingHub {
    const hub = this.#hubs.get(place);
    if (!hub) throw new RangeError(`there is no hub at ${place}`);
    return hub;
  }

  fail(failure: RingFailure): void {
    this.#failure = { ...failure, left: failure.times ?? Number.POSITIVE_INFINITY };
  }

  obey(): void {
    this.#failure = undefined;
  }

  /** Tickets name this host and port from now on, where the way to the hub's socket leads over somebody else's. */
  announce(hubAt: string): void {
    this.#announced = hubAt;
  }

  /** Tickets name a host from now on at which there is no hub. */
  misdirect(on: boolean): void {
    this.#misdirects = on;
  }

  /** Every client has to begin a session anew, as after a day or a move of the data. */
  forgetSessions(): void {
    this.#routes.forgetSessions();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults, clock } = this.#options;
    const server = this.#server;
    const { method = "GET", url = "/" } = request;
    const { pathname } = new URL(url, `https://${host}`);
    const kind = this.#routes.kindOf(method, pathname);
    this.#note({ method, path: url, kind, at: clock.monotonic() });
    const body = await bodyOf(request);
    const { copies, breaks } = faults.pass(body);
    const [arrives] = copies;
    if (!arrives) return; // it waits until its own deadline
    if (arrives.afterMs > 0) await clock.sleep(arrives.afterMs);
    if (this.#server !== server) return;
    const failure = this.#failing(kind);
    if (failure?.answer === "nothing") return;
    const answer = failure ? failed(failure) : this.#routes.answer(kind, request, arrives.payload);
    if (breaks) return void request.socket.destroy();
    const said = failure?.answer === "malformed" ? '{"result": [' : written(answer);
    const [leaves] = faults.pass(said, method !== "GET").copies;
    if (!leaves) return;
    if (leaves.afterMs > 0) await clock.sleep(leaves.afterMs);
    response.writeHead(answer.status, {
      "Content-Type": "application/json",
      ...(failure?.retryAfterSeconds !== undefined && { "Retry-After": failure.retryAfterSeconds }),
      ...(answer.status !== 204 && { "Content-Length": Buffer.byteLength(leaves.payload) }),
    });
    response.end(leaves.payload);
  }

  /** The hub's socket. A ticket serves once; nobody else is let in. */
  #join(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname, searchParams } = new URL(request.url ?? "/", `https://${host}`);
    const hub = pathname === "/ws" ? this.#routes.redeem(searchParams.get("authcode") ?? "") : undefined;
    if (!hub || !this.#server) return void socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
    const listener: RingListener | undefined = WebSocketConnection.accept(request, socket, head, {
      onText: (said) => listener && hub.hear(said, listener),
      onClose: () => listener && hub.leave(listener),
    });
    if (listener) hub.join(listener);
  }

  #failing(kind: RingCallKind): RingFailure | undefined {
    const failure = this.#failure;
    if (!failure || failure.left <= 0 || (failure.of !== undefined && failure.of !== kind)) return undefined;
    failure.left -= 1;
    return failure;
  }

  #note(call: RingCall): void {
    this.#calls.push(call);
    if (this.#calls.length > callsMax) this.#calls.shift();
  }
}

function failed({ answer }: RingFailure): RingAnswer {
  if (answer === "malformed" || answer === "nothing") return { status: 200 };
  return { status: answer, body: { error: answer === 429 ? "too many requests" : `failed with ${answer}` } };
}

function written({ body }: RingAnswer): string {
  return body === undefined ? "" : JSON.stringify(body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) throw new RangeError("the body is too long");
  return text(request);
}
