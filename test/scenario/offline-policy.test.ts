/** Without the cloud each kind of grant goes on for as long as its policy says, and the gateway tells until when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type GrantKind, grantKinds } from "../../gateway/domain/grant.ts";
import { aDay, noon } from "../support/site-fixture.ts";
import { aPinGrant, TimedSite } from "../support/timed-site.ts";

const minute = 60_000;
const hour = 60 * minute;
const checkout = noon + aDay + 2 * hour;
const validity = { from: noon - hour, until: checkout };
const pinOf = (kind: GrantKind) => String(1_000 + grantKinds.indexOf(kind));
const oneOfEach = grantKinds.map((kind) => aPinGrant(pinOf(kind), { kind, validity }));

test("each kind stops when it was said to: links after an hour, a stay at checkout, everything else after a day", async () => {
  const site = await TimedSite.online({ grants: oneOfEach });
  site.cutLine();
  await site.pass(1_000);
  const { offline } = await site.status();
  const told = (kind: GrantKind) => offline.find((one) => one.kind === kind)?.worksUntil ?? checkout;
  const hours = grantKinds.map((kind) => [kind, Math.round((told(kind) - noon) / hour)]);
  assert.deepEqual(Object.fromEntries(hours), {
    delivery: 1,
    temporary: 24,
    visitor: 24,
    member: 24,
    staff: 24,
    stay: 26,
  });

  const ways: (readonly [readonly GrantKind[], string])[] = [
    [["delivery"], "OFFLINE_STALE"],
    [["temporary", "visitor", "member", "staff"], "OFFLINE_STALE"],
    [["stay"], "QR_EXPIRED"],
  ];
  for (const [kinds, reason] of ways) {
    const stop = Math.min(...kinds.map(told));
    // A clock that nobody has set for a day is sure of a checkout to some 20 s; how long the cloud is silent it knows exactly.
    await site.passTo(stop - (reason === "QR_EXPIRED" ? 30_000 : 100));
    assert.deepEqual(new Set(await site.enterAll(...kinds.map(pinOf))), new Set(["released"]), `${kinds} before`);
    await site.passTo(stop + 100);
    assert.deepEqual(new Set(await site.enterAll(...kinds.map(pinOf))), new Set([reason]), `${kinds} after`);
  }
  assert.match(await site.page(), /stay: until its own end.*delivery: stopped/s);
  await site.shutDown();
});

test("a site's own policy counts from the moment it arrives, and is told in the site's time, offset and all", async () => {
  const start = Date.UTC(2031, 9, 25, 23, 30, 5); // half an hour before Madrid's clock shows 02:00 for the first time
  const grants = [aPinGrant("1234", { validity: { from: start - hour, until: start + aDay } })];
  const site = await TimedSite.online({ start, site: { zone: "Europe/Madrid" }, grants });
  await site.changeSite({ offlineMaxAgeMs: { ...site.policy, temporary: hour, visitor: 2 * hour } });
  site.cutLine();
  await site.pass(1_000);

  const page = await site.page();
  assert.match(page, /temporary: will stop working at 26 Oct 2031, 02:30:0\d CEST, in 60 min/);
  assert.match(page, /visitor: will stop working at 26 Oct 2031, 02:30:0\d CET, in 120 min/);
  await site.pass(hour - 3_000);
  assert.equal(await site.enter("1234"), "released");
  await site.pass(3_000);
  assert.equal(await site.enter("1234"), "OFFLINE_STALE");
  await site.shutDown();
});

test("what nobody is admitted by is told as stopped, stays too: no clock after a boot", async () => {
  const site = await TimedSite.online({ grants: oneOfEach });
  site.cutLine();
  site.powerCut();
  await site.powerOn();

  assert.deepEqual(new Set(await site.enterAll(...grantKinds.map(pinOf))), new Set(["CLOCK_UNTRUSTED"]));
  for (const { kind, worksForMs, worksUntil } of (await site.status()).offline)
    assert.deepEqual([worksForMs, worksUntil], [0, null], kind);
  assert.doesNotMatch(await site.page(), /until its own end|will stop working/);
  await site.shutDown();
});
