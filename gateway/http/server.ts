/** Listens for the LAN pages. */
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import { GatewayError } from "../errors.ts";

/** PEM. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
}

export interface HttpServer {
  readonly url: string;
  readonly port: number;
  /** For the connections from now on; only where it speaks TLS. */
  renewCertificate(certificate: ServerCertificate): void;
  stop(): Promise<void>;
}

/** The pages are for the few people of a house: what is more than that takes memory from the doors. */
const httpLimits = { connections: 256, headersMs: 10_000, requestMs: 30_000 };

/**
 * Rejects with `port-in-use` naming the configuration key. Connections beyond the limit are closed, and so are those whose handshake or
 * request is slower than it may be.
 */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port, tls }: { readonly host: string; readonly port: number; readonly tls?: ServerCertificate | undefined },
  { connections, headersMs, requestMs } = httpLimits,
): Promise<HttpServer> {
  const serverOptions = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.min(headersMs, 1_000),
  };
  const server = await new Promise<ServerType>((resolve, reject) => {
    const secure = tls && {
      createServer,
      serverOptions: { ...serverOptions, ...tls, minVersion: "TLSv1.2" as const, handshakeTimeout: headersMs },
    };
    const starting = serve({ fetch, hostname: host, port, serverOptions, ...secure }, () => resolve(starting));
    starting.maxConnections = connections;
    starting.once("error", (error: NodeJS.ErrnoException) => {
      const inUse = error.code === "EADDRINUSE" || error.code === "EACCES";
      reject(
        inUse
          ? new GatewayError(
              "port-in-use",
              `http.${tls ? "tlsPort" : "port"}: cannot listen on ${host}:${port} (${error.code})`,
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
    url: `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    renewCertificate: (certificate) => {
      if (tls) (server as Server).setSecureContext(certificate);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}
