/** What the hourly cleaning does to the feed, and that gateways follow it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanOnce } from "../../cloud-sync/jobs/housekeeping.ts";
import { givenCloud, HandClock } from "../support/cloud.ts";

const dayMs = 24 * 3_600_000;

test("a grant that ended a week ago leaves the feed as a tombstone, and once confirmed the tombstone goes", async () => {
  const clock = new HandClock();
  const cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "UTC" });
  const gateway = await cloud.gateway("demo", ["front"]);
  const { body: grant } = await cloud.ask("POST", "/api/sites/demo/grants", {
    kind: "stay",
    holder: { name: "Ada Guest" },
    accessPoints: ["front"],
    from: "2031-03-04T00:00:00Z",
    until: "2031-03-05T00:00:00Z",
    entriesAllowed: null,
    credentials: [{ kind: "pin" }],
  });
  await gateway.catchUp();
  const old = { ...gateway.cursor };
  const cleaned = async () => {
    await cleanOnce(cloud.parts);
    return (await gateway.poll()).body;
  };

  clock.advance(2 * dayMs);
  assert.deepEqual((await cleaned()).rows, [], "it is still there to be called expired");
  clock.advance(7 * dayMs);
  const [row] = (await cleaned()).rows;
  assert.deepEqual([row?.id, row?.gone], [grant.id, true]);
  assert.equal((await cloud.ask("GET", `/api/sites/demo/grants/${grant.id}`)).body.state, "ended");

  await gateway.catchUp();
  assert.equal((await cleaned()).reset, false, "a gateway that confirmed the tombstone goes on");
  gateway.cursor = old;
  const behind = (await gateway.poll()).body;
  assert.deepEqual([behind.reset, behind.rows.map(({ id }: { id: string }) => id)], [true, ["demo", gateway.id]]);
  await cloud.close();
});
