/** The live stream of events: how many there may be, and that nothing of one stays when it ends, however it ends. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "drizzle-orm";
import { type CloudApp, cloudApp } from "../../cloud-sync/app.ts";
import { eventsOf } from "../../cloud-sync/store/wakes.ts";
import { type LogFields, silentLogger } from "../../gateway/ports/logger.ts";
import { adminToken, givenCloud, HandClock, type TestCloud } from "../support/cloud.ts";
import { until } from "../support/until.ts";

const path = "/api/sites/home/events/stream";
const errors: { readonly event: string; readonly fields: LogFields | undefined }[] = [];
const clock = new HandClock();
let cloud: TestCloud;
let app: CloudApp;
before(async () => {
  cloud = await givenCloud({ clock });
  app = cloudApp({
    ...cloud.parts,
    logger: { ...silentLogger, error: (event, fields) => void errors.push({ event, fields }) },
  });
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
});
after(() => cloud.close());

const listen = (method = "GET", headers: Record<string, string> = {}) =>
  app.request(path, { method, headers: { authorization: `Bearer ${adminToken}`, ...headers } });
const waiting = (count: number) =>
  until(`${count} streams wait`, () => cloud.store.wakes.waiting === count && clock.sleepers === count);

test("a hundred streams at once and no more; each that ends makes room for another", async () => {
  const streams: Response[] = [];
  for (let count = 0; count < 100; count += 1) streams.push(await listen());
  await waiting(100);

  const refused = await listen();
  assert.equal(refused.status, 429);
  assert.match(await refused.text(), /"code":"too-many-streams"/);

  await streams.pop()!.body!.cancel();
  await waiting(99);
  const next = await listen();
  assert.equal(next.status, 200);
  for (const one of [...streams, next]) await one.body!.cancel();
  await waiting(0);
});

test("whoever only asks for the head of a stream holds none", async () => {
  for (let count = 0; count < 101; count += 1) {
    const { status, headers } = await listen("HEAD");
    assert.deepEqual([status, headers.get("content-type")], [200, "text/event-stream"]);
  }
  const stream = await listen();
  assert.equal(stream.status, 200);
  await stream.body!.cancel();
  await waiting(0);
});

test("a quiet stream says every fifteen seconds that it is still there", async () => {
  const stream = await listen();
  const reader = stream.body!.getReader();
  await waiting(1);
  clock.advance(15_000);
  assert.equal(Buffer.from((await reader.read()).value!).toString(), ": still here\n\n");
  await reader.cancel();
  await waiting(0);
});

test("when the store fails under a stream it ends, with a line in the log and nothing left waiting", async () => {
  const stream = await listen();
  await waiting(1);
  await cloud.store.db.execute(sql`alter table gateway rename to gateway_away`);
  cloud.store.wakes.wake(eventsOf("home"));

  assert.equal(await stream.text(), "");
  await waiting(0);
  assert.deepEqual(
    errors.map(({ event, fields }) => [event, fields?.site]),
    [["event-stream-failed", "home"]],
  );

  await cloud.store.db.execute(sql`alter table gateway_away rename to gateway`);
  const again = await listen();
  await waiting(1);
  await again.body!.cancel();
});

test("a stream that breaks off goes on after its last event; a mark that is none is refused", async () => {
  const gateway = await cloud.gateway("home");
  gateway.record(...["1", "2", "3"].map((version) => ({ type: "boot", version, cutBytes: 0 })));
  const first = await listen();
  await waiting(1);
  await gateway.push(1, 3);
  const heard = await nextEvents(first, 2);
  await gateway.push(3);

  const second = await listen("GET", { "last-event-id": heard[0]!.id });
  assert.deepEqual(
    (await nextEvents(second, 2)).map(({ seq }) => seq),
    [2, 3],
  );
  assert.equal((await listen("GET", { "last-event-id": "nonsense" })).status, 400);
  await waiting(0);
});

/** Reads so many events, then hangs up. */
async function nextEvents(response: Response, count: number): Promise<{ readonly id: string; readonly seq: number }[]> {
  let text = "";
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk).toString();
    if (text.split("\n\n").length > count) break;
  }
  return [...text.matchAll(/^data: (.*)\nid: (.*)$/gm)].map(([, data = "", id = ""]) => ({ id, ...JSON.parse(data) }));
}
