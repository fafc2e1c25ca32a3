/** The key of a maker's account on its way: from the administrator's form to the door, while everything runs, and nowhere to be read on it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { KisiServer } from "../../firmware-sim/links/kisi.ts";
import { SimCloudDoor } from "../../firmware-sim/sim-cloud-door.ts";
import type { CommandResult } from "../../gateway/ports/device.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

const firstKey = "5f2c7e-the-first-key";
const nextKey = "8d1b90-the-next-key";
/** As hubs call it. */
const path = "/integrations/access";

/** Whether the next look proves it is a matter of its pace. */
const taken = /^(accepted|confirmed)$/;

interface Status {
  readonly items: readonly [
    { readonly id: string; readonly state: string; readonly devices: readonly { readonly attention: string | null }[] },
  ];
}

async function givenStudio(t: TestContext, secrets: Readonly<Record<string, string>> = {}) {
  const clock = systemClock;
  const logged: string[] = [];
  const door = new SimCloudDoor({ id: 100, name: "studio", clock });
  const keys: { secret: string; rights: "owner" }[] = [{ secret: firstKey, rights: "owner" }];
  const maker = new KisiServer({ doors: [door], groups: [{ id: 77, name: "members", locks: [100] }], keys, clock });
  const { url } = await maker.start();
  t.after(() => maker.stop());
  const options = { lockId: 100, url, pollMs: 5_000 };
  const site = await WholeSite.start({
    boxes: [],
    logger: recorder(logged),
    locks: async () => [{ id: "studio", driver: "kisi", options, secrets }],
  });
  t.after(() => site.stop());
  const device = () => {
    const found = site.gateway.site.parts.devices.get("studio");
    assert.ok(found?.lock);
    return { ...found, lock: found.lock, attention: found.status().attention };
  };
  return {
    ...{ site, maker, door, keys, logged, device },
    release: (): Promise<CommandResult> => device().lock.release(1_000, AbortSignal.timeout(30_000)),
    status: async () => (await site.admin<Status>("GET", `${path}/status`)).items[0],
    give: async (apiKey: string) => {
      await site.admin("POST", `${path}/configure`, { provider: "KISI", apiKey });
      await until("the gateway has it", async () => {
        const { items } = await site.admin<Status>("GET", `${path}/status`);
        return items[0].state === "in-use";
      });
    },
  };
}

function recorder(lines: string[]): Logger {
  const write = (event: string, fields?: LogFields) => void lines.push(`${event} ${inspect(fields, { depth: 10 })}`);
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  return logger;
}

test("a key that is given opens the door, another one takes its place without a restart, and neither is written down anywhere", async (t) => {
  const { site, maker, keys, logged, device, release, status, give } = await givenStudio(t);
  assert.match(device().attention ?? "", /^its secret "apiKey" is missing/);
  assert.equal(await release(), "refused");
  assert.equal(maker.calls.length, 0);
  await until(
    "the cloud knows what is missing",
    async () => (await status()).devices[0]?.attention?.includes("apiKey") === true,
  );

  await give(firstKey);
  assert.equal(device().attention, undefined);
  assert.match(await release(), taken);

  keys.splice(0, 1, { secret: nextKey, rights: "owner" });
  assert.equal(await release(), "refused");
  assert.ok(logged.some((line) => line.includes("Kisi answered 401")));
  await give(nextKey);
  assert.match(await release(), taken);

  // By its own records, as when the line is down.
  await site.stopCloud();
  await site.restartGateway();
  assert.equal(device().attention, undefined);
  assert.match(await release(), taken);
  const page = await (await fetch(`${site.gateway.http.url}/status`)).text();
  assert.ok(page.includes("studio"), "the page is there");
  const seen = [firstKey, nextKey].flatMap((key) =>
    [key, Buffer.from(key).toString("base64").slice(0, 20), Buffer.from(key).toString("hex")].flatMap((text) => [
      ...(page.includes(text) ? [`${key} on the page`] : []),
      ...(logged.some((line) => line.includes(text)) ? [`${key} in the log`] : []),
      ...filesBelow(site.folder)
        .filter((file) => readFileSync(file).includes(text))
        .map((file) => `${key} in ${file}`),
    ]),
  );
  assert.deepEqual(seen, []);

  await site.startCloud();
  await site.admin("DELETE", `${path}/${(await status()).id}`);
  await until("the gateway has forgotten it", () => device().attention !== undefined);
  assert.equal(await release(), "refused");
});

test("a key that is given goes before the one of the gateway's own file, which counts again when it is taken away", async (t) => {
  const { site, release, status, give } = await givenStudio(t, { apiKey: firstKey });
  assert.match(await release(), taken);

  await give(nextKey);
  assert.equal(await release(), "refused");

  const { id } = await status();
  await site.admin("DELETE", `${path}/${id}`);
  await until("the file's key opens again", async () => taken.test(await release()));
});

function filesBelow(folder: string): string[] {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  assert.ok(files.length > 10, "both data folders are there");
  return files.map((entry) => join(entry.parentPath, entry.name));
}
