import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { defaultBrokerLimits } from "../../gateway/broker/broker.ts";
import { DeviceLine } from "../../gateway/broker/device-line.ts";
import { permissionsOf } from "../../gateway/broker/permissions.ts";
import { RelaylessAedes } from "../../gateway/broker/relayless-aedes.ts";
import { Session } from "../../gateway/broker/session.ts";
import { lockboxDialect } from "../../gateway/drivers/mqtt-lockbox/wire.ts";
import { systemClock } from "../../gateway/system-clock.ts";

test("a device that sends and never reads its answers is cut off when they reach the bound", async (t) => {
  const { session, conn } = await givenDeafDevice(t, 4_096);

  for (let n = 1; n <= 1_024; n += 1) {
    session.take(attempt(n), noop, noop);
    await setImmediate();
    assert.equal(conn.destroyed, false, `after ${n} answers of 4 bytes`);
  }
  session.take(attempt(1_025), noop, noop);
  await setImmediate();
  session.take(attempt(1_026), noop, noop);
  await setImmediate();

  assert.equal(conn.destroyed, true);
  assert.equal(session.frozen, true);
});

/** A session whose connection takes no byte; in a real one, megabytes in the system's buffers come first. */
async function givenDeafDevice(t: TestContext, unreadBytes: number) {
  const engine = new RelaylessAedes({ concurrency: 0 });
  await engine.listen();
  t.after(() => new Promise<void>((resolve) => engine.close(resolve)));
  const conn = new Duplex({ read: () => undefined, write: () => undefined });
  const line = new DeviceLine();
  line.onMessage(() => Promise.resolve());
  const limits = { ...defaultBrokerLimits, packets: { perSecond: 1e6, burst: 1e6 }, unreadBytes };
  const name = { device: "box-1", line: "own" } as const;
  const permissions = permissionsOf("own", lockboxDialect("box-1"));
  const client = engine.handle(conn);
  return { conn, session: new Session({ name, permissions, epoch: 1, client, line, limits, clock: systemClock }) };
}

function attempt(messageId: number) {
  const facts = { cmd: "publish", qos: 1, retain: false, dup: false } as const;
  return { ...facts, topic: "postern/box-1/attempt", payload: Buffer.from("{}"), messageId };
}

function noop(): void {}
