/** What must not come late: the connection that carries it is reset, so that the system does not go on delivering it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { boxAccount, givenBroker } from "../support/mqtt-broker.ts";

const topic = "postern/box-1/command";

for (const [what, end] of [
  ["when its time is over", (late: AbortController) => late.abort()],
  ["when the broker ends the connection before", (_: AbortController, stop: () => Promise<void>) => void stop()],
] as const)
  test(`the connection that carries it is reset ${what}`, { timeout: 60_000 }, async (t) => {
    const { broker, client } = await givenBroker(t, {}, [boxAccount("box-1")]);
    const box = await client("box-1");
    await box.subscribe(topic);
    const late = new AbortController();
    assert.equal(await broker.link("box-1").publish(topic, "open", late.signal), true);
    await box.next("publish");
    const failed = once(box.socket, "error");
    end(late, () => broker.stop());
    const [error] = (await failed) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
  });

test("the time of a message that came over a former connection harms no newer one; what is late already is not sent", async (t) => {
  const { broker, client } = await givenBroker(t, {}, [boxAccount("box-1")]);
  const before = await client("box-1");
  await before.subscribe(topic);
  const late = new AbortController();
  const line = broker.link("box-1");
  assert.equal(await line.publish(topic, "open", late.signal), true);
  const box = await client("box-1");
  await before.isClosed();
  await box.subscribe(topic);
  late.abort();
  await box.ping();
  assert.equal(await line.publish(topic, "open", late.signal), false);
  await box.ping();
  assert.deepEqual(box.packets, []);
});
