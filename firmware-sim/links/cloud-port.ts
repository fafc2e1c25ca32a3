/**
 * Where a simulated maker's cloud is reached: a port on loopback, without TLS, what has been asked there, and everything that goes wrong
 * between a request and its answer. What is answered is the service's business.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { text } from "node:stream/consumers";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import { steadyPort } from "../steady-port.ts";

export interface CloudRequest {
  readonly method: string;
  /** Between the slashes, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** "" where none was sent. */
  readonly body: string;
}

export interface CloudAnswer {
  readonly status: number;
  /** What is written as JSON; absent in an answer without a body. */
  readonly json?: unknown;
  /** Instead of JSON. */
  readonly html?: string;
  /** The same, of whatever type. */
  readonly text?: { readonly type: string; readonly body: string };
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CloudCall {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** On the clock's monotonic time. */
  readonly at: number;
}

/**
 * What happens to one request. "hang": neither heard nor answered. "mute": carried out, never answered. "cut": not carried out, the line
 * breaks. "drop": carried out, then the line breaks. "garble": carried out, the half of the answer comes. `slowMs`: carried out at once,
 * answered so much later. `answer`: not carried out, answered so.
 */
export type CloudTrouble =
  | "hang"
  | "mute"
  | "cut"
  | "drop"
  | "garble"
  | { readonly slowMs: number }
  | { readonly answer: CloudAnswer };

/** Which requests are meant. */
export interface CloudTroubleScope {
  /** How many of them; one if absent. */
  readonly times?: number;
  readonly method?: string;
  /** Held against the path with its query. */
  readonly path?: RegExp;
}

export interface CloudPortOptions {
  readonly clock: Clock;
  /**
   * Per request: `lose` leaves it unanswered and unheard, `delayMs` holds it back, `disconnect` breaks the line after it was carried out.
   * Per answer: `noReply` and `lateReplyMs` for those to anything but GET, `lose`, `delayMs` and `garble` for all. Nothing comes twice on TCP.
   */
  readonly faults: Faults;
  readonly answer: (request: CloudRequest) => CloudAnswer;
}

const host = "127.0.0.1";
const bodyBytesMax = 65_536;
const callsMax = 10_000;

export class CloudPort {
  readonly #options: CloudPortOptions;
  readonly #calls: CloudCall[] = [];
  readonly #troubles: { readonly what: CloudTrouble; readonly scope: CloudTroubleScope; left: number }[] = [];
  #server: Server | undefined;
  #port = 0;

  constructor(options: CloudPortOptions) {
    this.#options = options;
  }

  /** What has arrived, in order; of very many the last. */
  get calls(): readonly CloudCall[] {
    return this.#calls;
  }

  /** Keeps its port over stop(). */
  async start(): Promise<{ url: string }> {
    if (!this.#server) {
      const server = createServer((request, response) => {
        this.#serve(request, response).catch(() => request.socket.destroy());
      });
      this.#server = server;
      this.#port ||= await steadyPort();
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(this.#port, host, resolve);
      });
    }
    return { url: `http://${host}:${this.#port}` };
  }

  /** Whoever waits for an answer is cut off. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }

  /** Of several troubles that fit, the first that was named comes first. */
  trouble(what: CloudTrouble, scope: CloudTroubleScope = {}): void {
    this.#troubles.push({ what, scope, left: scope.times ?? 1 });
  }

  settle(): void {
    this.#troubles.length = 0;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults, clock } = this.#options;
    const server = this.#server;
    const { method = "GET", url = "/" } = request;
    const body = await bodyOf(request);
    this.#note({ method, path: url, at: clock.monotonic() });
    const trouble = this.#troubleFor(method, url);
    if (trouble === "hang") return;
    if (trouble === "cut") return void request.socket.destroy();
    const { copies, breaks } = faults.pass(body);
    const [arrives] = copies;
    if (!arrives) return; // it waits until its own deadline
    if (arrives.afterMs > 0) await clock.sleep(arrives.afterMs);
    if (this.#server !== server) return;
    const answer =
      typeof trouble === "object" && "answer" in trouble
        ? trouble.answer
        : this.#options.answer({ method, ...partsOf(url), headers: request.headers, body });
    if (breaks || trouble === "drop") return void request.socket.destroy();
    const [leaves] = faults.pass(payloadOf(answer), method !== "GET").copies;
    if (!leaves || trouble === "mute") return;
    const lateMs = leaves.afterMs + (typeof trouble === "object" && "slowMs" in trouble ? trouble.slowMs : 0);
    if (lateMs > 0) await clock.sleep(lateMs);
    const payload = trouble === "garble" ? leaves.payload.slice(0, leaves.payload.length / 2) : leaves.payload;
    send(response, answer, payload);
  }

  #note(call: CloudCall): void {
    this.#calls.push(call);
    if (this.#calls.length > callsMax) this.#calls.shift();
  }

  #troubleFor(method: string, url: string): CloudTrouble | undefined {
    const fitting = this.#troubles.find(
      ({ scope, left }) =>
        left > 0 && (scope.method ?? method) === method && (scope.path === undefined || scope.path.test(url)),
    );
    if (fitting) fitting.left -= 1;
    return fitting?.what;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) throw new RangeError("the body is too long");
  return text(request);
}

function partsOf(target: string): Pick<CloudRequest, "path" | "query"> {
  const { pathname, searchParams } = new URL(target, `http://${host}`);
  return { path: pathname.split("/").slice(1).map(decodeURIComponent), query: searchParams };
}

function payloadOf({ json, html, text }: CloudAnswer): string {
  return html ?? text?.body ?? (json === undefined ? "" : JSON.stringify(json));
}

function send(response: ServerResponse, { status, html, text, headers }: CloudAnswer, payload: string): void {
  if (status === 204 || status === 304) return void response.writeHead(status, headers).end();
  const type = text?.type ?? (html === undefined ? "application/json; charset=utf-8" : "text/html");
  response.writeHead(status, {
    ...headers,
    ...(payload !== "" && { "Content-Type": type }),
    "Content-Length": Buffer.byteLength(payload),
  });
  response.end(payload);
}
