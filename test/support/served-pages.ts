/** The pages of a cloud or a gateway on a loopback port, for a real browser. */
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";

export interface ServedPages {
  readonly url: string;
  stop(): Promise<void>;
}

/** `port`: of pages that stood there before, and are back. */
export async function servePages(
  { app }: { readonly app: Pick<Parameters<typeof createAdaptorServer>[0], "fetch"> },
  port = 0,
): Promise<ServedPages> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(port, "127.0.0.1");
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
