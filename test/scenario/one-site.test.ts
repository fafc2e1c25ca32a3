/** One site end to end on real sockets and files: what a person at the door, and one at the cloud, see. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

let site: WholeSite;
before(async () => {
  site = await WholeSite.start({ boxes: ["box-1", "box-2"] });
});
after(() => site.stop());

test("given a grant, when its PIN is entered, then the box opens, says so, and locks itself after the window", async () => {
  const grant = await site.grant();
  await site.arrives(grant.version);

  assert.equal(await site.box("box-1").enterPin(grant.pin), "granted");

  assert.equal(site.box("box-1").bolt, "released");
  await site.box("box-1").becomes("secured");
  assert.equal(site.box("box-2").bolt, "secured");
});

test("given a grant for another door, when its PIN is entered here, then the box stays shut", async () => {
  const grant = await site.grant({ doors: ["box-2"] });
  await site.arrives(grant.version);

  assert.equal(await site.box("box-1").enterPin(grant.pin), "denied");

  assert.equal(site.box("box-1").bolt, "secured");
  await until("the denial is on the disk", async () => {
    const last = (await site.journalEvents()).at(-1);
    return last?.type === "denied" && last.reason === "WRONG_ACCESS_POINT";
  });
});

test("given no line, then doors go on, a used-up grant is refused, and the cloud has each event once when the line is back", async () => {
  const once = await site.grant({ entries: 1 });
  const often = await site.grant();
  await site.arrives(often.version);
  await site.setInternet(false);

  assert.equal(await site.box("box-1").enterPin(once.pin), "granted");
  assert.equal(await site.box("box-2").enterPin(once.pin), "denied");
  assert.equal(await site.box("box-2").enterPin(often.pin), "granted");
  await site.box("box-2").becomes("secured");

  await site.setInternet(true);
  await until("the queue is empty", () => site.gateway.site.sync.queue === 0);
  const here = await site.journalEvents();
  assert.deepEqual((await site.cloudEvents()).slice(0, here.length), here);
  const admissions = here.filter((event) => event.type === "admitted" && event.grant === once.id);
  assert.equal(admissions.length, 1);
});

test("given the cloud is stopped, then doors go on, and it has the events once it is back", async () => {
  const grant = await site.grant();
  await site.arrives(grant.version);
  await site.stopCloud();

  assert.equal(await site.box("box-1").enterPin(grant.pin), "granted");
  await site.box("box-1").becomes("secured");

  await site.startCloud();
  await until("the queue is empty", () => site.gateway.site.sync.queue === 0);
  const admitted = (await site.cloudEvents()).filter((event) => event.type === "admitted" && event.grant === grant.id);
  assert.equal(admitted.length, 1);
});

test("given a grant, when it is revoked, then the door refuses it and the cloud says who has confirmed", async () => {
  const grant = await site.grant();
  await site.arrives(grant.version);
  assert.equal(await site.box("box-1").enterPin(grant.pin), "granted");
  await site.box("box-1").becomes("secured");

  const { version } = await site.revoke(grant);
  await site.arrives(version);

  assert.equal(await site.box("box-1").enterPin(grant.pin), "denied");
  await until("the gateway has confirmed", async () => {
    const { confirmations } = await site.admin<{ confirmations: { confirmed: boolean }[] }>(
      "GET",
      `/api/sites/demo/grants/${grant.id}`,
    );
    return confirmations.length === 1 && confirmations.every(({ confirmed }) => confirmed);
  });
});

test("given an administrator, when the door is unlocked from the cloud, then it opens once and the cloud learns that it did", async () => {
  const command = await site.admin<{ id: number; gateway: string }>(
    "POST",
    "/api/sites/demo/access-points/box-2/unlock",
  );

  await site.box("box-2").becomes("released");

  await until("the command is done", async () => {
    const { state } = await site.admin<{ state: string }>(
      "GET",
      `/api/sites/demo/gateways/${command.gateway}/commands/${command.id}`,
    );
    return state === "done";
  });
  const taken = (await site.journalEvents()).filter(({ type }) => type === "command-taken");
  assert.equal(taken.length, 1);
  await site.box("box-2").becomes("secured");
});

test("given an installer who looks for a box, when it shall identify itself, then it beeps, stays shut, and the cloud learns that it did", async () => {
  const box = site.box("box-1").model;
  const beeped = new Promise<void>((resolve) => {
    const unwatch = box.onChange(() => {
      if (box.view().beeps !== 3 || box.view().display !== "I am here") return;
      unwatch();
      resolve();
    });
  });
  const command = await site.admin<{ id: number; gateway: string }>(
    "POST",
    "/api/sites/demo/access-points/box-1/identify",
  );

  await beeped;

  assert.equal(box.view().bolt, "secured");
  await until("the command is done", async () => {
    const path = `/api/sites/demo/gateways/${command.gateway}/commands/${command.id}`;
    return (await site.admin<{ state: string }>("GET", path)).state === "done";
  });
});

test("given a lockdown, then nothing opens, and everything again when it is lifted", async () => {
  const grant = await site.grant();
  const locked = await site.admin<{ version: number }>("PATCH", "/api/sites/demo", { lockdown: true });
  await site.arrives(locked.version);

  assert.equal(await site.box("box-1").enterPin(grant.pin), "denied");

  const lifted = await site.admin<{ version: number }>("PATCH", "/api/sites/demo", { lockdown: false });
  await site.arrives(lifted.version);
  assert.equal(await site.box("box-1").enterPin(grant.pin), "granted");
  await site.box("box-1").becomes("secured");
});

test("given no line, when the gateway starts anew, then it still honours what it knew to be fresh", async () => {
  const grant = await site.grant();
  await site.arrives(grant.version);
  await site.setInternet(false);

  await site.restartGateway();

  assert.equal(await site.box("box-1").enterPin(grant.pin), "granted");
  await site.box("box-1").becomes("secured");
  await site.setInternet(true);
});

test("given five wrong PINs, then that keypad is locked out, a right PIN included, over a restart, and the other is not", async () => {
  const grant = await site.grant();
  await site.arrives(grant.version);

  for (let attempt = 0; attempt < 5; attempt += 1) await site.box("box-1").enterPin("000000");

  assert.equal(await site.box("box-1").enterPin(grant.pin), "locked-out");
  assert.equal(await site.box("box-2").enterPin(grant.pin), "granted");
  await site.box("box-2").becomes("secured");
  await site.restartGateway();
  assert.equal(await site.box("box-1").enterPin(grant.pin), "locked-out");
  const { accessPoints } = (await (await fetch(`${site.gateway.http.url}/api/status`)).json()) as {
    accessPoints: { id: string; lockedOutMs: number }[];
  };
  assert.ok(accessPoints.find(({ id }) => id === "box-1")!.lockedOutMs > 0);
});
