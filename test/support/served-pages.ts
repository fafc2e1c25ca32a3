/** The pages of a cloud on a loopback port, for a real browser. */
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { TestCloud } from "./cloud.ts";

export interface ServedPages {
  readonly url: string;
  stop(): Promise<void>;
}

export async function servePages({ app }: TestCloud): Promise<ServedPages> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
