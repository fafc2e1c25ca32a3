/** The driver kisi, the maker's cloud and doors with their controllers as the simulator plays them on a real socket, and one clock for all that runs ahead. */
import type { TestContext } from "node:test";
import { KisiServer, type KisiServerOptions } from "../../firmware-sim/links/kisi.ts";
import { SimCloudDoor } from "../../firmware-sim/sim-cloud-door.ts";
import { kisi } from "../../gateway/drivers/kisi/driver.ts";
import type { Device } from "../../gateway/ports/device.ts";
import { givenDriverContext } from "./driver-context.ts";
import { until } from "./until.ts";

export const kisiKey = "5f2c7e-the-key-of-the-account";

export interface KisiSiteOptions {
  readonly options?: object;
  readonly quirks?: KisiServerOptions["quirks"];
  /** More doors of the account, each with a device of its own. */
  readonly others?: number;
}

/** Nothing listens yet, and nothing is started. Door n has the number 100 + n, and all are in group 77. */
export async function givenKisiSite(t: TestContext, { options = {}, quirks = {}, others = 0 }: KisiSiteOptions = {}) {
  const secrets: Record<string, string> = { apiKey: kisiKey };
  const given = givenDriverContext(secrets);
  const { clock, context } = given;
  const numbers = Array.from({ length: others + 1 }, (_, nth) => 100 + nth);
  const doors = numbers.map((id) => new SimCloudDoor({ id, name: `door ${id}`, clock }));
  const groups = [{ id: 77, name: "guests", locks: numbers }];
  const keys: { secret: string; rights: "owner" }[] = [{ secret: kisiKey, rights: "owner" }];
  const web = new KisiServer({ doors, groups, keys, clock, quirks });
  const { url } = await web.start();
  await web.stop();
  const devices = numbers.map(
    (lockId): Device => kisi.create(`kisi-${lockId}`, { lockId, url, pollMs: 5_000, ...options }, context),
  );
  const [device] = devices;
  const [door] = doors;
  if (!device || !door) throw new Error("there is always one");
  t.after(async () => {
    await Promise.all(devices.map((each) => each.stop()));
    await given.end();
    await web.stop();
  });
  return {
    /** What the driver is given, and what the service takes: both may change at any time. */
    ...{ secrets, keys },
    ...{ ...given, web, url, doors, door, devices, device },
    appear: async () => {
      await web.start();
      door.restoreLine();
      await until("the device is online", () => device.status().link === "online");
    },
  };
}
