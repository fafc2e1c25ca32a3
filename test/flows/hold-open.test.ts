/** A door held open: begun, ended, taken up again, and never moved by a line. Time passes only when told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import { holdWindowMs } from "../../gateway/flows/hold-open.ts";
import { reconcileSite } from "../../gateway/flows/reconcile-site.ts";
import { TimeKeeper } from "../../gateway/time-keeper.ts";
import { aPage, aSite, noon, siteRow } from "../support/site-fixture.ts";
import { aPinGrant, TimedSite, type TimedSiteOptions } from "../support/timed-site.ts";

const minute = 60_000;
/** The machine's clock is good to within this. */
const within = 1_000;

/** Ten minutes of the afternoon. */
const afternoon = { id: "hold-1", from: noon + 2 * minute, until: noon + 12 * minute };

async function aSiteWith(hold = afternoon, options: TimedSiteOptions = {}): Promise<TimedSite> {
  const site = await TimedSite.online({ systemClockWithinMs: within, ...options });
  await site.holdOpen(hold);
  return site;
}
const told = async (site: TimedSite) =>
  (await site.events())
    .filter((event): event is EntryEvent & { type: "held-open" | "hold-ended" } => /^hold-|^held-/.test(event.type))
    .map((event) =>
      event.type === "held-open" ? `held-open ${event.hold}` : `hold-ended ${event.hold} ${event.reason}`,
    );
/** As far as the clock can tell, and a little for the disk. */
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) <= 2.5 * within, `${actual - expected} ms beside the moment`);

test("a door is held open from its beginning to its end and at no other time, and both are written down", async () => {
  const site = await aSiteWith();

  await site.passTo(afternoon.from - 2 * within);
  assert.deepEqual([site.bolt, await told(site)], ["secured", []]);
  await site.passTo(noon + 15 * minute);

  assert.deepEqual(
    site.moves.map(({ bolt }) => bolt),
    ["released", "secured"],
  );
  near(site.moves[0]!.at, afternoon.from);
  near(site.moves[1]!.at, afternoon.until);
  assert.deepEqual(await told(site), ["held-open hold-1", "hold-ended hold-1 over"]);
  await site.shutDown();
});

test("without the line it begins and ends all the same, and neither the line's end nor its return moves anything", async () => {
  const site = await aSiteWith();

  site.cutLine();
  await site.passTo(noon + 5 * minute);
  assert.deepEqual(
    site.moves.map(({ bolt }) => bolt),
    ["released"],
  );
  await site.plugLine();
  site.cutLine();
  await site.pass(3 * minute);
  assert.equal(site.moves.length, 1);
  await site.passTo(noon + 15 * minute);

  assert.deepEqual(
    site.moves.map(({ bolt }) => bolt),
    ["released", "secured"],
  );
  near(site.moves[1]!.at, afternoon.until);
  await site.shutDown();
});

test("revoked: it is secured at once and not opened again, not even when the same row comes back", async () => {
  const site = await aSiteWith();
  await site.passTo(noon + 5 * minute);

  await site.holdOpen(undefined);
  assert.equal(site.bolt, "secured");
  await site.holdOpen(afternoon);
  await site.pass(3 * minute);

  assert.deepEqual(
    site.moves.map(({ bolt }) => bolt),
    ["released", "secured"],
  );
  assert.deepEqual(await told(site), ["held-open hold-1", "hold-ended hold-1 revoked"]);
  await site.shutDown();
});

test("another end takes the place of the first without moving the door", async () => {
  const site = await aSiteWith();
  await site.passTo(noon + 5 * minute);

  await site.holdOpen({ id: "hold-2", from: noon + 5 * minute, until: noon + 8 * minute });
  await site.passTo(noon + 10 * minute);

  assert.deepEqual(
    site.moves.map(({ bolt }) => bolt),
    ["released", "secured"],
  );
  near(site.moves[1]!.at, noon + 8 * minute);
  assert.deepEqual(await told(site), [
    "held-open hold-1",
    "hold-ended hold-1 revoked",
    "held-open hold-2",
    "hold-ended hold-2 over",
  ]);
  await site.shutDown();
});

test("a lockdown wins at once; once it is lifted the hold that still stands goes on", async () => {
  const site = await aSiteWith();
  await site.passTo(noon + 5 * minute);

  await site.changeSite({ lockdown: true });
  assert.equal(site.bolt, "secured");
  await site.pass(3 * minute);
  assert.equal(site.moves.length, 2);
  await site.changeSite({ lockdown: false });

  assert.equal(site.bolt, "released");
  assert.deepEqual(await told(site), ["held-open hold-1", "hold-ended hold-1 lockdown", "held-open hold-1"]);
  await site.shutDown();
});

test("a lockdown that comes while the rest of the set is still under way wins at once too", async () => {
  const site = await aSiteWith();
  await site.passTo(noon + 5 * minute);
  const { parts } = site.running;
  const page = aPage([siteRow(aSite({ lockdown: true }), 9)], { to: 9, complete: false });
  const reply = { page, checksum: undefined, commands: [], serverTime: site.clock.time, heldMs: 0 };

  const now = site.clock.monotonic();
  void reconcileSite(parts, new TimeKeeper(site.clock), reply, now, now);
  await site.pass(10);

  assert.equal(site.bolt, "secured");
  await site.shutDown();
});

test("under a lockdown nothing begins", async () => {
  const site = await aSiteWith(afternoon, { site: { lockdown: true } });
  await site.passTo(noon + 5 * minute);
  assert.deepEqual([site.moves, await told(site)], [[], []]);
  await site.shutDown();
});

for (const [how, stop] of [
  ["a power cut", async (site: TimedSite) => site.powerCut()],
  ["a stop", (site: TimedSite) => site.shutDown()],
] as const) {
  test(`after ${how} and a start in between, without the line, the hold goes on and nothing moves`, async () => {
    const site = await aSiteWith();
    await site.passTo(noon + 5 * minute);
    site.cutLine();

    await stop(site);
    await site.pass(holdWindowMs / 3);
    await site.powerOn();
    await site.passTo(noon + 15 * minute);

    assert.deepEqual(
      site.moves.map(({ bolt }) => bolt),
      ["released", "secured"],
    );
    near(site.moves[1]!.at, afternoon.until);
    assert.deepEqual(await told(site), ["held-open hold-1", "hold-ended hold-1 over"]);
    await site.shutDown();
  });
}

test("a gateway that is gone leaves the door shut within its window; one that starts after the end says that it is over", async () => {
  const site = await aSiteWith();
  await site.passTo(noon + 5 * minute);

  const cutAt = site.clock.time;
  site.powerCut();
  await site.pass(10 * minute);
  assert.equal(site.bolt, "secured");
  assert.ok(site.moves[1]!.at <= cutAt + holdWindowMs);
  await site.powerOn();
  await site.pass(minute);

  assert.equal(site.moves.length, 2);
  assert.deepEqual(await told(site), ["held-open hold-1", "hold-ended hold-1 over"]);
  await site.shutDown();
});

test("a gateway that is gone just before the end does not hold the door beyond it", async () => {
  const site = await aSiteWith();
  await site.passTo(afternoon.until - 10_000);
  site.powerCut();
  await site.pass(3 * minute);
  assert.ok(site.moves[1]!.at <= afternoon.until + 5_000);
});

test("after a start nobody knows how late it is, the door is not held; once somebody tells, it is", async () => {
  const site = await aSiteWith(afternoon, { systemClockWithinMs: undefined });
  await site.passTo(noon + 5 * minute);
  assert.equal(site.bolt, "released");
  site.cutLine();

  site.powerCut();
  await site.pass(1_000);
  await site.powerOn();
  assert.equal(site.bolt, "secured");
  await site.plugLine();

  assert.equal(site.bolt, "released");
  assert.deepEqual(await told(site), ["held-open hold-1", "hold-ended hold-1 clock", "held-open hold-1"]);
  await site.shutDown();
});

test("who presents a credential at a door that is held open is decided and written down as always, and does not shut it", async () => {
  const site = await aSiteWith(afternoon, { grants: [aPinGrant("471199")] });
  // Ten seconds and more until the lock is told again.
  await site.passTo(noon + 5 * minute);
  const { heldUntil } = site.running.parts;
  while (heldUntil.get("front-lock")! - site.clock.monotonic() < holdWindowMs - 5_000) await site.pass(1_000);

  assert.equal(await site.enter("471199"), "released");
  assert.equal(await site.enter("000000"), "QR_NOT_FOUND");
  await site.pass(3 * minute);

  const kinds = (await site.events()).map(({ type }) => type);
  assert.ok(kinds.includes("admitted") && kinds.includes("denied"));
  assert.deepEqual([site.moves.length, kinds.includes("relock-failed")], [1, false]);
  await site.passTo(noon + 15 * minute);
  assert.equal(await site.enter("471199"), "released");
  await site.pass(6_000);
  assert.deepEqual(
    site.moves.map(({ bolt }) => bolt),
    ["released", "secured", "released", "secured"],
  );
  await site.shutDown();
});

test("a lock that cannot be held open says so once, and is not touched", async () => {
  const site = await aSiteWith(afternoon, { pulseOnly: true });
  await site.passTo(noon + 5 * minute);
  assert.deepEqual([site.moves, await told(site)], [[], ["hold-ended hold-1 impossible"]]);
  await site.shutDown();
});

test("the beginning is on the disk before the bolt moves; the end moves it without waiting for the disk", async () => {
  const site = await aSiteWith();
  const { journal } = site.running.parts;
  const seqs: number[] = [];
  const lock = site.running.parts.devices.get("front-lock")!.lock!;
  const watch = (act: "hold" | "secure") => {
    const real = lock[act]!.bind(lock) as (...args: never[]) => Promise<"confirmed">;
    Object.assign(lock, {
      [act]: (...args: never[]) => {
        seqs.push(journal.durableSeq);
        return real(...args);
      },
    });
  };
  watch("hold");
  watch("secure");
  site.slowDisk(200);

  await site.passTo(noon + 15 * minute);

  site.slowDisk(0);
  const events = await site.events();
  const begin = events.find(({ type }) => type === "held-open")!.seq;
  const end = events.find(({ type }) => type === "hold-ended")!.seq;
  assert.ok(seqs[0]! >= begin, "held before it was written down");
  assert.ok(seqs.at(-1)! < end, "secured only when it was written down");
  await site.shutDown();
});

for (const [what, begun] of [
  ["a lockdown", (site: TimedSite) => site.changeSite({ lockdown: true })],
  ["an administrator who ends it", (site: TimedSite) => site.holdOpen(undefined)],
] as const)
  test(`${what} shuts a door that is held open at once, however slow the disk`, async () => {
    const site = await aSiteWith({ ...afternoon, until: noon + 60 * minute });
    await site.passTo(noon + 15 * minute);
    assert.equal(site.bolt, "released");
    site.slowDisk(2_000);

    const at = site.clock.time;
    await begun(site);
    await site.pass(minute);

    const last = site.moves.at(-1)!;
    assert.equal(last.bolt, "secured");
    assert.ok(last.at - at < 6_000, `after ${last.at - at} ms`);
    site.slowDisk(0);
    await site.shutDown();
  });

test("the status tells until when a door is held open", async () => {
  const site = await aSiteWith();
  assert.equal((await site.status()).accessPoints[0]?.heldOpenUntil, null);
  await site.passTo(noon + 5 * minute);

  assert.equal((await site.status()).accessPoints[0]?.heldOpenUntil, afternoon.until);
  assert.match(await site.page(), /held open until 4 Mar 2031, 12:12:00/);
  await site.shutDown();
});
