/** What the sync loop makes of each answer of the cloud: a link made by hand; simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { GatewayError } from "../../gateway/errors.ts";
import type { CloudLink, PollReply, PushReply } from "../../gateway/ports/cloud-link.ts";
import type { EventBatch } from "../../gateway/ports/journal.ts";
import type { RunningSite } from "../../gateway/site.ts";
import type { SyncState } from "../../gateway/sync/sync-loop.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { aPage, aSite, noon, siteRow } from "../support/site-fixture.ts";

const everything = (batch: EventBatch): PushReply => ({ outcome: "taken", next: batch.first + batch.lines.length });
const unreachable = new GatewayError("cloud-unreachable", "no line");
const revoked = new GatewayError("gateway-revoked", "revoked");
const fenced = new GatewayError("gateway-fenced", "fenced");

interface Row {
  /** Answers to the first polls; undefined: as usual. The last is given for ever. */
  readonly polls?: readonly (Partial<PollReply> | Error | undefined)[];
  readonly push?: (batch: EventBatch) => PushReply;
  /** After two minutes. */
  readonly state: SyncState;
  readonly queue: number;
  /** What the first polls asked the cloud to hold them for, and how many there were at most in two minutes. */
  readonly held: readonly number[];
  readonly pollsMax: number;
  readonly pushes: { readonly min: number; readonly max: number };
}

const rows: Record<string, Row> = {
  "a cloud that is there": {
    state: "online",
    queue: 0,
    held: [0, 25_000, 25_000],
    pollsMax: 6,
    pushes: { min: 1, max: 3 },
  },
  "a line that breaks and comes back": {
    polls: [undefined, unreachable, unreachable, undefined],
    state: "online",
    queue: 0,
    held: [0, 25_000, 0, 0, 25_000],
    pollsMax: 9,
    pushes: { min: 1, max: 3 },
  },
  "no line at all: what the cloud has is not known, so nothing is pushed": {
    polls: [unreachable],
    state: "offline",
    queue: 1,
    held: [0, 0, 0],
    pollsMax: 30,
    pushes: { min: 0, max: 0 },
  },
  "a line that takes no events": {
    push: () => {
      throw unreachable;
    },
    state: "online",
    queue: 1,
    held: [0, 25_000, 25_000],
    pollsMax: 6,
    pushes: { min: 5, max: 30 },
  },
  "a fork: what the site may do still arrives, and is not asked for without a pause": {
    push: () => ({ outcome: "fork", seq: 1 }),
    state: "forked",
    queue: 1,
    held: [0, 25_000, 25_000],
    pollsMax: 6,
    pushes: { min: 5, max: 30 },
  },
  "a fork and no line for a moment": {
    polls: [undefined, unreachable, undefined],
    push: () => ({ outcome: "fork", seq: 1 }),
    state: "forked",
    queue: 1,
    held: [0, 25_000, 0, 25_000],
    pollsMax: 8,
    pushes: { min: 5, max: 30 },
  },
  "fenced by the push: it is not tried again": {
    push: () => ({ outcome: "fenced", epoch: 2 }),
    state: "fenced",
    queue: 1,
    held: [0, 25_000, 25_000],
    pollsMax: 6,
    pushes: { min: 1, max: 1 },
  },
  "fenced by the poll: it is not asked again": {
    polls: [fenced],
    state: "fenced",
    queue: 1,
    held: [0],
    pollsMax: 1,
    pushes: { min: 0, max: 0 },
  },
  "revoked: it is not asked again": {
    polls: [revoked],
    state: "revoked",
    queue: 1,
    held: [0],
    pollsMax: 1,
    pushes: { min: 0, max: 0 },
  },
  "a cloud that confirms events it was never sent": {
    push: (batch) => ({ outcome: "taken", next: batch.first + batch.lines.length + 1 }),
    state: "online",
    queue: 1,
    held: [0, 25_000, 25_000],
    pollsMax: 6,
    pushes: { min: 5, max: 30 },
  },
  "a cloud that takes nothing": {
    push: (batch) => ({ outcome: "taken", next: batch.first }),
    state: "online",
    queue: 1,
    held: [0, 25_000, 25_000],
    pollsMax: 6,
    pushes: { min: 5, max: 30 },
  },
  "a cloud that lost an event it had confirmed gets it again": {
    polls: [undefined, undefined, { journalNext: 1 }, undefined],
    state: "online",
    queue: 0,
    held: [0, 25_000, 25_000],
    pollsMax: 6,
    pushes: { min: 2, max: 4 },
  },
};

for (const [name, row] of Object.entries(rows)) {
  test(name, async (t) => {
    const { site, held, pushed, pass } = await givenLink(t, row);

    await pass(120_000);

    assert.equal(site.sync.state, row.state);
    assert.equal(site.sync.queue > 0 ? 1 : 0, row.queue);
    assert.deepEqual(held.slice(0, row.held.length), row.held);
    assert.ok(held.length <= row.pollsMax, `${held.length} polls`);
    assert.ok(pushed() >= row.pushes.min && pushed() <= row.pushes.max, `${pushed()} pushes`);
  });
}

async function givenLink(t: TestContext, row: Row) {
  const clock = new SimClock(noon);
  const held: number[] = [];
  let pushes = 0;
  const answers = [...(row.polls ?? [undefined])];
  const link: CloudLink = {
    poll: async ({ cursor, waitMs }, signal) => {
      held.push(waitMs);
      if (held.length > 100) throw new Error("asked without a pause");
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      await clock.sleep(waitMs, signal);
      const page =
        cursor.version === 0
          ? aPage([siteRow(aSite())], { reset: true })
          : aPage([], { ...cursor, to: cursor.version });
      return { page, checksum: undefined, commands: [], serverTime: clock.time, heldMs: waitMs, ...answer };
    },
    push: async (batch) => {
      pushes += 1;
      return (row.push ?? everything)(batch);
    },
    audit: async () => undefined,
    report: async () => undefined,
  };
  const site: RunningSite = await startLoneSite({
    link,
    clock,
    random: () => 0.9,
    limits: { segmentBytes: 64 * 1024 },
  });
  t.after(() => site.stop());
  const pass = async (ms: number) => {
    const until = clock.monotonic() + ms;
    do for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    while (clock.step(until));
  };
  return { site, held, pushed: () => pushes, pass };
}
