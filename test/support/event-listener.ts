/** Where a maker's cloud brings its events: a port that takes them all and answers as told. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";

export interface Delivery {
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

export async function givenListener(
  t: TestContext,
  status = 200,
): Promise<{ readonly url: string; readonly deliveries: readonly Delivery[] }> {
  const deliveries: Delivery[] = [];
  const listener = createServer(async (request, response) => {
    deliveries.push({ body: await text(request), headers: request.headers });
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  t.after(
    () =>
      new Promise((resolve) => {
        listener.close(resolve);
        listener.closeAllConnections();
      }),
  );
  return { deliveries, url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/hook` };
}
