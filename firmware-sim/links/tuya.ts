/**
 * How a simulated Tuya lock, or a gateway with such locks behind it, talks on the LAN: TCP, versions 3.1 to 3.5, one client at a time. It
 * does not announce itself by UDP: its address is known.
 */

import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import type { SimTuyaLock } from "../sim-tuya-lock.ts";
import { steadyPort } from "../steady-port.ts";
import { type TuyaMessage, type TuyaVersion, tuyaCommands } from "./tuya-frame.ts";
import { hasSession, readRequest, type TuyaRequest, tellDps } from "./tuya-request.ts";
import { TuyaSession } from "./tuya-session.ts";

/** What else goes wrong; each is off unless set. May change at any time. */
export interface TuyaTrouble {
  /** It hears, and neither acts nor answers. */
  readonly isSilent?: boolean;
  /** Every command is refused with a return code, and a text unless it is "by-code". */
  readonly refuses?: boolean | "by-code";
  /** It closes the connection when the client has come so far. */
  readonly closesAt?: "connect" | "session-start" | "session-finish" | "query" | "control";
  /** So many bytes a TCP segment. */
  readonly segmentBytes?: number;
  /** All that one message causes goes in one segment. */
  readonly merges?: boolean;
  /** Each answer carries a number that nobody asked with. */
  readonly misnumbers?: boolean;
  /** Before each answer it tells something of a sub-device of that name. */
  readonly tellsOf?: string;
  /** Queries are answered with this, whatever is. */
  readonly remembers?: Readonly<Record<string, unknown>>;
  /** Queries are answered with a text; single data points are told when null is written to them. */
  readonly isDevice22?: boolean;
  /** Data points that are asked for by name are told, and the asking is not acknowledged. */
  readonly isCurt?: boolean;
}

export type TuyaServerOptions = {
  readonly id: string;
  /** The local key, 16 characters. */
  readonly key: string;
  readonly version: TuyaVersion;
  readonly clock: Clock;
  /**
   * Per frame it hears: `lose`. Per frame it tells: `lose`, `delayMs`, `repeat`, `garble`, `disconnect`; `noReply` and `lateReplyMs` for what
   * it tells because of a command.
   */
  readonly faults: Faults;
  /** The number of the first frame of a 3.5 device, which numbers all it tells; others repeat the client's number. */
  readonly firstNumber?: number;
} & ({ readonly lock: SimTuyaLock } | { readonly locks: Readonly<Record<string, SimTuyaLock>> });

const host = "127.0.0.1";
const refusalCode = 1;

/** One frame to tell; `number` is the client's, where it is an answer. */
interface Telling {
  readonly command: number;
  readonly body: Buffer;
  readonly number?: number;
  readonly returnCode?: number;
}

export class TuyaServer {
  trouble: TuyaTrouble = {};
  readonly #options: TuyaServerOptions;
  readonly #locks: ReadonlyMap<string | undefined, SimTuyaLock>;
  readonly #sessions = new Set<TuyaSession>();
  #key: Buffer;
  #server: Server | undefined;
  #unsubscribe: (() => void)[] = [];
  #port = 0;
  #commands = 0;
  #closed = 0;

  constructor(options: TuyaServerOptions) {
    this.#options = options;
    this.#key = Buffer.from(options.key, "latin1");
    if (this.#key.length !== 16) throw new RangeError(`a local key has 16 characters, not ${this.#key.length}`);
    this.#locks = new Map<string | undefined, SimTuyaLock>(
      "lock" in options ? [[undefined, options.lock]] : Object.entries(options.locks),
    );
  }

  /** Writes that arrived and could be read, be they obeyed or not. */
  get commands(): number {
    return this.#commands;
  }

  /** Clients that may ask: connected, and agreed on a key. */
  get clients(): number {
    return [...this.#sessions].filter((session) => session.isOpen).length;
  }

  /** Connections that have ended. */
  get closed(): number {
    return this.#closed;
  }

  /** Resolves once it listens. It keeps its port for ever, over stop() and start(): a battery lock sleeps and wakes like that. */
  async start(): Promise<{ host: string; port: number }> {
    if (!this.#server) {
      this.#unsubscribe = [...this.#locks].map(([cid, lock]) => lock.onReport((dps) => this.#push(dps, cid)));
      const server = createServer((socket: Socket) => this.#welcome(socket));
      this.#server = server;
      this.#port ||= await steadyPort();
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(this.#port, host, () => resolve());
      });
    }
    return { host, port: this.#port };
  }

  /** Whoever is connected is cut off. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.cutOff();
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** Ends every connection, without a word. */
  cutOff(): void {
    for (const session of this.#sessions) session.end();
  }

  /** It was paired anew: from the next connection on another local key holds. */
  pairAnew(key: string): void {
    this.#key = Buffer.from(key, "latin1");
    this.cutOff();
  }

  #welcome(socket: Socket): void {
    socket.on("error", () => undefined); // "close" follows
    if (this.#sessions.size > 0 || this.trouble.closesAt === "connect") {
      socket.destroy();
      return;
    }
    const { version, faults, firstNumber } = this.#options;
    const session = new TuyaSession({
      socket,
      version,
      localKey: this.#key,
      firstNumber: firstNumber ?? 1,
      fraction: () => faults.fraction(),
    });
    this.#sessions.add(session);
    socket.on("data", (bytes: Buffer) => this.#hear(session, bytes));
    socket.on("close", () => {
      this.#sessions.delete(session);
      this.#closed += 1;
    });
  }

  #hear(session: TuyaSession, bytes: Buffer): void {
    const { faults, version } = this.#options;
    const frames = session.receive(bytes);
    if (!frames) session.end();
    for (const frame of frames ?? []) {
      if (faults.chance(faults.rates.lose)) continue;
      const message = session.open(frame);
      // up to 3.3 a device that is asked with another key says nothing
      if (!message && hasSession(version)) session.end();
      if (session.isEnded) return;
      if (message && session.isOpen) this.#attend(session, message);
      else if (message) this.#agree(session, message);
    }
  }

  /** The two frames with which 3.4 and 3.5 agree on a key. */
  #agree(session: TuyaSession, message: TuyaMessage): void {
    const { closesAt, isSilent } = this.trouble;
    const isStart = message.command === tuyaCommands.sessionStart;
    if (closesAt === (isStart ? "session-start" : "session-finish")) session.end();
    if (isSilent || session.isEnded) return;
    const body = isStart ? session.begin(message.body) : undefined;
    if (body) this.#tell(session, [{ command: tuyaCommands.sessionResponse, body, number: message.seq }]);
    else if (message.command !== tuyaCommands.sessionFinish || !session.finish(message.body)) session.end();
  }

  #attend(session: TuyaSession, message: TuyaMessage): void {
    const { version, id } = this.#options;
    const request = readRequest(message, version, id);
    if (request.kind === "write") this.#commands += 1;
    const { closesAt, isSilent, misnumbers } = this.trouble;
    const isCommand = request.kind === "write";
    if (closesAt === "query" && request.kind === "query") session.end();
    if (isSilent || session.isEnded) return;
    const number = misnumbers ? (message.seq + 1_000) >>> 0 : message.seq;
    const answers = this.#answer(request, message.command, number);
    if (closesAt === "control" && isCommand) session.end();
    const odd = this.trouble.tellsOf === undefined ? [] : [this.#status({ 1: true, 47: true }, this.trouble.tellsOf)];
    this.#tell(session, request.kind === "heartbeat" ? answers : [...odd, ...answers], isCommand);
  }

  #answer(request: TuyaRequest, command: number, number: number): Telling[] {
    const done = { command, body: Buffer.alloc(0), number };
    const refused = (text: string) => [{ command, body: Buffer.from(text), number, returnCode: refusalCode }];
    const { remembers, isDevice22, isCurt, refuses } = this.trouble;
    if (request.kind === "heartbeat") return [done];
    if (request.kind === "unreadable") return refused("json obj data unvalid");
    if (request.kind === "stranger") return refused("devid not found");
    const { cid } = request;
    const lock = this.#locks.get(cid);
    // A gateway is asked for itself when a client connects, and has nothing to tell of itself.
    if (!lock && !(cid === undefined && request.kind === "query")) return refused("devid not found");
    const dps = remembers ?? lock?.dps() ?? {};
    switch (request.kind) {
      case "query":
        if (isDevice22) return refused("json obj data unvalid");
        return [{ command, body: this.#words(dps, cid), number }];
      case "refresh":
        return [this.#status(chosen(dps, request.dps), cid), done];
      case "read":
        return [...(isCurt ? [] : [done]), this.#status(chosen(dps, request.dps), cid)];
      case "write": {
        if (refuses) return refused(refuses === "by-code" ? "" : "data format error");
        const outcome = lock?.write(request.dps);
        if (!outcome?.isTaken) return refused("data format error");
        return Object.keys(outcome.told).length === 0 ? [done] : [done, this.#status(outcome.told, cid)];
      }
    }
  }

  #push(dps: Readonly<Record<string, unknown>>, cid: string | undefined): void {
    if (this.trouble.isSilent) return;
    for (const session of this.#sessions) if (session.isOpen) this.#tell(session, [this.#status(dps, cid)]);
  }

  #status(dps: Readonly<Record<string, unknown>>, cid: string | undefined): Telling {
    return { command: tuyaCommands.status, body: this.#words(dps, cid) };
  }

  #words(dps: Readonly<Record<string, unknown>>, cid: string | undefined): Buffer {
    const { version, id, clock } = this.#options;
    return tellDps(dps, cid, { version, id, seconds: Math.floor(clock.wall() / 1_000) });
  }

  #tell(session: TuyaSession, tellings: readonly Telling[], isReply = false): void {
    const { faults, clock } = this.#options;
    const at = new Map<number, Buffer[]>();
    let isBroken = false;
    for (const { command, body, number, returnCode = 0 } of tellings) {
      const frame = session.seal(command, body, number, returnCode);
      const { copies, breaks } = faults.pass(frame.toString("latin1"), isReply);
      isBroken ||= breaks;
      for (const { afterMs, payload } of copies)
        at.set(afterMs, [...(at.get(afterMs) ?? []), Buffer.from(payload, "latin1")]);
    }
    const { merges, segmentBytes } = this.trouble;
    const send = (frames: readonly Buffer[]) =>
      session.send(merges ? [Buffer.concat(frames)] : frames, segmentBytes ?? Number.POSITIVE_INFINITY);
    for (const [afterMs, frames] of at) {
      if (afterMs === 0) send(frames);
      else void clock.sleep(afterMs).then(() => send(frames));
    }
    if (isBroken) session.endAfterSending();
  }
}

function chosen(dps: Readonly<Record<string, unknown>>, wanted: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(dps).filter(([dp]) => wanted.includes(dp)));
}
