import assert from "node:assert/strict";
import { test } from "node:test";
import { readEvent } from "../../cloud-sync/read-event.ts";
import type { EventStamp } from "../../gateway/domain/entry-event.ts";
import { everyEvent } from "../support/every-event.ts";
import { noon } from "../support/site-fixture.ts";

const stamp: Required<EventStamp> = {
  seq: 1,
  at: noon,
  clock: "synced",
  boot: 2,
  mono: 0,
  origin: { device: "box-1", boot: 3, seq: 7 },
};

for (const body of everyEvent)
  test(`the cloud reads what a gateway writes of "${body.type}", and its body leaves the stamp alone`, () => {
    for (const member of Object.keys(stamp)) assert.ok(!Object.hasOwn(body, member), member);

    const read = readEvent(Buffer.from(JSON.stringify({ ...stamp, ...body })), 1);

    assert.equal(read.why, undefined);
    assert.equal(read.event?.type, body.type);
  });
