/** The driver nuki, the maker's web service as the simulator plays it on a real socket, and one clock for both that runs ahead of the real one. */
import type { TestContext } from "node:test";
import { Faults, type Passage } from "../../firmware-sim/faults.ts";
import { NukiWebServer } from "../../firmware-sim/links/nuki-web.ts";
import { SimNuki, type SimNukiOptions } from "../../firmware-sim/sim-nuki.ts";
import { nuki } from "../../gateway/drivers/nuki/driver.ts";
import type { Device, DeviceReport } from "../../gateway/ports/device.ts";
import { givenDriverContext } from "./driver-context.ts";
import type { SimClock } from "./sim-clock.ts";
import { until } from "./until.ts";

export const smartlockId = 17_340_021;
export const token = "0f3b7c-the-token-of-the-account";

export interface NukiSiteOptions {
  readonly options?: object;
  readonly lock?: Partial<SimNukiOptions>;
  /** More locks of the account, each with a device of its own. */
  readonly others?: readonly number[];
  readonly clock?: SimClock;
}

/** Hears all and answers nothing, to changes or to everything; what the rates of the record cannot say. */
export class SilentFaults extends Faults {
  silence: "none" | "changes" | "all" = "none";

  override pass(payload: string, isReply?: boolean): Passage {
    const isSwallowed = this.silence === "all" ? isReply !== undefined : this.silence === "changes" && isReply;
    return isSwallowed ? { copies: [], breaks: false } : super.pass(payload, isReply);
  }
}

/** Nothing listens yet, and nothing is started. */
export async function givenNukiSite(
  t: TestContext,
  { options = {}, lock: lockOptions, others = [], clock: given }: NukiSiteOptions = {},
) {
  const { clock, context, logged, pass, end } = givenDriverContext({ token }, given);
  const locks = [smartlockId, ...others].map((id) => new SimNuki({ id, name: `door ${id}`, clock, ...lockOptions }));
  const faults = new SilentFaults();
  const web = new NukiWebServer({ locks, token, clock, faults });
  const { url } = await web.start();
  await web.stop();
  const aDevice = (id: number): Device =>
    nuki.create(`nuki-${id}`, { smartlockId: id, url, pollMs: 5_000, ...options }, context);
  const devices = locks.map(({ id }) => aDevice(id));
  const [device] = devices;
  const [lock] = locks;
  if (!device || !lock) throw new Error("there is always one");

  t.after(async () => {
    await Promise.all(devices.map((each) => each.stop()));
    await end();
    await web.stop();
  });
  return {
    ...{ clock, lock, locks, faults, web, url, device, devices, logged, context, pass },
    appear: async () => {
      await web.start();
      web.restoreLine(lock.id);
      await until("the device is online", () => device.status().link === "online");
    },
    changes: () => web.calls.filter(({ method, path }) => method !== "GET" && path.includes("/auth")).length,
  };
}

export function collect(device: Device): DeviceReport[] {
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => {
    reports.push(report);
  });
  return reports;
}
