/** The driver and a simulated account: what its doors tell, and what one costs the others. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { DeviceReport } from "../../../gateway/ports/device.ts";
import { givenKisiSite, type KisiSiteOptions } from "../../support/kisi-site.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;

/** All its devices are online. */
async function givenRunningSite(t: TestContext, options: KisiSiteOptions = {}) {
  const site = await givenKisiSite(t, options);
  const reports: DeviceReport[] = [];
  site.device.subscribe(async (report) => {
    reports.push(report);
  });
  await site.web.start();
  for (const each of site.devices) await each.start(never);
  await until("all are online", () => site.devices.every((each) => each.status().link === "online"));
  return { ...site, reports };
}

test("tells presence, bolt and door as they change, and the lockdown in its log", async (t) => {
  const { device, door, reports, logged } = await givenRunningSite(t);
  door.setMode("held-open");
  await until("it is released", () => device.lock?.state().bolt === "released");
  door.pushLeaf();
  await until("it is open", () => device.status().door === "open");
  door.closeLeaf();
  door.setMode("locked-down");
  await until("it is shut", () => device.lock?.state().bolt === "secured" && device.status().door === "closed");
  await until("the lockdown is told", () => logged.some((line) => line.includes("lockdown-begun")));
  assert.equal(await device.lock?.release(5_000, never), "refused");
  door.setMode("controlled");
  await until("its end is told", () => logged.some((line) => line.includes("lockdown-ended")));
  assert.equal(await device.lock?.release(5_000, never), "confirmed");
  door.cutLine();
  await until("it is lost", () => device.status().link === "offline");
  assert.equal(await device.lock?.release(5_000, never), "refused");

  const told = reports.flatMap((report) => ("state" in report ? [`${report.type} ${report.state}`] : []));
  assert.deepEqual(told.slice(0, 5), ["presence online", "bolt secured", "door closed", "bolt released", "door open"]);
  assert.equal(told.at(-1), "presence offline");
});

test("many doors together ask no oftener than the account bears, and whoever stands at a door does not wait for them", async (t) => {
  const { device, devices, web, pass, clock } = await givenRunningSite(t, {
    others: 11,
    quirks: { requestsPerSecond: 1_000 },
  });
  await pass(5_000);
  const before = clock.monotonic();
  assert.notEqual(await device.lock?.release(5_000, never), "refused");
  const command = web.calls.find(({ path }) => path.endsWith("/unlock"));
  assert.ok(command);
  // A turn of the loop is a tenth of a second here, and a request takes some.
  assert.ok(command.at - before < 5_000, `it waited ${command.at - before} ms`);
  await pass(15_000);
  const { calls } = web;
  const spanMs = (calls.at(-1)?.at ?? 0) - (calls[0]?.at ?? 0);
  assert.ok(calls.length <= (spanMs / 1_000) * 5 + 10, `${calls.length} in ${spanMs} ms`);
  const sets = calls.filter(({ method, path }) => method === "POST" && path === "/event_sets");
  assert.ok(sets.length <= spanMs / 15_000 + 1, `${sets.length} questions to the log in ${spanMs} ms`);
  assert.ok(devices.every((each) => each.status().link === "online"));
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
