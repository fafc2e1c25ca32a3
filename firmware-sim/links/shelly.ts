/**
 * How a simulated relay talks: as a Shelly of the second generation, JSON frames by `POST /rpc` or `/rpc/<method>` by GET and POST, one
 * request a connection, HTTP Digest where it has a password. Without power nobody answers at its address.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import type { SimRelay } from "../sim-relay.ts";
import { steadyPort } from "../steady-port.ts";
import { type Presented, readAuthorization, ShellyDigest, type Verdict } from "./shelly-digest.ts";
import { answer, type RpcAnswer, type RpcParams } from "./shelly-rpc.ts";

export interface ShellyServerOptions {
  readonly relay: SimRelay;
  readonly clock: Clock;
  /**
   * Per request: `lose` leaves it unanswered and unheard, `delayMs` holds it back, `disconnect` breaks the line after it was carried out.
   * Per answer: `noReply` and `lateReplyMs` for those to commands, `lose`, `delayMs` and `garble` for all. Nothing comes twice on TCP.
   */
  readonly faults: Faults;
  /** Without one everybody may ask. */
  readonly password?: string;
}

/** The maker names about six connections at a time; further ones are closed at once. */
const connectionsMax = 6;
const bodyBytesMax = 4_096;
const host = "127.0.0.1";
/** Asked without a password, too. */
const open = new Set(["Shelly.GetDeviceInfo"]);
const commandMethods = new Set(["Switch.Set", "Switch.Toggle"]);

interface Call {
  readonly method: string;
  readonly params: RpcParams;
  /** The frame's own number; undefined where the method is in the address, which is answered without a frame. */
  readonly frame?: { readonly id: unknown; readonly src?: unknown; readonly auth?: Presented };
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly challenge?: string;
}

export class ShellyServer {
  readonly #options: ShellyServerOptions;
  readonly #digest: ShellyDigest | undefined;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #unwatch: (() => void) | undefined;
  /** Power comes and goes faster than a port opens: one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #port = 0;
  #commands = 0;

  constructor(options: ShellyServerOptions) {
    const { relay, password, clock } = options;
    this.#options = options;
    this.#digest = password === undefined ? undefined : new ShellyDigest(relay.id, password, clock);
  }

  /** Switch.Set that arrived and whose sender was known. */
  get commands(): number {
    return this.#commands;
  }

  /** Resolves once it answers, or would with power. It keeps its port for ever, over stop() and power cuts. */
  async start(): Promise<{ host: string; port: number }> {
    const { relay } = this.#options;
    this.#unwatch ??= relay.onChange(() => void this.#follow());
    if (this.#port === 0) await this.#listen();
    await this.#follow();
    return { host, port: this.#port };
  }

  async stop(): Promise<void> {
    this.#unwatch?.();
    this.#unwatch = undefined;
    await this.#follow();
  }

  /** As when their hour is over: the next request is told that its nonce is stale. */
  forgetNonces(): void {
    this.#digest?.forgetNonces();
  }

  /** Brings the port to where power and start() want it. */
  #follow(): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      const wanted = this.#unwatch !== undefined && this.#options.relay.powered;
      if (wanted && !this.#server) await this.#listen();
      if (!wanted && this.#server) await this.#close();
    });
    return this.#turn;
  }

  async #listen(): Promise<void> {
    const server = createServer({ keepAliveTimeout: 1 }, (request, response) => {
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
    server.maxConnections = connectionsMax;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server = server;
    this.#port ||= await steadyPort();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, host, resolve);
    });
  }

  #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#digest?.forgetNonces();
    return new Promise((resolve) => {
      if (!server) return resolve();
      server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults, clock } = this.#options;
    const server = this.#server;
    const body = await bodyOf(request);
    const { copies, breaks } = faults.pass(body);
    const [arrives] = copies;
    if (!arrives) return; // it waits until its own deadline
    if (arrives.afterMs > 0) await clock.sleep(arrives.afterMs);
    if (this.#server !== server) return;
    const call = readCall(request, body);
    const reply = call ? this.#carryOut(call, request) : this.#unreadable();
    if (breaks) return void request.socket.destroy();
    const [leaves] = faults.pass(reply.body, call !== undefined && commandMethods.has(call.method)).copies;
    if (!leaves) return;
    if (leaves.afterMs > 0) await clock.sleep(leaves.afterMs);
    response.writeHead(reply.status, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(leaves.payload),
      Connection: "close",
      ...(reply.challenge !== undefined && { "WWW-Authenticate": reply.challenge }),
    });
    response.end(leaves.payload);
  }

  #carryOut(call: Call, request: IncomingMessage): Reply {
    const verdict = this.#admit(call, request);
    if (verdict === "throttled")
      return {
        status: 429,
        body: written(call, { error: { code: 429, message: "Too many failed authentication attempts" } }, this.#id),
      };
    if (verdict !== "right") return this.#challenge(call, verdict === "stale");
    if (call.method === "Switch.Set") this.#commands += 1;
    const answered = answer(this.#options.relay, call.method, call.params);
    const failed = "error" in answered ? answered.error : undefined;
    const status = !failed || call.frame ? 200 : failed.code === 404 ? 404 : 500;
    return { status, body: written(call, answered, this.#id) };
  }

  /** Who presents nothing may have sent an empty body to be asked first, as curl does. */
  #unreadable(): Reply {
    if (!this.#digest) return { status: 400, body: "Bad Request" };
    return { status: 401, body: "Unauthorized", challenge: this.#digest.challenge(false).header };
  }

  #admit(call: Call, { headers, method = "GET", url: target = "/" }: IncomingMessage): Verdict {
    if (!this.#digest || open.has(call.method)) return "right";
    const header = readAuthorization(headers.authorization);
    if (header) return this.#digest.judge(header, { method, target });
    if (call.frame?.auth) return this.#digest.judge(call.frame.auth);
    // Who presents nothing is asked, and has not failed.
    return this.#digest.throttles ? "throttled" : "wrong";
  }

  #challenge(call: Call, stale: boolean): Reply {
    const { header = "", nonce = "" } = this.#digest?.challenge(stale) ?? {};
    const message = JSON.stringify({ auth_type: "digest", nonce, nc: 1, realm: this.#id, algorithm: "SHA-256" });
    return { status: 401, challenge: header, body: written(call, { error: { code: 401, message } }, this.#id) };
  }

  get #id(): string {
    return this.#options.relay.id;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) throw new RangeError("the body is too long");
  return text(request);
}

/** undefined when it cannot be read. */
function readCall(request: IncomingMessage, body: string): Call | undefined {
  const { pathname, searchParams } = new URL(request.url ?? "/", `http://${host}`);
  if (pathname === "/shelly") return { method: "Shelly.GetDeviceInfo", params: {} };
  if (pathname !== "/rpc" && !pathname.startsWith("/rpc/")) return undefined;
  try {
    const sent = body === "" ? {} : (JSON.parse(body) as RpcParams);
    if (pathname !== "/rpc") {
      const asked = [...searchParams].map(([name, value]) => [name, asJson(value)]);
      return { method: pathname.slice("/rpc/".length), params: { ...sent, ...Object.fromEntries(asked) } };
    }
    const { id, src, method, params, auth } = sent;
    if (id === undefined || typeof method !== "string") return undefined;
    return {
      method,
      params: (params ?? {}) as RpcParams,
      frame: { id, ...(src !== undefined && { src }), ...(auth !== undefined && { auth: asFields(auth) }) },
    };
  } catch {
    return undefined; // not JSON
  }
}

function written({ frame }: Call, answered: RpcAnswer, id: string): string {
  if (!frame) return JSON.stringify("error" in answered ? answered.error : answered.result);
  return JSON.stringify({ id: frame.id, src: id, ...(frame.src !== undefined && { dst: frame.src }), ...answered });
}

function asJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function asFields(auth: unknown): Presented {
  return Object.fromEntries(Object.entries(auth as RpcParams).map(([name, value]) => [name, String(value)]));
}
