/** Listens for the LAN pages. */
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import { GatewayError } from "../errors.ts";

export interface HttpServer {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Rejects with `port-in-use` naming the configuration key. */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<HttpServer> {
  const server = await new Promise<ServerType>((resolve, reject) => {
    const starting = serve({ fetch, hostname: host, port }, () => resolve(starting));
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
