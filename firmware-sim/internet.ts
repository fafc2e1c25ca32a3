/** The cable between a site and the internet: TCP proxies on loopback that are pulled together. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../gateway/ports/clock.ts";

/** What the cable leads to. */
export interface Target {
  readonly targetHost: string;
  readonly targetPort: number;
}

export interface InternetOptions extends Target {
  readonly clock: Clock;
  /** How long each portion of bytes is under way. Default 0. */
  readonly delayMs?: number;
}

export interface Internet {
  /** What the gateway is told to be the cloud's address. */
  readonly url: string;
  readonly on: boolean;
  /** Leads to another service as well. Resolves with what the gateway is told to be that one's address. */
  reach(target: Target): Promise<string>;
  /** Off: connections break and new ones are refused at once. */
  set(on: boolean): void;
  /** Connections to the cloud break, and while it lasts new ones are refused, whether it is on or off. */
  interrupt(during: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

const connectionsMax = 256;

/** Each service on a free port of 127.0.0.1, switched on. */
export async function startInternet({ clock, delayMs = 0, ...cloud }: InternetOptions): Promise<Internet> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const toCloud = new Set<Socket>();
  let on = true;
  let isInterrupted = false;

  const keep = (socket: Socket, among: readonly Set<Socket>[]) => {
    for (const set of among) set.add(socket);
    socket.setNoDelay(true);
    socket.once("close", () => {
      for (const set of among) set.delete(socket);
    });
  };
  const cut = (those: ReadonlySet<Socket>) => {
    for (const socket of those) socket.destroy();
  };
  async function* delayed(source: Socket) {
    // Whoever has said everything is still answered: the end of one direction leaves the other open.
    for await (const bytes of source.iterator({ destroyOnReturn: false })) {
      if (delayMs > 0) await clock.sleep(delayMs);
      yield bytes;
    }
  }

  const lead = async ({ targetHost, targetPort }: Target, isCloud: boolean): Promise<string> => {
    const among = isCloud ? [sockets, toCloud] : [sockets];
    const server = createServer({ allowHalfOpen: true }, (near) => {
      if (!on || (isCloud && isInterrupted)) return near.destroy();
      const far = connect({ host: targetHost, port: targetPort, allowHalfOpen: true });
      keep(near, among);
      keep(far, among);
      // A failure in one direction ends both: the pipelines destroy their streams.
      pipeline(near, delayed, far).catch(() => near.destroy());
      pipeline(far, delayed, near).catch(() => far.destroy());
    });
    server.maxConnections = connectionsMax;
    servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  return {
    url: await lead(cloud, true),
    get on() {
      return on;
    },
    reach: (target) => lead(target, false),
    set(wanted) {
      on = wanted;
      if (!on) cut(sockets);
    },
    async interrupt(during) {
      isInterrupted = true;
      cut(toCloud);
      try {
        await during();
      } finally {
        isInterrupted = false;
      }
    },
    stop: async () => {
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      cut(sockets);
      await Promise.all(closed);
    },
  };
}
