/** The driver and a simulated account: what its doors tell, what a cut-off change leaves, what one door costs the others. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { GatewayError } from "../../../gateway/errors.ts";
import type { Device, DeviceReport } from "../../../gateway/ports/device.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { indexOf } from "../../contract/code-store.ts";
import { type BrivoSiteOptions, givenBrivoSite } from "../../support/brivo-site.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
const guest = { label: "Postern 7k3m9xw2hd", digits: new SecretString("345678") };
const list = async (device: Device) => (await device.codes?.list(indexOf, never)) ?? [];

/** All its devices are online. */
async function givenRunningSite(t: TestContext, options: BrivoSiteOptions = {}) {
  const site = await givenBrivoSite(t, options);
  const reports = collect(site.device);
  await site.web.start();
  for (const each of site.devices) await each.start(never);
  await until("all are online", () => site.devices.every((each) => each.status().link === "online"));
  return { ...site, reports };
}

function collect(device: Device): DeviceReport[] {
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => {
    reports.push(report);
  });
  return reports;
}

test("tells presence and bolt as they change, and who opened: the guest by the code's ref, a pulse of ours by nobody", async (t) => {
  const { device, door, pass, reports } = await givenRunningSite(t);
  assert.equal(await device.codes?.set(guest, never), "accepted");
  await pass(12_000);
  const [code] = await list(device);
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  await until("it is back", () => device.lock?.state().bolt === "secured");
  assert.ok(door.enterPin("345678"));
  assert.ok(!door.enterPin("999999"));
  door.pressExit();
  await until("the guest is told", () => reports.some(({ type }) => type === "opened-at-lock"));
  door.cutLine();
  await until("it is lost", () => device.status().link === "offline");
  door.restoreLine();
  await until("it is back again", () => device.status().link === "online");

  assert.ok(code);
  assert.deepEqual(
    reports.filter(({ type }) => type === "opened-at-lock"),
    [{ type: "opened-at-lock", by: "code", code: code.ref }],
  );
  const presence = reports.flatMap((report) => (report.type === "presence" ? [report.state] : []));
  assert.deepEqual(presence, ["online", "offline", "online"]);
  assert.deepEqual(reports.flatMap((report) => (report.type === "bolt" ? [report.state] : [])).slice(0, 3), [
    "secured",
    "released",
    "secured",
  ]);
});

for (const [what, path] of [
  ["made and not yet in the group", /\/v1\/api\/users$/],
  ["in the group, and nobody was told", /\/groups\/200\/users\/\d+$/],
] as const)
  test(`a line that breaks when the user is ${what}: unknown, then found again and finished, or taken away`, async (t) => {
    for (const end of ["finish", "clear"] as const) {
      const { device, web, door, pass } = await givenRunningSite(t);
      web.trouble("drop", { path });
      assert.equal(await device.codes?.set(guest, never), "unknown");
      // As after a crash: nothing of before is remembered.
      await device.stop();
      await device.start(never);
      const [left, ...others] = await list(device);
      assert.ok(left);
      assert.deepEqual(others, []);
      assert.equal(left.label, guest.label);

      if (end === "finish") {
        assert.equal(await device.codes?.set({ ...guest, ref: left.ref }, never), "accepted");
        await pass(12_000);
        assert.deepEqual(await list(device), [{ ...left, window: null }]);
        assert.ok(door.enterPin("345678"));
        assert.equal(web.users().length, 1);
      } else {
        assert.equal(await device.codes?.clear(left.ref, never), "accepted");
        await pass(12_000);
        assert.deepEqual(await list(device), []);
        assert.deepEqual(web.users(), []);
        assert.ok(!door.enterPin("345678"));
      }
    }
  });

test("a guest of two doors is one user; what is cleared at one door stays at the other", async (t) => {
  const { device, devices, doors, web, pass } = await givenRunningSite(t, { others: 1 });
  const [, other] = devices;
  assert.ok(other);
  for (const each of devices) assert.equal(await each.codes?.set(guest, never), "accepted");
  await pass(12_000);
  assert.equal(web.users().length, 1);
  assert.deepEqual(await list(device), await list(other));

  const [{ ref } = { ref: "" }] = await list(device);
  assert.equal(await device.codes?.clear(ref, never), "accepted");
  await pass(12_000);
  assert.deepEqual(await list(device), []);
  assert.equal((await list(other)).length, 1);
  assert.deepEqual(
    doors.map((door) => door.enterPin("345678")),
    [false, true],
  );
  assert.equal(await other.codes?.clear(ref, never), "accepted");
  assert.deepEqual(web.users(), []);
});

test("what the panel cannot have heard is pending, and nothing is told of a panel without a line", async (t) => {
  const { device, door, pass } = await givenRunningSite(t);
  await device.codes?.set(guest, never);
  assert.deepEqual(
    (await list(device)).map(({ pending }) => pending),
    [true],
  );
  await pass(12_000);
  const [code] = await list(device);
  assert.ok(code && !code.pending);
  door.cutLine();
  assert.equal(await device.codes?.clear(code.ref, never), "accepted");
  await assert.rejects(list(device), (error) => error instanceof GatewayError && error.code === "device-unreachable");
  assert.ok(door.enterPin("345678"), "the panel knows nothing of it");
  door.restoreLine();
  await until("it is told of as absent", async () => (await list(device).catch(() => [code])).length === 0);
  assert.ok(!door.enterPin("345678"));
});

test("tokens that end, and refresh tokens that are taken back, are noticed by nobody", async (t) => {
  const { device, web, pass, logged } = await givenRunningSite(t, {
    quirks: { refreshRotates: true, tokenLifeS: 10 },
  });
  await pass(25_000);
  web.expireTokens();
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  web.revokeRefreshTokens();
  web.expireTokens();
  await pass(10_000);
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  assert.deepEqual(logged, []);
});

test("many doors together ask no oftener than the account bears, and whoever stands at a door does not wait for them", async (t) => {
  const { device, devices, web, pass, clock } = await givenRunningSite(t, { others: 7 });
  await pass(10_000);
  for (const each of devices) each.codes?.list(indexOf, never).catch(() => undefined);
  const before = clock.monotonic();
  assert.notEqual(await device.lock?.release(5_000, never), "refused");
  const command = web.calls.find(({ path }) => path.endsWith("/activate"));
  assert.ok(command);
  // A turn of the loop is a tenth of a second here, and a request takes some.
  assert.ok(command.at - before < 5_000, `it waited ${command.at - before} ms`);
  await pass(15_000);
  const { calls } = web;
  const spanMs = (calls.at(-1)?.at ?? 0) - (calls[0]?.at ?? 0);
  assert.ok(calls.length <= (spanMs / 1_000) * 5 + 10, `${calls.length} in ${spanMs} ms`);
});

test("a door whose requests hang keeps no other door of the account waiting", async (t) => {
  const { device, devices, web, pass, clock } = await givenRunningSite(t, { others: 3 });
  web.trouble("hang", { path: /10[123]/, times: Number.POSITIVE_INFINITY });
  await pass(15_000);
  for (const each of devices.slice(1)) void each.lock?.release(5_000, never);
  const before = clock.monotonic();
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  assert.ok(clock.monotonic() - before < 10_000);
});

test("three reads in a row that fail are a lost door; a read that works is a door again", async (t) => {
  const { device, web, logged } = await givenRunningSite(t);
  web.refuse(503, { path: /device-status/, times: 2 });
  await until("two have failed", () => logged.filter((line) => line.includes("status-unread")).length === 2);
  assert.equal(device.status().link, "online");
  web.refuse(429, { path: /device-status/ });
  await until("it is lost", () => device.status().link === "offline");
  web.settle();
  await until("it is back", () => device.status().link === "online");
});
