/** The driver against the tuyapi project's own stub of a 3.1 device, which nobody here wrote. It speaks by one socket and knows no sub-devices. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { tuya } from "../../../gateway/drivers/tuya/driver.ts";
import type { DriverContext } from "../../../gateway/ports/driver.ts";
import { silentLogger } from "../../../gateway/ports/logger.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { ToldClock } from "../../support/told-clock.ts";
import { until } from "../../support/until.ts";

interface Stub {
  socket: Socket;
  /** It pushes only while it thinks that it has one. */
  server: Server;
  _handleRequest(data: Buffer): void;
  getProperty(dp: string): unknown;
  setProperty(dp: string, value: unknown): void;
}

const require = createRequire(import.meta.url);
const TuyaStub = require("@tuyapi/stub") as new (options: { id: string; key: string; state: object }) => Stub;
const localKey = "0123456789abcdef";
const id = "bf0123456789abcdefghij";
const never = new AbortController().signal;

async function givenStub(t: TestContext) {
  const stub = new TuyaStub({ id, key: localKey, state: { 1: false, 12: 80 } });
  const server = createServer((socket) => {
    stub.socket = socket;
    // its own server listens on every interface, and lets a request it does not like end the process
    socket.on("data", (data: Buffer) => stub._handleRequest(data));
    socket.on("error", () => undefined);
  });
  stub.server = server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const options = {
    host: "127.0.0.1",
    port,
    version: "3.1",
    deviceId: id,
    profile: {
      unlock: { by: "write", dp: 1, value: true },
      lock: { dp: 1, value: false },
      relocks: "when-told",
      bolt: { dp: 1, released: true, secured: false },
      battery: { dp: 12 },
    },
  };
  const context: DriverContext = {
    clock: new ToldClock(4_000),
    logger: silentLogger,
    mqtt: undefined as never,
    secret: (name) => (name === "localKey" ? new SecretString(localKey) : undefined),
  };
  const device = tuya.create("door", options, context);
  t.after(async () => {
    await device.stop();
    stub.socket?.destroy();
    server.close();
  });
  return { device, stub };
}

test("a 3.1 device is read, opened, turned by hand and shut", async (t) => {
  const { device, stub } = await givenStub(t);
  await device.start(never);
  await until("it is online", () => device.status().link === "online");
  assert.deepEqual(device.lock?.state(), { bolt: "secured", basis: "reported" });
  assert.equal(device.status().battery, 80);

  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  assert.equal(stub.getProperty("1"), true);
  assert.equal(await device.lock?.secure(never), "confirmed");
  stub.setProperty("1", true);
  await until("the turn is known", () => device.lock?.state().bolt === "released");
});
