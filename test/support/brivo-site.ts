/** The driver brivo, the maker's cloud and a door's panel as the simulator plays them on a real socket, and one clock for all that runs ahead. */
import type { TestContext } from "node:test";
import { BrivoServer, type BrivoServerOptions } from "../../firmware-sim/links/brivo.ts";
import { SimCloudDoor } from "../../firmware-sim/sim-cloud-door.ts";
import { brivo } from "../../gateway/drivers/brivo/driver.ts";
import type { Device } from "../../gateway/ports/device.ts";
import { givenDriverContext } from "./driver-context.ts";
import { until } from "./until.ts";

export const brivoSecrets = { apiKey: "the-api-key", clientSecret: "qwerty98765", password: "the-password" };
const username = "gateway@example.com";
const clientId = "ABC-123-456";

export interface BrivoSiteOptions {
  readonly options?: object;
  readonly quirks?: BrivoServerOptions["quirks"];
  /** More doors of the account, each with a group and a device of its own. */
  readonly others?: number;
}

/** Nothing listens yet, and nothing is started. Door n has the number 100 + n, its group 200 + n. */
export async function givenBrivoSite(t: TestContext, { options = {}, quirks = {}, others = 0 }: BrivoSiteOptions = {}) {
  const secrets: Record<string, string> = { ...brivoSecrets };
  const given = givenDriverContext(secrets);
  const { clock, context } = given;
  const numbers = Array.from({ length: others + 1 }, (_, nth) => nth);
  const doors = numbers.map((nth) => new SimCloudDoor({ id: 100 + nth, name: `door ${nth}`, clock }));
  const groups = numbers.map((nth) => ({ id: 200 + nth, name: `guests ${nth}`, doors: [100 + nth] }));
  const { apiKey, clientSecret, password } = brivoSecrets;
  const admin = { username, password };
  const web = new BrivoServer({ doors, groups, clientId, clientSecret, apiKey, admin, clock, quirks });
  const urls = await web.start();
  await web.stop();
  const devices = numbers.map(
    (nth): Device =>
      brivo.create(
        `brivo-${nth}`,
        { accessPointId: 100 + nth, groupId: 200 + nth, clientId, username, ...urls, pollMs: 5_000, ...options },
        context,
      ),
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
    /** What the driver is given; may change at any time. */
    secrets,
    ...{ ...given, web, doors, door, devices, device },
    appear: async () => {
      await web.start();
      door.restoreLine();
      await until("the device is online", () => device.status().link === "online");
    },
    /** Requests that make, change or take away a user; joining a group belongs to them. */
    changes: () =>
      web.calls.filter(({ method, path }) => method !== "GET" && /^\/v1\/api\/users(\/\d+)?$/.test(path)).length,
  };
}
