/** An administrator holds a door open: cloud, gateway and boxes on real sockets and files. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import type { Bolt } from "../../firmware-sim/sim-lockbox.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

const front = "/api/sites/demo/access-points/box-1/hold-open";
let site: WholeSite;
before(async () => {
  site = await WholeSite.start({ boxes: ["box-1", "box-2"] });
});
after(() => site.stop());
afterEach(async () => {
  await site.admin("DELETE", front).catch(() => undefined);
  await site.box("box-1").becomes("secured");
});

/** Until so many milliseconds from now. */
async function hold(ms: number): Promise<{ id: string; version: number }> {
  return site.admin("PUT", front, { until: new Date(Date.now() + ms).toISOString() });
}
const hour = 3_600_000;

/** What this gateway has written down of a hold. */
async function written(id: string): Promise<string[]> {
  return (await site.journalEvents()).flatMap((event) => {
    if (event.type === "held-open") return event.hold === id ? ["held-open"] : [];
    return event.type === "hold-ended" && event.hold === id ? [event.reason] : [];
  });
}

/** Where the bolt has been since. */
function watched(id: string): Bolt[] {
  const box = site.box(id).model;
  const seen: Bolt[] = [box.view().bolt];
  box.onChange(() => {
    const { bolt } = box.view();
    if (bolt !== seen.at(-1)) seen.push(bolt);
  });
  return seen;
}

test("given a door held open, then it stays open for whoever comes, the other stays shut, and it shuts when the administrator says so", async () => {
  const grant = await site.grant();
  await site.arrives(grant.version);
  const { id } = await hold(hour);
  await site.box("box-1").becomes("released");

  const bolt = watched("box-1");
  // In this order: a box says "granted" at the release and again when it is told.
  assert.equal(await site.box("box-1").enterPin("000000"), "denied");
  assert.equal(await site.box("box-1").enterPin(grant.pin), "granted");
  assert.equal(await site.box("box-2").enterPin(grant.pin), "granted");
  await site.box("box-2").becomes("secured");
  assert.deepEqual(bolt, ["released"]);
  const page = await (await fetch(`${site.gateway.http.url}/status`)).text();
  assert.match(page, /held open until/);

  await site.admin("DELETE", front);

  await site.box("box-1").becomes("secured");
  await until("the cloud has heard both", async () => {
    const told = (await site.cloudEvents()).flatMap((event) =>
      (event.type === "held-open" || event.type === "hold-ended") && event.hold === id ? [event.type] : [],
    );
    return told.join() === "held-open,hold-ended";
  });
  assert.deepEqual(await written(id), ["held-open", "revoked"]);
});

test("given the line cut in the middle, then the door is held to its end and no longer, and the line's return moves nothing", async () => {
  const { id } = await hold(8_000);
  await site.box("box-1").becomes("released");

  await site.setInternet(false);
  assert.equal(site.box("box-1").bolt, "released");
  await site.box("box-1").becomes("secured");

  assert.deepEqual(await written(id), ["held-open", "over"]);
  const bolt = watched("box-1");
  await site.setInternet(true);
  assert.deepEqual(bolt, ["secured"]);
});

test("given a lockdown, then it wins at once, and what still stands goes on when it is lifted", async () => {
  const { id } = await hold(hour);
  await site.box("box-1").becomes("released");

  await site.admin("PATCH", "/api/sites/demo", { lockdown: true });
  await site.box("box-1").becomes("secured");
  assert.deepEqual(await written(id), ["held-open", "lockdown"]);

  await site.admin("PATCH", "/api/sites/demo", { lockdown: false });
  await site.box("box-1").becomes("released");
  assert.deepEqual(await written(id), ["held-open", "lockdown", "held-open"]);
});

test("given no line, when the gateway starts anew in the middle, then the door does not move, and is shut by the word that comes later", async () => {
  const { id } = await hold(hour);
  await site.box("box-1").becomes("released");
  const bolt = watched("box-1");
  await site.setInternet(false);

  await site.restartGateway();
  const { heldUntil, devices } = site.gateway.site.parts;
  await until(
    "the box is told again",
    () => heldUntil.has("box-1") && devices.get("box-1")?.status().link === "online",
  );

  assert.deepEqual(bolt, ["released"]);
  assert.deepEqual(await written(id), ["held-open"]);
  await site.setInternet(true);
  const { version } = await site.admin<{ version: number }>("DELETE", front);
  await site.arrives(version);
  await site.box("box-1").becomes("secured");
  assert.deepEqual(await written(id), ["held-open", "revoked"]);

  await site.restartGateway();
  assert.deepEqual(bolt, ["released", "secured"]);
});
