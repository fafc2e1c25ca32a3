/** The site's zone is a row of the feed: schedules follow it at once, and nothing else does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { WeeklySchedule } from "../../gateway/domain/schedule.ts";
import { givenCloud, HandClock } from "../support/cloud.ts";
import { noon } from "../support/site-fixture.ts";
import { aPinGrant, TimedSite } from "../support/timed-site.ts";

const minute = 60_000;
const lunch: WeeklySchedule = { windows: [{ days: [2], from: "12:00", until: "13:00" }] };
const validity = { from: noon - 60 * minute, until: noon + 10 * minute };
const grants = [
  aPinGrant("1111", { schedule: lunch }),
  aPinGrant("2222", { validity }),
  aPinGrant("3333", { entriesAllowed: 2 }),
];

test("the zone is changed in the cloud: schedules follow at once, nothing else changes", async () => {
  const site = await TimedSite.online({ grants });
  assert.deepEqual(await site.enterAll("1111", "2222", "3333"), ["released", "released", "released"]);
  for (let miss = 0; miss < 5; miss += 1) await site.enter("0000");

  await site.changeSite({ zone: "Asia/Tokyo" });
  assert.equal(await site.enter("1111"), "LOCKED_OUT");
  await site.pass(30_000);
  assert.deepEqual(await site.enterAll("1111", "2222", "3333"), ["OUTSIDE_SCHEDULE", "released", "released"]);
  assert.match(await site.page(), /4 Mar 2031, 21:00/);

  await site.changeSite({ zone: "Europe/Lisbon" });
  assert.deepEqual(await site.enterAll("1111", "3333"), ["released", "LIMIT_REACHED"]);
  await site.passTo(validity.until + 100);
  assert.deepEqual(await site.enterAll("1111", "2222"), ["released", "QR_EXPIRED"]);
  await site.shutDown();
});

test("a zone nobody knows comes down: only what needs it is denied, by name, and the page still stands", async () => {
  const site = await TimedSite.online({ grants });
  await site.changeSite({ zone: "Europe/Atlantis" });

  assert.deepEqual(await site.enterAll("1111", "2222", "3333"), ["UNREADABLE", "released", "released"]);
  const page = await site.page();
  assert.match(page, /&quot;Europe\/Atlantis&quot; is not known here: grants with a schedule are not admitted/);
  assert.match(page, /4 Mar 2031, 12:00:01/);

  site.powerCut();
  await site.powerOn();
  await site.pass(1_000);
  assert.deepEqual(await site.enterAll("1111", "2222"), ["UNREADABLE", "released"]);
  await site.changeSite({ zone: "Europe/Lisbon" });
  assert.equal(await site.enter("1111"), "released");
  assert.doesNotMatch(await site.page(), /Time zone/);
  await site.shutDown();
});

test("the administrator changes the zone: the feed's next page has it; a zone nobody knows is refused by name and changes nothing", async (t) => {
  const cloud = await givenCloud({ clock: new HandClock() });
  t.after(() => cloud.close());
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "Europe/Madrid" });
  const gateway = await cloud.gateway("home");
  await gateway.catchUp();

  for (const zone of ["Europe/Atlantis", "", "+02:00", "Europe/Madrid\n"]) {
    const refused = await cloud.ask("PATCH", "/api/sites/home", { zone });
    assert.equal(refused.status, 400, zone);
    assert.deepEqual(
      refused.body.errors.map(({ field }: { field: string }) => field),
      ["body.zone"],
    );
  }
  assert.deepEqual(await gateway.catchUp(), []);
  assert.equal((await cloud.ask("PATCH", "/api/sites/home", { zone: "America/Santiago" })).status, 200);
  const rows = await gateway.catchUp();
  assert.deepEqual(
    rows.map(({ kind, body }) => [kind, body?.zone]),
    [["site", "America/Santiago"]],
  );
});
