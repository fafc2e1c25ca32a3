import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { steadyPorts } from "../../firmware-sim/steady-port.ts";

test("each name has a port of its own, and none that the system handed out is among them", async (t) => {
  const ports = await steadyPorts("cloud", "gateway", "broker");

  const numbers = Object.values(ports);
  assert.deepEqual(Object.keys(ports), ["cloud", "gateway", "broker"]);
  assert.equal(new Set(numbers).size, 3);
  for (const port of numbers) {
    const server = createServer().listen(port, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    assert.equal((server.address() as AddressInfo).port, port);
    assert.ok(port < 32_768, `${port} may be handed out`);
  }
});
