/** The status page in words: what a device is in trouble with, and every event the gateway writes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import type { GatewayStatus } from "../../gateway/http/status.ts";
import { StatusBody } from "../../gateway/http/status-page.tsx";
import { everyEvent } from "../support/every-event.ts";
import { noon } from "../support/site-fixture.ts";

test("a device whose boot number is in doubt is marked, another is not", () => {
  const page = pageOf({ bootDoubted: true });
  assert.match(page, /box-1.*boot number in doubt/s);
  assert.doesNotMatch(pageOf({}), /in doubt/);
});

for (const body of everyEvent)
  test(`the event "${body.type}" is told in words`, () => {
    const words = eventIn(pageOf({}, [{ seq: 1, at: noon, clock: "synced", boot: 1, mono: 0, ...body }]));
    assert.doesNotMatch(words, /undefined|null|\[object/);
    assert.ok(words.length > 10, words);
  });

test("a boot number in doubt and a press without an answer are told with what matters", () => {
  const of = (type: string) => {
    const body = everyEvent.find((one) => one.type === type)!;
    return eventIn(pageOf({}, [{ seq: 1, at: noon, clock: "synced", boot: 1, mono: 0, ...body }]));
  };
  assert.match(of("boot-doubted"), /box-1: its boot number should be 3 and is also 9/);
  assert.match(of("unanswered"), /front: a press got no answer, the gateway stopped before it was decided/);
  assert.match(of("command-taken"), /front: remote identify by admin/);
});

function eventIn(page: string): string {
  return /<li value="1">.*?<\/time>(.*?)<\/li>/s.exec(page)?.[1] ?? "";
}

function pageOf(device: Partial<GatewayStatus["devices"][number]>, events: readonly EntryEvent[] = []): string {
  const status: GatewayStatus = {
    gateway: { id: "gateway-1", name: "Harbour gateway" },
    site: null,
    version: "1.0.0",
    uptimeMs: 60_000,
    clock: { trust: "synced", earliest: noon, latest: noon + 5 },
    sync: { state: "online", lastSyncAgoMs: 1_000, cursor: { feed: "feed-1", version: 4 }, queue: 0 },
    journal: { state: "open", durableSeq: 1 },
    disk: { freeBytes: 5e9 },
    records: { rows: 1, suspect: false },
    offline: [],
    accessPoints: [],
    devices: [{ id: "box-1", driver: "mqtt-lockbox", link: "online", since: noon, ...device }],
  };
  return String(StatusBody({ status, events }));
}
