/**
 * A bad way between a gateway and the cloud: a TCP proxy on loopback whose clock moves when told, and the resolver that leads to it.
 * Node's own dns.lookup is taken over while it stands, so that the gateway asks for a name through the fetch it always uses.
 */
import { spawn } from "node:child_process";
import dns from "node:dns";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Random } from "./random.ts";

/** What becomes of bytes and connections. Empty: nothing, as on a good line. */
export interface LineShape {
  /** One way. */
  readonly delayMs?: number;
  /** Up to so much more, by chance. */
  readonly jitterMs?: number;
  /** Each way, shared by all connections. */
  readonly bytesPerSecond?: number;
  /** Bytes come only at multiples of this. */
  readonly burstMs?: number;
  /** Chance that a portion of bytes is lost and comes once more so much later. */
  readonly stalls?: { readonly chance: number; readonly ms: number };
  /** Chance that a portion of bytes ends its connection. */
  readonly resets?: number;
  /** Connections stand, and nothing passes them any more. */
  readonly isSilent?: boolean;
  /** Connections are reset within the first so many bytes of an answer; 0: the cloud has taken the request, its answer is lost. */
  readonly answerBytes?: number;
  /** Somebody else answers every request with these bytes. */
  readonly impostor?: string;
  /** Every connection ends when the line goes down, and none is taken until it is up. */
  readonly flaps?: { readonly upMs: number; readonly downMs: number };
  /** What becomes of the cloud's name or address before there is a connection. */
  readonly wayThere?: "name-fails" | "name-hangs" | "connect-hangs";
}

const hostname = "cloud.postern.invalid";
/** As resolvers do that ask twice and wait ten seconds each. */
const resolverGivesUpMs = 20_000;
/** Loopback too; here listens who never accepts. */
const blackHole = "127.0.0.2";

interface Fate {
  isDead: boolean;
  /** Bytes of answers until it is reset. */
  answerLeft: number;
}

type Looked = (error: NodeJS.ErrnoException | null, address?: unknown, family?: number) => void;

export class ShapedLine {
  /** Portions of bytes and connections so far: who waits for quiet looks at it. */
  moved = 0;
  readonly url: string;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sockets = new Set<Socket>();
  readonly #lookup = dns.lookup;
  readonly #stopped = new AbortController();
  readonly #freeAt = { up: 0, down: 0 };
  #shape: LineShape = {};
  #shapedAt = 0;
  #closeHole: (() => Promise<void>) | undefined;

  private constructor(server: Server, targetPort: number, clock: Clock, random: Random) {
    this.#server = server;
    this.#targetPort = targetPort;
    this.#clock = clock;
    this.#random = random;
    this.url = `http://${hostname}:${(server.address() as AddressInfo).port}`;
  }

  static async start(targetPort: number, clock: Clock, random: Random): Promise<ShapedLine> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const line = new ShapedLine(server, targetPort, clock, random);
    server.on("connection", (near) => line.#enter(near));
    dns.lookup = line.#look as typeof dns.lookup;
    return line;
  }

  async stop(): Promise<void> {
    dns.lookup = this.#lookup;
    this.#stopped.abort();
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.#closeHole?.();
    await closed;
  }

  /** From now on, for connections that stand as well. */
  async become(shape: LineShape): Promise<void> {
    if (shape.wayThere === "connect-hangs") {
      this.#closeHole = await openBlackHole((this.#server.address() as AddressInfo).port);
    }
    this.#shape = shape;
    this.#shapedAt = this.#clock.monotonic();
    // Who can no longer find the cloud, or finds another there, has lost the connections he had.
    if (shape.wayThere || shape.impostor !== undefined || shape.answerBytes !== undefined) this.#cut();
    if (shape.flaps) void this.#flap(shape, shape.flaps);
  }

  #look = (host: string, options: { readonly all?: boolean }, looked: Looked): void => {
    if (host !== hostname) return void this.#lookup(host, options as dns.LookupAllOptions, looked as never);
    const { wayThere } = this.#shape;
    if (wayThere === "name-fails") return void queueMicrotask(() => looked(notFound("ENOTFOUND")));
    if (wayThere === "name-hangs") {
      const giveUp = () => looked(notFound("EAI_AGAIN"));
      return void this.#clock.sleep(resolverGivesUpMs, this.#stopped.signal).then(giveUp, giveUp);
    }
    const address = wayThere === "connect-hangs" ? blackHole : "127.0.0.1";
    queueMicrotask(() => (options.all ? looked(null, [{ address, family: 4 }]) : looked(null, address, 4)));
  };

  #enter(near: Socket): void {
    this.moved += 1;
    this.#keep(near);
    const { impostor } = this.#shape;
    if (this.#isDown()) return void near.resetAndDestroy();
    if (impostor !== undefined) return void near.once("data", () => near.end(impostor));
    const far = connect({ port: this.#targetPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.#keep(far);
    const reset = () => {
      near.resetAndDestroy();
      far.destroy();
    };
    const answerBytes =
      this.#shape.answerBytes === undefined ? undefined : this.#random.int(this.#shape.answerBytes + 1);
    const fate = { isDead: false, answerLeft: answerBytes ?? Number.POSITIVE_INFINITY };
    void this.#carry(near, far, "up", fate).catch(reset);
    void this.#carry(far, near, "down", fate).catch(reset);
  }

  /** Rejects when the connection is to be reset. Once silence has met it, neither side ever hears of the other again. */
  async #carry(from: Socket, to: Socket, way: "up" | "down", fate: Fate): Promise<void> {
    const isDead = () => {
      fate.isDead ||= this.#shape.isSilent === true;
      return fate.isDead;
    };
    for await (const bytes of from.iterator({ destroyOnReturn: false })) {
      this.moved += 1;
      if (isDead()) continue;
      await this.#underWay(bytes.length, way);
      this.moved += 1;
      if (this.#random.chance(this.#shape.resets ?? 0)) throw new Error("reset by chance");
      if (way === "down") {
        to.write(bytes.subarray(0, Math.max(0, fate.answerLeft)));
        fate.answerLeft -= bytes.length;
        if (fate.answerLeft < 0) throw new Error("reset within the answer");
      } else to.write(bytes);
    }
    if (!isDead()) to.end();
  }

  /** Resolves when bytes that set out now have arrived. */
  async #underWay(bytes: number, way: "up" | "down"): Promise<void> {
    const { delayMs = 0, jitterMs = 0, bytesPerSecond, burstMs, stalls } = this.#shape;
    const now = this.#clock.monotonic();
    const sent = bytesPerSecond ? Math.max(now, this.#freeAt[way]) + (bytes / bytesPerSecond) * 1_000 : now;
    this.#freeAt[way] = sent;
    const stalledMs = stalls && this.#random.chance(stalls.chance) ? stalls.ms : 0;
    const arrives = sent + delayMs + jitterMs * this.#random.next() + stalledMs;
    const inBurst = burstMs ? Math.ceil(arrives / burstMs) * burstMs : arrives;
    if (inBurst > now) await this.#clock.sleep(inBurst - now, this.#stopped.signal);
  }

  #isDown(): boolean {
    const { flaps } = this.#shape;
    return (
      flaps !== undefined && (this.#clock.monotonic() - this.#shapedAt) % (flaps.upMs + flaps.downMs) >= flaps.upMs
    );
  }

  async #flap(shape: LineShape, { upMs, downMs }: NonNullable<LineShape["flaps"]>): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted && this.#shape === shape) {
      await this.#clock.sleep(upMs, signal).catch(() => undefined);
      if (this.#shape === shape) this.#cut();
      await this.#clock.sleep(downMs, signal).catch(() => undefined);
    }
  }

  #cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#sockets.delete(socket));
  }
}

function notFound(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, syscall: "getaddrinfo", hostname });
}

/** A listener that is frozen, with its queue full: who connects hears nothing, not even a refusal. */
async function openBlackHole(port: number): Promise<() => Promise<void>> {
  const listen = `require("node:net").createServer().listen({ host: "${blackHole}", port: ${port}, backlog: 1 }, () => console.log("on"))`;
  const frozen = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(frozen, "exit");
  await once(frozen.stdout, "data");
  frozen.kill("SIGSTOP");
  const fillers = Array.from({ length: 4 }, () => connect({ host: blackHole, port }).on("error", () => undefined));
  // A backlog of one holds two.
  await new Promise<void>((resolve) => {
    let count = 0;
    for (const filler of fillers) {
      filler.once("connect", () => {
        count += 1;
        if (count === 2) resolve();
      });
    }
  });
  return async () => {
    for (const filler of fillers) filler.destroy();
    frozen.kill("SIGKILL");
    await ended;
  };
}
