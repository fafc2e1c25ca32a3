/**
 * How simulated Nukis are reached from outside: their maker's web service, on loopback and without TLS. 204 means accepted, nothing more;
 * what then happens to a lock is nuki-cloud-lock.ts.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import type { SimNuki } from "../sim-nuki.ts";
import { steadyPort } from "../steady-port.ts";
import { NukiCloudLock, type NukiDelivery, promptDelivery } from "./nuki-cloud-lock.ts";
import { answerNuki, type NukiAnswer, refusal } from "./nuki-web-routes.ts";

export interface NukiWebServerOptions {
  readonly locks: readonly SimNuki[];
  /** The one bearer token that is admitted. */
  readonly token: string;
  readonly clock: Clock;
  /**
   * Per request: `lose` leaves it unanswered and unheard, `delayMs` holds it back, `disconnect` breaks the line after it was carried out.
   * Per answer: `noReply` and `lateReplyMs` for those to PUT, POST and DELETE, `lose`, `delayMs` and `garble` for all. Nothing comes twice on TCP.
   */
  readonly faults: Faults;
  readonly delivery?: Partial<NukiDelivery>;
}

export interface NukiWebCall {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** On the clock's monotonic time. */
  readonly at: number;
}

/** What the service may say instead of doing anything. */
export type NukiRefusal = 400 | 401 | 402 | 403 | 404 | 409 | 422 | 423 | 429 | 500 | 503;

const host = "127.0.0.1";
const bodyBytesMax = 65_536;
const callsMax = 10_000;

export class NukiWebServer {
  /** May change at any time; holds from the next change, action or report on. */
  readonly delivery: NukiDelivery;
  readonly #options: NukiWebServerOptions;
  readonly #clouds = new Map<number, NukiCloudLock>();
  readonly #calls: NukiWebCall[] = [];
  #actions = 0;
  #server: Server | undefined;
  #port = 0;
  #refusal: { readonly status: NukiRefusal; left: number; readonly of: "all" | "changes" } | undefined;
  #ids = 0;

  constructor(options: NukiWebServerOptions) {
    this.#options = options;
    this.delivery = { ...promptDelivery, ...options.delivery };
    const { clock, faults, locks } = options;
    const nextId = () => (++this.#ids).toString(16).padStart(24, "0");
    for (const lock of locks)
      this.#clouds.set(lock.id, new NukiCloudLock({ lock, clock, faults, delivery: this.delivery, nextId }));
  }

  /** What has arrived, in order; of very many the last. */
  get calls(): readonly NukiWebCall[] {
    return this.#calls;
  }

  /** Actions that have arrived with the right token, whatever was answered. */
  get actions(): number {
    return this.#actions;
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
      for (const cloud of this.#clouds.values()) cloud.start();
    }
    return { url: `http://${host}:${this.#port}` };
  }

  /** The service, or the way to it, is gone. What is on its way to a lock is lost; what is in the locks stays. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    for (const cloud of this.#clouds.values()) cloud.stop();
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }

  /**
   * The next `times` requests, or of them those that would change something, are answered so, and nothing is done. The message repeats
   * what was sent, as servers do.
   */
  refuse(status: NukiRefusal, times = Number.POSITIVE_INFINITY, of: "all" | "changes" = "all"): void {
    this.#refusal = { status, left: times, of };
  }

  obey(): void {
    this.#refusal = undefined;
  }

  /** Between the cloud and one lock. */
  cutLine(smartlockId: number): void {
    this.#cloud(smartlockId).cutLine();
  }

  restoreLine(smartlockId: number): void {
    this.#cloud(smartlockId).restoreLine();
  }

  /** Its list of codes shows from now on what it shows now. */
  freezeList(smartlockId: number): void {
    this.#cloud(smartlockId).freezeList();
  }

  thawList(smartlockId: number): void {
    this.#cloud(smartlockId).thawList();
  }

  /** As happens by itself once a day and after every change. */
  refreshList(smartlockId: number): void {
    this.#cloud(smartlockId).refresh();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults, clock } = this.#options;
    const server = this.#server;
    const { method = "GET", url = "/" } = request;
    this.#note({ method, path: url, at: clock.monotonic() });
    const body = await bodyOf(request);
    const { copies, breaks } = faults.pass(body);
    const [arrives] = copies;
    if (!arrives) return; // it waits until its own deadline
    if (arrives.afterMs > 0) await clock.sleep(arrives.afterMs);
    if (this.#server !== server) return;
    const { status, body: said } = this.#answer(request, body);
    if (breaks) return void request.socket.destroy();
    const [leaves] = faults.pass(said === undefined ? "" : JSON.stringify(said), method !== "GET").copies;
    if (!leaves) return;
    if (leaves.afterMs > 0) await clock.sleep(leaves.afterMs);
    if (status === 204) return void response.writeHead(204).end();
    response.writeHead(status, {
      "Content-Type": "application/json;charset=utf-8",
      "Content-Length": Buffer.byteLength(leaves.payload),
    });
    response.end(leaves.payload);
  }

  #note(call: NukiWebCall): void {
    this.#calls.push(call);
    if (this.#calls.length > callsMax) this.#calls.shift();
  }

  #answer({ method = "GET", url = "/", headers }: IncomingMessage, sent: string): NukiAnswer {
    const { pathname, searchParams: query } = new URL(url, `http://${host}`);
    if (headers.authorization !== `Bearer ${this.#options.token}`)
      return refusal(401, "Your access token is not authorized");
    const path = pathname.split("/").slice(1);
    if (path[2] === "action") this.#actions += 1;
    const refused = this.#refusal;
    if (refused && refused.left > 0 && (refused.of === "all" || method !== "GET")) {
      refused.left -= 1;
      return refusal(refused.status, `refused: ${sent}`);
    }
    try {
      // A body on GET is read and means nothing.
      const body: unknown = method === "GET" || sent === "" ? undefined : JSON.parse(sent);
      return answerNuki([...this.#clouds.values()], { method, path, query, body });
    } catch (error) {
      if (error instanceof SyntaxError) return refusal(400, `body not valid: ${sent}`);
      throw error;
    }
  }

  #cloud(smartlockId: number): NukiCloudLock {
    const cloud = this.#clouds.get(smartlockId);
    if (!cloud) throw new RangeError(`there is no lock ${smartlockId} in this account`);
    return cloud;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) throw new RangeError("the body is too long");
  return text(request);
}
