/** What a poll brought is written down in records a journal can hold. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FeedPage, noCursor } from "../../gateway/domain/feed.ts";
import { portions, reconcileSite } from "../../gateway/flows/reconcile-site.ts";
import type { PollReply } from "../../gateway/ports/cloud-link.ts";
import type { RunningSite } from "../../gateway/site.ts";
import { TimeKeeper } from "../../gateway/time-keeper.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aGrant, aPage, aSite, blacklistRow, grantRow, noon, siteRow } from "../support/site-fixture.ts";

const fat = (count: number) =>
  Array.from({ length: count }, (_, i) => grantRow(aGrant(`grant-${i}`, { about: { note: "я".repeat(4_150) } })));

test("a page of few but fat rows is cut by bytes, and only its last portion completes it and moves the cursor", () => {
  const page = aPage([siteRow(aSite()), ...fat(100)], { reset: true });
  const cuts = portions(page, noCursor);

  assert.deepEqual(
    cuts.flatMap(({ rows }) => rows),
    page.rows,
  );
  for (const { rows } of cuts) assert.ok(Buffer.byteLength(JSON.stringify(rows)) < 300_000);
  const last = cuts.length - 1;
  assert.ok(last > 1);
  for (const [index, { reset, complete, to }] of cuts.entries()) {
    assert.deepEqual(
      { reset, complete, to },
      { reset: index === 0, complete: index === last, to: index === last ? page.to : 0 },
    );
  }
});

test("a page is cut every 500 rows, a row above the bound is alone, and a page without rows is one record", () => {
  const thin = aPage(Array.from({ length: 1_001 }, (_, i) => blacklistRow(`b${i}`, "person", `person-${i}`)));
  assert.deepEqual(
    portions(thin, noCursor).map(({ rows }) => rows.length),
    [500, 500, 1],
  );
  const huge = grantRow(aGrant("huge", { about: { note: "x".repeat(300_000) } }));
  assert.deepEqual(
    portions(aPage([siteRow(aSite()), huge, siteRow(aSite())]), noCursor).map(({ rows }) => rows.length),
    [1, 1, 1],
  );
  const empty = aPage([]);
  assert.deepEqual(portions(empty, noCursor), [empty]);
});

test("the largest page the cloud sends is written down", async () => {
  const clock = new SimClock(noon);
  const site = await aSiteOn(new SimDisk(), clock);
  const page = aPage([siteRow(aSite()), ...fat(499)], { reset: true });

  const { set } = await reconcileSite(site.parts, new TimeKeeper(clock), replyWith(page), 0, 0);

  assert.equal(set, "complete");
  assert.equal(site.cache.records.size, 500);
});

test("a page that was confirmed and is damaged afterwards is missed, be it the newest there is", async () => {
  const [disk, clock] = [new SimDisk(), new SimClock(noon)];
  const site = await aSiteOn(disk, clock);
  const page = aPage([siteRow(aSite()), blacklistRow("b1", "person", "person-1")], { reset: true });
  await reconcileSite(site.parts, new TimeKeeper(clock), replyWith(page), 0, 0);
  disk.kill();

  const path = disk.paths.find((one) => one.endsWith(".jsonl"))!;
  const text = Buffer.from(disk.contents(path)).toString("latin1");
  disk.replace(path, Buffer.from(text.replace("person-1", "person-2"), "latin1"));
  const { parts } = await aSiteOn(disk, clock);

  assert.equal(parts.records.suspect, true);
});

function replyWith(page: FeedPage): PollReply {
  return { page, checksum: undefined, commands: [], serverTime: noon, heldMs: 0 };
}

function aSiteOn(disk: SimDisk, clock: SimClock): Promise<RunningSite> {
  return startLoneSite({
    clock,
    disk: disk.mount(),
  });
}
