/** Listens for the LAN pages. */
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import { GatewayError } from "../errors.ts";

export interface HttpServer {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** The pages are for the few people of a house: what is more than that takes memory from the doors. */
const httpLimits = { connections: 256, headersMs: 10_000, requestMs: 30_000 };

/** Rejects with `port-in-use` naming the configuration key. Connections beyond the limit, and requests slower than theirs, are closed. */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
  { connections, headersMs, requestMs } = httpLimits,
): Promise<HttpServer> {
  const serverOptions = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.min(headersMs, 1_000),
  };
  const server = await new Promise<ServerType>((resolve, reject) => {
    const starting = serve({ fetch, hostname: host, port, serverOptions }, () => resolve(starting));
    starting.maxConnections = connections;
    starting.once("error", (error: NodeJS.ErrnoException) => {
      const inUse = error.code === "EADDRINUSE" || error.code === "EACCES";
      reject(
        inUse
          ? new GatewayError(
              "port-in-use",
              `http.port: cannot listen on ${host}:${port} (${error.code})`,
              { port },
              { cause: error },
            )
          : error,
      );
    });
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    port: actual,
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}
